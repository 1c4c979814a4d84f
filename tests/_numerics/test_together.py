"""The joint move of population and people: its density against scipy's distributions, its gradient against differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cvmstats._numerics import gibbs
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import make_link
from cvmstats._numerics.logit import log_likelihood
from cvmstats._numerics.simulate import simulate_places
from cvmstats._numerics.tasks import Tasks, flatten
from cvmstats._numerics.together import _carriers, _density, _factor, _keep, _pass_gradients
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior

N_PEOPLE, N_ITEMS, N_TASKS = 40, 5, 8


def small_study() -> tuple[Tasks, np.ndarray]:
    """Answers of 40 people on 5 items in 8 sets of 3, and the coding of the items."""
    rng = np.random.default_rng(7)
    shown = np.array([[rng.permutation(N_ITEMS)[:3] for _ in range(N_TASKS)] for _ in range(4)])
    which = np.arange(N_PEOPLE) % 4
    utilities = rng.normal(size=N_ITEMS) + rng.normal(size=(N_PEOPLE, N_ITEMS))
    place = simulate_places(utilities, shown, which, rng.random((N_PEOPLE, N_TASKS, 2)))
    tasks = flatten(shown, which, place, np.full(shown.shape[:2], "best_worst", object), N_ITEMS)
    return tasks, np.linalg.svd(np.eye(N_ITEMS) - 1 / N_ITEMS)[0][:, : N_ITEMS - 1]


class Place:
    """A chain with a frame, and points (mu, M) to look at."""

    def __init__(self, prior: Prior) -> None:
        self.tasks, self.coding = small_study()
        self.upper = to_upper(prior, self.coding.shape[1], None)
        blocks, link = lay_out(self.tasks), make_link(self.coding)
        n_par = self.coding.shape[1]
        chain = gibbs.start(blocks, link, self.upper, np.zeros(n_par), self.tasks.n_people, np.random.SeedSequence(1))
        gibbs.advance(chain, 0, 40, learning=True, adapt=0.1)
        self.chain = gibbs.learn(chain, 40)
        frame, population = self.chain.frame, self.chain.population
        self.mu = frame.inverse @ population.mean
        self.m = np.linalg.cholesky(frame.inverse @ population.cov @ frame.inverse.T)
        root = np.empty_like(self.m)
        _, spread = _factor(self.m, frame, root)
        self.kept = _keep(blocks, self.chain.people, frame, self.mu, self.m, root, spread)

    def beta(self, mu: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Everybody's parameters (R, K) with x kept."""
        frame, blocks = self.chain.frame, self.chain.blocks
        by_h, by_x, shift = _carriers(frame, mu, _factor(m, frame, np.empty_like(m))[1])
        gamma = np.einsum("kj,bjw->bwk", by_h, frame.anchor) + np.einsum("kj,bjw->bwk", by_x, self.kept.x) + shift
        out = np.empty((self.tasks.n_people, len(mu)))
        live = blocks.row >= 0
        out[blocks.row[live]] = gamma[live] @ self.chain.link.basis.T
        return out

    def value(self, mu: np.ndarray, m: np.ndarray) -> float:
        """The move's own log density, the likelihood included."""
        frame, empty = self.chain.frame, np.empty((0, 0))
        root = np.empty_like(m)
        rest = _density(frame, self.upper, self.kept, self.tasks.n_people, mu, m, root, *_factor(m, frame, root), np.empty(0),
                        empty, empty, np.zeros((len(mu), len(mu) + 1)))  # fmt: skip
        return float(rest + log_likelihood(self.tasks, self.beta(mu, m) @ self.coding.T).sum())

    def slope(self, mu: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Its gradient (K, K + 1)."""
        frame, n_par = self.chain.frame, len(mu)
        root, out = np.empty_like(m), np.zeros((n_par, n_par + 1))
        inverse, spread = _factor(m, frame, root)
        first, second, third = np.empty(n_par), np.empty((n_par, n_par)), np.empty((n_par, n_par))
        _pass_gradients(self.chain.blocks, self.chain.link, self.chain.people, frame, self.kept,
                        *_carriers(frame, mu, spread), first, second, third)  # fmt: skip
        back = frame.decode.T.copy()
        _density(frame, self.upper, self.kept, self.tasks.n_people, mu, m, root, inverse, spread, back @ first, back @ second,
                 back @ third, out)  # fmt: skip
        return out


@pytest.fixture(scope="module", params=["huang-wand", "inverse-wishart"])
def place(request: pytest.FixtureRequest) -> Place:
    return Place(Prior(name=request.param))


def test_people_stay_where_they_are(place: Place) -> None:
    chain = place.chain
    live = chain.blocks.row >= 0
    before = np.empty((place.tasks.n_people, len(place.mu)))
    before[chain.blocks.row[live]] = chain.people.gamma.transpose(0, 2, 1)[live] @ chain.link.basis.T
    np.testing.assert_allclose(place.beta(place.mu, place.m), before, atol=1e-10)


def test_gradient_is_that_of_the_density(place: Place) -> None:
    rng = np.random.default_rng(2)
    n_par, h = len(place.mu), 1e-5
    mu, m = place.mu + 0.1 * rng.normal(size=n_par), place.m + 0.1 * np.tril(rng.normal(size=(n_par, n_par)))
    slope = place.slope(mu, m)
    for k in range(n_par):
        for j in [*range(k + 1), n_par]:
            at = []
            for sign in (1, -1):
                mu_h, m_h = mu.copy(), m.copy()
                if j == n_par:
                    mu_h[k] += sign * h
                elif j == k:
                    m_h[k] *= np.exp(sign * h)
                else:
                    m_h[k, j] += sign * h * m[k, k]
                at.append(place.value(mu_h, m_h))
            # central differences: h^2 times third derivatives (of the order of R) and 1e-16 of the value over h
            np.testing.assert_allclose(slope[k, j], (at[0] - at[1]) / (2 * h), rtol=1e-5, atol=1e-4)


def test_density_is_that_of_the_model_with_its_jacobian(place: Place) -> None:
    """Against scipy's distributions; only differences count, and Jacobians are numerical."""
    rng = np.random.default_rng(3)
    n_par = len(place.mu)
    points = [(place.mu + 0.2 * rng.normal(size=n_par), place.m + 0.15 * np.tril(rng.normal(size=(n_par, n_par))))
              for _ in range(4)]  # fmt: skip
    ours = [place.value(*point) for point in points]
    theirs = [_by_scipy(place, *point) for point in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), rtol=1e-6, atol=1e-5)


