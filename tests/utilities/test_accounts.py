"""Utilities of accounts: two estimands by name, weights of roles by hand, intervals that cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from cvmstats.data.account_utilities import AccountUtilities
from cvmstats.data.covariates import Covariates
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.population import Latent
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import load, save
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import InputError, LeftOutWarning, RespondentsError, UtilitiesError
from cvmstats.segments.mixtures import fit_mixture
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.accounts import aggregate_accounts
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.predict import predict_utilities
from cvmstats.utilities.upper_level import UpperLevel
from cvmstats.workflows.sets import balanced_sets

Floats = npt.NDArray[np.float64]


def people(accounts: list[str], roles: list[str] | None = None, **more: object) -> Respondents:
    table = pd.DataFrame({"id": [f"p{i}" for i in range(len(accounts))], "account": accounts} | more)
    if roles is not None:
        table["role"] = roles
    return Respondents(table=table)


def tiny(who: Respondents, draws: Floats, **more: object) -> Utilities:
    """Utilities of two levels whose draws are given (D, R), in the one parameter."""
    design = Design(objects=Items.from_labels("ab"), shown=np.array([[[0, 1]]]), kind="pair", coding=np.array([[1.0], [-1.0]]))
    values = np.asarray(draws, np.float32)[None, :, :, None]
    return Utilities(design=design, respondents=who, mean=values.mean(axis=(0, 1)), sd=values.std(axis=(0, 1)),
                     method="hierarchical", form="bradley_terry", draws=values, **more)  # fmt: skip


ROLES = ["economic buyer", "user", "user", "user"]


def test_weights_of_roles_by_hand() -> None:
    """Buyer 1, users 4 and 7 in one account: (2 1 + 4 + 7) / 4, draw by draw; the other account is one user."""
    fit = tiny(people(["x", "x", "x", "y"], ROLES), [[1, 4, 7, 10], [2, 4, 4, 0]])
    found = aggregate_accounts(fit, {"economic buyer": 2, "user": 1})
    np.testing.assert_allclose(found.draws[0, :, :, 0], [[13 / 4, 10], [12 / 4, 0]], rtol=1e-6)
    np.testing.assert_allclose(found.mean[:, 0], [3.125, 5], rtol=1e-6)
    np.testing.assert_allclose(found.sd[:, 0], [0.125, 5], rtol=1e-6)
    assert found.ids == ("x", "y")
    assert found.people == (3, 1)
    assert found.respondents.table["roles"].tolist() == ["economic buyer · user", "user"]
    alike = aggregate_accounts(fit)
    np.testing.assert_allclose(alike.draws[0, :, 0, 0], [4, 10 / 3], rtol=1e-6)
    weighted = replace(fit, respondents=Respondents(table=fit.respondents.table.assign(weight=[1, 3, 1, 1]),
                                                    weight_kind="frequency"))  # fmt: skip
    np.testing.assert_allclose(aggregate_accounts(weighted).draws[0, 0, 0, 0], (1 + 12 + 7) / 5, rtol=1e-6)
    assert "weights: economic buyer 2 · user 1" in repr(found)
    assert "1 of one person" in repr(found)


def test_accounts_of_which_nobody_counts_are_named() -> None:
    fit = tiny(people(["x", "x", "x", "y"], ROLES), [[1, 4, 7, 10], [2, 4, 4, 0]])
    with pytest.warns(LeftOutWarning, match=r"1 of 2 accounts are left out: nobody of theirs counts\n  for example 'y'"):
        found = aggregate_accounts(fit, ["economic buyer"])
    assert found.ids == ("x",)
    assert found.without == ("y",)
    np.testing.assert_allclose(found.draws[0, :, 0, 0], [1, 2])


def test_a_segment_of_one_has_its_own_interval(tmp_path) -> None:
    rng = np.random.default_rng(1)
    fit = tiny(people(["x", "y", "y"]), rng.normal(size=(400, 3)))
    found = aggregate_accounts(fit)
    table = found.account_frame(level=0.8)
    one = table[(table["account"] == "x") & (table["item"] == "a")].iloc[0]
    np.testing.assert_allclose([one["lower"], one["upper"]], np.quantile(fit.draws[..., 0, 0], (0.1, 0.9)), atol=1e-6)
    two = table[(table["account"] == "y") & (table["item"] == "a")].iloc[0]
    assert two["upper"] - two["lower"] < one["upper"] - one["lower"]
    assert list(found.to_frame().columns) == ["account", "a", "b"]
    save(found, tmp_path / "a.cvm")
    again = load(tmp_path / "a.cvm")
    assert isinstance(again, AccountUtilities)
    assert repr(again) == repr(found)
    with pytest.raises(InputError, match="level is 2"):
        found.account_frame(level=2)


def test_who_has_no_account_or_no_known_role_is_named() -> None:
    draws = np.ones((4, 3))
    with pytest.raises(RespondentsError, match=r"1 of 3 respondents have no account\n  for example respondent 'p1'"):
        aggregate_accounts(tiny(people(["x", "", "y"]), draws))
    fit = tiny(people(["x", "x", "y"], ["user", "", "chief"]), draws)
    with pytest.raises(RespondentsError, match=r"2 of 3 respondents have a role without a weight, or none\n  for example "
                                               r"'p1 \(no role\)', 'p2 \(chief\)'"):  # fmt: skip
        aggregate_accounts(fit, {"user": 1})
    assert aggregate_accounts(fit, {"user": 1, "": 0, "chief": 1}).people == (1, 1)
    with pytest.raises(InputError, match="nobody has the role 'usr'"):
        aggregate_accounts(fit, {"usr": 1})
    with pytest.raises(InputError, match="'user' without a usable weight"):
        aggregate_accounts(fit, {"user": -1, "": 1, "chief": 1})
    with pytest.raises(InputError, match="the respondents have no roles"):
        aggregate_accounts(tiny(people(["x", "x", "y"]), draws), {"user": 1})
    with pytest.raises(InputError, match="unknown estimand 'mean'"):
        aggregate_accounts(fit, estimand="mean")


def test_what_has_no_draws_or_no_effects_is_refused() -> None:
    fit = tiny(people(["x", "y"], ["user", "user"]), np.ones((4, 2)))
    with pytest.raises(UtilitiesError, match="have no draws: accounts would have no intervals"):
        aggregate_accounts(replace(fit, draws=None))
    with pytest.raises(UtilitiesError, match=r"UpperLevel\(accounts=True\)"):
        aggregate_accounts(fit, estimand="account")
    latent = one_draw(["x"], np.zeros((1, 1)))
    with pytest.raises(UtilitiesError, match="1 accounts were not in the fit: 'y'"):
        aggregate_accounts(replace(fit, population=latent), estimand="account")
    with pytest.raises(InputError, match="roles change nothing of the account's effect"):
        aggregate_accounts(replace(fit, population=latent), {"user": 1}, estimand="account")


def one_draw(ids: list[str], alpha: Floats, sign: float = 0.0, effects: Floats | None = None) -> Population:
    """A population of one draw: two components, means 1 and 3 with sizes 3/4 and 1/4, variances 1 and 2."""
    latent = Latent(sizes=np.array([[[0.75, 0.25]]]), means=np.array([1.0, 3]).reshape(1, 1, 2, 1),
                    covs=np.array([1.0, 2]).reshape(1, 1, 2, 1, 1), membership=np.ones((2, 2)) / 2, transform=np.eye(1),
                    sign=np.array([sign]), account_ids=tuple(ids), accounts=np.asarray(alpha)[None, None],
                    account_cov=np.eye(1)[None, None], effects=None if effects is None else effects[None, None])  # fmt: skip
    return Population(mean=np.zeros(1), mean_cov=np.eye(1), latent=latent)


def test_the_accounts_effect_by_hand() -> None:
    """3/4 1 + 1/4 3 = 1.5, plus the mean of the covariate's effect, plus alpha; log-normal: the mean of the exponentials."""
    who = people(["x", "x", "y"], x=[2.0, 4.0, 6.0])
    covariates = Covariates(names=("x",), column=("x",), level=("",), center=np.array([4.0]), spread=np.array([2.0]))
    given = {"covariates": covariates}
    fit = tiny(who, np.zeros((1, 3)), population=one_draw(["y", "x"], [[0.5], [-0.2]], effects=np.array([[0.3]])), **given)
    found = aggregate_accounts(fit, estimand="account")
    np.testing.assert_allclose(found.mean[:, 0], [1.5 - 0.15 - 0.2, 1.5 + 0.3 + 0.5], rtol=1e-6)
    fit = replace(fit, population=one_draw(["y", "x"], [[0.5], [-0.2]], -1.0, np.array([[0.3]])))
    base = 0.75 * np.exp(1.5) + 0.25 * np.exp(4)
    expected = [-base * np.exp(-0.2) * (np.exp(-0.3) + 1) / 2, -base * np.exp(0.8)]
    np.testing.assert_allclose(aggregate_accounts(fit, estimand="account").mean[:, 0], expected, rtol=1e-6)


