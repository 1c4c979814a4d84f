"""New people under a fitted population: their utilities, without a new fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import make_link, plain_link
from cvmstats._numerics.newcomers import Company, Known, Newcomers
from cvmstats._numerics.tasks import Given, Reading, flatten
from cvmstats.data.choices import Choices
from cvmstats.data.forms import DUAL, FORMS, forms_of, given_of, reading_of
from cvmstats.data.mapping import NewItems, map_choices
from cvmstats.data.population import Latent, Response
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import ChoicesError, ConvergenceWarning, InputError, InterruptedWarning, UtilitiesError, examples
from cvmstats.utilities.chains import side_by_side
from cvmstats.utilities.convergence import ESS_PER_CHAIN, diagnose
from cvmstats.utilities.options import Sampler

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST = 500
"""Draws per chain, where the caller says nothing and people are few."""
ROOM = 2**29
"""Bytes that draws may take, where the caller says nothing."""
_LEAST = 50
_SCALE = "scale of "
_PARTS = ("sizes", "means", "covs", "effects", "account_cov", "factor_sd")
"""Of a population, draw by draw."""
_WARMUP = ((10, True), (30, True), (60, False))
"""Sweeps of warm-up, and whether the sampler takes stock after them; in the last part only step sizes adapt."""


class Draws(NamedTuple):
    """Draws of the population, a few of the fit's (C, D, ...), as the sampler needs them."""

    latent: Latent
    common: Floats

    def known(self, c: int, d: int, columns: list[int]) -> Known:
        """One of them, with these of the answer's parameters."""
        p = self.latent
        n_par = p.means.shape[-1]
        return Known(
            mean=p.means[c, d], cov=p.covs[c, d], size=p.sizes[c, d],
            effects=np.zeros((0, n_par)) if p.effects is None else p.effects[c, d],
            accounts=np.zeros((0, n_par)) if p.accounts is None else p.accounts[c, d],
            account_cov=np.zeros((n_par, n_par)) if p.account_cov is None else p.account_cov[c, d],
            common=self.common[c, d, columns], tau=0.0 if p.factor_sd is None else float(p.factor_sd[c, d]),
        )  # fmt: skip


class Seats(NamedTuple):
    """Whose account is which: indices (R), those of the fit first; how many are new; ids of the people's accounts, and where
    these are among all."""

    account: Ints | None
    n_new: int
    ids: tuple[str, ...]
    row: Ints


