"""Latent classes of panels: maximum a posteriori by EM, accelerated.

A panel is all that a unit (a person, or the people of an account) answered. With class sizes pi_s and class utilities
u_s, P(panel i) = sum_s pi_s prod_t P(t | u_s). One pass over the answers gives the memberships (E step), the gradient
of the observed log-likelihood, which is the complete-data gradient at the memberships (Fisher's identity), and the
complete-data information. A Newton step with the latter is the M step of generalised EM; it serves as the metric of a
limited-memory quasi-Newton search (Lange 1995, Statistica Sinica 5:1-18), so that the end of the way takes tens of
passes, not hundreds. Every step is taken only where the objective rises. Information of the estimates: Louis (1982),
doi:10.1111/j.2517-6161.1982.tb01203.x.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.class_kernels import pass_over, unit_slopes
from cvmstats._numerics.logit import rules
from cvmstats._numerics.tasks import Tasks

Floats = npt.NDArray[np.float64]
_WIDEST = 200.0  # logits between two items of a class, beyond which exponentials are no longer safe
_MEMORY = 12


class Panels(NamedTuple):
    """Answers of G units.

    Attributes
    ----------
    tasks : Tasks
        With units in the place of people.
    multiplicity : array (n)
        How many times each task counts within its unit.
    weight : array (G)
        How many units each one stands for.
    coding : array (J, K)
        Parameters to utilities of the objects.
    """

    tasks: Tasks
    multiplicity: Floats
    weight: Floats
    coding: Floats


class Prior(NamedTuple):
    """Normal sd of each class parameter about zero, and units that are added to each class."""

    sd: float
    units: float


class ClassFit(NamedTuple):
    """Where one start ended: sizes (S), parameters (S, K), membership (G, S), and the way there."""

    sizes: Floats
    means: Floats
    membership: Floats
    log_likelihood: float
    objective: float
    trace: tuple[float, ...]
    converged: bool


def make_panels(tasks: Tasks, coding: npt.ArrayLike, *, unit: npt.ArrayLike | None = None,
                multiplicity: npt.ArrayLike | None = None, weight: npt.ArrayLike | None = None) -> Panels:  # fmt: skip
    """Put the tasks of R people together by unit.

    Parameters
    ----------
    coding : array (J, K)
    unit : array (R), int, optional
        The unit of each person, 0 to G - 1; by default each person is one.
    multiplicity : array (R), optional
        How many times each person's answers count within the unit.
    weight : array (G), optional
        How many units each one stands for.
    """
    units = np.arange(tasks.n_people) if unit is None else np.asarray(unit, np.int64)
    n_units = int(units.max()) + 1 if weight is None else len(np.asarray(weight))
    times = np.ones(tasks.n_people) if multiplicity is None else np.asarray(multiplicity, float)
    person = tasks.owner
    order = np.argsort(units[person], kind="stable")
    size = np.diff(tasks.start)[order]
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    inside = np.arange(start[-1]) - np.repeat(start[:-1], size)
    grouped = Tasks(
        person=np.concatenate([[0], np.cumsum(np.bincount(units[person], minlength=n_units))]).astype(np.int64),
        start=start, objects=tasks.objects[np.repeat(tasks.start[:-1][order], size) + inside],
        best=tasks.best[order], worst=tasks.worst[order], worst_only=tasks.worst_only[order],
        n_objects=tasks.n_objects, rule=None if tasks.rule is None else tasks.rule[order], alternatives=tasks.alternatives,
    )  # fmt: skip
    return Panels(grouped, times[person][order], np.ones(n_units) if weight is None else np.asarray(weight, float),
                  np.ascontiguousarray(coding, dtype=float))  # fmt: skip


def panel_log_likelihood(panels: Panels, means: npt.ArrayLike) -> Floats:
    """Log-likelihood (G, S) of each panel under each class's parameters (S, K)."""
    means = np.asarray(means, float)
    return _sweep(panels, np.zeros(len(means)), means, 0)[1]


