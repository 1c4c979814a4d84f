"""What all answers together say of the items: one utility each, by a logit with a weak normal prior (Laplace).

People differ, and one person's answers are alike: the common utilities are flatter than anybody's own, and the covariance is
smaller than what is truly unknown. Policies need the order of the items and a spread to draw from, which this gives; a share
of items from an inflated covariance makes up for a spread that is too small. Analyses fit the answers anew.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.logit import pooled_derivatives
from cvmstats._numerics.newton import maximise
from cvmstats._numerics.tasks import flatten

Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-6
"""Newton decrement: the log posterior is then within half of this of its maximum."""


def fit_posterior(shown: npt.ArrayLike, place: npt.ArrayLike, kind: str, n_items: int, prior_sd: float,
                  start: npt.ArrayLike) -> tuple[Floats, Floats]:  # fmt: skip
    """Mean (J) and covariance (J, J) of the utilities that all respondents are taken to share.

    The prior N(0, prior_sd^2) on each item makes any answers enough, the first few as well; the covariance is the inverse of
    minus the Hessian of the log posterior. Pairs are Bradley-Terry, best-worst tasks of the sequential form.

    Parameters
    ----------
    shown, place : array (R, T, A)
    kind : "best_worst" or "pair"
    start : array (J)
        Where the search begins, for example the mean before these answers.
    """
    seen = np.asarray(shown)
    asks = np.full(seen.shape[:2], "best" if kind == "pair" else kind, object)
    tasks = flatten(seen, np.arange(len(seen)), place, asks, n_items)
    weight, ridge = np.ones(len(seen)), 1 / prior_sd**2

    def derivatives(u: Floats) -> tuple[float, Floats, Floats]:
        value, slope, hessian = pooled_derivatives(tasks, u, weight)
        return value - ridge / 2 * float(u @ u), slope - ridge * u, hessian - ridge * np.eye(n_items)

    mean, _, hessian, _ = maximise(derivatives, np.asarray(start, float), tolerance=_TOLERANCE)
    cov = np.linalg.inv(-hessian)
    return mean, (cov + cov.T) / 2