def predict_utilities(utilities: Utilities, new_choices: Choices, *, draws: int | None = None, sweeps: int | None = None,
                      new_items: NewItems = "refuse", threads: int | None = None, seed: int | np.random.Generator = 0,
                      progress: bool | None = None) -> Utilities:  # fmt: skip
    """Utilities of new respondents under the population of a hierarchical fit, which stays as it is.

    One interview is enough. Each draw of the population is a prior, and a draw of the person's utilities is made from the
    posterior that it gives with the person's answers: the result is their average over what is known of the population. Nothing
    flows back, so that people who answer together do not change one another, and those who were fitted get back the posterior
    that the fit gave them. All that the fit has plays its part: covariates of the new people, components, accounts, factors of
    response error, constraints, ties, grades and error scales.

    People of an account that was in the fit have its effect, as the fit knows it; those of a new account share an effect of
    which their answers tell; who has no account is of an account alone. Weights of the new people play no part.

    Parameters
    ----------
    utilities : Utilities
        From ``fit_hierarchical``, with draws.
    new_choices : Choices
        Answers of R people to the same kind of questions, in the likelihood of the fit. Kinds of task that the fit has not seen
        are read in their default form, if it has no parameter. Somebody without an answer gets what the population says.
        Items are mapped by id; one that was not asked any more follows from the others.
    draws : int, optional
        D, per chain of the fit; by default as many as the fit has, at most 500, fewer where they would take more than 512 MiB.
    sweeps : int, optional
        Moves of each person at each of them; by default 4, or 8 where components, factors or new accounts with several people
        make moves shorter. More bring the effective draws nearer to D.
    new_items : {"refuse", "leave_out"}
        What to do about items that the fit does not know: there is no population to take their utilities from. Leaving them out
        of their sets reads what was picked from the others as picked from these alone.
    threads : int, optional
        Chains that run at once; by default as many as there are cores. It changes no draw.
    seed : int or Generator
    progress : bool, optional
        Whether to show a bar; by default on a terminal or in a notebook.

    Returns
    -------
    Utilities
        Method ``predicted``, in the parameters of the fit, with draws (C, D, R, K), R-hat and ESS of each person's utilities,
        and those draws of the population that were used, in the same order.

    Raises
    ------
    UtilitiesError
        Utilities without a population in which people differ, or without its draws.
    ChoicesError
        Answers that the fit has no likelihood or no parameters for.
    RespondentsError
        Covariates of the fit that the new people lack.

    Warns
    -----
    MappedWarning
        Items in one of the two only, by name.
    ConvergenceWarning
        Too few effective draws for more than 5% of the utilities.
    """
    _require_draws(utilities)
    for name, value in (("draws", draws), ("sweeps", sweeps), ("threads", threads)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1):
            raise InputError(f"{name} is {value!r}\n  expected a whole number, at least 1")
    forms = _forms(utilities)
    mapped = map_choices(new_choices, utilities.design, new_items=new_items, form=forms["best_worst"], stacklevel=2)
    choices = mapped.choices
    coded = _read(utilities, choices, forms)
    population, people = _latent(utilities), choices.respondents
    covariates = None
    if population.effects is not None:
        assert utilities.covariates is not None
        covariates = utilities.covariates.matrix(people)
    seats = _seat(population, people.accounts)
    chosen = _choose(utilities, population, len(people), len(seats.ids), draws)
    company = Company(len(people), len(coded.names), covariates, seats.account, seats.n_new)
    n_sweeps = sweeps or (8 if _slow(population, seats) else 4)
    entropy = int(seed.integers(2**62)) if isinstance(seed, np.random.Generator) else int(seed)
    drawn = _sample(coded, chosen, company, seats, n_sweeps, threads, entropy, progress, _columns(utilities, coded))
    settings = {"method": "predicted", "of": utilities.method, "form": forms_of(choices.design, forms), "seed": entropy,
                "chains": drawn.people.shape[0], "draws": drawn.people.shape[1], "sweeps": n_sweeps, "new_items": new_items,
                "added": list(mapped.added), "dropped": list(mapped.dropped)}  # fmt: skip
    return _to_utilities(utilities, choices, coded, chosen, seats, drawn, settings)


def _require_draws(utilities: Utilities) -> None:
    population = utilities.population
    if population is None:
        raise UtilitiesError(f"utilities by {utilities.method} have no population from which new people could come\n"
                             "  fit_hierarchical gives one")  # fmt: skip
    if population.cov is None:
        raise UtilitiesError(f"a {utilities.method} fit knows no differences between people: new people would all be alike\n"
                             "  fit_hierarchical gives a population")  # fmt: skip
    if population.latent is None and (population.mean_draws is None or population.cov_draws is None):
        raise UtilitiesError(f"utilities by {utilities.method} have no draws of their population\n"
                             "  fit_hierarchical keeps them")  # fmt: skip


def _forms(utilities: Utilities) -> dict[str, str]:
    """The form of each kind of task, as the fit had it."""
    used = utilities.form.split(", ")
    return {kind: next((name for name in used if name in names), names[0]) for kind, names in FORMS.items()}


def _latent(utilities: Utilities) -> Latent:
    """The population in all its parts, also where it is only a mean and a covariance."""
    population = utilities.population
    assert population is not None
    if population.latent is not None:
        return population.latent
    assert population.mean_draws is not None
    assert population.cov_draws is not None
    n_chains, n_draws, n_par = population.mean_draws.shape
    return Latent(sizes=np.ones((n_chains, n_draws, 1)), means=population.mean_draws[:, :, None],
                  covs=population.cov_draws[:, :, None], membership=np.ones((len(utilities.ids), 1)),
                  transform=np.eye(n_par), sign=np.zeros(n_par))  # fmt: skip


