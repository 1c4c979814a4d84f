"""New people under a fitted population: the posterior that the fit gives its own people, and intervals that cover."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from cvmstats._numerics.coded import make_coded
from cvmstats._numerics.ess import chain_diagnostics
from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import NO_ANSWER, Choices
from cvmstats.data.covariates import Covariates
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.mapping import map_choices
from cvmstats.data.population import Latent, Response
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import load, save
from cvmstats.data.utilities import Population, Utilities
from cvmstats.design import combine_designs
from cvmstats.errors import ChoicesError, ConvergenceWarning, InputError, MappedWarning, RespondentsError, UtilitiesError
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.pooled import fit_pooled
from cvmstats.utilities.predict import _columns, _forms, _grades, _read, predict_utilities
from cvmstats.utilities.upper_level import UpperLevel
from cvmstats.workflows.sets import balanced_sets

Floats = npt.NDArray[np.float64]
CHAINS, DRAWS = 2, 200
LABELS = "abcde"


def best_worst(n_tasks: int = 6, kind: str = "best_worst", size: int = 3) -> Design:
    shown = balanced_sets(len(LABELS), 4, n_tasks, size, np.random.default_rng(2))
    return Design(objects=Items.from_labels(LABELS), shown=shown, kind=kind)


def offers() -> Design:
    """A brand and a price that nobody wants higher."""
    rng = np.random.default_rng(4)
    parts = Attributes.from_dict({"brand": ["A", "B", "C"], "price": [1, 2, 3]}, linear=("price",))
    profiles = Profiles(attributes=parts, levels=[[b, p] for b in range(3) for p in range(3)])
    shown = np.array([[rng.choice(9, 3, replace=False) for _ in range(10)] for _ in range(3)])
    return Design(objects=profiles, shown=shown, kind="best")


def known(design: Design, form: str, *, response: Response | None = None, covariates: Covariates | None = None,
          n_people: int = 2, **parts: object) -> Utilities:  # fmt: skip
    """A fit that knows its population: all draws are alike."""

    def copies(value: npt.ArrayLike) -> Floats:
        return np.broadcast_to(np.asarray(value, float), (CHAINS, DRAWS, *np.shape(value))).copy()

    n_par = np.asarray(design.coding).shape[1]
    fixed = {name: part if name in ("transform", "sign", "account_ids") else copies(part) for name, part in parts.items()}
    given = {"transform": np.eye(n_par), "sign": np.zeros(n_par), "membership": np.ones((n_people, 1))} | fixed
    latent = Latent(**given)
    mean, cov = latent.moments()
    population = Population(mean=mean[0, 0], mean_cov=np.eye(n_par) * 1e-9, cov=cov[0, 0], mean_draws=mean, cov_draws=cov,
                            latent=latent)  # fmt: skip
    return Utilities(design=design, respondents=Respondents.from_ids(map(str, range(n_people))),
                     mean=np.zeros((n_people, n_par)),
                     sd=np.ones((n_people, n_par)), method="hierarchical", form=form, population=population,
                     response=response, covariates=covariates)  # fmt: skip


def covered(found: Utilities, truth: Floats) -> float:
    """Share of 90% intervals of reported utilities that hold the truth (R, K)."""
    assert found.draws is not None
    draws = found.draws.reshape(-1, *found.draws.shape[2:]) @ found.report.T
    low, high = np.quantile(draws, (0.05, 0.95), axis=0)
    u = truth @ found.report.T
    return float(((low <= u) & (u <= high)).mean())


def covariance(n: int, size: float = 1.0) -> Floats:
    root = np.random.default_rng(n).normal(size=(n, n + 2))
    return size * root @ root.T / (n + 2)


def some(design: Design, beta: Floats, people: Respondents | None = None, factor: Floats | float = 1.0) -> Choices:
    return simulate_choices(factor * (beta @ np.asarray(design.coding).T), design, people, seed=8)


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


def wave(labels: str, seed: int = 5) -> Choices:
    shown = balanced_sets(len(labels), 2, 6, 3, np.random.default_rng(seed))
    design = Design(objects=Items.from_labels(labels), shown=shown)
    return simulate_choices(np.random.default_rng(seed).normal(size=(8, len(labels))), design, seed=seed)


def test_items_of_another_wave_are_mapped_by_id() -> None:
    fit = known(best_worst(), "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    with pytest.warns(MappedWarning, match="dropped, their utilities follow from the others and the population: 'e'") as said:
        found = predict_utilities(fit, wave("dcba"))
    assert said[0].message.dropped == ("e",)
    assert said[0].message.added == ()
    assert found.labels == tuple(LABELS)
    assert found.design.objects_fingerprint == fit.design.objects_fingerprint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        turned = predict_utilities(fit, wave("edcba"))  # another order is nothing to say
    plain = map_choices(wave("edcba"), fit.design).choices.to_frame()
    pd.testing.assert_frame_equal(plain, wave("edcba").to_frame())
    assert turned.mean.shape == (8, 4)


def test_an_item_that_the_fit_does_not_know_is_refused_or_left_out() -> None:
    fit = known(best_worst(), "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    new = wave("abcdez")
    with pytest.raises(ChoicesError, match="does not know 1 of the items that were asked: 'z'"):
        predict_utilities(fit, new)
    with pytest.warns(MappedWarning, match="added, left out of their sets: 'z'"):
        found = predict_utilities(fit, new, new_items="leave_out")
    assert found.settings["added"] == ["z"]
    assert (found.design.shown >= 0).sum() == (new.design.shown[new.version] != 5).sum()
    with pytest.raises(ChoicesError, match="about none of the 5 items of the fit"):
        predict_utilities(fit, wave("vwxyz"))


@pytest.mark.parametrize("form", ["sequential", "maxdiff", "marginal", "rank_unordered_middle"])
def test_leaving_an_item_out_is_the_likelihood_of_the_others(form: str) -> None:
    """Best z: a lonely worst; worst z: a lonely best; z in the middle: as if it had not been there."""
    shown = np.array([[[0, 1, 2, 5], [1, 2, 5, 3], [4, 5, 0, -1]]])
    design = Design(objects=Items.from_labels("abcdez"), shown=shown)
    place = np.array([[[0, 0, -1, 1], [1, 0, -1, 0], [-1, 0, 1, NO_ANSWER]]], np.int8)
    new = Choices(design=design, respondents=Respondents.from_ids(["p"]), version=np.zeros(1, int), place=place)
    with pytest.warns(MappedWarning):
        mapped = map_choices(new, best_worst(), new_items="leave_out", form=form).choices
    kinds = np.asarray(mapped.design.kind)[0].tolist()
    assert kinds == ["worst" if form != "rank_unordered_middle" else "best_worst", "best", "best_worst"]
    expected = [[0, 0, -1, NO_ANSWER], [1, 0, NO_ANSWER, 0], [-1, NO_ANSWER, 1, NO_ANSWER]]
    assert mapped.place[0].tolist() == expected


def test_levels_of_another_wave_are_mapped_by_name() -> None:
    fit = known(offers(), "logit", means=[np.zeros(3)], covs=[covariance(3)], sizes=[1.0])
    parts = Attributes.from_dict({"price": [1, 2, 3], "brand": ["C", "A", "D"]}, linear=("price",))
    profiles = Profiles(attributes=parts, levels=[[p, b] for b in range(3) for p in range(3)])
    design = Design(objects=profiles, shown=np.array([[[0, 4, 8], [1, 3, 6], [2, 3, 5], [0, 5, 7]]]), kind="best")
    new = simulate_choices(np.random.default_rng(1).normal(size=(4, 9)), design, seed=1)
    with pytest.raises(ChoicesError, match="brand: D"):
        predict_utilities(fit, new)
    with pytest.warns(MappedWarning, match="brand: B"):
        found = predict_utilities(fit, new, new_items="leave_out")
    assert found.labels == fit.labels
    other = Attributes.from_dict({"price": [1, 2, 3], "size": ["S", "L"]})
    strange = Design(objects=Profiles(attributes=other, levels=[[0, 0], [1, 1]]), shown=np.array([[[0, 1]]]), kind="best")
    with pytest.raises(ChoicesError, match="other attributes than the fit: 'brand', 'size'"):
        predict_utilities(fit, simulate_choices(np.zeros((2, 2)), strange))


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


def test_answers_are_read_as_the_fit_read_them() -> None:
    """Two blocks with an error scale, graded pairs, what stands first: the same tasks, rows and scales, by their names."""
    sets, pairs = best_worst(), best_worst(6, "graded", 2)
    rng, n = np.random.default_rng(3), 8
    design = combine_designs({"MaxDiff": sets, "direct": replace(pairs, grades=((1, "less"), (2, "more")))})
    place = np.full((n, 12, 3), NO_ANSWER, np.int8)
    place[:, :6] = some(sets, rng.normal(size=(n, 4))).place
    place[:, 6:, :2] = np.where(rng.random((n, 6, 1)) < 0.5, [1, 0], [0, 1])
    strength = np.where(np.arange(12) < 6, np.nan, rng.integers(1, 3, (n, 12)))
    choices = Choices(design=design, respondents=Respondents.from_ids(map(str, range(n))), strength=strength,
                      version=np.arange(n) % design.n_versions, place=place)  # fmt: skip
    how = {"form": {"best_worst": "maxdiff"}, "position": True, "error_scale": ["direct"]}
    mine = make_coded(to_tasks(choices, **how), design.coding)
    response = Response(names=(*mine.names, *(f"scale of {s}" for s in mine.scales)), n_scales=1, mean=np.zeros(3),
                        cov=np.eye(3), draws=np.zeros((CHAINS, DRAWS, 3)))  # fmt: skip
    fit = known(design, "maxdiff, adjacent", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0], response=response)
    again = _read(fit, choices, _forms(fit))
    for name in ("rows", "response", "scale", "names", "scales"):
        np.testing.assert_array_equal(getattr(again, name), getattr(mine, name))
    for name in ("person", "start", "objects", "best", "worst", "rule"):
        np.testing.assert_array_equal(getattr(again.tasks, name), getattr(mine.tasks, name))
    assert _columns(fit, again) == [0, 1, 2]
    found = predict_utilities(fit, choices)
    assert found.form == "maxdiff, adjacent"
    # of the first block only: its reference scale, and nothing of the answer's parameters
    alone = replace(some(sets, np.zeros((2, 4))), design=replace(sets, block=("MaxDiff",) * 6))
    assert _columns(fit, _read(fit, alone, _forms(fit))) == []
    odd = replace(alone, design=replace(sets, block=("other",) * 6))
    with pytest.raises(ChoicesError, match="knows no block 'other'"):
        predict_utilities(fit, odd)


def test_grades_without_a_list_are_those_of_the_settings() -> None:
    fit = replace(known(best_worst(), "adjacent", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0]),
                  settings={"grades": [1.0, 2.0, 3.0]})  # fmt: skip
    assert _grades(fit, (1.0, 2.0)) == (1.0, 2.0, 3.0)
    with pytest.raises(ChoicesError, match="knows no grade of 4 points\n  expected 1, 2, 3"):
        _grades(fit, (2.0, 4.0))
