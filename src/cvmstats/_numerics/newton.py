"""Newton's method for the pooled, concave log-likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def maximise(derivatives: Callable[[Floats], tuple[float, Floats, Floats]], start: Floats, *, tolerance: float = 1e-9,
             max_steps: int = 100) -> tuple[Floats, float, Floats, bool]:  # fmt: skip
    """Maximise by Newton steps, each halved until the value does not fall.

    Parameters
    ----------
    derivatives : callable
        Point (K) to value, gradient (K) and Hessian (K, K).

    Returns
    -------
    point (K), value, Hessian (K, K), converged
        ``converged`` is False where the Newton decrement stayed above ``tolerance``, as with separated answers.
    """
    point = np.array(start, float)
    value, slope, hessian = derivatives(point)
    for _ in range(max_steps):
        ridge = 1e-10 * max(1.0, float(np.abs(hessian).max())) * np.eye(len(point))
        step = np.linalg.solve(ridge - hessian, slope)
        if slope @ step < tolerance:
            return point, value, hessian, True
        size = 1.0
        while size > 1e-8:
            trial = derivatives(point + size * step)
            if trial[0] >= value:
                break
            size /= 2
        else:
            return point, value, hessian, True
        point = point + size * step
        value, slope, hessian = trial
    return point, value, hessian, False


def maximise_any(derivatives: Callable[[Floats], tuple[float, Floats, Floats]],
                 start: Floats) -> tuple[Floats, float, Floats, bool]:  # fmt: skip
    """The same for what is not concave everywhere (error scales), within regions of trust (More & Sorensen 1983)."""
    from scipy.optimize import minimize

    known: dict[bytes, tuple[float, Floats, Floats]] = {}

    def at(point: Floats) -> tuple[float, Floats, Floats]:
        key = point.tobytes()
        if key not in known:
            known.clear()
            known[key] = derivatives(point)
        return known[key]

    found: Any = minimize(  # type: ignore[call-overload]
        lambda p: -at(p)[0], start, jac=lambda p: -at(p)[1], hess=lambda p: -at(p)[2], method="trust-exact",
        options={"gtol": 1e-6, "maxiter": 500},
    )
    value, slope, hessian = derivatives(found.x)
    settled = bool(found.success or np.abs(slope).max() < 1e-4)
    return np.asarray(found.x), value, hessian, settled