def derivatives(panels: Panels, sizes: npt.ArrayLike, means: npt.ArrayLike) -> tuple[float, Floats, Floats, Floats]:
    """Observed log-likelihood, membership (G, S), gradient (S, K) and complete-data information (S, K, K)."""
    value, _, membership, slope, curve = _sweep(panels, np.log(np.asarray(sizes, float)), np.asarray(means, float), 2)
    return value, membership, slope, curve


def climb(panels: Panels, sizes: npt.ArrayLike, means: npt.ArrayLike, prior: Prior, *, max_iterations: int = 500,
          tolerance: float = 1e-5) -> ClassFit:  # fmt: skip
    """From sizes (S) and parameters (S, K) uphill to a maximum of the posterior; the objective never falls.

    Parameters
    ----------
    tolerance : float
        Expected gain in log posterior of the next step at which to stop.
    """
    n_classes = len(np.asarray(sizes))
    x = np.concatenate([np.log(np.asarray(sizes, float)), np.asarray(means, float).ravel()])
    point = _evaluate(panels, x, n_classes, prior)
    trace, steps = [point.objective], list[tuple[Floats, Floats]]()
    converged = False
    for _ in range(max_iterations):
        direction = _direction(point, steps)
        gain = float(direction @ point.gradient)
        if not gain > 0:
            steps.clear()
            direction = point.solve(point.gradient)
            gain = float(direction @ point.gradient)
        if gain < tolerance:
            converged = True
            break
        longest = np.abs(direction[n_classes:]).max(initial=0.0)
        length = min(1.0, 3.0 / longest) if longest > 0 else 1.0
        new = point
        for _ in range(25):
            new = _evaluate(panels, point.x + length * direction, n_classes, prior)
            if new.objective >= point.objective + 1e-4 * length * gain:
                break
            length *= 0.4
        else:
            if not steps:
                converged = True  # no way up but by rounding
                break
            steps.clear()
            continue
        change, turn = new.x - point.x, point.gradient - new.gradient
        if change @ turn > 1e-10 * np.sqrt((change @ change) * (turn @ turn)):
            steps.append((change, turn))
            del steps[:-_MEMORY]
        point = new
        trace.append(point.objective)
    shares = np.exp(point.log_sizes)
    return ClassFit(shares, point.x[n_classes:].reshape(n_classes, -1).copy(), point.membership, point.value,
                    point.objective, tuple(trace), converged)  # fmt: skip


def fit_classes(panels: Panels, n_classes: int, streams: Sequence[np.random.Generator], prior: Prior, *,
                max_iterations: int = 500, threads: int | None = None,
                report: Callable[[], object] | None = None) -> list[ClassFit]:  # fmt: skip
    """One fit per random stream, each run to its end; the same on any number of threads."""
    pooled = climb(panels, np.ones(1), np.zeros((1, panels.coding.shape[1])), prior)
    if n_classes == 1:
        return [pooled for _ in streams]
    rough = _unit_estimates(panels, pooled.means[0])

    def run(number: int) -> ClassFit:
        start = _start(rough, pooled.means[0], n_classes, streams[number], seeds=number % 2 == 0)
        fit = climb(panels, np.full(n_classes, 1 / n_classes), start, prior, max_iterations=max_iterations)
        if report is not None:
            report()
        return fit

    with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
        return list(pool.map(run, range(len(streams))))


