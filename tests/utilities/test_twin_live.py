"""NUTS and the Gibbs engine, live, on answers and populations beyond the plain ones; what a run of NUTS returns."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cvmstats._numerics.coded import people_derivatives
from cvmstats._numerics.ess import chain_diagnostics
from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Prior, Sampler
from cvmstats.utilities.upper_level import UpperLevel, prepare
from tests.utilities.test_twin_population import ALL, pairs

NUTS = Sampler(engine="nuts", chains=2, draws=400, warmup=300)
GIBBS = Sampler(chains=4, draws=1000, warmup=400, thin=2)
PRIOR = Prior(scale=0.5, mean_sd=1.0)


def pairs_with_ties(n: int = 40, tie: float = -0.3) -> Choices:
    """Twelve pairs of four items for each, by Davidson's model."""
    rng = np.random.default_rng(3)
    shown = np.array([[0, 1], [1, 2], [3, 0], [2, 3], [0, 2], [3, 1]] * 2)
    value = np.linspace(-1, 1, 4) + 0.7 * rng.normal(size=(n, 4))
    half = (value[:, shown[:, 0]] - value[:, shown[:, 1]]) / 2
    utility = np.stack([half, -half, np.full(half.shape, tie)], axis=2)
    outcome = (utility + rng.gumbel(size=utility.shape)).argmax(axis=2)
    return Choices(design=Design(objects=Items.from_labels("abcd"), shown=[shown], kind="pair"), version=np.zeros(n),
                   respondents=Respondents.from_ids(map(str, range(n))),
                   place=np.array([[1, 0], [0, 1], [1, 1]])[outcome])  # fmt: skip


def offers(n: int = 40, n_tasks: int = 10) -> Choices:
    """The best of three profiles: nobody likes to pay."""
    rng = np.random.default_rng(4)
    parts = Attributes.from_dict({"price": [-1, 0, 1], "brand": ["A", "B", "C"]}, linear=("price",))
    levels = np.stack(np.unravel_index(np.arange(9), (3, 3)), axis=1)
    design = Design(objects=Profiles(attributes=parts, levels=levels), kind="best",
                    shown=[[rng.choice(9, 3, replace=False) for _ in range(n_tasks)]])  # fmt: skip
    beta = np.hstack([-np.exp(0.4 * rng.normal(size=(n, 1))), 0.7 * rng.normal(size=(n, 2)) + [0.5, -0.5]])
    utility = (beta @ np.asarray(design.coding).T)[:, design.shown[0]]
    best = (utility + rng.gumbel(size=utility.shape)).argmax(axis=2)
    return Choices(design=design, respondents=Respondents.from_ids(map(str, range(n))), version=np.zeros(n),
                   place=(np.arange(3) == best[..., None]).astype(int))  # fmt: skip


def farthest(*both: np.ndarray) -> float:
    """Largest difference of two runs' means (C, D, Q), in combined Monte Carlo errors."""
    means, errors = [], []
    for draws in both:
        ess = chain_diagnostics(np.moveaxis(draws, -1, 0))[:, 1]
        means.append(draws.mean(axis=(0, 1)))
        errors.append(draws.std(axis=(0, 1)) / np.sqrt(ess))
    return float(np.abs((means[0] - means[1]) / np.hypot(*errors)).max())


def of_population(mean: Any, cov: Any, *more: Any) -> np.ndarray:
    """Means, log sds and correlations, and what comes beside them (C, D, Q)."""
    sd = np.sqrt(np.diagonal(cov, axis1=2, axis2=3))
    r = (cov / sd[..., :, None] / sd[..., None, :])[:, :, *np.tril_indices(cov.shape[-1], -1)]
    return np.concatenate([mean, np.log(sd), r, *more], axis=-1)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_the_same_posterior_of_pairs_with_ties() -> None:
    """40 people x 12 pairs: population and the parameter of ties within 4 Monte Carlo errors."""
    choices, options = pairs_with_ties(), {"form": {"pair": "davidson"}, "prior": PRIOR, "progress": False}
    fits = [fit_hierarchical(choices, sampler=s, seed=1, **options) for s in (GIBBS, NUTS)]  # type: ignore[arg-type]
    quantities = []
    for fit in fits:
        assert fit.population is not None
        assert fit.response is not None
        assert fit.response.names == ("tie",)
        quantities.append(of_population(fit.population.mean_draws, fit.population.cov_draws, fit.response.draws))
    z = farthest(*quantities)
    print(f"largest z {z:.2f}, ties {fits[0].response['tie']:.3f} and {fits[1].response['tie']:.3f}")  # type: ignore[index]
    assert z < 4
    assert np.corrcoef(fits[0].reported().ravel(), fits[1].reported().ravel())[0, 1] > 0.998


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_the_same_posterior_of_a_price_that_nobody_likes() -> None:
    """40 people x 10 tasks: the population, of logarithms where the sign is held, within 4 Monte Carlo errors."""
    from cvmstats.utilities.nuts import sample_nuts

    choices, upper = offers(), UpperLevel(constraints={"price": "negative"})
    fit = fit_hierarchical(choices, upper=upper, prior=PRIOR, sampler=GIBBS, seed=1, progress=False)
    nuts = sample_nuts(choices, PRIOR, NUTS, upper=upper, seed=1, progress=False)
    assert fit.population is not None
    assert fit.draws is not None
    parts = [fit.population.latent, nuts.latent]
    z = farthest(*(of_population(x.means[:, :, 0], x.covs[:, :, 0]) for x in parts if x is not None))
    print(f"largest z {z:.2f}, divergences {nuts.divergences}")
    assert z < 4
    assert (nuts.draws[..., 0] < 0).all()
    assert np.corrcoef(nuts.draws.mean(axis=(0, 1)).ravel(), fit.draws.mean(axis=(0, 1)).ravel())[0, 1] > 0.99


