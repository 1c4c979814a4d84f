"""New people under a fitted population: the posterior that the fit gives its own people, and intervals that cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvmstats._numerics.ess import chain_diagnostics
from cvmstats.data.choices import Choices
from cvmstats.data.covariates import Covariates
from cvmstats.data.design import Design
from cvmstats.data.population import Response
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import load, save
from cvmstats.data.utilities import Utilities
from cvmstats.errors import ChoicesError, ConvergenceWarning, InputError, RespondentsError, UtilitiesError
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.pooled import fit_pooled
from cvmstats.utilities.predict import predict_utilities
from cvmstats.utilities.upper_level import UpperLevel
from tests.known_population import CHAINS, DRAWS, Floats, best_worst, covariance, known, offers, some


def covered(found: Utilities, truth: Floats) -> float:
    """Share of 90% intervals of reported utilities that hold the truth (R, K)."""
    assert found.draws is not None
    draws = found.draws.reshape(-1, *found.draws.shape[2:]) @ found.report.T
    low, high = np.quantile(draws, (0.05, 0.95), axis=0)
    u = truth @ found.report.T
    return float(((low <= u) & (u <= high)).mean())


def test_intervals_of_new_people_cover() -> None:
    design, rng = best_worst(), np.random.default_rng(1)
    mean, cov = np.array([0.6, -0.3, 0.9, 0.1]), covariance(4)
    beta = rng.multivariate_normal(mean, cov, 500)
    fit = known(design, "sequential", means=[mean], covs=[cov], sizes=[1.0])
    found = predict_utilities(fit, some(design, beta))
    assert 0.88 < covered(found, beta) < 0.92
    assert np.corrcoef(found.mean.ravel(), beta.ravel())[0, 1] > 0.8


def test_intervals_cover_under_covariates_and_accounts_old_and_new() -> None:
    design, rng, n = best_worst(), np.random.default_rng(2), 480
    mean, cov, between = np.zeros(4), covariance(4, 0.5), covariance(5)[:4, :4]
    effects, old = np.array([[0.7, 0.0, -0.7, 0.3]]), rng.multivariate_normal(mean, between, 3)
    # of the fit; of three, of two, alone, and without a name
    names = ["old 0", "old 1", "old 2"] * 20 + [f"three {g // 3}" for g in range(180)] + [f"two {g // 2}" for g in range(120)]
    names += [f"one {g}" for g in range(60)] + [""] * 60
    new = {a: rng.multivariate_normal(mean, between) for a in dict.fromkeys(names) if a and not a.startswith("old")}
    alpha = np.array([old[int(a[-1])] if a.startswith("old") else new[a] if a else rng.multivariate_normal(mean, between)
                      for a in names])  # fmt: skip
    x = rng.normal(size=n)
    people = Respondents(table=pd.DataFrame({"id": [f"p{i}" for i in range(n)], "account": names, "x": 3 + 2 * x}))
    covariates = Covariates(names=("x",), column=("x",), level=("",), center=np.array([3.0]), spread=np.array([2.0]))
    beta = x[:, None] @ effects + alpha + rng.multivariate_normal(mean, cov, n)
    fit = known(design, "sequential", means=[mean], covs=[cov], sizes=[1.0], effects=effects, accounts=old,
                account_cov=between, account_ids=("old 0", "old 1", "old 2"), covariates=covariates)  # fmt: skip
    found = predict_utilities(fit, some(design, beta, people))
    kinds = np.array([a.split(" ")[0] for a in names])
    for kind in dict.fromkeys(kinds):
        here = kinds == kind
        draws, truth = found.draws[:, :, here], beta[here]
        part = replace(found, respondents=found.respondents.take(np.flatnonzero(here)), mean=found.mean[here],
                       sd=found.sd[here], draws=draws)  # fmt: skip
        assert 0.86 < covered(part, truth) < 0.94, kind
    latent = found.population.latent
    assert latent.account_ids == tuple(dict.fromkeys(a for a in names if a))
    assert latent.accounts.shape == (CHAINS, DRAWS, 183, 4)
    np.testing.assert_array_equal(latent.accounts[0, 0, :3], old)
    low, high = np.quantile(latent.accounts[:, :, 3:], (0.05, 0.95), axis=(0, 1))
    effect = np.array(list(new.values()))
    assert 0.87 < ((low <= effect) & (effect <= high)).mean() < 0.93


def test_intervals_cover_under_components_that_lie_apart() -> None:
    design, rng, n = best_worst(4), np.random.default_rng(3), 400
    means, covs = np.array([[1.5, 0, 0, -1.5], [-1.5, 0.5, 0, 1.5]]), np.array([covariance(4, 0.3), covariance(4, 0.8)])
    component = (rng.random(n) < 0.4).astype(int)
    beta = np.array([rng.multivariate_normal(means[c], covs[c]) for c in component])
    fit = known(design, "sequential", means=means, covs=covs, sizes=[0.6, 0.4])
    found = predict_utilities(fit, some(design, beta))
    assert 0.88 < covered(found, beta) < 0.92
    share = found.population.latent.membership[:, 1]
    assert abs(share.mean() - component.mean()) < 0.05
    sure = (share > 0.2) & (share < 0.8)  # memberships are probabilities
    assert sure.sum() > 15
    assert abs(share[sure].mean() - component[sure].mean()) < 3 * 0.5 / np.sqrt(sure.sum())


def test_intervals_cover_where_people_differ_in_their_errors() -> None:
    design, rng, n = best_worst(), np.random.default_rng(5), 400
    mean, cov, tau = np.array([1.0, -0.5, 0.3, 0.0]), covariance(4), 0.8
    beta, log_factor = rng.multivariate_normal(mean, cov, n), tau * rng.normal(size=n)
    fit = known(design, "sequential", means=[mean], covs=[cov], sizes=[1.0], factor_sd=tau)
    found = predict_utilities(fit, some(design, beta, factor=np.exp(log_factor)[:, None]))
    assert 0.88 < covered(found, beta) < 0.92
    low, high = np.quantile(found.population.latent.factors, (0.05, 0.95), axis=(0, 1))
    assert 0.86 < ((low <= log_factor) & (log_factor <= high)).mean() < 0.94


def test_intervals_cover_under_a_constraint() -> None:
    design, rng, n = offers(), np.random.default_rng(6), 400
    mean, cov, sign = np.array([0.5, -0.5, -0.2]), covariance(3), np.array([0.0, 0, -1])
    g = rng.multivariate_normal(mean, cov, n)
    beta = np.where(sign != 0, sign * np.exp(g), g)
    fit = known(design, "logit", means=[mean], covs=[cov], sizes=[1.0], sign=sign)
    found = predict_utilities(fit, some(design, beta))
    assert found.draws[..., 2].max() < 0
    assert 0.87 < covered(found, beta) < 0.93


def tied_pairs(beta: Floats, design: Design, tie: float, seed: int = 9) -> Choices:
    """Davidson's answers to pairs."""
    rng = np.random.default_rng(seed)
    version = np.arange(len(beta)) % design.n_versions
    u = (beta @ np.asarray(design.coding).T)[np.arange(len(beta))[:, None, None], design.shown[version]]
    logs = np.stack([u[..., 0], u[..., 1], tie + u.mean(axis=2)], axis=2)
    p = np.exp(logs) / np.exp(logs).sum(axis=2, keepdims=True)
    pick = (p.cumsum(axis=2) < rng.random(p.shape[:2])[..., None]).sum(axis=2)
    place = np.stack([(pick == 0) | (pick == 2), (pick == 1) | (pick == 2)], axis=2).astype(np.int8)
    return Choices(design=design, respondents=Respondents.from_ids(f"n{i}" for i in range(len(beta))), version=version,
                   place=place)  # fmt: skip


