"""The twin: the model for NUTS has the same prior and the same posterior as the one that Gibbs samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cvmstats._numerics.logit import log_likelihood
from cvmstats._numerics.simulate import simulate_places
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design, sum_to_zero_basis
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, FitError
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.named_priors import LastWave, as_rows
from cvmstats.utilities.options import Prior, ResolvedPrior, Sampler

REFERENCE = Path(__file__).parents[1] / "reference"
PRIORS = {
    "huang-wand": Prior(),
    "tight": Prior(scale=0.5, mean_sd=1.0),
    "inverse-wishart": Prior("inverse-wishart", expected_cov=0.5, mean_sd=1.0),
    "matrix": Prior("inverse-wishart", degrees_of_freedom=8,
                    expected_cov=((2, 0.5, 0), (0.5, 1, -0.3), (0, -0.3, 0.7))),
    "sawtooth": Prior("sawtooth"),
    "bayesm": Prior("bayesm"),
    "last-wave": Prior("last-wave", wave=LastWave(
        tuple("abcd"), as_rows(sum_to_zero_basis(4)), (1.0, -0.5, 0.2), ((0.2, 0.1, 0), (0.1, 0.3, 0), (0, 0, 0.1)),
        ((2, 0.5, 0), (0.5, 1, -0.3), (0, -0.3, 0.7)), 4.0, 10)),
}


def study(n_people: int = 5, n_items: int = 4, blocks: tuple[str, ...] | None = None, seed: int = 1) -> Choices:
    """Ragged sets of all kinds, with answers missing on either side."""
    rng = np.random.default_rng(seed)
    n_tasks = 8
    shown = np.full((2, n_tasks, 4), -1)
    for v, t in np.ndindex(2, n_tasks):
        size = 2 + (t + v) % (min(n_items, 4) - 1)
        shown[v, t, :size] = rng.permutation(n_items)[:size]
    kind = np.full((2, n_tasks), "best_worst", dtype=object)
    kind[0, 1], kind[1, 2] = "best", "worst"
    version = np.arange(n_people) % 2
    truth = rng.normal(size=(n_people, n_items))
    place = simulate_places(truth, shown, version, rng.random((n_people, n_tasks, 2)))
    kinds = kind[version]
    place[(kinds == "best")[:, :, None] & (place == -1)] = 0
    place[(kinds == "worst")[:, :, None] & (place == 1)] = 0
    place[0, 3][place[0, 3] == 1] = 0
    place[2, 5][place[2, 5] == 1] = 0
    place[1, 4][place[1, 4] == -1] = 0
    place[3, 0][place[3, 0] != NO_ANSWER] = 0
    design = Design(objects=Items.from_labels("abcdefgh"[:n_items]), shown=shown, kind=kind, parameter_block=blocks)
    return Choices(design=design, respondents=Respondents.from_ids(str(i) for i in range(n_people)), version=version,
                   place=place)  # fmt: skip


def points(model: Any, n: int, seed: int = 2) -> list[dict[str, np.ndarray]]:
    """Random points in the coordinates that NUTS moves in."""
    rng = np.random.default_rng(seed)
    return [{k: v + rng.normal(size=np.shape(v)) for k, v in model.initial_point().items()} for _ in range(n)]


def unpack(point: dict[str, Any], prior: ResolvedPrior) -> tuple[Any, Any, Any, Any]:
    """Population mean, scales a, Sigma and utilities, written out again from methods, complex numbers allowed."""
    k = len(prior.block)
    bartlett = np.diag(np.exp(point["bartlett_diag_log__"] / 2)) + 0 * point["mean"][0]
    bartlett[np.tril_indices(k, -1)] = point["bartlett_lower"]
    a = np.exp(point["a_log__"]) if "a_log__" in point else np.empty(0)
    outer = (np.diag(np.sqrt(a[prior.block] / (2 * prior.nu))) if len(a)
             else np.linalg.cholesky(np.linalg.inv(prior.iw_scale)))  # fmt: skip
    factor = outer @ bartlett
    inverse = np.linalg.inv(factor)
    return point["mean"], a, inverse.T @ inverse, point["mean"] + point["z"] @ inverse


def direct(choices: Choices, prior: ResolvedPrior, mean: Any, a: Any, cov: Any, beta: Any) -> float:
    """Log posterior density of (m, a, Sigma, utilities), as Gibbs samples it, up to a constant."""
    value = float(stats.multivariate_normal(prior.mean, np.linalg.inv(prior.mean_precision)).logpdf(mean))
    scale = prior.iw_scale
    if prior.kind == "huang-wand":
        value += stats.invgamma(0.5, scale=prior.A**-2).logpdf(a).sum()
        scale = 2 * prior.nu * np.diag(1 / a[prior.block])
    value += stats.invwishart(prior.iw_df, scale).logpdf(cov)
    value += stats.multivariate_normal(mean, cov).logpdf(beta).sum()
    return float(value + log_likelihood(to_tasks(choices), beta @ np.asarray(choices.design.coding).T).sum())


def log_jacobian(point: dict[str, np.ndarray], prior: ResolvedPrior) -> float:
    """Log |det| of the map from NUTS' coordinates to (m, a, vech Sigma, utilities), by complex steps."""
    names, k = list(point), len(prior.block)
    sizes = [point[n].size for n in names]
    flat = np.concatenate([point[n].ravel() for n in names])

    def image(x: np.ndarray) -> np.ndarray:
        parts = np.split(x, np.cumsum(sizes)[:-1])
        shaped = {n: p.reshape(point[n].shape) for n, p in zip(names, parts, strict=True)}
        mean, a, cov, beta = unpack(shaped, prior)
        return np.concatenate([mean, a, cov[np.tril_indices(k)], beta.ravel()])

    steps = flat + 1e-30j * np.eye(len(flat))
    return float(np.linalg.slogdet(np.array([image(x).imag / 1e-30 for x in steps]))[1])


