"""One set of utilities for everybody, by maximum likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives, sum_derivatives
from cvmstats._numerics.logit import gradient, pooled_derivatives
from cvmstats._numerics.newton import maximise, maximise_any
from cvmstats.data.choices import Choices
from cvmstats.data.covariates import Covariates
from cvmstats.data.forms import ErrorScale, Form, forms_of
from cvmstats.data.population import Response
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import ConvergenceWarning
from cvmstats.utilities.answers import to_tasks

Floats = npt.NDArray[np.float64]
Derivatives = Callable[[Floats], tuple[float, Floats, Floats]]
_FAR = 15.0
"""Logits between two objects of one set, beyond which a utility is on its way to infinity."""


def fit_pooled(choices: Choices, *, form: Form = "sequential", position: bool = False, error_scale: ErrorScale = None,
               covariates: Sequence[str] = ()) -> Utilities:  # fmt: skip
    """Maximum likelihood of one vector of utilities (K) for all R respondents, with standard errors.

    Sampling weights enter the likelihood scaled to Kish's effective size (sum w)^2 / sum w^2, frequency weights as they
    are. Standard errors come from the inverse H^-1 of the observed information; in the ``marginal`` form, which takes
    best and worst of a set for independent although they never agree, from the sandwich H^-1 (sum g g') H^-1 over the
    respondents' gradients g, for which there should be many more respondents than items.

    Parameters
    ----------
    form : str, or mapping {kind: form}
        Likelihood of best-worst tasks: ``sequential``, ``maxdiff`` (joint), ``marginal`` or ``rank_unordered_middle``; of pairs
        ``bradley_terry`` or, with ties, ``davidson``. Other kinds have one each: best and worst ``logit``, rank ``exploded``,
        graded ``adjacent`` (adjacent-categories logits, Agresti 1992, doi 10.2307/2347562).
    position : bool
        Whether what stands first in a pair has an advantage (at home, on the left).
    error_scale : bool or sequence of str, optional
        Blocks of the design, or ``dual`` for second questions, whose answers have an error scale of their own. By default
        second questions, and blocks that ask another kind of question about the same parameters; False for none.
    covariates : sequence of str
        Columns of the respondents, each of which adds something to every parameter.

    Returns
    -------
    Utilities
        ``response`` holds the parameters of ties, grades, position and error scales, where there are any.

    Raises
    ------
    ChoicesError
        For an unknown form, answers without a likelihood, where nothing was answered or an item was never shown.
    RespondentsError
        For covariates that are missing or the same for all.

    Warns
    -----
    ConvergenceWarning
        Where utilities run away because an item won (or lost) every time.
    """
    names = forms_of(choices.design, form)
    tasks = to_tasks(choices, form=form, position=position, error_scale=error_scale)
    coding, people = np.asarray(choices.design.coding), choices.respondents
    coded, n, k = make_coded(tasks, coding), choices.n_respondents, coding.shape[1]
    weight = people.weight
    if people.weight_kind == "sampling":
        weight = weight * weight.sum() / (weight**2).sum()
    known = Covariates.from_respondents(people, covariates) if len(covariates) else None
    x = np.zeros((n, 0)) if known is None else known.matrix(people)
    derivatives = _derivatives(coded, weight, x)
    start = np.zeros(coded.size + x.shape[1] * k)
    theta, value, hessian, converged = (maximise_any if coded.scales else maximise)(derivatives, start)
    phi = np.tile(theta[: coded.size], (n, 1))
    phi[:, :k] += x @ theta[coded.size :].reshape(-1, k)
    if not converged or _farthest(coded, theta[: coded.size]) > _FAR or np.abs(theta[k : coded.size]).max(initial=0) > _FAR:
        warnings.warn("pooled utilities run away: an item was best (or worst) nearly every time it was shown, or an answer "
                      "that was possible was never given; fit_hierarchical with its prior gives finite values",
                      ConvergenceWarning, stacklevel=2)  # fmt: skip
    cov = np.linalg.pinv(-hessian)
    if "marginal" in names:
        pull = _slopes(coded, phi, x) * (weight if people.weight_kind == "sampling" else np.sqrt(weight))[:, None]
        cov = cov @ pull.T @ pull @ cov
    cov = (cov + cov.T) / 2
    response = None
    if coded.size > k:
        answer = slice(k, coded.size)
        response = Response(names=(*coded.names, *(f"scale of {s}" for s in coded.scales)), n_scales=len(coded.scales),
                            mean=theta[answer], cov=cov[answer, answer])  # fmt: skip
    parts = [slice(coded.size + p * k, coded.size + (p + 1) * k) for p in range(x.shape[1])]
    return Utilities(
        design=choices.design, respondents=people, mean=phi[:, :k], sd=np.zeros((n, k)), method="pooled", form=names,
        population=Population(mean=theta[:k], mean_cov=cov[:k, :k],
                              effects=np.stack([theta[p] for p in parts]) if parts else None,
                              effects_cov=np.stack([cov[p, p] for p in parts]) if parts else None),
        log_likelihood=value, settings={"method": "pooled", "form": names, "covariates": list(covariates)},
        response=response, covariates=known,
    )  # fmt: skip


def _derivatives(coded: Coded, weight: Floats, x: Floats) -> Derivatives:
    """Log-likelihood with gradient and Hessian in (phi, effects by covariate)."""
    k, size, n_cov = coded.rows.shape[1], coded.size, x.shape[1]
    if coded.tasks.alternatives is None and not n_cov and len(coded.rows) <= 4 * k:

        def by_object(theta: Floats) -> tuple[float, Floats, Floats]:
            value, slope, hessian = pooled_derivatives(coded.tasks, coded.rows @ theta, weight)
            return value, coded.rows.T @ slope, coded.rows.T @ hessian @ coded.rows

        return by_object
    if not n_cov:
        return lambda theta: sum_derivatives(coded, theta, weight)
    def by_person(theta: Floats) -> tuple[float, Floats, Floats]:
        phi = np.tile(theta[:size], (len(x), 1))
        phi[:, :k] += x @ theta[size:].reshape(n_cov, k)
        value, slope, hessian = people_derivatives(coded, phi)
        slope, hessian = weight[:, None] * slope, weight[:, None, None] * hessian
        n_all = size + n_cov * k
        g, h = np.empty(n_all), np.empty((n_all, n_all))
        g[:size], h[:size, :size] = slope.sum(axis=0), hessian.sum(axis=0)
        g[size:] = (x.T @ slope[:, :k]).ravel()
        h[size:, :size] = np.einsum("rp,rkj->pkj", x, hessian[:, :k]).reshape(n_cov * k, size)
        h[:size, size:] = h[size:, :size].T
        h[size:, size:] = np.einsum("rp,rq,rkj->pkqj", x, x, hessian[:, :k, :k], optimize=True).reshape(n_cov * k, n_cov * k)
        return float(weight @ value), g, h

    return by_person


def _slopes(coded: Coded, phi: Floats, x: Floats) -> Floats:
    """Gradient of each person's answers (R, number of parameters)."""
    k = coded.rows.shape[1]
    if coded.tasks.alternatives is None:
        slope = gradient(coded.tasks, phi @ coded.rows.T)[1] @ coded.rows
    else:
        slope = people_derivatives(coded, phi, curved=False)[1]
    return np.hstack([slope, *(x[:, p, None] * slope[:, :k] for p in range(x.shape[1]))])


def _farthest(coded: Coded, phi: Floats) -> float:
    """The largest difference of utilities within a set."""
    u = coded.utilities(phi)[coded.tasks.objects]
    first = coded.tasks.start[:-1]
    return float((np.maximum.reduceat(u, first) - np.minimum.reduceat(u, first)).max())
