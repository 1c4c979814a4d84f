"""Designs of paired comparisons of items: round robins, and regular graphs where there are too many pairs.

Pairs of profiles are in ``profile_pairs.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.ordering import order_sets
from cvmstats._numerics.positions import balance_positions
from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.design.criteria import incidence
from cvmstats.design.graphs import regular_graph
from cvmstats.design.profile_pairs import pairs_of_profiles
from cvmstats.errors import DesignError

Ints = npt.NDArray[np.int64]


def design_pairs(
    items: Items | Attributes | Iterable[str],
    *,
    degree: int | None = None,
    n_tasks: int | None = None,
    n_versions: int = 1,
    grades: Sequence[tuple[int, str]] = (),
    prohibited: Iterable[Mapping[str, Any]] = (),
    prior: Mapping[str, Any] | None = None,
    prior_sd: float | Mapping[str, Any] | None = None,
    seed: int | np.random.Generator = 0,
) -> Design:
    """Pairs of v items: each item meets ``degree`` others, and stands left as often as right.

    Of ``Attributes``, pairs of profiles: D-optimal for the differences by coordinate exchange, each level as often left as
    right, as nearly as can be; see :func:`~cvmstats.design.conjoint.design_conjoint` for what is meant by the last options.

    Parameters
    ----------
    items : Items, or labels, or Attributes
    degree : int, optional
        Others that each item is compared with, v times degree even; by default all of them (a round robin). Fewer are
        chosen by A efficiency: the best circulant graph, bettered by exchanges.
    n_tasks : int, optional
        Of profiles, and required there: T, pairs in a version.
    n_versions : int
        V; the pairs are dealt to the versions so that each shows every item equally often, as nearly as can be.
    grades : pairs of (points, label), optional
        Answers say how strongly, on this scale; for example ``((0, "equal"), (1, "somewhat"), (2, "much"))``.
    prohibited, prior, prior_sd
        Of profiles: combinations that are never shown, and what is thought of the utilities.
    seed : int or Generator

    Raises
    ------
    DesignError
        A request that no design can meet, with the nearest one that can be met.

    Examples
    --------
    >>> design_pairs(["price", "quality", "service", "speed", "advice", "range"], degree=3)
    Design  1 version x 9 tasks x 2 items
      6 items · pair · ...
    """
    rng = np.random.default_rng(seed)
    rules = tuple(prohibited)
    if isinstance(items, Attributes):
        if degree is not None or n_tasks is None:
            what = "n_tasks is missing" if degree is None else "degree is of items"
            raise DesignError(f"pairs of profiles: {what}\n  expected n_tasks, pairs in a version, such as n_tasks=12")
        return pairs_of_profiles(items, n_tasks=n_tasks, n_versions=n_versions, grades=grades, prohibited=rules, prior=prior,
                                 prior_sd=prior_sd, rng=rng)  # fmt: skip
    options = {"n_tasks": n_tasks, "prohibited": rules, "prior": prior, "prior_sd": prior_sd}
    given = [name for name, value in options.items() if value is not None and value != ()]
    if given:
        raise DesignError(f"pairs of items take no {', '.join(given)}\n  expected degree and n_versions; profiles take these, "
                          "as Attributes")  # fmt: skip
    things = items if isinstance(items, Items) else Items.from_labels(items)
    n_items = len(things)
    chosen = _check(n_items, degree, n_versions)
    edges = regular_graph(n_items, chosen, rng)
    version = _deal(edges, n_items, n_versions, rng)
    placed = balance_positions(edges[np.argsort(version, kind="stable")], np.sort(version), n_items, rng)
    shown = np.full((n_versions, int(np.bincount(version).max()), 2), -1, np.int32)
    for v in range(n_versions):
        mine = placed[np.sort(version) == v]
        member = incidence(mine, n_items).astype(np.int64)
        shown[v, : len(mine)] = mine[order_sets(member @ member.T, rng, n_starts=5)]
    return Design(objects=things, shown=shown, kind="graded" if grades else "pair", grades=tuple(grades),
                  block=("pairs",) * shown.shape[1], source="cvmstats")  # fmt: skip


def _check(n_items: int, degree: int | None, n_versions: int) -> int:
    if n_items < 2:
        raise DesignError("one item cannot be compared with any other\n  expected two items or more")
    chosen = n_items - 1 if degree is None else degree
    low = min(2, n_items - 1)
    near = min(max(chosen, low), n_items - 1)
    if n_items * near % 2:
        near += 1 if near < n_items - 1 else -1
    if chosen != near:
        raise DesignError(f"{n_items} items cannot each be compared with {chosen} others, all of them connected\n"
                          f"  expected {low} to {n_items - 1}, items times degree even\n"
                          f"  the nearest possible: degree={near}")  # fmt: skip
    n_pairs = n_items * chosen // 2
    if not 1 <= n_versions <= n_pairs:
        raise DesignError(f"{n_pairs} pairs cannot be dealt to {n_versions} versions\n"
                          f"  the nearest possible: n_versions={min(max(n_versions, 1), n_pairs)}")  # fmt: skip
    return chosen


def _deal(edges: Ints, n_items: int, n_versions: int, rng: np.random.Generator) -> Ints:
    """The version of each pair (E): as many pairs in each, and every item as often in each, as nearly as exchanges find."""
    version = rng.permutation(np.arange(len(edges)) % n_versions)
    seen = np.zeros((n_versions, n_items), np.int64)
    np.add.at(seen, (version[:, None], edges), 1)
    better = n_versions > 1
    while better:
        better = False
        for e in rng.permutation(len(edges)):
            v = version[e]
            others = np.flatnonzero(version != v)
            # what an exchange with each other pair costs; pairs that share an item are judged by their other ends alone
            to = version[others]
            a, b = edges[e]
            gain = (seen[to, a] + seen[to, b] - seen[v, a] - seen[v, b] + 2
                    + seen[v][edges[others]].sum(axis=1) - seen[to[:, None], edges[others]].sum(axis=1) + 2)  # fmt: skip
            shared = (edges[others][:, :, None] == edges[e]).any(axis=(1, 2))
            gain = np.where(shared, np.inf, gain)
            if len(others) and gain.min() < 0:
                f = others[int(np.argmin(gain))]
                for which, come in ((e, version[f]), (f, v)):
                    seen[version[which], edges[which]] -= 1
                    seen[come, edges[which]] += 1
                    version[which] = come
                better = True
    return version
