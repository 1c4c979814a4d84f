"""Draws of the population and of people who said nothing, against the distributions they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cvmstats._numerics import gibbs
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import make_link
from cvmstats._numerics.people import draw_people
from cvmstats._numerics.population import Population, _gamma, draw_population, log_prior
from cvmstats._numerics.tasks import flatten
from cvmstats.data.design import sum_to_zero_basis
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior

K, R, N = 3, 30, 4000


def population(key: int) -> Population:
    return Population(np.zeros(K), np.eye(K), np.eye(K), np.ones(1), np.array([key, 0], np.uint64))


@pytest.mark.parametrize("shape", [0.05, 0.3, 0.9, 1.0, 40.0])
def test_gammas(shape: float) -> None:
    """Also below 1/3: the last degree of freedom of a component that nobody is in, under a small nu."""
    key = np.array([3, 0], np.uint64)
    assert stats.kstest([_gamma(shape, key) for _ in range(N)], stats.gamma(shape).cdf).pvalue > 1e-3


def test_an_inverse_wishart_given_utilities() -> None:
    """Without prior of the mean, Sigma integrated over m is IW(degrees + R - 1, S + scatter about the sample mean)."""
    rng = np.random.default_rng(1)
    beta = rng.multivariate_normal(np.array([1.0, 0.0, -1.0]), np.diag([1.0, 0.5, 2.0]), size=R)
    upper = to_upper(Prior("inverse-wishart", degrees_of_freedom=6), K, None)._replace(mean_precision=np.zeros((K, K)))
    state, sigma, mean = population(2), np.empty((N, K, K)), np.empty((N, K))
    for n in range(N):
        draw_population(state, upper, R, beta.sum(axis=0), beta.T @ beta)
        sigma[n], mean[n] = state.cov, state.mean
    np.testing.assert_allclose(state.precision @ state.cov, np.eye(K), atol=1e-10)
    centred = beta - beta.mean(axis=0)
    want = (upper.scale + centred.T @ centred) / (upper.degrees + R - 1 - K - 1)
    # 4,000 draws, little autocorrelation (1 / R): 4 standard errors
    np.testing.assert_allclose(sigma.mean(axis=0), want, atol=4 * 1.1 * sigma.std(axis=0).max() / np.sqrt(N))
    np.testing.assert_allclose(mean.mean(axis=0), beta.mean(axis=0), atol=4 * 1.1 * mean.std(axis=0).max() / np.sqrt(N))
    np.testing.assert_allclose(np.cov(mean.T), want / R, rtol=0.15, atol=0.15 * want.max() / R)


def test_the_prior_with_its_scale_integrated_out() -> None:
    """Huang & Wand 2013: a half-t density of one standard deviation, to a constant."""
    upper = to_upper(Prior("huang-wand", nu=2, scale=0.5), 1, None)
    sd = np.array([0.05, 0.3, 1.0, 4.0])
    ours = []
    for s in sd:
        slope = np.zeros((1, 1))
        value = log_prior(upper, np.ones((1, 1, 1)), np.array([[s**-2.0]]), slope)
        ours.append(value - (upper.degrees + 2) / 2 * np.log(s**2) + np.log(2 * s))  # |Sigma|, and d Sigma = 2 s ds
    np.testing.assert_allclose(np.diff(ours), np.diff(stats.t(2, scale=0.5).logpdf(sd)), rtol=1e-12)


@pytest.mark.parametrize("metropolis", [True, False])
def test_people_who_said_nothing_come_from_the_population(metropolis: bool) -> None:
    n_people = 64
    tasks = flatten(np.array([[[0, 1, 2]]]), np.zeros(n_people, int), np.full((n_people, 1, 3), -128, np.int8),
                    np.full((1, 1), "best_worst", object), K + 1)  # fmt: skip
    coding = sum_to_zero_basis(K + 1)
    blocks, link = lay_out(tasks), make_link(coding)
    chain = gibbs.start(blocks, link, to_upper(Prior(), K, None), np.zeros(K), n_people, np.random.SeedSequence(1))
    mean, cov = np.array([1.0, -2.0, 0.5]), np.array([[1.0, 0.6, 0.0], [0.6, 2.0, 0.3], [0.0, 0.3, 0.25]])
    precision = link.basis.T @ np.linalg.inv(cov) @ link.basis
    seen = []
    for sweep in range(200):
        draw_people(blocks, link, chain.people, precision, precision @ (link.inverse @ mean), sweep, 0.0, metropolis)
        seen.append(chain.people.gamma.transpose(0, 2, 1)[blocks.row >= 0] @ link.basis.T)
    flat = np.concatenate(seen[1:])
    np.testing.assert_allclose(flat.mean(axis=0), mean, atol=4 * 2**0.5 / len(flat) ** 0.5)  # draws repel a little
    np.testing.assert_allclose(np.cov(flat.T), cov, atol=4 * 2 * 2**0.5 / len(flat) ** 0.5)
