"""Latent classes: derivatives, monotony, agreement with the likelihood kernels."""

import numpy as np
import pytest

from cvmstats._numerics import em
from cvmstats._numerics.logit import class_log_likelihood, pooled_derivatives
from cvmstats._numerics.simulate import simulate_places
from cvmstats._numerics.tasks import FORMS, flatten
from cvmstats.data.design import sum_to_zero_basis

J, R = 7, 60
NO_PRIOR = em.Prior(np.inf, 0.0)


def _study(seed=0, holes=False, form="sequential"):
    rng = np.random.default_rng(seed)
    shown = np.array([[rng.permutation(J)[:4] for _ in range(9)] for _ in range(5)])
    version = np.arange(R) % 5
    means = rng.normal(0, 1.2, (2, J))
    place = simulate_places(means[np.arange(R) % 2], shown, version, rng.random((R, 9, 2)))
    kind = np.full((5, 9), "best_worst", dtype=object)
    if holes:
        kind[:, 7], kind[:, 8] = "best", "worst"
        place[:, 7][place[:, 7] == -1] = 0
        place[:, 8][place[:, 8] == 1] = 0
        first, second = place[::3, 0], place[::4, 1]
        first[first == 1] = 0  # a missing best
        second[second == -1] = 0  # a missing worst
        place[5, 2:] = 0
    return flatten(shown, version, place, kind, J, form=form)


@pytest.fixture(params=[(h, f) for f in FORMS for h in (False, True)], ids=lambda p: p[1] + ", holes" * p[0])
def tasks(request):
    return _study(holes=request.param[0], form=request.param[1])


@pytest.fixture
def point():
    rng = np.random.default_rng(4)
    return np.array([0.5, 0.3, 0.2]), rng.normal(0, 1, (3, J - 1))


CODING = sum_to_zero_basis(J)


def test_panels_equal_the_likelihood_kernels(tasks, point):
    panels = em.make_panels(tasks, CODING)
    direct = class_log_likelihood(tasks, point[1] @ CODING.T)
    assert em.panel_log_likelihood(panels, point[1]) == pytest.approx(direct, abs=1e-9)
    value, membership, _, _ = em.derivatives(panels, *point)
    joint = direct + np.log(point[0])
    assert value == pytest.approx(np.logaddexp.reduce(joint, axis=1).sum(), abs=1e-8)
    assert membership == pytest.approx(np.exp(joint - np.logaddexp.reduce(joint, axis=1)[:, None]), abs=1e-10)


def test_gradient_is_the_finite_difference(tasks, point):
    panels = em.make_panels(tasks, CODING, weight=np.linspace(0.5, 2, R))
    sizes, means = point
    _, _, slope, _ = em.derivatives(panels, sizes, means)
    for s, k in ((0, 0), (1, 3), (2, 5)):
        step = np.zeros_like(means)
        step[s, k] = 1e-5
        up, down = (em.derivatives(panels, sizes, means + d)[0] for d in (step, -step))
        assert slope[s, k] == pytest.approx((up - down) / 2e-5, abs=2e-3)


@pytest.mark.parametrize("form", FORMS)
def test_information_of_one_class_is_the_pooled_hessian(form):
    tasks = _study(form=form)
    panels = em.make_panels(tasks, CODING)
    beta = np.random.default_rng(1).normal(size=(1, J - 1))
    value, _, slope, curve = em.derivatives(panels, np.ones(1), beta)
    expected, gradient, hessian = pooled_derivatives(tasks, beta[0] @ CODING.T, np.ones(R))
    assert value == pytest.approx(expected)
    assert slope[0] == pytest.approx(CODING.T @ gradient, abs=1e-8)
    assert curve[0] == pytest.approx(-CODING.T @ hessian @ CODING, abs=1e-8)


def test_the_objective_never_falls(tasks):
    panels = em.make_panels(tasks, CODING)
    for seed in range(3):
        start = np.random.default_rng(seed).normal(0, 2, (3, J - 1))
        fit = em.climb(panels, np.full(3, 1 / 3), start, em.Prior(3.0, 0.3))
        assert fit.converged
        assert (np.diff(fit.trace) >= 0).all()
        assert fit.sizes.sum() == pytest.approx(1)


def test_one_class_is_pooled_maximum_likelihood(tasks):
    panels = em.make_panels(tasks, CODING)
    fit = em.climb(panels, np.ones(1), np.zeros((1, J - 1)), NO_PRIOR, tolerance=1e-10)
    _, gradient, _ = pooled_derivatives(tasks, fit.means[0] @ CODING.T, np.ones(R))
    assert np.abs(CODING.T @ gradient).max() < 1e-3


def test_a_maximum_has_no_slope():
    panels = em.make_panels(_study(), CODING)
    fit = em.fit_classes(panels, 2, [np.random.default_rng(0)], NO_PRIOR)[0]
    _, membership, slope, _ = em.derivatives(panels, fit.sizes, fit.means)
    assert np.abs(slope).max() < 0.02
    assert membership.mean(axis=0) == pytest.approx(fit.sizes, abs=1e-3)


def test_units_multiply_their_peoples_likelihoods(tasks, point):
    unit = np.random.default_rng(2).integers(0, 20, R)
    unit[:20] = np.arange(20)
    times = np.random.default_rng(3).integers(1, 4, R)
    panels = em.make_panels(tasks, CODING, unit=unit, multiplicity=times)
    each = class_log_likelihood(tasks, point[1] @ CODING.T) * times[:, None]
    expected = np.stack([np.bincount(unit, column) for column in each.T], axis=1)
    assert em.panel_log_likelihood(panels, point[1]) == pytest.approx(expected, abs=1e-8)


def test_the_answer_is_the_same_on_any_number_of_threads():
    panels = em.make_panels(_study(), CODING)

    def fits(threads):
        streams = [np.random.default_rng(s) for s in range(4)]
        return em.fit_classes(panels, 3, streams, em.Prior(3.0, 0.3), threads=threads)

    for one, two in zip(fits(1), fits(3), strict=True):
        assert one.trace == two.trace
        assert (one.means == two.means).all()


def test_covariance_inverts_the_observed_information():
    panels = em.make_panels(_study(), CODING)
    fit = em.fit_classes(panels, 2, [np.random.default_rng(0)], NO_PRIOR)[0]

    def slope(x):
        sizes = np.array([1, np.exp(x[-1])]) / (1 + np.exp(x[-1]))
        _, membership, g, _ = em.derivatives(panels, sizes, x[:-1].reshape(2, -1))
        return np.append(g.ravel(), membership[:, 1].sum() - R * sizes[1])

    x = np.append(fit.means.ravel(), np.log(fit.sizes[1] / fit.sizes[0]))
    steps = 1e-4 * np.eye(len(x))
    hessian = np.stack([(slope(x + d) - slope(x - d)) / 2e-4 for d in steps])
    inverse = np.linalg.inv(-hessian)
    k = J - 1
    found = em.covariance(panels, fit.sizes, fit.means, NO_PRIOR)
    assert found[0] == pytest.approx(inverse[:k, :k], rel=1e-3, abs=1e-5)
    assert found[1] == pytest.approx(inverse[k : 2 * k, k : 2 * k], rel=1e-3, abs=1e-5)
    robust = em.covariance(panels, fit.sizes, fit.means, NO_PRIOR, robust=True)
    assert np.trace(robust[0]) == pytest.approx(np.trace(found[0]), rel=0.8)
