"""Adaptive surveys: what the next respondent is asked depends on what the ones before answered.

Best-worst tasks follow "bandit MaxDiff" (Schwartz, Fairchild, Orme & Zaitzeff; Sawtooth Software): a logit of all answers
together after each batch of respondents says which of many items may be the best, and the next respondents see those.
Pairs follow the information that they add (``pair_gain``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.ordering import order_sets
from cvmstats.data.adaptive import AdaptiveState
from cvmstats.data.items import Items
from cvmstats.design.adaptive_answers import Answers, read_answers
from cvmstats.design.bandit import deal_items, sample_items
from cvmstats.design.base import base_designs
from cvmstats.design.criteria import incidence
from cvmstats.design.pair_gain import choose_pairs
from cvmstats.design.posterior import fit_posterior
from cvmstats.design.versions import place
from cvmstats.errors import DesignError, RespondentsError

Ints = npt.NDArray[np.int64]

POLICIES = {"best_worst": ("diffuse", "thompson", "express"), "pair": ("information", "random")}
"""By kind, the default first."""
EPSILON, DELTA, PRIOR_SD = 0.25, 10.0, 2.0
"""Defaults, from the exploration in docs/evidence/adaptive_designs.md."""
_BASES = 10
"""Different base designs that respondents take in turn."""


def start_adaptive(
    items: Items | Iterable[str],
    *,
    kind: Literal["best_worst", "pair"] = "best_worst",
    policy: str | None = None,
    items_per_person: int = 20,
    items_per_task: int | None = None,
    n_tasks: int = 12,
    batch: int = 20,
    epsilon: float = EPSILON,
    delta: float = DELTA,
    prior_sd: float = PRIOR_SD,
    seed: int | np.random.Generator = 0,
) -> AdaptiveState:
    """Begin an adaptive survey of many items: best-worst tasks of those that may be the best, or pairs that tell most.

    ``next_tasks`` gives each respondent's tasks, ``update`` takes the answers; after each ``batch`` of them one logit of all
    answers, with a weak prior, is fitted, and those who come next are asked by it. The aim is to know the top items of all
    people together: a study of segments, or of items low in the ranking, needs a design from ``design_best_worst``.

    Parameters
    ----------
    items : Items, or labels
        J items.
    kind : "best_worst" or "pair"
    policy : str, optional
        For ``best_worst``: ``thompson`` shows the highest items of one draw from the posterior; ``diffuse`` (the default) takes
        a share ``epsilon`` of them from a draw with ``delta`` times the variance (eps-delta), which recovers when the first
        respondents mislead; ``express`` deals items evenly, and does not adapt. Until the first fit all three deal evenly.
        For ``pair``: ``information`` (the default; pairs that tell most, along spanning trees) or ``random``. Pairs chosen by
        information put items into a better order; the scale of their utilities is stretched unless ``prior_sd`` is near their
        spread, as is known of adaptive comparative judgement (Bramley & Vitello 2019, doi:10.1080/0969594X.2017.1418734).
    items_per_person : int
        Different items that one person sees, fewer than J. Not used for pairs.
    items_per_task : int, optional
        A; 5 for best-worst, always 2 for pairs.
    n_tasks : int
        T tasks of one person.
    batch : int
        People between two fits.
    epsilon, delta : float
        See ``policy``; 0 to 1, and 1 or more. The defaults were chosen by a small exploration,
        docs/evidence/adaptive_designs.md.
    prior_sd : float
        Standard deviation of the prior of each item's utility (log-odds).
    seed : int or Generator

    Raises
    ------
    DesignError
        A request that cannot be met, with the nearest one that can be.

    Examples
    --------
    >>> state = start_adaptive([f"name {i + 1}" for i in range(40)], items_per_person=10, items_per_task=5, n_tasks=6)
    >>> state, tasks = next_tasks(state, "r1")
    >>> tasks.head(2)
      respondent task  position     item    label     text
    0         r1    1         1  name 15  name 15  name 15
    1         r1    1         2  name 36  name 36  name 36
    >>> first = tasks[tasks["task"] == "1"]["item"].tolist()
    >>> update(state, [{"respondent": "r1", "task": 1, "best": first[0], "worst": first[4]}])
    AdaptiveState  best_worst, policy diffuse: 40 items, 10 per person, 6 tasks of 5
      1 asked, 1 answered, not fitted yet (every 20)
    """
    things = items if isinstance(items, Items) else Items.from_labels(items)
    if kind not in POLICIES:
        raise DesignError(f"unknown kind {kind!r} of adaptive tasks\n  expected one of {', '.join(POLICIES)}")
    chosen = POLICIES[kind][0] if policy is None else policy
    if chosen not in POLICIES[kind]:
        raise DesignError(f"unknown policy {chosen!r} for {kind} tasks\n  expected one of {', '.join(POLICIES[kind])}")
    size = {"best_worst": 5, "pair": 2}[kind] if items_per_task is None else items_per_task
    _check_numbers(n_tasks, batch, epsilon, delta, prior_sd)
    number = int(seed.integers(2**62)) if isinstance(seed, np.random.Generator) else int(seed)
    if number < 0:
        raise DesignError(f"seed {number} is negative\n  expected 0 or more")
    if kind == "pair":
        _check_pairs(len(things), size, n_tasks)
        slots = np.empty((0, n_tasks, 2), np.int32)
    else:
        _check_best_worst(len(things), items_per_person, size, n_tasks)
        rng = _stream(number, 0)
        bases = base_designs(items_per_person, n_tasks, size, _BASES, rng)
        slots = place(np.stack([base.sets for base in bases]), items_per_person, rng)
    return AdaptiveState(
        items=things, kind=kind, policy=chosen, slots=slots, batch=batch, epsilon=float(epsilon), delta=float(delta),
        prior_sd=float(prior_sd), seed=number, respondents=(), shown=np.empty((0, n_tasks, size), np.int32),
        place=np.empty((0, n_tasks, size), np.int8), order=np.empty(0, np.int32), n_fitted=0, n_asked=0,
        mean=np.zeros(len(things)), cov=prior_sd**2 * np.eye(len(things)),
    )  # fmt: skip


def next_tasks(state: AdaptiveState, respondent: str) -> tuple[AdaptiveState, pd.DataFrame]:
    """The tasks of this respondent, and the state that knows of them; somebody who asks again gets the same tasks.

    Returns
    -------
    AdaptiveState
        To go on with: the one given stays as it was.
    DataFrame
        respondent, task, position, item (id), label, text; a row per position (T x A), as ``state.tasks(respondent)`` gives.

    Raises
    ------
    RespondentsError
        Where the id is empty.
    """
    if not str(respondent).strip():
        raise RespondentsError("a respondent without an id asks for tasks\n  expected an id of their own, as text")
    after = state if str(respondent) in state.respondents else ask(state, [str(respondent)])
    return after, after.tasks(respondent)


def update(state: AdaptiveState, answers: Answers) -> AdaptiveState:
    """The state after these answers, of one respondent or several; after each full batch the posterior is fitted anew.

    Parameters
    ----------
    answers : DataFrame, or list of dicts
        A row per task: ``respondent``, ``task``, and ``best`` and ``worst`` (for pairs ``winner``) by item id. Tasks and parts
        of them may be missing, all answers of a respondent come at once.

    Raises
    ------
    ChoicesError
        With all that is wrong: respondents who were given no tasks, who answered before, or with no answer in any row; unknown
        tasks, tasks twice, items that the task did not show, one item as best and worst.
    """
    rows, places = read_answers(state, answers)
    return record(state, rows, places)


def ask(state: AdaptiveState, respondents: Sequence[str]) -> AdaptiveState:
    """The state after these new respondents were given tasks."""
    n = len(respondents)
    shown = np.concatenate([state.shown, np.zeros((n, state.n_tasks, state.items_per_task), np.int32)])
    for r in range(state.n_respondents, len(shown)):
        rng = _stream(state.seed, 1 + r)
        shown[r] = (_next_pairs if state.kind == "pair" else _next_sets)(state, shown[:r], rng)
    blank = np.zeros((n, state.n_tasks, state.items_per_task), np.int8)
    return replace(state, respondents=(*state.respondents, *respondents), shown=shown,
                   place=np.concatenate([state.place, blank]), order=np.append(state.order, np.full(n, -1)))  # fmt: skip


def record(state: AdaptiveState, rows: npt.ArrayLike, places: npt.NDArray[np.int8]) -> AdaptiveState:
    """The state after the respondents in these rows answered, in this order; ``places`` (rows, T, A)."""
    index = np.asarray(rows, np.int64)
    place, order = state.place.copy(), state.order.copy()
    place[index] = places
    order[index] = state.n_answered + np.arange(len(index))
    after = replace(state, place=place, order=order)
    while after.n_answered >= after.n_fitted + state.batch:  # batch by batch, so that it does not matter how answers arrive
        n_fitted = after.n_fitted + state.batch
        mean, cov = estimate(after, n_fitted)
        after = replace(after, mean=mean, cov=cov, n_fitted=n_fitted, n_asked=state.n_respondents)
    return after


def estimate(state: AdaptiveState, n: int | None = None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean (J) and covariance (J, J) of the utilities given the first ``n`` answers, by default all."""
    mine = np.flatnonzero((state.order >= 0) & (state.order < (state.n_answered if n is None else n)))
    return fit_posterior(state.shown[mine], state.place[mine], state.kind, len(state.items), state.prior_sd, state.mean)


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


