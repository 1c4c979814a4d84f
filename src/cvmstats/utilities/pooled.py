"""One set of utilities for everybody, by maximum likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from cvmstats._numerics.logit import gradient, pooled_derivatives
from cvmstats._numerics.newton import maximise
from cvmstats.data.choices import Choices
from cvmstats.data.forms import best_worst_form, forms_of
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import ConvergenceWarning
from cvmstats.utilities.answers import to_tasks


def fit_pooled(choices: Choices, *, form: str | Mapping[str, str] = "sequential") -> Utilities:
    """Maximum likelihood of one vector of utilities (K) for all R respondents, with standard errors.

    Sampling weights enter the likelihood scaled to Kish's effective size (sum w)^2 / sum w^2, frequency weights as they
    are. Standard errors come from the inverse H^-1 of the observed information; in the ``marginal`` form, which takes
    best and worst of a set for independent although they never agree, from the sandwich H^-1 (sum g g') H^-1 over the
    respondents' gradients g, for which there should be many more respondents than items.

    Parameters
    ----------
    form : str, or mapping {kind: form}
        Likelihood of best-worst tasks: ``sequential``, ``maxdiff`` (joint) or ``marginal``. Other kinds have one each:
        best and worst ``logit``, pair ``bradley_terry``, rank ``exploded``.

    Raises
    ------
    ChoicesError
        For an unknown form, kinds of tasks without a likelihood, ties, where nothing was answered or an item was never
        shown.

    Warns
    -----
    ConvergenceWarning
        Where utilities run away because an item won (or lost) every time.
    """
    chosen = best_worst_form(form)
    names = forms_of(choices.design, chosen)
    tasks = to_tasks(choices, form=chosen)
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
    if "marginal" in names:
        _, slopes = gradient(tasks, np.tile(coding @ theta, (n, 1)))
        pull = slopes @ coding * (weight if choices.respondents.weight_kind == "sampling" else np.sqrt(weight))[:, None]
        cov = cov @ pull.T @ pull @ cov
    return Utilities(
        design=choices.design, respondents=choices.respondents, mean=np.tile(theta, (n, 1)),
        sd=np.zeros((n, len(theta))), method="pooled", form=names,
        population=Population(mean=theta, mean_cov=(cov + cov.T) / 2), log_likelihood=value,
        settings={"method": "pooled", "form": names},
    )  # fmt: skip
