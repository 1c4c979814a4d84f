"""The hierarchical model as a PyMC model: the same posterior as our Gibbs sampler's, in coordinates that suit NUTS.

Covariances are drawn by Bartlett's decomposition of a Wishart matrix (Bartlett 1933; Smith & Hocking 1972, AS 53):
Sigma^-1 = P P' with P = D B, D D' = S^-1, B lower triangular, B_ii^2 ~ chi2(df - i + 1), N(0, 1) below the diagonal.
For the prior of Huang & Wand (2013, doi 10.1214/13-BA815) df = nu + K - 1 and D = diag sqrt(a / (2 nu)).
Utilities are m + P^-T z with z ~ N(0, I); P^-T is called ``root``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt

from cvmstats._numerics.logit import rules
from cvmstats._numerics.tasks import JOINT, Tasks
from cvmstats.data.choices import Choices
from cvmstats.data.forms import Form
from cvmstats.errors import ChoicesError
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.options import Prior, ResolvedPrior

Ints = npt.NDArray[np.int64]


def to_pymc(choices: Choices, *, prior: Prior | None = None, form: Form = "sequential") -> pm.Model:
    """The hierarchical best-worst model as a PyMC model, for people who extend it.

    Parameters
    ----------
    choices : Choices
        Answers of R respondents.
    prior : Prior, optional
        Of the population; by default ``Prior()``.
    form : str, or mapping {kind: form}
        As in :func:`fit_hierarchical`.

    Returns
    -------
    Model
        Free: ``mean`` (K), ``a`` (G, ``huang-wand`` only), ``bartlett_diag`` (K, squared diagonal of B),
        ``bartlett_lower`` (below it, by rows), ``z`` (R, K). Deterministic: ``root`` (K, K), of which utilities are
        ``mean + z @ root.T`` (R, K), ``cov = root @ root.T``, and of the reported levels ``item_mean`` and
        ``item_sd`` (L), ``item_correlation`` (L, L). ``answers`` is the log-likelihood, a potential.

    Raises
    ------
    ChoicesError
        Where respondents carry weights other than 1, or tasks are of a kind without a likelihood here.
    """
    tasks = flat_tasks(choices, form)
    design = choices.design
    n_parameters = np.asarray(design.coding).shape[1]
    resolved = (prior or Prior()).resolve(n_parameters, design.parameter_block, design=design)
    with pm.Model(coords=_coords(choices, resolved)) as model:
        mean = _mean(resolved)
        factor = _precision_factor(resolved)
        root = pt.linalg.solve_triangular(factor.T, pt.constant(np.eye(n_parameters)), lower=False)
        _answers(tasks, np.asarray(design.coding), mean, root)
        _report(np.asarray(design.report), mean, root)
    return model


def lkj_model(choices: Choices, *, mean_sd: float = 3.0) -> pm.Model:
    """The usual model of the field, for benchmarks: LKJ(2) correlations, exponential(1) sds, non-centred."""
    tasks = flat_tasks(choices)
    design = choices.design
    n_parameters = np.asarray(design.coding).shape[1]
    resolved = Prior(mean_sd=mean_sd).resolve(n_parameters, design.parameter_block)
    with pm.Model(coords=_coords(choices, resolved)) as model:
        mean = pm.Normal("mean", 0.0, mean_sd, dims="parameter")
        sds = pm.Exponential.dist(1.0, shape=n_parameters)
        root, _, _ = pm.LKJCholeskyCov("chol", n=n_parameters, eta=2.0, sd_dist=sds, compute_corr=True)
        _answers(tasks, np.asarray(design.coding), mean, root)
        _report(np.asarray(design.report), mean, root)
    return model


def flat_tasks(choices: Choices, form: Form = "sequential") -> Tasks:
    """The answered tasks that serve estimation, as flat arrays.

    Raises
    ------
    ChoicesError
        Where respondents carry weights other than 1, or answers have no likelihood here.
    """
    table = choices.respondents.table
    if "weight" in table and not np.all(table["weight"] == 1):
        raise ChoicesError("the respondents carry weights, which NUTS here does not know\n"
                           "  leave the weights out, or repeat the rows of frequency weights")  # fmt: skip
    tasks = to_tasks(choices, form=form)
    if tasks.alternatives is not None or (rules(tasks) > JOINT).any():
        raise ChoicesError("NUTS here knows sequential, maxdiff and marginal answers, rankings and pairs without ties only\n"
                           "  fit_hierarchical with its own engine knows all")  # fmt: skip
    return tasks


def _coords(choices: Choices, prior: ResolvedPrior) -> dict[str, Any]:
    levels = list(choices.design.report_labels or ())
    blocks = list(dict.fromkeys(choices.design.parameter_block or ()))
    return {"parameter": np.arange(len(prior.block)), "prior_block": blocks, "item": levels, "other": levels,
            "respondent": list(choices.respondents.ids)}  # fmt: skip


def _mean(prior: ResolvedPrior) -> Any:
    """The population mean (K)."""
    if prior.diagonal:
        return pm.Normal("mean", prior.mean, np.diagonal(prior.mean_precision) ** -0.5, dims="parameter")
    return pm.MvNormal("mean", prior.mean, cov=np.linalg.inv(prior.mean_precision), dims="parameter")


def _precision_factor(prior: ResolvedPrior) -> Any:
    """P (K, K), lower triangular, with Sigma^-1 = P P'."""
    k = len(prior.block)
    squares = pm.ChiSquared("bartlett_diag", prior.iw_df - np.arange(k), dims="parameter")
    bartlett = pt.sqrt(squares) * np.eye(k)
    if k > 1:
        rows, columns = np.tril_indices(k, -1)
        bartlett = bartlett[rows, columns].set(pm.Normal("bartlett_lower", shape=len(rows)))
    if prior.kind == "huang-wand":
        a = pm.InverseGamma("a", 0.5, prior.A**-2.0, dims="prior_block")
        return pt.sqrt(a[prior.block] / (2 * prior.nu))[:, None] * bartlett
    return pt.constant(np.linalg.cholesky(np.linalg.inv(prior.iw_scale))) @ bartlett