def covariance(panels: Panels, sizes: npt.ArrayLike, means: npt.ArrayLike, prior: Prior, *,
               robust: bool = False) -> Floats:  # fmt: skip
    """Covariance (S, K, K) of each class's parameters, from the information of the observed answers.

    ``robust`` gives the sandwich, which holds also where people of a class differ more than the model says.
    """
    sizes, means = np.asarray(sizes, float), np.asarray(means, float)
    n_classes, n_free = means.shape
    _, membership, _, curve = derivatives(panels, sizes, means)
    weight = panels.weight
    raw = np.zeros((len(weight), n_classes, panels.tasks.n_objects))
    e, f = _exponentials(panels, means)
    unit_slopes(*_arrays(panels), e, f, raw)
    score = raw @ panels.coding  # (G, S, K), of the class's own likelihood
    mixed = membership[:, :, None] * score
    ends = n_classes * n_free
    observed = np.zeros((ends + n_classes, ends + n_classes))
    whole = np.concatenate([mixed.reshape(len(weight), -1), membership - sizes], axis=1)
    for s in range(n_classes):
        at = slice(s * n_free, (s + 1) * n_free)
        observed[at, at] = curve[s] - (score[:, s] * (weight * membership[:, s])[:, None]).T @ score[:, s]
        cross = (mixed[:, s] * weight[:, None]).sum(axis=0)
        observed[at, ends + s] = observed[ends + s, at] = -cross
    total = weight.sum()
    observed[ends:, ends:] = total * (np.diag(sizes) - np.outer(sizes, sizes)) - np.diag(weight @ membership)
    # What is known of a unit is E[score score'] less the product of its expected scores.
    expected = np.concatenate([mixed.reshape(len(weight), -1), membership], axis=1)
    observed += (expected * weight[:, None]).T @ expected
    precision = np.concatenate([np.full(ends, _precision(prior)), np.zeros(n_classes)])
    observed += np.diag(precision)
    observed[ends:, ends:] += prior.units * n_classes * (np.diag(sizes) - np.outer(sizes, sizes))
    inverse = _inverse(observed)
    if robust:
        inverse = inverse @ ((whole * weight[:, None]).T @ whole) @ inverse
    blocks = [inverse[s * n_free : (s + 1) * n_free, s * n_free : (s + 1) * n_free] for s in range(n_classes)]
    return np.stack([(b + b.T) / 2 for b in blocks])


def _inverse(information: Floats) -> Floats:
    """Inverse on the directions with information: sizes have one without, since they sum to 1."""
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    keep = values > 1e-9 * values[-1]
    return np.asarray((vectors[:, keep] / values[keep]) @ vectors[:, keep].T)


class _Point(NamedTuple):
    x: Floats
    log_sizes: Floats
    value: float
    objective: float
    membership: Floats
    gradient: Floats
    size_metric: Floats
    factors: Floats

    def solve(self, vector: Floats) -> Floats:
        """The complete-data information, inverted, times a vector: an EM step."""
        n = len(self.log_sizes)
        right = vector[n:].reshape(n, -1)
        return np.concatenate([vector[:n] / self.size_metric,
                               np.einsum("skm,sm->sk", self.factors, right).ravel()])  # fmt: skip


def _evaluate(panels: Panels, x: Floats, n_classes: int, prior: Prior) -> _Point:
    eta = x[:n_classes] - x[:n_classes].max()
    log_sizes = eta - np.log(np.exp(eta).sum())
    means = x[n_classes:].reshape(n_classes, -1)
    value, _, membership, slope, curve = _sweep(panels, log_sizes, means, 2)
    if not np.isfinite(value):
        return _Point(x, log_sizes, value, -np.inf, membership, x, eta, curve)
    sizes = np.exp(log_sizes)
    total = panels.weight.sum() + prior.units * n_classes
    precision = _precision(prior)
    objective = value - 0.5 * precision * float((means**2).sum()) + prior.units * float(log_sizes.sum())
    on_sizes = panels.weight @ membership + prior.units - total * sizes
    ridge = np.eye(means.shape[1]) * max(precision, 1e-8)
    return _Point(x, log_sizes, value, objective, membership,
                  np.concatenate([on_sizes, (slope - precision * means).ravel()]), np.maximum(total * sizes, 1e-6),
                  np.linalg.inv(curve + ridge))  # fmt: skip