@pytest.mark.parametrize("name", PRIORS)
def test_log_posteriors_differ_by_one_constant(name: str) -> None:
    from cvmstats.utilities._pymc_model import to_pymc

    choices = study(blocks=("items", "price", "items"))
    prior = PRIORS[name].resolve(3, choices.design.parameter_block, design=choices.design)
    model = to_pymc(choices, prior=PRIORS[name])
    density = model.compile_fn(model.logp(), mode="FAST_COMPILE", point_fn=True)
    difference = [float(density(p)) - direct(choices, prior, *unpack(p, prior)) - log_jacobian(p, prior)
                  for p in points(model, 30)]  # fmt: skip
    np.testing.assert_allclose(difference, difference[0], atol=1e-8)


@pytest.mark.parametrize("name", ["huang-wand", "matrix", "last-wave"])
def test_prior_draws_match_those_of_the_gibbs_prior(name: str) -> None:
    """Two samples of 2,000: Kolmogorov-Smirnov, at p > .001 for each of 12 sds, correlations and means (fixed seed)."""
    import pymc as pm

    from cvmstats.utilities._pymc_model import to_pymc

    blocks = ("items", "price", "items")
    prior = PRIORS[name].resolve(3, blocks)
    model = to_pymc(study(blocks=blocks), prior=PRIORS[name])
    n, rng = 2000, np.random.default_rng(6)
    mean, cov = pm.draw([model["mean"], model["cov"]], draws=n, random_seed=7, mode="FAST_COMPILE")
    a = stats.invgamma(0.5, scale=prior.A**-2).rvs((n, 2), random_state=rng)[:, prior.block]
    scale = [2 * prior.nu * np.diag(1 / row) if prior.kind == "huang-wand" else prior.iw_scale for row in a]
    gibbs_cov = np.array([stats.invwishart.rvs(prior.iw_df, s, random_state=rng) for s in scale])
    sd = np.sqrt(np.diagonal(np.linalg.inv(prior.mean_precision)))
    pairs = [(mean[:, k], stats.norm(prior.mean[k], sd[k]).rvs(n, random_state=rng)) for k in range(3)]
    for k, j in np.ndindex(3, 3):
        pairs.append(tuple(c[:, k, k] ** 0.5 if k == j else c[:, k, j] / np.sqrt(c[:, k, k] * c[:, j, j])
                           for c in (cov, gibbs_cov)))  # fmt: skip
    assert min(stats.ks_2samp(*pair).pvalue for pair in pairs) > 0.001
    if prior.kind == "huang-wand":  # half-t standard deviations, uniform correlations
        t = stats.t(prior.nu, scale=prior.A)
        assert stats.kstest(np.sqrt(cov[:, 0, 0]), lambda x: 2 * t.cdf(x) - 1).pvalue > 0.001
        assert stats.kstest(pairs[4][0], stats.uniform(-1, 2).cdf).pvalue > 0.001


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")  # LKJ only, pip's PyTensor
def test_two_items_have_one_parameter() -> None:
    from cvmstats.utilities._pymc_model import lkj_model, to_pymc

    choices = study(n_items=2)
    for model in (to_pymc(choices), lkj_model(study())):
        assert np.isfinite(model.compile_fn(model.logp(), mode="FAST_COMPILE")(model.initial_point()))