def nested(n_accounts: int, rng: np.random.Generator) -> tuple[Design, Respondents, Floats, Floats, Latent]:
    """A design, people of accounts of one to four, their parameters and those of the accounts, and the population."""
    shown = balanced_sets(5, 4, 6, 3, np.random.default_rng(2))
    design = Design(objects=Items.from_labels("abcde"), shown=shown)
    size = 1 + np.arange(n_accounts) % 4
    account = np.repeat(np.arange(n_accounts), size)
    mean, cov, between = np.array([0.5, -0.5, 0.2, 0.0]), 0.6 * np.eye(4), 0.5 * np.eye(4) + 0.3
    alpha = rng.multivariate_normal(np.zeros(4), between, n_accounts)
    beta = mean + alpha[account] + rng.multivariate_normal(np.zeros(4), cov, len(account))
    latent = Latent(sizes=np.ones((2, 200, 1)), means=np.tile(mean, (2, 200, 1, 1)), covs=np.tile(cov, (2, 200, 1, 1, 1)),
                    membership=np.ones((len(account), 1)), transform=np.eye(4), sign=np.zeros(4),
                    accounts=np.zeros((2, 200, 0, 4)), account_cov=np.tile(between, (2, 200, 1, 1)))  # fmt: skip
    return design, people([f"g{g}" for g in account]), beta, mean + alpha, latent


