"""From the sets that people saw to a design, a version each, and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.places import NO_ANSWER, misplaced, without_second
from cvmstats.errors import examples
from cvmstats.survey.problems import Problems

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Sets:
    """Long answers as arrays: ``seen`` (R, T, A) object indices, -1 behind the last; ``code`` (R, T, A) what was said of each.

    ``version`` (R) is the place of each one's version among ``versions``, or None where the file does not say.
    """

    ids: tuple[str, ...]
    tasks: tuple[str, ...]
    seen: npt.NDArray[np.int32]
    code: npt.NDArray[np.int8]
    version: Ints | None
    versions: tuple[str, ...]

    @property
    def present(self) -> Bools:
        """Which tasks have rows (R, T)."""
        result: Bools = self.seen[:, :, 0] >= 0
        return result


def infer_versions(sets: Sets) -> tuple[npt.NDArray[np.int32], Ints, tuple[str, ...] | None]:
    """What was shown (V, T, A), each one's version (R), and the versions' names where the file gives them.

    People who saw the same things in the same order share a version; where the file has versions, the first of a
    version's people who has a task tells what it showed.
    """
    n = len(sets.seen)
    if sets.version is None:
        rows = np.empty(n, dtype=object)
        rows[:] = [row.tobytes() for row in sets.seen]
        version, distinct = pd.factorize(rows)
        first = np.zeros(len(distinct), dtype=np.int64)
        first[version[::-1]] = np.arange(n)[::-1]
        return sets.seen[first], version.astype(np.int64), None
    r, t = np.nonzero(sets.present)
    first = np.full((len(sets.versions), len(sets.tasks)), -1)
    first[sets.version[r[::-1]], t[::-1]] = r[::-1]
    shown = np.where(first[:, :, None] < 0, -1, sets.seen[first, np.arange(len(sets.tasks))])
    return shown.astype(np.int32), sets.version, sets.versions


def find_versions(sets: Sets, design: Design, problems: Problems) -> Ints:
    """The version (R) of a given design that each one's sets are those of; 0 where none can be told."""
    n = len(sets.ids)
    if design.n_versions == 1:
        return np.zeros(n, np.int64)
    weights = np.random.default_rng(20210704).integers(1, 2**62, len(design.objects) + 1)
    weights[-1] = 0  # what index -1 takes: nothing shown
    mine, theirs = weights[sets.seen].sum(axis=2), weights[design.shown].sum(axis=2)
    known: dict[bytes, int] = {}
    for v, row in enumerate(theirs):
        known.setdefault(row.tobytes(), v)
    version = np.array([known.get(row.tobytes(), -1) for row in mine], dtype=np.int64)
    unclear = []
    same = np.array([known[row.tobytes()] for row in theirs])
    for r in np.flatnonzero(version < 0):
        has = mine[r] != 0
        hits = (theirs[:, has] == mine[r, has]).sum(axis=1)
        best = np.flatnonzero(hits == hits.max())
        version[r] = best[0]
        if hits.max() == has.sum() and len(np.unique(same[best])) > 1:
            fits = [(design.version_ids or ())[v] for v in best[:2]]
            unclear.append(f"{sets.ids[r]} (versions {fits[0]}, {fits[1]})")
    if unclear:
        problems.add(f"{len(unclear):,} of {n:,} respondents answered tasks that more than one version of the design "
                     f"has",
                     where=f"respondent {examples(unclear)}", expected="answers that tell the version apart",
                     remedy="add a column 'version' to the answers")  # fmt: skip
    return version


