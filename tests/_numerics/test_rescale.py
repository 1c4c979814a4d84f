"""The move of the common scale: its ratio of densities against one put together from scipy's distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cvmstats._numerics import gibbs
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import make_link
from cvmstats._numerics.logit import log_likelihood
from cvmstats._numerics.rescale import _places, rescale
from cvmstats._numerics.tasks import flatten
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior
from tests._numerics.test_together import Place


@pytest.mark.parametrize("log_c", [-0.4, 0.7])
def test_places_keep_their_distance_within_each_person(log_c: float) -> None:
    place = Place(Prior())
    chain, n_people = place.chain, place.tasks.n_people
    link, people, blocks = chain.link, chain.people, chain.blocks
    live, shrunk = blocks.row >= 0, np.exp(-2 * log_c)
    precision = link.basis.T @ chain.population.precision @ link.basis
    mean = link.inverse @ chain.population.mean
    gamma, value, sums = np.empty_like(people.gamma), np.empty_like(people.value), np.empty(3)
    _places(blocks, link, people, precision, mean, shrunk, gamma, value, sums)

    def standing(of: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """x of each person, and log |L|."""
        n_par = len(mean)
        rows = np.tril_indices(n_par)
        own = np.zeros((n_people, n_par, n_par))
        own[:, rows[0], rows[1]] = own[:, rows[1], rows[0]] = people.stiffness.transpose(0, 2, 1)[live]
        pull = people.pull.transpose(0, 2, 1)[live] + scale * precision @ mean
        root = np.linalg.cholesky(scale * precision + own)
        centre = np.linalg.solve(scale * precision + own, pull[..., None])[..., 0]
        at = of.transpose(0, 2, 1)[live]
        return np.einsum("iqk,iq->ik", root, at - centre), np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)

    before, after = standing(people.gamma, 1.0), standing(gamma, shrunk)
    np.testing.assert_allclose(after[0], before[0], atol=1e-9)
    np.testing.assert_allclose(sums[0], (before[1] - after[1]).sum(), rtol=1e-10)
    old, new = (of.transpose(0, 2, 1)[live] @ link.basis.T for of in (people.gamma, gamma))
    cov = stats.multivariate_normal(chain.population.mean, chain.population.cov)
    far = [cov.logpdf(beta).sum() for beta in (old, new)]
    np.testing.assert_allclose(sums[1] - sums[2], far[1] - far[0], rtol=1e-9)
    ordered = np.empty_like(new)
    ordered[blocks.row[live]] = new
    np.testing.assert_allclose(value[live].sum(), log_likelihood(place.tasks, ordered @ place.coding.T).sum(), rtol=1e-10)


def test_places_of_people_with_many_parameters() -> None:
    """The product of 300 diagonals of 100 is no double; their logarithm is."""
    n_par, n_people = 300, 3
    shown, places = np.array([[[0, 1, 2], [3, 4, 5]]]), np.tile(np.array([1, 0, -1], np.int8), (n_people, 2, 1))
    tasks = flatten(shown, np.zeros(n_people, int), places, np.full((1, 2), "best_worst", object), n_par + 1)
    coding = np.vstack([np.eye(n_par), np.zeros(n_par)])
    link, upper = make_link(coding), to_upper(Prior(), n_par, None)
    chain = gibbs.start(lay_out(tasks), link, upper, np.zeros(n_par), n_people, np.random.SeedSequence(1))
    for part in (chain.people.pull, chain.people.stiffness):
        part[...] = 0.0
    gamma, value, sums = np.empty_like(chain.people.gamma), np.empty_like(chain.people.value), np.empty(3)
    _places(chain.blocks, link, chain.people, 1e4 * np.eye(n_par), np.zeros(n_par), np.exp(-0.8), gamma, value, sums)
    np.testing.assert_allclose(sums[0], n_people * n_par * 0.4, rtol=1e-12)


@pytest.mark.parametrize("name", ["huang-wand", "inverse-wishart"])
def test_without_answers_the_scale_follows_its_prior(name: str) -> None:
    """Nobody said anything: moved by this alone, the common scale walks over the prior along its ray."""
    place = Place(Prior(name=name))
    chain, n_par = place.chain, len(place.mu)
    people, population, upper = chain.people, chain.population, place.upper
    answers = ("has_best", "has_worst", "linear")
    sets = chain.blocks.sets
    blank = chain.blocks._replace(sets=sets._replace(**{name: np.zeros_like(getattr(sets, name)) for name in answers}))
    for part in (people.pull, people.stiffness, people.value):
        part[...] = 0.0
    start, step, logs = population.cov.copy(), np.ones(1), []
    for _ in range(4000):
        rescale(blank, chain.link, people, population, upper, place.tasks.n_people, step, 0.0)
        logs.append(0.5 * np.log(population.cov[0, 0] / start[0, 0]))
    grid = np.linspace(-9, 9, 4001)
    power = -n_par * (upper.degrees + n_par + 1) + n_par * (n_par + 1)  # of Sigma's density, and d Sigma = c^(K (K + 1) - 1) dc
    if name == "huang-wand":
        trace = np.trace(np.linalg.inv(start)) * np.exp(-2 * grid)
        log_density = power * grid - 0.5 * (1 + n_par * (upper.nu + n_par - 1)) * np.log(upper.spread**-2 + upper.nu * trace)
    else:
        log_density = power * grid - 0.5 * np.trace(upper.scale @ np.linalg.inv(start)) * np.exp(-2 * grid)
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = (grid * density).sum()
    sd = np.sqrt(((grid - mean) ** 2 * density).sum())
    # a random walk of well-chosen steps has an autocorrelation time of about 6: 4 standard errors of 650 draws
    np.testing.assert_allclose(np.mean(logs), mean, atol=4 * sd / np.sqrt(650))
    np.testing.assert_allclose(np.std(logs), sd, rtol=4 / np.sqrt(2 * 650) + 0.05)
