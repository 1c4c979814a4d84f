"""Newton's method on functions whose maximum is known."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.newton import maximise


def quadratic(top: np.ndarray, curve: np.ndarray):  # type: ignore[no-untyped-def]
    return lambda x: (3 - 0.5 * (x - top) @ curve @ (x - top), -curve @ (x - top), -curve)


def test_a_quadratic_takes_one_step() -> None:
    top, curve = np.array([2.0, -1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    calls = []

    def counted(x: np.ndarray):  # type: ignore[no-untyped-def]
        calls.append(x)
        return quadratic(top, curve)(x)

    point, value, hessian, converged = maximise(counted, np.zeros(2))
    np.testing.assert_allclose(point, top, atol=1e-8)
    assert (value, converged) == (pytest.approx(3), True)
    np.testing.assert_array_equal(hessian, -curve)
    assert len(calls) <= 3


def test_steps_are_halved_where_newton_alone_runs_away() -> None:
    """-log cosh: plain Newton steps diverge from |x| > 1.09."""
    values = []

    def derivatives(x: np.ndarray):  # type: ignore[no-untyped-def]
        t = np.tanh(x[0])
        values.append(-np.log(np.cosh(x[0])))
        return values[-1], np.array([-t]), np.array([[-(1 - t * t)]])

    point, value, _, converged = maximise(derivatives, np.array([2.0]))
    assert converged
    assert point[0] == pytest.approx(0, abs=1e-4)
    assert value == pytest.approx(0, abs=1e-8)


def test_steps_run_out() -> None:
    """e^-x has no smallest value: minus it rises by ever less, and a tolerance of zero is never met."""
    def derivatives(x: np.ndarray):  # type: ignore[no-untyped-def]
        e = np.exp(-x[0])
        return -e, np.array([e]), np.array([[-e]])

    point, value, _, converged = maximise(derivatives, np.zeros(1), tolerance=0.0, max_steps=5)
    assert not converged
    assert point[0] == pytest.approx(5, abs=1e-3)
    assert value == pytest.approx(-np.exp(-5), rel=1e-3)


def test_a_flat_direction_is_left_alone() -> None:
    """A redundant parameter: the Hessian is singular, the answer still comes."""
    point, _, _, converged = maximise(quadratic(np.array([1.0, 1.0]), np.ones((2, 2))), np.zeros(2))
    assert converged
    assert point.sum() == pytest.approx(2, abs=1e-6)


def test_the_start_is_not_changed() -> None:
    start = np.zeros(2)
    maximise(quadratic(np.ones(2), np.eye(2)), start)
    assert not start.any()
