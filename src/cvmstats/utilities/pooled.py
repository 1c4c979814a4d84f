"""One set of utilities for everybody, by maximum likelihood."""

from __future__ import annotations

import warnings

import numpy as np

from cvmstats._numerics.logit import pooled_derivatives
from cvmstats._numerics.newton import maximise
from cvmstats.data.choices import Choices
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import ConvergenceWarning
from cvmstats.utilities.answers import to_tasks


def fit_pooled(choices: Choices, *, form: str = "sequential") -> Utilities:
    """Maximum likelihood of one vector of utilities (K) for all R respondents, with standard errors.

    Sampling weights enter the likelihood scaled to Kish's effective size (sum w)^2 / sum w^2, frequency weights as they
    are. Standard errors come from the inverse of the observed information.

    Raises
    ------
    ChoicesError
        Where nothing was answered or an item was never shown.

    Warns
    -----
    ConvergenceWarning
        Where utilities run away because an item won (or lost) every time.
    """
    tasks = to_tasks(choices, form=form)
    coding = np.asarray(choices.design.coding)
    weight = choices.respondents.weight
    if choices.respondents.weight_kind == "sampling":
        weight = weight * weight.sum() / (weight**2).sum()

    def derivatives(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, slope, hessian = pooled_derivatives(tasks, coding @ theta, weight)
        return value, coding.T @ slope, coding.T @ hessian @ coding

    theta, value, hessian, converged = maximise(derivatives, np.zeros(coding.shape[1]))
    if not converged or np.abs(coding @ theta).max() > 15:
        warnings.warn("pooled utilities run away: an item was best (or worst) nearly every time it was shown; "
                      "fit_hierarchical with its prior gives finite values", ConvergenceWarning, stacklevel=2)  # fmt: skip
    n = choices.n_respondents
    cov = np.linalg.pinv(-hessian)
    return Utilities(
        design=choices.design, respondents=choices.respondents, mean=np.tile(theta, (n, 1)),
        sd=np.zeros((n, len(theta))), method="pooled", form=form,
        population=Population(mean=theta, mean_cov=(cov + cov.T) / 2), log_likelihood=value,
        settings={"method": "pooled", "form": form},
    )  # fmt: skip
