"""From the utilities of people to those of their accounts, draw by draw."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.account_utilities import ESTIMANDS, AccountUtilities
from cvmstats.data.population import Latent
from cvmstats.data.respondents import Respondents
from cvmstats.data.utilities import Utilities
from cvmstats.errors import InputError, LeftOutWarning, RespondentsError, UtilitiesError, examples

Floats = npt.NDArray[np.float64]


def aggregate_accounts(utilities: Utilities, roles: Mapping[str, float] | Iterable[str] | None = None, *,
                       estimand: Literal["people", "account"] = "people") -> AccountUtilities:  # fmt: skip
    """Utilities of accounts, from those of the several people of a buying centre.

    Two things are called so, and differ where few of an account's people answered:

    - ``people``, the mean of the people who answered: sum over the account's people of w_i beta_i / sum of w_i, in each draw.
      Its interval is of these people only. An account of one person is a segment of one, with that person's interval.
    - ``account``, the account's effect: what its people have in common, and so the mean of all of them, asked or not:
      E[beta | m, Theta'x, alpha] in each draw, averaged over the covariates x of the people who answered, with the same
      weights. However much few people say, it stays uncertain, since those who were not asked may differ from them.

    Parameters
    ----------
    utilities : Utilities
        With draws, from ``fit_hierarchical`` or ``predict_utilities``; for ``account`` of a fit with accounts.
    roles : mapping of roles to weights, or sequence of roles, optional
        How often a person of each role counts, such as ``{"economic buyer": 2, "user": 1}``, 0 for not at all, or the roles
        that count, alike; by default everybody does. It is each person who counts so, not the role as a whole. Weights of the
        respondents are multiplied with it.
    estimand : {"people", "account"}

    Returns
    -------
    AccountUtilities
        A ``Utilities`` with a row per account, in the order in which accounts appear, with draws (C, D, G, K).

    Raises
    ------
    RespondentsError
        People without an account, or in roles that ``roles`` does not name.
    UtilitiesError
        Utilities without draws, or without effects of these accounts.
    InputError
        Weights that are none, roles that nobody has, or roles where they change nothing.

    Warns
    -----
    LeftOutWarning
        Accounts of which nobody counts, by name.
    """
    if estimand not in ESTIMANDS:
        raise InputError(f"unknown estimand {estimand!r}\n  expected one of {', '.join(ESTIMANDS)}")
    if utilities.draws is None:
        raise UtilitiesError(f"utilities by {utilities.method} have no draws: accounts would have no intervals\n"
                             "  fit_hierarchical keeps them")  # fmt: skip
    people = utilities.respondents
    missing = [i for i, a in zip(people.ids, people.accounts, strict=True) if not a]
    if missing:
        raise RespondentsError(f"{len(missing):,} of {len(people):,} respondents have no account\n"
                               f"  for example respondent {examples(missing)}\n"
                               "  add a column 'account' (join_respondents), or take them out first")  # fmt: skip
    weights = _role_weights(people, roles)
    latent = _need_effects(utilities, people, by_role=bool(weights)) if estimand == "account" else None
    each = people.weight * np.array([weights.get(r, 0.0) if weights else 1.0 for r in people.roles])
    share, ids, without = _shares(people, each)
    if without:
        warnings.warn(LeftOutWarning(f"{len(without):,} of {len(ids) + len(without):,} accounts are left out: nobody of theirs "
                                     f"counts\n  for example {examples(without)}"), stacklevel=2)  # fmt: skip
    draws = _mean_of_people(utilities.draws, share) if latent is None else _effects(utilities, latent, share, ids)
    flat = draws.reshape(-1, *draws.shape[2:])
    return AccountUtilities(
        design=utilities.design, respondents=_accounts(people, share, ids), mean=flat.mean(axis=0, dtype=float),
        sd=flat.std(axis=0, dtype=float), method=f"{utilities.method}, accounts", form=utilities.form, draws=draws,
        estimand=estimand, roles=weights, without=without, interrupted=utilities.interrupted,
        settings={"method": "aggregate_accounts", "estimand": estimand, "roles": dict(weights), "of": dict(utilities.settings)},
    )  # fmt: skip


def _role_weights(people: Respondents, roles: Mapping[str, float] | Iterable[str] | None) -> dict[str, float]:
    """A weight for each role that somebody has; empty where all count alike."""
    if roles is None:
        return {}
    there = dict.fromkeys(people.roles)
    if isinstance(roles, Mapping):
        given = {str(role): float(w) for role, w in roles.items()}
    else:
        named = [roles] if isinstance(roles, str) else [str(role) for role in roles]
        given = dict.fromkeys(named, 1.0) | {role: 0.0 for role in there if role and role not in named}
    wrong = [role for role, w in given.items() if not (np.isfinite(w) and w >= 0)]
    if wrong or not any(w > 0 for w in given.values()):
        raise InputError(f"roles: {examples(wrong) if wrong else 'all of them'} without a usable weight\n"
                         "  expected numbers from 0, some above 0")  # fmt: skip
    strange = [role for role in given if role not in there]
    if strange:
        if not any(there):
            raise InputError("the respondents have no roles\n  add a column 'role' (join_respondents)")
        raise InputError(f"nobody has the role {examples(strange)}\n"
                         f"  the respondents are {examples(sorted(filter(None, there)), 6)}")  # fmt: skip
    unknown = [(i, r) for i, r in zip(people.ids, people.roles, strict=True) if r not in given]
    if unknown:
        who = examples([f"{i} ({r or 'no role'})" for i, r in unknown])
        raise RespondentsError(f"{len(unknown):,} of {len(people):,} respondents have a role without a weight, or none\n"
                               f"  for example {who}\n  give each role a weight, 0 for one that does not count; "
                               "'' is the role of those who have none")  # fmt: skip
    return given


def _shares(people: Respondents, weight: Floats) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """What each person is of an account (G, R), rows summing to 1; accounts, and those of which nobody counts."""
    every = tuple(dict.fromkeys(people.accounts))
    place = {a: g for g, a in enumerate(every)}
    total = np.zeros((len(every), len(people)))
    total[[place[a] for a in people.accounts], np.arange(len(people))] = weight
    sums = total.sum(axis=1)
    kept = np.flatnonzero(sums > 0)
    return total[kept] / sums[kept, None], tuple(every[g] for g in kept), tuple(every[g] for g in np.flatnonzero(sums <= 0))


def _accounts(people: Respondents, share: Floats, ids: tuple[str, ...]) -> Respondents:
    counted = share > 0
    roles = [" · ".join(dict.fromkeys(people.roles[r] for r in np.flatnonzero(row) if people.roles[r])) for row in counted]
    return Respondents(table=pd.DataFrame({"id": list(ids), "account": list(ids), "people": counted.sum(axis=1),
                                           "roles": roles}))  # fmt: skip


def _mean_of_people(draws: npt.NDArray[np.float32], share: Floats) -> npt.NDArray[np.float32]:
    """Draws (C, D, G, K) of weighted means of people's draws (C, D, R, K)."""
    from scipy.sparse import csr_array

    weights = csr_array(share)
    out = np.empty((*draws.shape[:2], len(share), draws.shape[3]), np.float32)
    for c, chain in enumerate(draws):
        for d, one in enumerate(chain):
            out[c, d] = weights @ one.astype(float)
    return out


def _need_effects(utilities: Utilities, people: Respondents, *, by_role: bool) -> Latent:
    latent = None if utilities.population is None else utilities.population.latent
    if latent is None or latent.accounts is None:
        raise UtilitiesError("this fit knows no effects of accounts\n"
                             "  fit_hierarchical(choices, upper=UpperLevel(accounts=True)), or estimand='people'")  # fmt: skip
    if by_role and latent.effects is None:
        raise InputError("roles change nothing of the account's effect, which its people have in common\n"
                         "  leave roles out, take estimand='people', or fit the role as a covariate")  # fmt: skip
    strange = sorted(set(people.accounts) - set(latent.account_ids))
    if strange:
        raise UtilitiesError(f"{len(strange):,} accounts were not in the fit: {examples(strange)}\n"
                             "  predict_utilities(utilities, their answers) tells their effects")  # fmt: skip
    return latent


def _effects(utilities: Utilities, latent: Latent, share: Floats, ids: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Draws (C, D, G, K) of E[beta | x, alpha], averaged over the account's x: log-normal parameters by their own means."""
    assert latent.accounts is not None
    row = {a: g for g, a in enumerate(latent.account_ids)}
    alpha = latent.accounts[:, :, [row[a] for a in ids]]
    n_chains, n_draws, n_accounts, n_par = alpha.shape
    out = np.empty((n_chains, n_draws, n_accounts, n_par), np.float32)
    x = None
    if latent.effects is not None:
        assert utilities.covariates is not None
        x = utilities.covariates.matrix(utilities.respondents)
    held = latent.sign != 0

    def grown(g: Floats) -> Floats:
        return np.asarray(np.exp(np.where(held, g, 0.0)))

    for c in range(n_chains):
        for d in range(n_draws):
            mean, size, own = latent.means[c, d], latent.sizes[c, d], alpha[c, d]
            shift = np.zeros((share.shape[1], n_par)) if x is None or latent.effects is None else x @ latent.effects[c, d]
            # where a sign is held, E e^g = e^(m + v / 2): covariates are averaged after the exponential
            half = np.diagonal(latent.covs[c, d], axis1=1, axis2=2) / 2
            bent = latent.sign * (size @ grown(mean + half)) * (share @ grown(shift)) * grown(own)
            out[c, d] = np.where(held, bent, size @ mean + share @ shift + own) @ latent.transform.T
    return out
