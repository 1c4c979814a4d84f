"""From flat tasks to the sampler's blocks (``blocks.py``): who sits beside whom, and what stands where."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import Bits, Blocks, Odd, Sets
from cvmstats._numerics.coded import Coded
from cvmstats._numerics.lanes import BITS, REAL, WIDTH
from cvmstats._numerics.logit import rules
from cvmstats._numerics.own import count_anew, no_objects, own_objects
from cvmstats._numerics.tasks import JOINT, LAST, LOGITS, NEITHER, Tasks, nth, select

_SPARE = 1.5
"""Slots of a block in which each has the same set in all lanes, over those that its busiest lane needs, at most."""


def lay_out(given: Tasks, coded: Coded | None = None) -> Blocks:
    """Lay out flat tasks in blocks, with rows of their own where ``coded`` is given."""
    anew = None if coded is None else count_anew(given, coded)
    whole = given if anew is None else anew.tasks
    row = _seats(whole)
    live = row >= 0
    seat = np.empty((whole.n_people, 2), np.int64)
    seat[row[live]] = np.argwhere(live)
    tasks, on_top = _fractions(whole)
    rule = rules(tasks)
    plain = (rule == JOINT) | (rule == NEITHER) | ((rule == LOGITS) & ((tasks.best >= 0) | tasks.worst_only))
    of_task = seat[tasks.owner]
    sets = _sets(select(tasks, np.flatnonzero(plain)), on_top[plain], of_task[plain], live)
    own = no_objects(len(row))
    if anew is not None and coded is not None:
        own = own_objects(anew, coded, row, seat)
        anew.pairs.pull(sets.linear, seat)
    return Blocks(row, _bits(live), sets, own, _odd(select(tasks, np.flatnonzero(~plain)), of_task[~plain], len(row)))


def _sets(tasks: Tasks, top: npt.NDArray[np.bool_], seat: npt.NDArray[np.int64], live: npt.NDArray[np.bool_]) -> Sets:
    """Products of logits; ``seat`` is that of each task."""
    (block, lane), best, worst = seat.T, tasks.best, tasks.worst
    size, joint, neither = np.diff(tasks.start), rules(tasks) == JOINT, rules(tasks) == NEITHER
    slot, steady = _slots(tasks, block, len(live))
    n_blocks, n_objects, n_tasks, n_shown = len(live), tasks.n_objects, 1 + int(slot.max(initial=0)), int(size.max(initial=2))
    has_best, has_worst, flip = np.zeros((3, n_blocks, n_tasks, WIDTH), bool)
    has_best[block, slot, lane] = np.where(joint, ~top | (best < 0), best >= 0)
    has_worst[block, slot, lane] = np.where(joint, ~top | (worst < 0), worst >= 0)
    flip[block, slot, lane] = top
    less = np.zeros((n_blocks, n_tasks, WIDTH), REAL)
    less[block, slot, lane] = np.where(joint, size * ~top, top & (worst >= 0))
    linear = np.zeros((n_blocks, n_objects, WIDTH), REAL)
    for pick, sign in ((best, 1.0), (worst, -1.0)):
        there = (pick >= 0) & ~neither & ~top
        np.add.at(linear, (block[there], tasks.objects[(tasks.start[:-1] + pick)[there]], lane[there]), sign)

    of = np.repeat(np.arange(len(size)), size)  # one entry for every object in a set
    place = nth(of)
    member = np.full((n_blocks, n_tasks, n_shown, WIDTH), n_objects, np.uint32)
    rest = np.zeros((n_blocks, n_tasks, n_shown, WIDTH), bool)
    member[block[of], slot[of], place, lane[of]] = tasks.objects
    rest[block[of], slot[of], place, lane[of]] = (place != best[of]) | (joint | neither)[of]
    there = member[:, :, 0] < n_objects
    # lanes that are idle, or have nothing in a slot whose set is that of all others, see what the first one sees
    first = np.where(steady[:, None], there.argmax(axis=2), 0)[:, :, None, None]
    empty = ~there & (~live | steady[:, None])[:, None, :]
    for lanes in (member, rest):
        np.copyto(lanes, np.take_along_axis(lanes, first, axis=3), where=empty[:, :, None, :])

    b, t, a, w = np.nonzero(member < n_objects)
    objects = member[b, t, a, w].astype(np.int64)
    order = np.argsort((b * n_objects + objects) * WIDTH + w, kind="stable")  # slots of one object in their order
    b, t, a, w, objects = b[order], t[order], a[order], w[order], objects[order]
    times = nth((b * n_objects + objects) * WIDTH + w)
    seen = np.full((n_blocks, n_objects, int(times.max(initial=0) + 1), WIDTH), n_tasks, np.uint32)
    seen_rest = np.zeros(seen.shape, bool)
    seen[b, objects, times, w], seen_rest[b, objects, times, w] = t, rest[b, t, a, w]
    return Sets(
        alike=(member == member[..., :1]).all(axis=(1, 2, 3)), member=member, rest=_bits(rest), has_best=_bits(has_best),
        has_worst=_bits(has_worst), less=less, flip=_bits(flip), linear=linear, seen=seen, seen_rest=_bits(seen_rest),
        often=(seen < n_tasks).any(axis=3).sum(axis=2),
    )  # fmt: skip


def _contents(tasks: Tasks) -> npt.NDArray[np.int64]:
    """Numbers of tasks, the same for the same sets."""
    known: dict[bytes, int] = {}
    objects, edges = tasks.objects, tasks.start.tolist()
    return np.array([known.setdefault(objects[lo:hi].tobytes(), len(known)) for lo, hi in pairwise(edges)], np.int64)


def _slots(tasks: Tasks, block: npt.NDArray[np.int64], n_blocks: int
           ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:  # fmt: skip
    """The slot of each task in its block, and the blocks whose slots hold the same set in all lanes."""
    owner = tasks.owner
    turn, content = nth(owner), _contents(tasks)
    order = np.lexsort((turn, content, owner))
    again = np.empty_like(turn)  # the how manieth of this set for this person
    again[order] = nth(_groups(owner[order], content[order]))
    order = np.lexsort((turn, again, content, block))
    group = _groups(block[order], content[order], again[order])
    begin = np.flatnonzero(np.diff(group, prepend=-1))
    of, earliest = block[order][begin], turn[order][begin]
    by_turn = np.lexsort((earliest, of))
    number = np.empty(len(of), np.int64)
    number[by_turn] = nth(of[by_turn])
    most = np.zeros(n_blocks, np.int64)
    np.maximum.at(most, block, turn + 1)
    steady = np.bincount(of, minlength=n_blocks) <= _SPARE * most
    steady_slot = np.empty_like(turn)
    steady_slot[order] = number[group]
    return np.where(steady[block], steady_slot, turn), steady


def _groups(*keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Numbers of sorted rows, the same for the same keys."""
    if not len(keys[0]):
        return np.zeros(0, np.int64)
    return np.cumsum(np.any([np.diff(k, prepend=k[0]) != 0 for k in keys], axis=0))