def _read(utilities: Utilities, choices: Choices, forms: dict[str, str]) -> Coded:
    """The new answers in the likelihood of the fit, its grades and error scales counted as there."""
    design = choices.design
    known: tuple[str, ...] = () if utilities.response is None else utilities.response.names
    scales = [name.removeprefix(_SCALE) for name in known if name.startswith(_SCALE)]
    number = {name: n + 1 for n, name in enumerate(scales)}
    blocks = list(dict.fromkeys(b for b, use in zip(design.block or (), design.estimated, strict=True) if use))
    strange = [b for b in blocks if b not in (utilities.design.block or ())] if scales else []
    if strange:
        raise ChoicesError(f"the fit has error scales by block, and knows no block {examples(strange)}\n"
                           f"  expected one of {', '.join(dict.fromkeys(utilities.design.block or ()))}")  # fmt: skip
    how = reading_of(choices, forms, position="position" in known, error_scale=False)
    how |= {"scale": [number.get(b, 0) for b in design.block or ()], "dual_scale": number.get(DUAL, 0),
            "names": tuple(scales)}  # fmt: skip
    if how["grades"]:
        how["grades"] = _grades(utilities, how["grades"])
    try:
        tasks = flatten(design.shown, choices.version, choices.place, design.kind, len(design.objects), design.estimated,
                        forms["best_worst"], reading=Reading(**how), given=Given(**given_of(choices)))  # fmt: skip
    except ValueError as error:
        raise ChoicesError(str(error)) from error
    coded = make_coded(tasks, np.asarray(design.coding))
    missing = [name for name in coded.names if name not in known]
    if missing:
        raise ChoicesError(f"the new answers need parameters that the fit does not have: {examples(missing)}\n"
                           "  expected answers of the kinds that were fitted, or a fit of both")  # fmt: skip
    return coded


def _grades(utilities: Utilities, given: tuple[float, ...]) -> tuple[float, ...]:
    """Points of the grades as the fit counts them: those of its design, or as its settings say."""
    points = tuple(float(p) for p, _ in utilities.design.grades) or tuple(utilities.settings.get("grades", ())) or given
    strange = [f"{p:g}" for p in given if p not in points]
    if strange:
        raise ChoicesError(f"the fit knows no grade of {', '.join(strange)} points\n"
                           f"  expected {', '.join(f'{p:g}' for p in points)}")  # fmt: skip
    return tuple(sorted(points))


def _columns(utilities: Utilities, coded: Coded) -> list[int]:
    """Where the parameters of these answers are among those of the fit."""
    if utilities.response is None:
        return []
    names = utilities.response.names
    return [names.index(name) for name in (*coded.names, *(_SCALE + s for s in coded.scales))]


def _seat(population: Latent, accounts: tuple[str, ...]) -> Seats:
    if population.account_cov is None:
        return Seats(None, 0, (), np.zeros(0, np.int64))
    place = {a: g for g, a in enumerate(population.account_ids)}
    n_known = len(place)
    index = np.empty(len(accounts), np.int64)
    nameless = 0
    for i, a in enumerate(accounts):
        if a:
            index[i] = place.setdefault(a, len(place))
    for i, a in enumerate(accounts):
        if not a:
            index[i], nameless = len(place) + nameless, nameless + 1
    ids = tuple(dict.fromkeys(a for a in accounts if a))
    return Seats(index, len(place) - n_known + nameless, ids, np.array([place[a] for a in ids], np.int64))


def _slow(population: Latent, seats: Seats) -> bool:
    """Whether people have more to move than utilities of their own."""
    several = seats.account is not None and len(np.unique(seats.account)) < len(seats.account)
    return population.sizes.shape[2] > 1 or population.factor_sd is not None or several