def prior_trace(model: Any, shape: tuple[int, int]) -> Any:
    """Draws from the prior, laid out as a run of NUTS."""
    import pymc as pm

    from cvmstats.utilities.nuts import _names

    names = _names(model)
    drawn = pm.draw([model[n] for n in names], draws=shape[0] * shape[1], random_seed=1, mode="FAST_COMPILE")
    posterior = {n: SimpleNamespace(values=d.reshape(*shape, *d.shape[1:])) for n, d in zip(names, drawn, strict=True)}
    stats = {"diverging": SimpleNamespace(values=np.zeros(shape))}
    return SimpleNamespace(children=("posterior",), posterior=posterior, sample_stats=stats)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_a_run_returns_all_that_the_gibbs_engine_returns() -> None:
    from cvmstats.utilities._pymc_model import prepare_work, to_pymc
    from cvmstats.utilities.nuts import _collect

    choices, upper = pairs(20), UpperLevel(covariates=("size",), accounts=True, n_components=2, scale_factor=True)
    table = choices.respondents.to_frame().assign(weight=[1, 2] * 10)
    choices = choices.with_respondents(Respondents(table=table, weight_kind="frequency"))
    work = prepare_work(choices, upper, **ALL)
    narrow = Prior("inverse-wishart", degrees_of_freedom=30, expected_cov=0.2, mean_sd=0.5)
    trace = prior_trace(to_pymc(choices, prior=narrow, upper=upper, **ALL), (2, 3))
    run = _collect(trace, work, Sampler(engine="nuts", chains=2, draws=4), seed=1)
    assert run.interrupted  # three of four draws
    assert run.response is not None
    assert run.response.names == ("tie", "position", "scale of two")
    latent = run.latent
    assert latent is not None
    gibbs = fit_hierarchical(choices, prior=narrow, upper=upper, seed=1, progress=False,
                             sampler=Sampler(chains=2, draws=4, warmup=4, thin=1), **ALL)  # fmt: skip
    assert gibbs.population is not None
    assert gibbs.population.latent is not None
    for name in ("sizes", "means", "covs", "effects", "accounts", "account_cov", "factors", "factor_sd"):
        mine, its = getattr(latent, name), getattr(gibbs.population.latent, name)
        assert mine.shape == (2, 3, *its.shape[2:]), name
    assert latent.membership.shape == gibbs.population.latent.membership.shape == (20, 2)
    assert run.draws.shape == (2, 3, 20, 3)
    assert run.response.draws is not None
    # people are the sum of their parts, in one of the components
    x, kept = prepare(choices, upper).model, trace.posterior
    assert x.covariates is not None
    first = np.unique(np.asarray(work.row), return_index=True)[1]
    shift = x.covariates @ latent.effects[1, 2] + latent.accounts[1, 2][x.account]  # type: ignore[index]
    z, mean, root = kept["z"].values[1, 2][first], kept["mean"].values[1, 2], kept["root"].values[1, 2]
    g = np.array([m + shift + z @ r.T for m, r in zip(mean, root, strict=True)])
    assert (np.abs(g - run.draws[1, 2]).max(axis=2).min(axis=0) < 1e-5).all()
    # alone, without copies, the log-likelihood is that of these people
    alone = replace(choices.respondents, table=table.assign(weight=1.0))
    once = prepare_work(choices.with_respondents(alone), upper, **ALL)
    phi = np.hstack([run.draws[1, 2] * np.exp(latent.factors[1, 2])[:, None],  # type: ignore[index]
                     np.tile(run.response.draws[1, 2], (20, 1))])  # fmt: skip
    of_first = people_derivatives(once.coded, phi, curved=False)[0].sum()
    assert run.log_likelihood[1, 2] < of_first < 0