def place_answers(
    sets: Sets, design: Design, version: Ints, bad: Bools, problems: Problems, *, given: bool
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """Places (R, T, A) in the order of the design, and the objects in the order in which they were seen."""
    shown, present = design.shown[version], sets.present
    width = max(shown.shape[2], sets.seen.shape[2])
    seen, full, code = _widened(sets.seen, width, -1), _widened(shown, width, -1), _widened(sets.code, width, 0)
    if not bad.any() and ((seen == full) | ~present[:, :, None]).all():  # all saw the design's sets in the design's order
        place = np.where((design.shown < 0)[version], np.int8(NO_ANSWER), code[:, :, : shown.shape[2]])
        return place, shown
    differs = present & ~bad & (np.sort(seen, axis=2) != np.sort(full, axis=2)).any(axis=2)
    total = int(present.sum())

    def note(mask: Bools, what: str, expected: str) -> None:
        problems.add_tasks(mask, what, of=total, ids=sets.ids, tasks=sets.tasks, expected=expected)

    if differs.sum() > total / 2 and given:
        r, t = np.argwhere(differs)[0]
        problems.add(f"{differs.sum():,} of {total:,} tasks show other items than the design {design.fingerprint[:6]}",
                     where=f"respondent {sets.ids[r]!r} task {sets.tasks[t]}", expected="the sets of the design",
                     remedy="give the design that these answers were collected with: design=")  # fmt: skip
    elif differs.any():
        for sign, word in ((1, "best"), (-1, "worst")):
            absent = (seen >= 0) & ~(seen[..., :, None] == full[..., None, :]).any(axis=-1)
            picked = ((code == sign) & absent).any(axis=2)
            note(differs & picked & ~bad, f"name a {word} item that was not shown in the task",
                 "an item of the set that the design shows")  # fmt: skip
            bad = bad | (differs & picked)
        if given:
            what, expected = (
                f"show other items than the design {design.fingerprint[:6]}",
                "all items of the design's set",
            )
        else:
            what, expected = "show other items to some people of a version than to others", "one set for each version"
        note(differs & ~bad, what, expected)
        bad = bad | differs
    place = np.zeros(shown.shape, np.int8)
    for a in range(shown.shape[2]):
        place[:, :, a] = np.where(seen == shown[:, :, a, None], code, 0).sum(axis=2, dtype=np.int64)
    place[bad] = 0
    place[shown < 0] = NO_ANSWER
    order = np.where((present & ~bad)[:, :, None], seen[:, :, : shown.shape[2]], shown)
    return place, order.astype(np.int32)


def _widened(array: npt.NDArray[Any], width: int, fill: int) -> npt.NDArray[Any]:
    """The array with a last axis of this width."""
    more = width - array.shape[2]
    return array if not more else np.pad(array, [(0, 0), (0, 0), (0, more)], constant_values=fill)


def check_kinds(place: npt.NDArray[np.int8], design: Design, version: Ints) -> list[tuple[Bools, str, str]]:
    """Tasks (R, T) that answer what they were not asked: mask, what is wrong, what was expected."""
    kind, dual = np.asarray(design.kind), bool(np.asarray(design.dual).any())
    if not dual and (kind == "best_worst").all():
        return []
    best_only, worst_only, rank = ((kind == k)[version] for k in ("best", "worst", "rank"))
    pair = np.isin(kind, ("pair", "graded"))[version]
    own = without_second(design, version, place)
    best, worst = (own == 1).any(axis=2), (own == -1).any(axis=2)
    result = [
        (worst & best_only, "name a worst item, and the design asks for the best only", "no choice of -1"),
        (worst & pair, "name a worst item, and the design asks for the winner of a pair", "1 for it, 0 for the other"),
        (best & worst_only, "name a best item, and the design asks for the worst only", "no choice of 1"),
    ]
    if rank.any():
        result.append((rank & _not_a_ranking(own), "are no ranking", "1, 2, 3, ..., each once, 0 or nothing for the others"))
    return result + misplaced(design, version, place) if dual or rank.any() else result


def _not_a_ranking(place: npt.NDArray[np.int8]) -> Bools:
    """Whether the ranks of a task (R, T) are other than 1, 2, ... up to their number."""
    placed = np.where(place == NO_ANSWER, 0, place)
    lowest = (placed != 0).sum(axis=2, keepdims=True)
    due = np.arange(place.shape[2]) + 1 - (place.shape[2] - lowest)
    result: Bools = (np.sort(placed, axis=2) != np.maximum(due, 0)).any(axis=2)
    return result