def _next_sets(state: AdaptiveState, shown: Ints, rng: np.random.Generator) -> Ints:
    """Best-worst tasks (T, A): items by the policy, put into the slots of a good design at random."""
    slots = state.slots[len(shown) % len(state.slots)]
    n = int(slots.max()) + 1
    if state.policy == "express" or state.n_fitted == 0:
        chosen = deal_items(np.bincount(shown.ravel(), minlength=len(state.items)), n, rng)
    else:
        epsilon = state.epsilon if state.policy == "diffuse" else 0.0
        chosen = sample_items(state.mean, state.cov, n, rng, epsilon=epsilon, delta=state.delta)
    return np.asarray(rng.permutation(chosen)[slots])


def _next_pairs(state: AdaptiveState, shown: Ints, rng: np.random.Generator) -> Ints:
    """Pairs (T, 2), neighbours sharing few items, each item left or right at random."""
    n_items = len(state.items)
    if state.policy == "random":
        i, j = np.triu_indices(n_items, 1)
        pairs = np.stack([i, j], axis=1)[rng.choice(len(i), state.n_tasks, replace=False)]
    else:
        r = np.arange(len(shown))
        order = np.append(state.order, np.full(len(shown) - state.n_respondents, -1))
        # people asked before the last fit who have not answered by now may never do so
        waiting = np.where(order < 0, r >= state.n_asked, order >= state.n_fitted)
        pairs = choose_pairs(state.mean, state.cov, shown[waiting].reshape(-1, 2).astype(np.int64), state.n_tasks, rng)
    member = incidence(pairs, n_items).astype(np.int64)
    return rng.permuted(pairs[order_sets(member @ member.T, rng, n_starts=5)], axis=1)