def _by_scipy(place: Place, mu: np.ndarray, m: np.ndarray) -> float:
    frame, upper, n_par = place.chain.frame, place.upper, len(mu)
    half = frame.basis @ m
    mean, cov = frame.basis @ mu, half @ half.T
    beta = place.beta(mu, m)
    value = log_likelihood(place.tasks, beta @ place.coding.T).sum()
    value += stats.multivariate_normal(mean, cov).logpdf(beta).sum()
    value += stats.norm(0, np.diag(upper.mean_precision) ** -0.5).logpdf(mean).sum()
    if upper.n_scales == 0:
        value += stats.invwishart(upper.degrees, upper.scale).logpdf(cov)
    else:  # Huang & Wand 2013, a integrated out: (1 / A^2 + nu sum of P_kk)^-(1 + K (nu + K - 1)) / 2
        trace = np.trace(np.linalg.inv(cov))
        value -= 0.5 * (upper.nu + 2 * n_par) * np.linalg.slogdet(cov)[1]
        value -= 0.5 * (1 + n_par * (upper.nu + n_par - 1)) * np.log(upper.spread**-2 + upper.nu * trace)
    # how beta of one person moves with x, and Sigma with M
    spread = _factor(m, frame, np.empty_like(m))[1]
    value += place.tasks.n_people * np.linalg.slogdet(frame.basis @ spread)[1]
    rows, columns = np.tril_indices(n_par)
    jacobian = np.empty((len(rows), len(rows)))
    for c in range(len(rows)):
        step = np.zeros_like(m)
        step[rows[c], columns[c]] = 1.0
        jacobian[:, c] = (frame.basis @ (step @ m.T + m @ step.T) @ frame.basis.T)[rows, columns]
    value += np.linalg.slogdet(jacobian)[1]
    return float(value + np.log(np.diagonal(m)) @ np.arange(1, n_par + 1))  # and M with its logarithms and rows
