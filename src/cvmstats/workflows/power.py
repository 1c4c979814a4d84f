"""How many people and questions a study needs: studies are simulated, and fitted as the real one will be."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.power import Power
from cvmstats.design import design_best_worst, expected_precision
from cvmstats.errors import ConvergenceWarning, InputError
from cvmstats.progress import progress_bar
from cvmstats.segments import fit_latent_class
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.pooled import fit_pooled
from cvmstats.workflows.assumptions import Assumptions, People, assume, draw_people
from cvmstats.workflows.recovery import adjusted_rand_index

Floats = npt.NDArray[np.float64]

KINDS = ("best_worst", "best", "rank", "pair")
SHORT = Sampler(chains=2, draws=200, warmup=100)
"""Runs of the hierarchical fit: only means are used."""
_STARTS = 8


class Scores(NamedTuple):
    """What one fit of one simulated study got right; see ``Power``."""

    error: float
    order: float
    decision: float
    overlap: float
    recovery: float
    top: npt.NDArray[np.bool_]
    found: npt.NDArray[np.bool_]


def simulate_power(
    items: Any,
    *,
    utilities: Any = None,
    shares: Sequence[float] | None = None,
    spread: float = 1.0,
    uncertainty: float = 0.0,
    n_respondents: int | Sequence[int] = (100, 200, 400),
    n_tasks: int | Sequence[int] = (8, 12, 16),
    n_versions: int | Sequence[int] = 10,
    items_per_task: int = 5,
    kind: Literal["best_worst", "best", "rank", "pair"] = "best_worst",
    method: Literal["pooled", "hierarchical"] = "pooled",
    top: int = 3,
    target: float = 0.9,
    n_replications: int = 50,
    seed: int = 0,
    progress: bool | None = None,
) -> Power:
    """Simulate studies of several sizes with the real designs and estimators, and see how often they decide rightly.

    Parameters
    ----------
    items : Items, or labels
    utilities : array or DataFrame (S, J), optional
        Mean utilities of each segment that are assumed, logits. By default drawn from N(0, 1) for each simulated study:
        what is found then holds for a typical study.
    shares : sequence (S), optional
        Of the segments; equal by default. Without ``utilities`` it says how many segments there are.
    spread : float
        Standard deviation of each utility between the people of a segment, logits.
    uncertainty : float
        How far true mean utilities may be from the assumed ones (standard deviation, logits).
    n_respondents, n_tasks, n_versions : int or sequence
        Sizes to try, all combinations. Smaller samples are the first people of larger ones.
    items_per_task : int
        A; pairs have two.
    kind : {"best_worst", "best", "rank", "pair"}
        How the sets are asked.
    method : {"pooled", "hierarchical"}
        Estimator of the mean utilities where there is one segment; with more, latent classes of their true number.
    top : int
        A decision is to choose so many items, for each segment.
    target : float
        Probability of the right decision, for the recommendation.
    n_replications : int
        Simulated studies per size; the simulation error of a probability is about .5 / sqrt(n_replications).
    seed : int
    progress : bool, optional

    Raises
    ------
    InputError, DesignError
        Before any simulation, where sizes, assumptions or designs are impossible.

    Examples
    --------
    >>> power = simulate_power("ABCDEFGH", n_respondents=(50, 200), n_tasks=8, items_per_task=4, n_replications=10)
    >>> bool(power.table["error"].is_monotonic_decreasing)
    True
    """
    assumed = assume(items, utilities, shares, spread, uncertainty)
    given = {"n_respondents": n_respondents, "n_tasks": n_tasks, "n_versions": n_versions}
    people, tasks, versions = (_sizes(name, value) for name, value in given.items())
    _check(assumed, kind, method, top, target, n_replications, min(people))
    size = 2 if kind == "pair" else items_per_task
    designs = {
        (t, v): replace(design_best_worst(assumed.items, items_per_task=size, n_tasks=t, n_versions=v, seed=seed), kind=kind)
        for t, v in product(tasks, versions)
    }
    scores: dict[tuple[int, int, int], list[Scores]] = {(n, t, v): [] for (t, v), n in product(designs, people)}
    with progress_bar(n_replications * len(scores), "power", progress=progress) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what short runs and runaway items cost is what is measured
        for r in range(n_replications):
            for (t, v), design in designs.items():
                drawn = draw_people(assumed, max(people), np.random.default_rng([seed, r]))
                answers = simulate_choices(drawn.utilities, design, seed=np.random.default_rng([seed, r, t, v]))
                for n in people:
                    few = People(drawn.means, drawn.segment[:n], drawn.utilities[:n])
                    scores[n, t, v].append(score(answers.take(np.arange(n)), few, assumed, method, top, r))
                    bar.update()
    return _power(assumed, designs, scores, top, target, {
        "kind": kind, "method": method if assumed.n_segments == 1 else "latent class", "spread": spread,
        "uncertainty": uncertainty, "shares": assumed.shares.tolist(), "items_per_task": size, "seed": seed,
    })  # fmt: skip


def score(answers: Choices, people: People, assumed: Assumptions, method: str, top: int, seed: int) -> Scores:
    """Fit the answers of one simulated study, and compare with the truth."""
    recovery = np.nan
    if assumed.n_segments > 1:
        from scipy.optimize import linear_sum_assignment

        fit = fit_latent_class(answers, assumed.n_segments, n_starts=_STARTS, unit="respondent", seed=seed, progress=False)
        assert fit.model is not None
        together = np.eye(assumed.n_segments)[people.segment].T @ fit.membership
        which = linear_sum_assignment(-together)[1]
        found = (np.asarray(fit.model.means) @ np.asarray(answers.design.coding).T)[which]
        recovery = adjusted_rand_index(people.segment, fit.membership.argmax(axis=1))
    elif method == "hierarchical":
        utilities = fit_hierarchical(answers, sampler=SHORT, seed=seed, progress=False)
        assert utilities.population is not None
        found = (utilities.report @ utilities.population.mean)[None]
    else:
        found = fit_pooled(answers).reported()[:1]
    return compare(found, people.means, top, recovery)


def compare(found: Floats, truth: Floats, top: int, recovery: float = np.nan) -> Scores:
    """Found mean utilities (S, J) beside the true ones."""
    scale = np.sum(found * truth, axis=1) / np.maximum(np.sum(found**2, axis=1), 1e-300)
    error = np.sqrt(np.mean((np.maximum(scale, 0)[:, None] * found - truth) ** 2))
    apart = np.triu(np.ones((truth.shape[1],) * 2, bool), 1)
    order = [np.mean((np.sign(f[:, None] - f) == np.sign(t[:, None] - t))[apart]) for f, t in zip(found, truth, strict=True)]
    limit = np.sort(truth, axis=1)[:, -top]
    is_top = truth >= limit[:, None] - 1e-12
    in_found = np.zeros(truth.shape, bool)
    np.put_along_axis(in_found, np.argsort(-found, axis=1, kind="stable")[:, :top], True, axis=1)
    right = (is_top & in_found).sum(axis=1)
    return Scores(float(error), float(np.mean(order)), float(np.mean(right == top)), float(np.mean(right / top)), recovery,
                  is_top.any(axis=0), in_found.any(axis=0))  # fmt: skip


def _sizes(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    given = (value,) if isinstance(value, int | np.integer) else tuple(value)
    if not given or any(not isinstance(x, int | np.integer) or x < 1 for x in given):
        raise InputError(f"{name} is {value!r}\n  expected a whole number above 0, or several")
    return tuple(sorted({int(x) for x in given}))


def _check(assumed: Assumptions, kind: str, method: str, top: int, target: float, n_replications: int, fewest: int) -> None:
    for name, value, known in (("kind", kind, KINDS), ("method", method, ("pooled", "hierarchical"))):
        if value not in known:
            raise InputError(f"unknown {name} {value!r}\n  expected one of {', '.join(known)}")
    if not 1 <= top < len(assumed.items):
        raise InputError(f"top is {top} of {len(assumed.items)} items\n  expected 1 to {len(assumed.items) - 1}")
    if not 0 < target < 1 or n_replications < 2:
        raise InputError(f"target is {target!r} with {n_replications} replications\n  expected a probability, and two or more")
    if fewest < 2 * assumed.n_segments:
        raise InputError(f"{fewest} respondents in {assumed.n_segments} segments\n  expected {2 * assumed.n_segments} or more")


def _power(assumed: Assumptions, designs: dict[tuple[int, int], Design], scores: dict[tuple[int, int, int], list[Scores]],
           top: int, target: float, settings: dict[str, Any]) -> Power:  # fmt: skip
    rows = []
    for (n, t, v), each in scores.items():
        mean = {name: float(np.mean([getattr(s, name) for s in each]))
                for name in ("error", "order", "decision", "overlap", "recovery")}  # fmt: skip
        rows.append({"respondents": n, "tasks": t, "versions": v, "answers": n * t,
                     "expected_se": _expected_se(assumed, designs[t, v], n), **mean,
                     "decision_se": float(np.std([s.decision for s in each], ddof=1) / np.sqrt(len(each)))})  # fmt: skip
    columns = ["respondents", "tasks", "versions", "answers", "expected_se", "error", "order", "decision", "decision_se",
               "overlap", "recovery"]  # fmt: skip
    table = pd.DataFrame(rows)[columns].sort_values(columns[:3], ignore_index=True)
    n_replications = len(next(iter(scores.values())))
    power = Power(table=table, items=pd.DataFrame(), dropping=pd.DataFrame(), top=top, target=target,
                  n_replications=n_replications, settings=settings)  # fmt: skip
    row = power.recommended if power.recommended is not None else table.sort_values("answers").iloc[-1]
    each = scores[int(row["respondents"]), int(row["tasks"]), int(row["versions"])]
    is_top, found = np.array([s.top for s in each]), np.array([s.found for s in each])
    items = pd.DataFrame({"item": list(assumed.items.ids), "label": list(assumed.items.labels),
                          "top_true": is_top.mean(axis=0), "top_found": found.mean(axis=0)})  # fmt: skip
    return replace(power, items=items, dropping=_dropping(items, is_top, top))


def _expected_se(assumed: Assumptions, design: Design, n: int) -> float:
    """Root of the mean variance of a mean utility, over items and segments."""
    means = np.zeros((assumed.n_segments, len(assumed.items))) if assumed.utilities is None else assumed.utilities
    squares = [expected_precision(design, max(1, round(n * share)), utilities=u, spread=assumed.spread)["se"] ** 2
               for u, share in zip(means, assumed.shares, strict=True)]  # fmt: skip
    return float(np.sqrt(np.mean(squares)))


def _dropping(items: pd.DataFrame, is_top: npt.NDArray[np.bool_], top: int) -> pd.DataFrame:
    """Items least likely to matter first; standard errors go as (v - 1) / sqrt(v) where the burden stays."""
    order = np.lexsort((items["top_found"], items["top_true"]))[: max(0, len(items) - top - 1)]
    v, m = len(items), np.arange(1, len(order) + 1)
    loss = np.maximum.accumulate(is_top[:, order], axis=1).mean(axis=0)
    left = v - m
    ratio = (left - 1) / np.sqrt(left) / ((v - 1) / np.sqrt(v))
    return pd.DataFrame({"dropped": m, "label": items["label"].to_numpy()[order], "loss": loss, "error_ratio": ratio})