def _check_numbers(n_tasks: int, batch: int, epsilon: float, delta: float, prior_sd: float) -> None:
    wrong = [f"{name}={value} (expected {expected})" for name, value, good, expected in (
        ("n_tasks", n_tasks, n_tasks >= 1, "1 or more"), ("batch", batch, batch >= 1, "1 or more"),
        ("epsilon", epsilon, 0 <= epsilon <= 1, "0 to 1"), ("delta", delta, 1 <= delta < np.inf, "1 or more"),
        ("prior_sd", prior_sd, 0 < prior_sd < np.inf, "above 0"),
    ) if not good]  # fmt: skip
    if wrong:
        raise DesignError(f"{len(wrong)} argument{'s' * (len(wrong) != 1)} out of range\n  {', '.join(wrong)}")


def _check_best_worst(n_items: int, n_seen: int, size: int, n_tasks: int) -> None:
    asked = f"{n_tasks} sets of {size} from {n_seen} of {n_items} items"
    if n_seen >= n_items:
        raise DesignError(f"{asked}: everybody would see all of them, and nothing is left to adapt\n"
                          f"  the nearest possible: items_per_person={n_items - 1}, or design_best_worst(items)")  # fmt: skip
    if not 2 <= size <= n_seen:
        raise DesignError(f"{asked}: a set shows 2 items or more, and none of them twice\n"
                          f"  the nearest possible: items_per_task={min(max(size, 2), n_seen)}")  # fmt: skip
    if n_tasks * size < n_seen:
        raise DesignError(f"{asked}: only {n_tasks * size} of them find a place\n"
                          f"  the nearest possible: n_tasks={-(-n_seen // size)}, "
                          f"or items_per_person={n_tasks * size}")  # fmt: skip


def _check_pairs(n_items: int, size: int, n_tasks: int) -> None:
    if n_items < 2:
        raise DesignError("one item cannot be compared with any other\n  expected two items or more")
    if size != 2:
        raise DesignError(f"pairs of {size} items\n  the nearest possible: items_per_task=2, or kind='best_worst'")
    if n_tasks > (most := n_items * (n_items - 1) // 2):
        raise DesignError(f"{n_tasks} pairs of one person, and {n_items} items make {most} different ones\n"
                          f"  the nearest possible: n_tasks={most}")  # fmt: skip
