"""Policies of adaptive surveys before fielding: how often each finds the top items of a simulated population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.simulate import simulate_places
from cvmstats.data.adaptive import AdaptiveState
from cvmstats.design.adaptive import DELTA, EPSILON, POLICIES, PRIOR_SD, ask, estimate, record, start_adaptive
from cvmstats.errors import DesignError, examples
from cvmstats.progress import progress_bar

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class People:
    """One simulated population.

    Parameters
    ----------
    means : array (J)
        Population means, by which items are truly ranked.
    utilities : array (R, J)
        Of each respondent.
    uniforms : array (R, T, 2)
        What decides the answers: the same for every policy.
    """

    means: Floats
    utilities: Floats
    uniforms: Floats


def compare_policies(
    n_items: int = 120,
    *,
    policies: Sequence[str] = ("express", "thompson", "diffuse"),
    n_respondents: Sequence[int] = (260, 500),
    top: Sequence[int] = (3, 10),
    means: Literal["normal", "uniform"] | npt.ArrayLike = "normal",
    noise_sd: float = 1.0,
    misinformed: int = 0,
    n_replications: int = 50,
    items_per_person: int = 20,
    items_per_task: int = 5,
    n_tasks: int = 12,
    batch: int = 20,
    epsilon: float = EPSILON,
    delta: float = DELTA,
    prior_sd: float = PRIOR_SD,
    seed: int = 0,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Simulate adaptive best-worst surveys with each policy: the share of the true top items that each one finds.

    In a replication a population is drawn; every policy meets the same people, who answer by the sequential form from their
    own utilities and the same random numbers, so that policies are compared in pairs. The true top k are those of the
    population means, the estimated ones those of the logit of all answers together.

    Parameters
    ----------
    n_items : int
        J.
    policies : sequence of str
        Two or more of ``start_adaptive``'s, or one.
    n_respondents : sequence of int
        Sizes of the sample at which the top items are read off.
    top : sequence of int
        k of "top k".
    means : "normal", "uniform" or array (J)
        How population means are drawn, N(0, 1) or uniform from -2 to 2; or the means themselves.
    noise_sd : float
        Standard deviation of a person's utility around the mean (log-odds).
    misinformed : int
        The first so many respondents have the means negated: a start that misleads.
    n_replications : int
    items_per_person, items_per_task, n_tasks, batch, epsilon, delta, prior_sd
        As in ``start_adaptive``.
    seed : int
        Replication i draws from a stream of this seed and i.

    Returns
    -------
    DataFrame
        ``n``, ``top``, ``policy``, ``versus``, ``value``, ``lower``, ``upper``: hit rates (``versus`` empty), and by how much
        the hit rate of each policy is above that of each one before it; 95% intervals over replications (normal approximation,
        of paired differences).

    Raises
    ------
    DesignError
        For unknown policies, sizes that cannot be, and what ``start_adaptive`` refuses.

    Examples
    --------
    >>> table = compare_policies(30, policies=("express", "thompson"), n_respondents=(60,), top=(3,), n_replications=4,
    ...                          items_per_person=10, n_tasks=6)
    >>> table[["n", "top", "policy", "versus"]].values.tolist()
    [[60, 3, 'express', ''], [60, 3, 'thompson', ''], [60, 3, 'thompson', 'express']]
    """
    unknown = [p for p in policies if p not in POLICIES["best_worst"]]
    if unknown or not policies:
        raise DesignError(f"{len(unknown)} unknown policies: {examples(unknown)}\n"
                          f"  expected one or more of {', '.join(POLICIES['best_worst'])}")  # fmt: skip
    _check(n_items, n_respondents, top, means, misinformed, n_replications)
    start = start_adaptive([f"item {j + 1}" for j in range(n_items)], items_per_person=items_per_person,
                           items_per_task=items_per_task, n_tasks=n_tasks, batch=batch, epsilon=epsilon,
                           delta=delta, prior_sd=prior_sd, seed=seed)  # fmt: skip
    hits = np.empty((n_replications, len(policies), len(n_respondents), len(top)))
    with progress_bar(n_replications, "Simulated surveys", progress=progress) as bar:
        for i in range(n_replications):
            people = draw_people(start, max(n_respondents), i, means=means, noise_sd=noise_sd, misinformed=misinformed)
            for p, policy in enumerate(policies):
                hits[i, p] = run_policy(start, policy, people, i, n_respondents, top)
            bar.update()
    return summarise_hits(hits, policies, n_respondents, top)