def covered(found: AccountUtilities, truth: Floats) -> float:
    low, high = np.quantile(found.draws @ found.report.T, (0.05, 0.95), axis=(0, 1))
    u = truth @ found.report.T
    return float(((low <= u) & (u <= high)).mean())


def test_intervals_of_both_estimands_cover() -> None:
    design, who, beta, accounts, latent = nested(200, np.random.default_rng(3))
    mean, cov = latent.moments()
    fit = Utilities(design=design, respondents=who, mean=beta, sd=np.ones(beta.shape), method="hierarchical", form="sequential",
                    population=Population(mean=mean[0, 0], mean_cov=np.eye(4), cov=cov[0, 0], latent=latent))  # fmt: skip
    found = predict_utilities(fit, simulate_choices(beta @ np.asarray(design.coding).T, design, who, seed=5))
    of_people, of_account = aggregate_accounts(found), aggregate_accounts(found, estimand="account")
    means = pd.DataFrame(beta).groupby(np.array(who.accounts), sort=False).mean().to_numpy()
    assert 0.88 < covered(of_people, means) < 0.92
    assert 0.87 < covered(of_account, accounts) < 0.93
    assert covered(of_people, accounts) < 0.85  # they are not the same
    size = np.array(of_people.people)
    assert of_account.sd[size == 4].mean() < of_account.sd[size == 1].mean()
    assert fit_mixture(of_account, 2, n_starts=2).membership.shape == (200, 2)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_of_a_fit_with_accounts() -> None:
    design, who, beta, accounts, _ = nested(24, np.random.default_rng(4))
    choices = simulate_choices(beta @ np.asarray(design.coding).T, design, who, seed=5)
    fit = fit_hierarchical(choices, upper=UpperLevel(accounts=True), sampler=Sampler(chains=2, draws=100, warmup=200, thin=2))
    found = aggregate_accounts(fit, estimand="account")
    assert np.corrcoef(found.mean.ravel(), accounts.ravel())[0, 1] > 0.6
    assert 0.8 < covered(found, accounts) <= 1
    assert "each account: the account's effect" in repr(found)
    assert "24 accounts x 5 items, of 60 people (1 to 4 each)" in repr(found)
