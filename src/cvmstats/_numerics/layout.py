"""From flat tasks to the sampler's blocks (``blocks.py``): who sits beside whom, and what stands where."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import Bits, Blocks, Odd, Sets
from cvmstats._numerics.coded import Coded
from cvmstats._numerics.lanes import BITS, REAL, WIDTH
from cvmstats._numerics.logit import rules
from cvmstats._numerics.own import count_anew, no_objects, own_objects
from cvmstats._numerics.tasks import JOINT, LOGITS, NEITHER, Tasks, rank, select


def lay_out(given: Tasks, coded: Coded | None = None) -> Blocks:
    """Lay out flat tasks in blocks, with rows of their own where ``coded`` is given."""
    anew = None if coded is None else count_anew(given, coded)
    tasks, on_top = _fractions(given if anew is None else anew.tasks)
    n_objects, n_people = tasks.n_objects, tasks.n_people
    size, owner = np.diff(tasks.start), np.repeat(np.arange(n_people), np.diff(tasks.person))
    rule = rules(tasks)
    joint, neither = rule == JOINT, rule == NEITHER
    plain = joint | neither | ((rule == LOGITS) & ((tasks.best >= 0) | tasks.worst_only))
    row = _seats(tasks, plain)
    live = row >= 0
    seat = np.empty((n_people, 2), np.int64)
    seat[row[live]] = np.argwhere(live)
    kept = np.flatnonzero(plain)
    slot = rank(owner[kept])  # of each task, within its person
    n_blocks, n_tasks, n_shown = len(row), 1 + int(slot.max(initial=0)), int(size.max(initial=2))
    block, lane = seat[owner[kept]].T
    best, worst, whole, top = tasks.best[kept], tasks.worst[kept], joint[kept], on_top[kept]
    has_best, has_worst = np.zeros((2, n_blocks, n_tasks, WIDTH), bool)
    has_best[block, slot, lane] = np.where(whole, ~top | (best < 0), best >= 0)
    has_worst[block, slot, lane] = np.where(whole, ~top | (worst < 0), worst >= 0)
    less = np.zeros((n_blocks, n_tasks, WIDTH), REAL)
    less[block, slot, lane] = np.where(whole, size[kept] * ~top, top & (worst >= 0))
    flip = np.zeros((n_blocks, n_tasks, WIDTH), bool)
    flip[block, slot, lane] = top
    linear = np.zeros((n_blocks, n_objects, WIDTH), REAL)
    for pick, sign in ((best, 1.0), (worst, -1.0)):
        there = (pick >= 0) & ~neither[kept] & ~top
        np.add.at(linear, (block[there], tasks.objects[(tasks.start[kept] + pick)[there]], lane[there]), sign)

    if anew is not None:
        anew.pairs.pull(linear, seat)

    # from here on one entry for every object in a set
    of = np.repeat(np.arange(len(kept)), size[kept])
    place = rank(of)
    objects = tasks.objects[tasks.start[kept][of] + place]
    member = np.full((n_blocks, n_tasks, n_shown, WIDTH), n_objects, np.uint32)
    rest = np.zeros((n_blocks, n_tasks, n_shown, WIDTH), bool)
    member[block[of], slot[of], place, lane[of]] = objects
    second = (place != best[of]) | (joint | neither)[kept][of]
    rest[block[of], slot[of], place, lane[of]] = second
    cell = (block[of] * n_objects + objects) * WIDTH + lane[of]
    order = np.argsort(cell, kind="stable")  # tasks of one object in their order
    times = rank(cell[order])
    seen = np.full((n_blocks, n_objects, int(times.max(initial=0) + 1), WIDTH), n_tasks, np.uint32)
    seen_rest = np.zeros(seen.shape, bool)
    where = block[of][order], objects[order], times, lane[of][order]
    seen[where], seen_rest[where] = slot[of][order], second[order]
    for lanes in (member, rest, seen, seen_rest):  # idle lanes see what the first one sees
        np.copyto(lanes, lanes[..., :1], where=~live[:, None, None, :])
    sets = Sets(
        alike=(member == member[..., :1]).all(axis=(1, 2, 3)), member=member, rest=_bits(rest), has_best=_bits(has_best),
        has_worst=_bits(has_worst), less=less, flip=_bits(flip), linear=linear, seen=seen, seen_rest=_bits(seen_rest),
        often=(seen < n_tasks).any(axis=3).sum(axis=2),
    )  # fmt: skip
    own = no_objects(n_blocks) if anew is None or coded is None else own_objects(anew, coded, row)
    return Blocks(row, _bits(live), sets, own, _odd(tasks, ~plain, seat[owner], n_blocks))


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
    gone = on_top[of] & (rank(of) == np.where(twice.best >= 0, twice.best, twice.worst)[of])
    return twice._replace(objects=twice.objects[~gone], start=twice.start - np.concatenate([[0], np.cumsum(on_top)])), on_top


def _odd(tasks: Tasks, odd: npt.NDArray[np.bool_], seat: npt.NDArray[np.int64], n_blocks: int) -> Odd:
    """Answers that are no product of logits: of each block, rule and size as many slots as one of its lanes needs."""
    which = np.flatnonzero(odd)
    size, rule, (block, lane) = np.diff(tasks.start)[which], rules(tasks)[which], seat[which].T
    order = np.lexsort((lane, size, rule, block))
    which, size, rule, block, lane = which[order], size[order], rule[order], block[order], lane[order]
    _, kind = np.unique(np.stack([block, rule, size]), axis=1, return_inverse=True)
    turn = rank(kind * WIDTH + lane)
    needed = np.zeros(int(kind.max(initial=-1)) + 1, np.int64)
    np.maximum.at(needed, kind, turn + 1)
    slot = (np.cumsum(needed) - needed)[kind] + turn
    n_slots = int(needed.sum())
    owner, rules_, sizes = np.zeros(n_slots, np.int64), np.zeros(n_slots, np.int8), np.zeros(n_slots, np.int64)
    owner[slot], rules_[slot], sizes[slot] = block, rule, size
    live = np.zeros((n_slots, WIDTH), bool)
    live[slot, lane] = True
    of = np.repeat(np.arange(len(which)), size)
    place, pick = rank(of), tasks.worst[which][of]
    member = np.full((n_slots, int(size.max(initial=0)), WIDTH), tasks.n_objects, np.uint32)
    first = np.where(place == pick, 0, place + (place < pick))  # the worst goes to the front
    member[slot[of], first, lane[of]] = tasks.objects[tasks.start[which][of] + place]
    return Odd(np.searchsorted(owner, np.arange(n_blocks + 1)), rules_, sizes, member, _bits(live))


def _seats(tasks: Tasks, plain: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Who sits where (B, WIDTH): people who saw the same in blocks of their own, half full at least; the rest together."""
    groups: dict[bytes, list[int]] = {}
    for i in range(tasks.n_people):
        own = np.flatnonzero(plain[tasks.person[i] : tasks.person[i + 1]]) + tasks.person[i]
        sets = [tasks.objects[tasks.start[t] : tasks.start[t + 1]] for t in own]
        saw = np.concatenate([[len(part) for part in sets], *sets]).astype(np.int64)
        groups.setdefault(saw.tobytes(), []).append(i)
    own_blocks: list[list[int]] = []
    others: list[int] = []
    for members in groups.values():
        for first in range(0, len(members), WIDTH):
            seat = members[first : first + WIDTH]
            if 2 * len(seat) >= WIDTH:
                own_blocks.append(seat)
            else:
                others += seat
    own_blocks += [others[first : first + WIDTH] for first in range(0, len(others), WIDTH)]
    row = np.full((len(own_blocks), WIDTH), -1, np.int64)
    for b, seat in enumerate(own_blocks):
        row[b, : len(seat)] = seat
    return row


def _bits(lanes: npt.NDArray[np.bool_]) -> Bits:
    """Flags of lanes (..., WIDTH) as masks."""
    return np.asarray((lanes * (1 << np.arange(WIDTH, dtype=np.uint64))).sum(axis=-1), BITS)
