"""What a study will know: standard errors of mean utilities, before anything is asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.information import set_information
from cvmstats._numerics.logit import average_curvature
from cvmstats._numerics.simulate import BEST, JOINT, RANK, SEQUENTIAL, WORST, simulate_places
from cvmstats._numerics.tasks import flatten
from cvmstats.data.design import Design
from cvmstats.data.forms import best_worst_form
from cvmstats.design.criteria import incidence, information
from cvmstats.errors import DesignError, examples

Floats = npt.NDArray[np.float64]

_ANSWER = {"best_worst": SEQUENTIAL, "best": BEST, "worst": WORST, "pair": BEST, "rank": RANK}
_PEOPLE = 2048
"""Simulated people over which information is averaged where utilities are not all equal; at least 16 per version."""


def expected_precision(design: Design, n_respondents: int, *, form: str = "sequential",
                       utilities: npt.ArrayLike | None = None, spread: float = 0.0) -> pd.DataFrame:  # fmt: skip
    """Standard errors of mean utilities, in logits, that a pooled or hierarchical fit will report.

    Where all utilities are equal, by the formula: information c_k (I - J / k) per set. Else the information is averaged
    over people with ``utilities`` and ``spread``, and the variance of the mean is the inverse of
    sum over people of (spread^2 I + I_v^-1)^-1, I_v the information of their version v. The more people like or differ,
    the less an answer says.

    Parameters
    ----------
    n_respondents : int
        n, dealt evenly over the versions.
    form : {"sequential", "maxdiff", "marginal"}
        Likelihood of best-worst tasks; other kinds have one each, graded pairs are taken for plain ones. ``marginal`` is exact
        at equal utilities, an approximation elsewhere.
    utilities : array (J), optional
        Mean utilities that are assumed, logits; by default all equal.
    spread : float
        Standard deviation between respondents of each utility before centring (of each parameter), logits.

    Returns
    -------
    DataFrame
        ``item``, ``label``, ``se``, and for designs of plain items ``bound``: what pairwise balance would give at equal
        utilities.

    Raises
    ------
    ChoicesError
        For an unknown form or kind of task.
    DesignError
        Where objects fall into groups that never meet, or utilities do not fit the design.

    Examples
    --------
    >>> from cvmstats.design import design_best_worst
    >>> design = design_best_worst("ABCDEFG", items_per_task=3, n_tasks=7)
    >>> expected_precision(design, 100, spread=1.0).round(3).loc[0, ["se", "bound"]].tolist()
    [0.129, 0.122]
    """
    chosen = best_worst_form(form)
    asked = _asked(design)
    mean = np.zeros(len(design.objects)) if utilities is None else np.asarray(utilities, float)
    if mean.shape != (len(design.objects),) or not np.isfinite(mean).all():
        raise DesignError(f"utilities have shape {mean.shape}\n  expected {len(design.objects)} numbers, one per item")
    if not (np.isfinite(spread) and spread >= 0) or n_respondents < 1:
        raise DesignError(f"spread is {spread!r} for {n_respondents} respondents\n  expected 0 or more, and at least one")
    coding, report = np.asarray(design.coding), np.asarray(design.report)
    equal = coding.T @ _at_equal_utilities(asked, len(coding), chosen) @ coding
    total = equal.mean(axis=0)
    values = np.linalg.eigvalsh(total)
    if values[0] <= 1e-9 * values[-1]:
        raise DesignError("items of this design fall into groups that never meet: no precision without more sets")
    each = equal
    if spread > 0 or np.ptp(mean) > 0:
        each = _averaged(asked, coding, chosen, mean, spread)
    # (s^2 I + I_v^-1)^-1 = I_v (I + s^2 I_v)^-1 also where a version does not tell all parameters
    known = np.linalg.solve(np.eye(coding.shape[1]) + spread**2 * each, each).mean(axis=0) * n_respondents
    cov = np.linalg.inv(known)
    table = pd.DataFrame({
        "item": list(design.objects.ids) if len(report) == len(design.objects) else list(design.report_labels or ()),
        "label": list(design.report_labels or ()), "se": np.sqrt(np.einsum("lk,km,lm->l", report, cov, report)),
    })  # fmt: skip
    n_items = len(report)
    if coding.shape == (n_items, n_items - 1) and np.allclose(coding.sum(axis=0), 0) and (report == coding).all():
        least = (n_items - 1) ** 2 / (n_items * np.trace(total) * n_respondents)
        table["bound"] = np.sqrt(least + spread**2 * (1 - 1 / n_items) / n_respondents)
    return table


class _Asked(NamedTuple):
    """What serves estimation: objects (V, T, A) without an anchor that is asked about apart, kinds (V, T), empty for none."""

    shown: npt.NDArray[np.int32]
    kind: npt.NDArray[np.object_]


def _asked(design: Design) -> _Asked:
    anchor = np.append(~np.asarray(design.coding).any(axis=1), False)
    apart = np.asarray(design.dual)[:, :, None] & anchor[design.shown]
    shown = np.where(apart | ~design.estimated[:, None], -1, design.shown)
    kind = np.where((shown >= 0).sum(axis=2) > 1, np.asarray(design.kind), "")
    kind = np.where(kind == "graded", "pair", kind)
    strange = sorted({str(k) for k in kind.ravel()} - {*_ANSWER, ""})
    if strange or not (kind != "").any():
        raise DesignError(f"no precision is known for {examples(strange) if strange else 'a design that asks nothing'}\n"
                          f"  expected tasks of kind {', '.join(_ANSWER)}")  # fmt: skip
    return _Asked(np.asarray(shown, np.int32), kind)


def _at_equal_utilities(asked: _Asked, n_objects: int, form: str) -> Floats:
    """Information of each version on the J objects, (V, J, J)."""
    size = (asked.shown >= 0).sum(axis=2)
    weight = np.zeros(size.shape)
    for kind, name in {"best_worst": form, "best": "best", "worst": "worst", "pair": "best", "rank": "exploded"}.items():
        here = asked.kind == kind
        if here.any():
            weight[here] = set_information(name, size[here])
    return information(incidence(asked.shown, n_objects), weight)


def _averaged(asked: _Asked, coding: Floats, form: str, mean: Floats, spread: float) -> Floats:
    """Information of each version on the K parameters (V, K, K), averaged over simulated people and their answers."""
    from scipy.stats import norm, qmc

    (n_versions, n_tasks, n_shown), n_par = asked.shown.shape, coding.shape[1]
    each = 1 << max(4, int(np.ceil(np.log2(_PEOPLE / n_versions))))
    z = norm.ppf(np.clip(qmc.Sobol(n_par, rng=np.random.default_rng(0)).random(each), 1e-9, 1 - 1e-9))
    people, nobody = mean + spread * z @ coding.T, np.zeros(each, int)
    out = np.empty((n_versions, n_par, n_par))
    for v in range(n_versions):
        shown, kind = asked.shown[v : v + 1], np.where(asked.kind[v] == "", "best", asked.kind[v])[None]
        answer = np.array([[JOINT if form == "maxdiff" and k == "best_worst" else _ANSWER[k] for k in kind[0]]])
        uniforms = np.random.default_rng([1, v]).random((each, n_tasks, max(2, n_shown)))
        place = simulate_places(people, shown, nobody, uniforms, answer)
        tasks = flatten(shown, nobody, place, kind, len(coding), form=form)
        out[v] = coding.T @ average_curvature(tasks, people) @ coding
    if form == "marginal":  # its curvature overstates what is known, as at equal utilities: best and worst never agree
        size = (asked.shown >= 0).sum(axis=2)
        both = (asked.kind == "best_worst") & (size > 2)
        out *= np.where(both, (size - 1) / np.maximum(size, 1), 1.0)[asked.kind != ""].mean()
    return out