def test_intervals_cover_with_ties_of_pairs() -> None:
    design, rng = best_worst(10, "pair", 2), np.random.default_rng(7)
    mean, cov = np.array([0.5, 0, -0.5, 0.2]), covariance(4)
    beta = rng.multivariate_normal(mean, cov, 400)
    response = Response(names=("tie",), n_scales=0, mean=np.array([-0.4]), cov=np.eye(1) * 1e-9,
                        draws=np.full((CHAINS, DRAWS, 1), -0.4))  # fmt: skip
    fit = known(design, "davidson", means=[mean], covs=[cov], sizes=[1.0], response=response)
    found = predict_utilities(fit, tied_pairs(beta, design, -0.4))
    assert 0.87 < covered(found, beta) < 0.93
    assert found.form == "davidson"


def agree(fit: Utilities, again: Utilities) -> None:
    """Means and variances of everybody's utilities within 4 Monte Carlo errors, and as far off as these say."""
    parts = []
    for one in (fit, again):
        levels = one.report[np.abs(one.report).any(axis=1)]
        flat = np.moveaxis(one.draws.astype(float) @ levels.T, (2, 3), (0, 1))
        x = np.ascontiguousarray(flat.reshape(-1, *flat.shape[2:]))
        square = (x - x.mean(axis=(1, 2), keepdims=True)) ** 2
        for y in (x, square):
            ess = np.maximum(chain_diagnostics(y)[:, 1], 4)
            parts.append((y.mean(axis=(1, 2)), np.sqrt(y.var(axis=(1, 2)) / ess)))
    for (a, ea), (b, eb) in (parts[::2], parts[1::2]):
        z = (a - b) / np.hypot(ea, eb)
        assert np.abs(z).max() < 4.2
        assert z.std() < 1.15
    ratio = np.sqrt(parts[3][0] / parts[1][0])
    assert abs(ratio.mean() - 1) < 0.015