def _direction(point: _Point, steps: list[tuple[Floats, Floats]]) -> Floats:
    """The quasi-Newton direction: two loops over the last steps, EM's metric between."""
    q = point.gradient.copy()
    used = []
    for change, turn in reversed(steps):
        scale = 1 / (change @ turn)
        a = scale * (change @ q)
        q -= a * turn
        used.append((a, scale))
    d = point.solve(q)
    for (change, turn), (a, scale) in zip(steps, reversed(used), strict=True):
        d += change * (a - scale * (turn @ d))
    return d


def _precision(prior: Prior) -> float:
    return 0.0 if np.isinf(prior.sd) else 1 / prior.sd**2


def _unit_estimates(panels: Panels, pooled: Floats) -> Floats:
    """One Newton step from the pooled parameters for each unit (G, K), shrunken; only to start from."""
    raw = np.zeros((len(panels.weight), 1, panels.tasks.n_objects))
    e, f = _exponentials(panels, pooled[None])
    unit_slopes(*_arrays(panels), e, f, raw)
    _, _, _, curve = derivatives(panels, np.ones(1), pooled[None])
    average = curve[0] / panels.weight.sum()
    return np.asarray(pooled + (raw[:, 0] @ panels.coding) @ np.linalg.inv(average + np.eye(len(pooled))))


def _start(rough: Floats, pooled: Floats, n_classes: int, stream: np.random.Generator, *, seeds: bool) -> Floats:
    """Class parameters (S, K): units far apart (k-means++), or the pooled estimate shifted by random units' means."""
    n = len(rough)
    if not seeds:
        few = min(n, 5)
        groups = stream.choice(n, size=(n_classes, few), replace=n < few * n_classes)
        return np.asarray(rough[groups].mean(axis=1) + stream.normal(0, 0.1, (n_classes, len(pooled))))
    chosen = [int(stream.integers(n))]
    for _ in range(n_classes - 1):
        far = np.min([((rough - rough[c]) ** 2).sum(axis=1) for c in chosen], axis=0)
        mass = np.cumsum(far)
        chosen.append(int(min(np.searchsorted(mass, stream.random() * mass[-1]), n - 1)))
    return rough[chosen] + stream.normal(0, 0.01, (n_classes, len(pooled)))


def _arrays(panels: Panels) -> tuple[npt.NDArray[np.generic], ...]:
    t = panels.tasks
    return t.person, t.start, t.objects, t.best, t.worst, t.worst_only, rules(t), panels.multiplicity


def _exponentials(panels: Panels, means: Floats) -> tuple[Floats, Floats]:
    u = np.einsum("jk,sk->js", panels.coding, means)
    u = u - (u.max(axis=0) + u.min(axis=0)) / 2
    return np.ascontiguousarray(np.exp(u)), np.ascontiguousarray(np.exp(-u))


def _sweep(panels: Panels, log_sizes: Floats, means: Floats,
           order: int) -> tuple[float, Floats, Floats, Floats, Floats]:  # fmt: skip
    """Log-likelihood, each class's (G, S), membership (G, S), gradient (S, K), information (S, K, K)."""
    n_classes, n_units, n_objects = len(means), len(panels.weight), panels.tasks.n_objects
    logs, membership = np.zeros((n_units, n_classes)), np.zeros((n_units, n_classes))
    slope, curve = np.zeros((n_classes, n_objects)), np.zeros((n_classes, n_objects, n_objects))
    u = panels.coding @ means.T
    if not (np.ptp(u, axis=0) < _WIDEST).all():
        return -np.inf, logs, membership, slope[:, :0], curve[:, :0, :0]
    e, f = _exponentials(panels, means)
    value = pass_over(*_arrays(panels), panels.weight, e, f, np.ascontiguousarray(log_sizes), order, logs, membership,
                  slope, curve)  # fmt: skip
    if order < 2:
        return float(value), logs, membership, slope, curve
    flipped = curve.transpose(0, 2, 1).copy()
    curve += flipped
    for s in range(n_classes):
        np.fill_diagonal(curve[s], np.diagonal(curve[s]) / 2)
    c = panels.coding
    return float(value), logs, membership, slope @ c, np.stack([c.T @ h @ c for h in curve])