def test_answers_without_a_likelihood_are_refused() -> None:
    from cvmstats.utilities._pymc_model import to_pymc

    pairs = Design(objects=study().design.objects, shown=[[[0, 1]]], kind="graded")
    answer = Choices(design=pairs, respondents=Respondents.from_ids(["1"]), version=[0], place=[[[1, 0]]])
    with pytest.raises(ChoicesError, match="graded answers without strength"):
        to_pymc(answer)


@pytest.mark.parametrize("backend", ["nutpie", "pymc"])
def test_sample_nuts(backend: Any) -> None:
    from cvmstats.utilities.nuts import sample_nuts

    choices = study(n_people=12)
    options = Sampler(engine="nuts", nuts_backend=backend, chains=2, draws=30, warmup=60, thin=2)
    result = sample_nuts(choices, PRIORS["tight"], options, seed=5, progress=False)
    shapes = [result.mean_draws.shape, result.cov_draws.shape, result.draws.shape]
    assert shapes == [(2, 30, 3), (2, 30, 3, 3), (2, 30, 12, 3)]
    assert result.draws.dtype == np.float32
    assert not result.interrupted
    assert np.linalg.eigvalsh(result.cov_draws).min() > 0
    people = result.draws[1, 7].astype(float) @ sum_to_zero_basis(4).T
    value = log_likelihood(to_tasks(choices), people).sum()
    np.testing.assert_allclose(result.log_likelihood[1, 7], value, rtol=1e-5)
    if backend == "nutpie":
        again = sample_nuts(choices, PRIORS["tight"], options, seed=5, progress=False)
        np.testing.assert_array_equal(result.draws, again.draws)


def test_a_stopped_run_keeps_most_draws() -> None:
    from cvmstats.utilities.nuts import _complete

    mean = np.zeros((4, 50, 2))
    mean[1, 45:] = np.nan
    mean[2, 3:] = np.nan
    mean[3] = np.nan
    rows, n_draws = _complete(mean)
    assert (rows.tolist(), n_draws) == ([0, 1], 45)
    with pytest.raises(FitError, match="stopped before there was a draw"):
        _complete(mean[3:])


def test_reference_meets_what_is_asked_of_it() -> None:
    """Issue 3: ESS >= 400 for means, sds and correlations, median >= 1,000 for utilities, R-hat < 1.01."""
    about = json.loads((REFERENCE / "issues_nuts.json").read_text())
    population = pd.read_csv(REFERENCE / "issues_nuts_population.csv")
    people = pd.read_csv(REFERENCE / "issues_nuts_respondents.csv")
    assert population["quantity"].value_counts().to_dict() == {"mean": 13, "sd": 13, "correlation": 78}
    assert population[["ess_bulk", "ess_tail"]].min(axis=None) >= 400
    assert population["r_hat"].max() < 1.01
    assert about["utilities"]["ess_median"] >= 1000
    assert about["utilities"]["r_hat_max"] < 1.01
    assert len(people) == 350 * 13
    assert (people["sd"] > 0).all()
    assert abs(people.groupby("respondent")["mean"].sum()).max() < 1e-3