def draw_people(start: AdaptiveState, n: int, replication: int, *, means: str | npt.ArrayLike = "normal",
                noise_sd: float = 1.0, misinformed: int = 0) -> People:  # fmt: skip
    """The ``n`` people of one replication, from a stream of the state's seed and the replication."""
    rng = np.random.default_rng([start.seed, replication])
    j = len(start.items)
    draws = {"normal": lambda: rng.standard_normal(j), "uniform": lambda: rng.uniform(-2, 2, j)}
    centre = draws[means]() if isinstance(means, str) else np.asarray(means, float)
    side = np.where(np.arange(n) < misinformed, -1.0, 1.0)[:, None]
    return People(means=centre, utilities=side * centre + noise_sd * rng.standard_normal((n, j)),
                  uniforms=rng.random((n, start.n_tasks, 2)))  # fmt: skip


def run_policy(start: AdaptiveState, policy: str, people: People, replication: int, n_respondents: Sequence[int],
               top: Sequence[int]) -> Floats:  # fmt: skip
    """Hit rates (sizes, tops) of one policy on one population; respondents come in batches, as fits do."""
    state = replace(start, policy=policy, seed=start.seed + 1 + replication)
    rates = np.empty((len(n_respondents), len(top)))
    stops = {*range(state.batch, max(n_respondents), state.batch), *n_respondents}
    done = 0
    for stop in sorted(stops):
        rows = np.arange(done, stop)
        state = ask(state, [str(r + 1) for r in rows])
        places = simulate_places(people.utilities[rows], state.shown[rows], np.arange(len(rows)), people.uniforms[rows])
        state = record(state, rows, places)
        done = stop
        if stop in n_respondents:
            mean = state.mean if state.n_fitted == stop else estimate(state)[0]
            rates[list(n_respondents).index(stop)] = [hit_rate(mean, people.means, k) for k in top]
    return rates


def hit_rate(estimated: npt.ArrayLike, true: npt.ArrayLike, k: int) -> float:
    """Share of the true top ``k`` items (J) among the estimated top ``k``.

    >>> hit_rate([3, 2, 1, 0], [2, 0, 1, 3], 2)
    0.5
    """
    best = [set(np.argsort(-np.asarray(values, float), kind="stable")[:k].tolist()) for values in (estimated, true)]
    return len(best[0] & best[1]) / k


def summarise_hits(hits: Floats, policies: Sequence[str], n_respondents: Sequence[int], top: Sequence[int]) -> pd.DataFrame:
    """Hit rates (replications, policies, sizes, tops) as the table of :func:`compare_policies`."""
    rows = []
    for s, n in enumerate(n_respondents):
        for t, k in enumerate(top):
            one = hits[:, :, s, t]
            rows += [(n, k, name, "", *_interval(one[:, p])) for p, name in enumerate(policies)]
            rows += [(n, k, policies[p], policies[q], *_interval(one[:, p] - one[:, q]))
                     for p in range(len(policies)) for q in range(p)]  # fmt: skip
    return pd.DataFrame(rows, columns=["n", "top", "policy", "versus", "value", "lower", "upper"])


def _interval(values: Floats) -> tuple[float, float, float]:
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return mean, mean - half, mean + half


def _check(n_items: int, n_respondents: Sequence[int], top: Sequence[int], means: str | npt.ArrayLike, misinformed: int,
           n_replications: int) -> None:  # fmt: skip
    if isinstance(means, str):
        if means not in ("normal", "uniform"):
            raise DesignError(f"unknown means {means!r}\n  expected 'normal', 'uniform' or {n_items} numbers")
    elif np.shape(means) != (n_items,):
        raise DesignError(f"means have shape {np.shape(means)}\n  expected ({n_items},), one for each item")
    if not n_respondents or min(n_respondents) < 1 or len(set(n_respondents)) < len(n_respondents):
        raise DesignError(f"n_respondents={tuple(n_respondents)}\n  expected different sizes of 1 or more")
    if not top or min(top) < 1 or max(top) >= n_items:
        raise DesignError(f"top={tuple(top)} of {n_items} items\n  expected 1 to {n_items - 1}")
    if not 0 <= misinformed <= max(n_respondents):
        raise DesignError(f"{misinformed} misinformed of {max(n_respondents)} respondents\n"
                          f"  expected 0 to {max(n_respondents)}")  # fmt: skip
    if n_replications < 1:
        raise DesignError(f"n_replications={n_replications}\n  expected 1 or more")
