"""Places: what answers say of the objects of a task, what they may say, and what is left without a second question.

Shapes: R respondents, T tasks, A positions, V versions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats.data.design import Design

NO_ANSWER = -128
"""In places: no answer about this object, it leaves the set."""

Places = npt.NDArray[np.int8]
Versions = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]


def anchors(design: Design, version: Versions) -> Bools:
    """Where the anchor stands that a second question is about (R, T, A)."""
    dual = np.asarray(design.dual)[version][:, :, None]
    zero = np.append(~np.asarray(design.coding).any(axis=1), False)
    result: Bools = zero[design.shown[version]] & dual
    return result


def without_second(design: Design, version: Versions, place: Places) -> Places:
    """Places in each set without what a second question placed (R, T, A): there the anchor has left (-128)."""
    if not np.asarray(design.dual).any():
        return place
    anchor = anchors(design, version)
    first = (anchor & (place == 1)).any(axis=2, keepdims=True)
    last = (anchor & (place == -1)).any(axis=2, keepdims=True)
    own = place - (first & (place > 0)) + (last & (place < 0) & (place != NO_ANSWER))
    return np.where(anchor, NO_ANSWER, own).astype(np.int8)


def misplaced(design: Design, version: Versions, place: Places) -> list[tuple[Bools, str, str]]:
    """What no task of its kind can say: which tasks (R, T), in words, and what they can."""
    kind, dual = np.asarray(design.kind), np.asarray(design.dual)[version]
    picks = np.isin(kind, ("best_worst", "best", "worst"))[version]
    pair = np.isin(kind, ("pair", "graded"))[version]
    best, worst, other = _ends(place)
    wrong, stuck = (best > 1) | (worst > 1) | other, np.zeros(dual.shape, bool)
    if dual.any():
        anchor = anchors(design, version)
        far = how_many(anchor & (np.abs(place) > 1) & (place != NO_ANSWER)) > 0
        first, last, beyond_one = _ends(without_second(design, version, place))
        wrong = np.where(dual, (best > 1) | (worst > 1) | far | (first > 1) | (last > 1) | beyond_one, wrong)
        below = how_many(~anchor & (place < 0) & (place != NO_ANSWER)) > 0
        stuck = below & (how_many(anchor & (place == 0)) > 0) & (how_many(place != NO_ANSWER) == 2)
    return [
        (picks & wrong, "name more than one best or more than one worst", "one item of each at most"),
        (picks & stuck, "put the anchor neither before nor after the one object beside it", "1 or -1 for the anchor"),
        (pair & ((best > 2) | other | ((best == 0) & (worst > 0))),
         "to pairs are neither a winner (1) with a loser (0) nor a tie (1 and 1)", "1 and 0, or 1 and 1"),
    ]  # fmt: skip


def _ends(place: Places) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Bools]:
    """How many are best and worst in each task (R, T), and whether something has another place."""
    other = how_many((np.abs(place) > 1) & (place != NO_ANSWER)) > 0
    return how_many(place == 1), how_many(place == -1), other


def how_many(marks: Bools) -> npt.NDArray[np.int32]:
    """Marks in each task (R, T); position by position, which is quicker than a sum over a short last axis."""
    result = np.zeros(marks.shape[:2], np.int32)
    for a in range(marks.shape[2]):
        result += marks[:, :, a]
    return result