def _answers(tasks: Tasks, coding: npt.NDArray[np.float64], mean: Any, root: Any) -> None:
    """Utilities m + root z and the likelihood of the answers under them."""
    z = pm.Normal("z", dims=("respondent", "parameter"))
    utilities = pt.constant(coding) @ (mean[:, None] + root @ z.T)
    pm.Potential("answers", _log_likelihood(tasks, utilities))


def _report(report: npt.NDArray[np.float64], mean: Any, root: Any) -> None:
    """Deterministics that cost little per draw."""
    pm.Deterministic("root", root)
    cov = pm.Deterministic("cov", root @ root.T)
    levels = pt.constant(report)
    item_cov = levels @ cov @ levels.T
    sd = pt.sqrt(item_cov.diagonal())
    pm.Deterministic("item_mean", levels @ mean, dims="item")
    pm.Deterministic("item_sd", sd, dims="item")
    pm.Deterministic("item_correlation", item_cov / (sd[:, None] * sd[None, :]), dims=("item", "other"))


class Sums(NamedTuple):
    """Which entries of a flattened (J, R) array are summed, as arrays (n, size), one per size of set.

    Attributes
    ----------
    best : list of array
        Sets of e^u under the best.
    worst : list of array
        Sets of e^-u under the worst: the set without the best, or all of it where only the worst was asked.
    unseen : list of (array (n, a - 1), array (n, a - 1, a - 1))
        Missing best: each candidate, and the set that is left without it.
    pairs : list of array
        Whole sets of joint answers.
    any_best, any_worst : list of array (n, a - 1)
        Candidates for a pick that is missing from a joint answer.
    linear : array (J, R)
        Times best less times worst.
    """

    best: list[Ints]
    worst: list[Ints]
    unseen: list[tuple[Ints, Ints]]
    pairs: list[Ints]
    any_best: list[Ints]
    any_worst: list[Ints]
    linear: npt.NDArray[np.float64]


def sums_of(tasks: Tasks) -> Sums:
    """Index arrays of the sums in the likelihood, from flat tasks."""
    n_people = tasks.n_people
    owner = np.repeat(np.arange(n_people), np.diff(tasks.person))
    size = np.diff(tasks.start)
    linear = np.zeros((tasks.n_objects, n_people))
    result = Sums([], [], [], [], [], [], linear)
    one_choice = rules(tasks) == JOINT
    for a in np.unique(size):
        of_size = np.flatnonzero(size == a)
        cells = tasks.objects[tasks.start[of_size, None] + np.arange(a)] * n_people + owner[of_size, None]
        best, worst, only = tasks.best[of_size], tasks.worst[of_size], tasks.worst_only[of_size]
        np.add.at(linear.reshape(-1), cells[best >= 0, best[best >= 0]], 1.0)
        np.add.at(linear.reshape(-1), cells[worst >= 0, worst[worst >= 0]], -1.0)
        joint = one_choice[of_size]
        result.pairs.append(cells[joint])
        result.any_best.append(_without(cells[joint & (best < 0)], worst[joint & (best < 0)]))
        result.any_worst.append(_without(cells[joint & (worst < 0)], best[joint & (worst < 0)]))
        both, unseen = (best >= 0) & (worst >= 0) & ~joint, (best < 0) & ~only & ~joint
        result.best.append(cells[~only & ~joint])
        result.worst.append(_without(cells[both], best[both]))
        result.worst.append(cells[only])
        if unseen.any():
            candidates = _without(cells[unseen], worst[unseen])
            left = [_without(cells[unseen], np.full(unseen.sum(), p)) for p in range(a)]
            others = _without(np.stack(left, axis=1), worst[unseen])
            result.unseen.append((candidates, others))
    for part in (result.best, result.worst, result.pairs, result.any_best, result.any_worst):
        part[:] = [cells for cells in part if cells.size]
    return result


def _without(cells: Ints, place: Ints) -> Ints:
    """Each row of ``cells`` (n, a, ...) without the entry at its place: (n, a - 1, ...)."""
    n, a = cells.shape[:2]
    kept: Ints = cells[np.arange(a)[None, :] != place[:, None]]
    return kept.reshape(n, a - 1, *cells.shape[2:])


def _log_likelihood(tasks: Tasks, utilities: Any) -> Any:
    """Log-likelihood of all answers, from utilities (J, R).

    Exponentials are taken once per respondent and item. Utilities beyond +-700 overflow: the sampler rejects them.
    """
    sums = sums_of(tasks)
    up = pt.exp(utilities).ravel()
    down = pt.exp(-utilities).ravel()

    def total(values: Any, cells: Ints) -> Any:
        return values[cells.ravel()].reshape(cells.shape).sum(axis=-1)

    value = (utilities * sums.linear).sum()
    for cells in sums.best:
        value -= pt.log(total(up, cells)).sum()
    for cells in sums.worst:
        value -= pt.log(total(down, cells)).sum()
    for cells in sums.pairs:
        value -= pt.log(total(up, cells) * total(down, cells) - cells.shape[1]).sum()
    for cells in sums.any_best:
        value += pt.log(total(up, cells)).sum()
    for cells in sums.any_worst:
        value += pt.log(total(down, cells)).sum()
    for candidates, others in sums.unseen:
        chance = up[candidates.ravel()].reshape(candidates.shape) / total(down, others)
        value += pt.log(chance.sum(axis=1)).sum()
    return value