def _choose(utilities: Utilities, population: Latent, n_people: int, n_accounts: int, draws: int | None) -> Draws:
    """D draws per chain, evenly spread over those of the fit."""
    n_chains, n_draws, _, n_par = population.means.shape
    if draws is None:
        bytes_per_draw = n_chains * (4 * n_people + 8 * n_accounts) * n_par
        draws = min(n_draws, MOST, max(_LEAST, ROOM // bytes_per_draw))
    index = np.arange(draws) * n_draws // draws
    given = {name: getattr(population, name) for name in (*_PARTS, "accounts")}
    parts = {name: part[:, index] for name, part in given.items() if part is not None}
    return Draws(replace(population, factors=None, **parts), _common(utilities.response, n_chains, n_draws)[:, index])


def _common(response: Response | None, n_chains: int, n_draws: int) -> Floats:
    if response is None:
        return np.zeros((n_chains, n_draws, 0))
    return response.draws if response.draws is not None else np.tile(response.mean, (n_chains, n_draws, 1))


class _Drawn(NamedTuple):
    """Parameters (C, D, R, K), shares of components (R, S), effects of people's accounts (C, D, G, K), factors (C, D, R)."""

    people: npt.NDArray[np.float32]
    membership: Floats
    accounts: Floats | None
    factors: npt.NDArray[np.float32] | None
    interrupted: bool


def _sample(coded: Coded, chosen: Draws, company: Company, seats: Seats, n_sweeps: int, threads: int | None, seed: int,
            progress: bool | None, columns: list[int]) -> _Drawn:  # fmt: skip
    population = chosen.latent
    n_chains, n_draws, n_components, n_par = population.means.shape
    own = bool(columns or population.factor_sd is not None or population.sign.any() or coded.tasks.alternatives is not None)
    turned = coded._replace(rows=np.ascontiguousarray(coded.rows @ population.transform))
    local = own or len(coded.rows) > 3 * n_par + 10
    blocks = lay_out(turned.tasks, turned) if local else lay_out(turned.tasks)
    link = plain_link(population.sign) if local else make_link(turned.rows)
    people = np.zeros((n_chains, n_draws, company.n_people, n_par), np.float32)
    membership = np.zeros((n_chains, company.n_people, n_components))
    accounts = np.zeros((n_chains, n_draws, len(seats.ids), n_par)) if seats.account is not None else None
    factors = None if population.factor_sd is None else np.zeros((n_chains, n_draws, company.n_people), np.float32)
    n_warm = sum(n for n, _ in _WARMUP)

    def run(c: int, stream: np.random.SeedSequence, tick: Callable[[int], bool]) -> int:
        spread = np.arange(n_warm) * 7919 % n_draws  # here and there among the draws
        chain = Newcomers(blocks, link, chosen.known(c, int(spread[0]), columns), company, stream)
        at = 0
        for n, learns in _WARMUP:
            for _ in range(n):
                chain.advance(chosen.known(c, int(spread[at]), columns), 1, learning=learns, adapt=0.1)
                at += 1
                if tick(1):
                    return 0
            if learns:
                chain.learn()
        for d in range(n_draws):
            known = chosen.known(c, d, columns)
            chain.advance(known, n_sweeps)
            state = chain.read(accounts=accounts is not None)
            people[c, d] = population.natural(state["people"])
            membership[c] += state["component"][:, None] == np.arange(n_components)
            if factors is not None:
                factors[c, d] = state["factor"]
            if accounts is not None:
                accounts[c, d] = np.concatenate([known.accounts, state["accounts"]])[seats.row]
            if tick(n_sweeps):
                return d + 1
        return int(n_draws)

    n, interrupted = side_by_side(run, Sampler(chains=n_chains, threads=threads), n_warm + n_draws * n_sweeps, seed, progress,
                                   "predicted utilities")  # fmt: skip
    shares = membership.sum(axis=0)
    return _Drawn(people[:, :n], shares / shares.sum(axis=1, keepdims=True), None if accounts is None else accounts[:, :n],
                  None if factors is None else factors[:, :n], interrupted)  # fmt: skip


def _moments(people: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Mean and standard deviation (R, K) over chains and draws, without a copy of all in double precision."""
    n = people.shape[0] * people.shape[1]
    mean = people.mean(axis=(0, 1), dtype=float)
    square = np.zeros_like(mean)
    for chain in people:
        for one in chain:
            square += (one - mean) ** 2
    return mean, np.sqrt(square / n)


def _to_utilities(fit: Utilities, choices: Choices, coded: Coded, chosen: Draws, seats: Seats, drawn: _Drawn,
                  settings: dict[str, Any]) -> Utilities:  # fmt: skip
    old, people = fit.population, choices.respondents
    assert old is not None
    n_draws = drawn.people.shape[1]
    mean, sd = _moments(drawn.people)
    cut = {name: getattr(chosen.latent, name)[:, :n_draws] for name in _PARTS if getattr(chosen.latent, name) is not None}
    latent = replace(chosen.latent, **cut, membership=drawn.membership, account_ids=seats.ids, accounts=drawn.accounts,
                     factors=drawn.factors)  # fmt: skip
    mean_draws, cov_draws = latent.moments()
    population = Population(mean=old.mean, mean_cov=old.mean_cov, cov=old.cov, mean_draws=mean_draws, cov_draws=cov_draws,
                            effects=old.effects, effects_cov=old.effects_cov,
                            latent=None if old.latent is None else latent)  # fmt: skip
    response = fit.response
    if response is not None and response.draws is not None:
        response = replace(response, draws=chosen.common[:, :n_draws])
    design = choices.design
    table = diagnose(np.asarray(design.report), design.report_labels or (), mean_draws, cov_draws, drawn.people, ids=people.ids)
    table = table[table["quantity"] == "utility"].reset_index(drop=True)
    if drawn.interrupted:
        warnings.warn(f"stopped early: {n_draws:,} of {chosen.common.shape[1]:,} draws per chain were kept", InterruptedWarning,
                      stacklevel=3)  # fmt: skip
    _warn_if_few(table, drawn.people.shape[0], n_draws, settings["sweeps"], stacklevel=4)
    phi = mean if drawn.factors is None else mean * np.exp(drawn.factors.mean(axis=(0, 1)))[:, None]
    if coded.names or coded.scales:
        assert response is not None
        phi = np.hstack([phi, np.tile(response.mean[_columns(fit, coded)], (len(phi), 1))])
    return Utilities(
        design=design, respondents=people, mean=mean, sd=sd, method="predicted", form=settings["form"], population=population,
        draws=drawn.people, diagnostics=table, interrupted=drawn.interrupted, response=response, covariates=fit.covariates,
        log_likelihood=float(people_derivatives(coded, phi, curved=False)[0].sum()), settings=settings,
    )  # fmt: skip


def _warn_if_few(table: pd.DataFrame, n_chains: int, n_draws: int, sweeps: int, *, stacklevel: int) -> None:
    """Warn where more than 5% of the utilities have fewer effective draws than 100 per chain, or a quarter of few draws."""
    least = n_chains * min(ESS_PER_CHAIN, n_draws // 4)
    ess = table[["ess_bulk", "ess_tail"]].min(axis=1)
    few = ess < least
    if few.mean() > 0.05:
        worst = table.iloc[int(np.argmin(ess.to_numpy()))]
        warnings.warn("the draws of the new people should not be trusted yet\n"
                      f"  fewer than {least:,} effective draws for {few.sum():,} of {len(table):,} utilities, fewest "
                      f"{ess.min():,.0f}: {worst['name']}\n  move them more: sweeps={4 * sweeps}",
                      ConvergenceWarning, stacklevel=stacklevel)  # fmt: skip