QUICK = Sampler(chains=2, draws=300, warmup=200, thin=2)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
@pytest.mark.parametrize("case", ["plain", "covariates and accounts", "components", "constraint", "ties"])
def test_fitted_people_get_their_posterior_back(case: str) -> None:
    rng, n = np.random.default_rng(11), 60
    design, upper, form = best_worst(), UpperLevel(), "sequential"
    people = Respondents.from_ids(f"r{i}" for i in range(n))
    beta = np.array([0.8, -0.2, 0.4, 0.1]) + rng.multivariate_normal(np.zeros(4), covariance(4), n)
    if case == "covariates and accounts":
        x, account = rng.normal(size=n), np.arange(n) // 3
        people = Respondents(table=pd.DataFrame({"id": [f"r{i}" for i in range(n)], "x": x,
                                                 "account": [f"a{g}" for g in account]}))  # fmt: skip
        beta = beta + 0.7 * x[:, None] + 0.7 * rng.normal(size=(20, 4))[account]
        upper = UpperLevel(covariates=("x",), accounts=True)
    elif case == "components":
        lie = np.where((np.arange(n) % 3 == 0)[:, None], [1.5, 0, 0, -1.5], [-1.5, 0, 0, 1.5])
        beta, design, upper = lie + 0.8 * (beta - beta.mean(axis=0)), best_worst(10), UpperLevel(n_components=2)
    elif case == "constraint":
        design, upper = offers(), UpperLevel(constraints={"price": "negative"})
        beta = np.column_stack([beta[:, :2], -np.exp(0.5 * beta[:, 2])])
    if case == "ties":
        design, form = best_worst(10, "pair", 2), {"pair": "davidson"}
        choices = tied_pairs(beta, design, 0.2)
    else:
        choices = some(design, beta, people)
    fit = fit_hierarchical(choices, upper=upper, form=form, sampler=QUICK, seed=1)
    agree(fit, predict_utilities(fit, choices, sweeps=6, seed=2))


def test_without_an_answer_one_is_anybody() -> None:
    design = best_worst()
    mean, cov = np.array([0.6, -0.3, 0.9, 0.1]), covariance(4)
    fit = known(design, "sequential", means=[mean], covs=[cov], sizes=[1.0])
    silent = replace(some(design, np.zeros((1, 4))), place=np.zeros((1, 6, 3), np.int8))
    found = predict_utilities(fit, silent, draws=2000)
    draws = found.draws.reshape(-1, 4)
    assert np.abs(draws.mean(axis=0) - mean).max() < 4 / np.sqrt(3000)
    np.testing.assert_allclose(np.cov(draws.T), cov, atol=0.1)
    assert found.log_likelihood == 0