def _fractions(tasks: Tasks) -> tuple[Tasks, npt.NDArray[np.bool_]]:
    """Tasks with every fraction as two, and which of them stand on top, without the one pick (the anchor, if neither)."""
    rule = rules(tasks)
    which = np.flatnonzero((rule == NEITHER) | ((rule == JOINT) & ((tasks.best < 0) | (tasks.worst < 0))))
    if not len(which):
        return tasks, np.zeros(len(rule), bool)
    order = np.sort(np.concatenate([np.arange(len(rule)), which]), kind="stable")
    on_top = np.concatenate([[False], order[1:] == order[:-1]])
    twice = select(tasks, order)
    of = np.repeat(np.arange(len(order)), np.diff(twice.start))
    gone = on_top[of] & (nth(of) == np.where(twice.best >= 0, twice.best, twice.worst)[of])
    return twice._replace(objects=twice.objects[~gone], start=twice.start - np.concatenate([[0], np.cumsum(on_top)])), on_top


def _odd(tasks: Tasks, seat: npt.NDArray[np.int64], n_blocks: int) -> Odd:
    """Answers that are no product of logits: of each block, rule and size as many slots as one of its lanes needs."""
    size, rule, (block, lane) = np.diff(tasks.start), rules(tasks), seat.T
    order = np.lexsort((lane, size, rule, block))
    size, rule, block, lane = size[order], rule[order], block[order], lane[order]
    kind = _groups(block, rule.astype(np.int64), size)
    turn = nth(kind * WIDTH + lane)
    needed = np.zeros(int(kind.max(initial=-1)) + 1, np.int64)
    np.maximum.at(needed, kind, turn + 1)
    slot = (np.cumsum(needed) - needed)[kind] + turn
    n_slots = int(needed.sum())
    owner, rules_, sizes = np.zeros(n_slots, np.int64), np.zeros(n_slots, np.int8), np.zeros(n_slots, np.int64)
    owner[slot], rules_[slot], sizes[slot] = block, rule, size
    live = np.zeros((n_slots, WIDTH), bool)
    live[slot, lane] = True
    of = np.repeat(np.arange(len(size)), size)
    place, pick = nth(of), tasks.worst[order][of]
    member = np.full((n_slots, int(size.max(initial=0)), WIDTH), tasks.n_objects, np.uint32)
    first = np.where(place == pick, 0, place + (place < pick))  # the worst goes to the front
    member[slot[of], first, lane[of]] = tasks.objects[tasks.start[order][of] + place]
    return Odd(np.searchsorted(owner, np.arange(n_blocks + 1)), rules_, sizes, member, _bits(live))


def _seats(tasks: Tasks) -> npt.NDArray[np.int64]:
    """Who sits where (B, WIDTH): people who saw the same in blocks of their own, half full at least; the rest together."""
    shown, content = rules(tasks) != LAST, _contents(tasks)
    groups: dict[bytes, list[int]] = {}
    for i in range(tasks.n_people):
        own = slice(tasks.person[i], tasks.person[i + 1])
        groups.setdefault(content[own][shown[own]].tobytes(), []).append(i)
    own_blocks: list[list[int]] = []
    others: list[tuple[bytes, int]] = []
    for saw, members in groups.items():
        for first in range(0, len(members), WIDTH):
            seat = members[first : first + WIDTH]
            if 2 * len(seat) >= WIDTH:
                own_blocks.append(seat)
            else:
                others += [(saw, i) for i in seat]
    left = [i for _, i in sorted(others)]  # those who saw nearly the same beside each other
    own_blocks += [left[first : first + WIDTH] for first in range(0, len(left), WIDTH)]
    row = np.full((len(own_blocks), WIDTH), -1, np.int64)
    for b, seat in enumerate(own_blocks):
        row[b, : len(seat)] = seat
    return row


def _bits(lanes: npt.NDArray[np.bool_]) -> Bits:
    """Flags of lanes (..., WIDTH) as masks."""
    return np.asarray((lanes * (1 << np.arange(WIDTH, dtype=np.uint64))).sum(axis=-1), BITS)