def test_one_interview_is_enough_and_the_same_on_any_number_of_threads() -> None:
    design = best_worst()
    fit = known(design, "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    one = some(design, np.array([[2.0, 0, 0, 0]]))
    found, again = (predict_utilities(fit, one, seed=3, threads=t) for t in (1, 2))
    np.testing.assert_array_equal(found.draws, again.draws)
    assert found.mean.shape == (1, 4)
    assert not np.array_equal(found.draws, predict_utilities(fit, one, seed=4).draws)
    assert set(found.diagnostics["quantity"]) == {"utility"}
    assert "by predicted" in repr(found)


def test_how_many_draws_the_caller_says_or_the_room(tmp_path) -> None:
    design = best_worst()
    fit = known(design, "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    choices = some(design, np.zeros((3, 4)))
    found = predict_utilities(fit, choices, draws=100)
    assert found.draws.shape == (CHAINS, 100, 3, 4)
    assert found.population.mean_draws.shape == (CHAINS, 100, 4)
    save(found, tmp_path / "u.cvm")
    np.testing.assert_array_equal(load(tmp_path / "u.cvm").draws, found.draws)
    with pytest.raises(InputError, match="draws is 0"):
        predict_utilities(fit, choices, draws=0)


def test_what_has_no_population_is_refused_by_name() -> None:
    design = best_worst()
    choices = some(design, np.tile([1.0, 0, 0, 0], (20, 1)))
    with pytest.raises(UtilitiesError, match="a pooled fit knows no differences between people"):
        predict_utilities(fit_pooled(choices), choices)
    fit = known(design, "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    with pytest.raises(UtilitiesError, match="have no population from which new people could come"):
        predict_utilities(replace(fit, population=None), choices)
    bare = replace(fit, population=replace(fit.population, latent=None, mean_draws=None, cov_draws=None))
    with pytest.raises(UtilitiesError, match="no draws of their population"):
        predict_utilities(bare, choices)


def test_answers_that_the_fit_cannot_read_are_refused() -> None:
    design = best_worst()
    fit = known(design, "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    graded = Design(objects=design.objects, shown=best_worst(4, "pair", 2).shown, kind="graded", grades=((1, "a"), (2, "b")))
    place = np.tile(np.array([1, 0], np.int8), (2, 4, 1))
    answers = Choices(design=graded, respondents=Respondents.from_ids("pq"), version=np.zeros(2, int), place=place,
                      strength=np.ones((2, 4)))  # fmt: skip
    with pytest.raises(ChoicesError, match="parameters that the fit does not have: 'grade 1'"):
        predict_utilities(fit, answers)
    covariates = Covariates(names=("x",), column=("x",), level=("",), center=np.zeros(1), spread=np.ones(1))
    with_x = known(design, "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0], effects=np.zeros((1, 4)),
                   covariates=covariates)  # fmt: skip
    with pytest.raises(RespondentsError, match="no column 'x'"):
        predict_utilities(with_x, some(design, np.zeros((2, 4))))


def test_few_effective_draws_are_said() -> None:
    design, rng, n = best_worst(2), np.random.default_rng(1), 40
    fit = known(design, "sequential", means=[np.zeros(4)], covs=[covariance(4, 0.05)], sizes=[1.0],
                accounts=np.zeros((1, 4)), account_cov=30 * np.eye(4), account_ids=("old",), factor_sd=1.5)  # fmt: skip
    people = Respondents(table=pd.DataFrame({"id": [f"p{i}" for i in range(n)], "account": [f"g{i // 20}" for i in range(n)]}))
    choices = some(design, rng.normal(size=(n, 4)), people)
    with pytest.warns(ConvergenceWarning, match="sweeps=4"):
        predict_utilities(fit, choices, sweeps=1)
