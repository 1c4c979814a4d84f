"""From flat tasks to the sampler's blocks (``blocks.py``): who sits beside whom, and what stands where."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import Bits, Blocks, Odd, Own, Sets
from cvmstats._numerics.coded import Coded
from cvmstats._numerics.lanes import BITS, REAL, WIDTH
from cvmstats._numerics.logit import rules
from cvmstats._numerics.tasks import JOINT, LOGITS, NEITHER, Tasks

Floats = npt.NDArray[np.float64]


def lay_out(given: Tasks, coded: Coded | None = None) -> Blocks:
    """Lay out flat tasks in blocks, with rows of their own where ``coded`` is given."""
    tasks, own = (given, None) if coded is None else _count_anew(given)
    tasks, on_top = _fractions(tasks)
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
    slot = _rank(owner[kept])  # of each task, within its person
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

    # from here on one entry for every object in a set
    of = np.repeat(np.arange(len(kept)), size[kept])
    place = _rank(of)
    objects = tasks.objects[tasks.start[kept][of] + place]
    member = np.full((n_blocks, n_tasks, n_shown, WIDTH), n_objects, np.uint32)
    rest = np.zeros((n_blocks, n_tasks, n_shown, WIDTH), bool)
    member[block[of], slot[of], place, lane[of]] = objects
    second = (place != best[of]) | (joint | neither)[kept][of]
    rest[block[of], slot[of], place, lane[of]] = second
    cell = (block[of] * n_objects + objects) * WIDTH + lane[of]
    order = np.argsort(cell, kind="stable")  # tasks of one object in their order
    times = _rank(cell[order])
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
    return Blocks(row, _bits(live), sets, _own(row, own, coded, n_objects), _odd(tasks, ~plain, seat[owner], n_blocks))


def _fractions(tasks: Tasks) -> tuple[Tasks, npt.NDArray[np.bool_]]:
    """Tasks with every fraction as two, and which of them stand on top, without the one pick (the anchor, if neither)."""
    rule = rules(tasks)
    which = np.flatnonzero((rule == NEITHER) | ((rule == JOINT) & ((tasks.best < 0) | (tasks.worst < 0))))
    if not len(which):
        return tasks, np.zeros(len(rule), bool)
    order = np.sort(np.concatenate([np.arange(len(rule)), which]), kind="stable")
    on_top = np.concatenate([[False], order[1:] == order[:-1]])
    size = np.diff(tasks.start)[order]
    of = np.repeat(np.arange(len(order)), size)
    place = _rank(of)
    picked = np.where(tasks.best >= 0, tasks.best, tasks.worst)[order]
    kept = ~(on_top[of] & (place == picked[of]))
    owner = np.repeat(np.arange(tasks.n_people), np.diff(tasks.person))[order]
    person = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=tasks.n_people))])
    return tasks._replace(
        person=person.astype(np.int64), start=np.concatenate([[0], np.cumsum(size - on_top)]).astype(np.int64),
        objects=tasks.objects[(tasks.start[order][of] + place)[kept]], best=tasks.best[order], worst=tasks.worst[order],
        worst_only=tasks.worst_only[order], rule=rule[order],
    ), on_top  # fmt: skip


def _odd(tasks: Tasks, odd: npt.NDArray[np.bool_], seat: npt.NDArray[np.int64], n_blocks: int) -> Odd:
    """Answers that are no product of logits: of each block, rule and size as many slots as one of its lanes needs."""
    which = np.flatnonzero(odd)
    size, rule, (block, lane) = np.diff(tasks.start)[which], rules(tasks)[which], seat[which].T
    order = np.lexsort((lane, size, rule, block))
    which, size, rule, block, lane = which[order], size[order], rule[order], block[order], lane[order]
    _, kind = np.unique(np.stack([block, rule, size]), axis=1, return_inverse=True)
    turn = _rank(kind * WIDTH + lane)
    needed = np.zeros(int(kind.max(initial=-1)) + 1, np.int64)
    np.maximum.at(needed, kind, turn + 1)
    slot = (np.cumsum(needed) - needed)[kind] + turn
    n_slots = int(needed.sum())
    owner, rules_, sizes = np.zeros(n_slots, np.int64), np.zeros(n_slots, np.int8), np.zeros(n_slots, np.int64)
    owner[slot], rules_[slot], sizes[slot] = block, rule, size
    live = np.zeros((n_slots, WIDTH), bool)
    live[slot, lane] = True
    of = np.repeat(np.arange(len(which)), size)
    place, pick = _rank(of), tasks.worst[which][of]
    member = np.full((n_slots, int(size.max(initial=0)), WIDTH), tasks.n_objects, np.uint32)
    first = np.where(place == pick, 0, place + (place < pick))  # the worst goes to the front
    member[slot[of], first, lane[of]] = tasks.objects[tasks.start[which][of] + place]
    return Odd(np.searchsorted(owner, np.arange(n_blocks + 1)), rules_, sizes, member, _bits(live))


def _count_anew(tasks: Tasks) -> tuple[Tasks, list[npt.NDArray[np.int64]]]:
    """Tasks whose objects are counted from 0 for each person in order of appearance, and which those are."""
    objects, own = tasks.objects.copy(), []
    for i in range(tasks.n_people):
        lo, hi = tasks.start[tasks.person[i]], tasks.start[tasks.person[i + 1]]
        distinct, first, index = np.unique(tasks.objects[lo:hi], return_index=True, return_inverse=True)
        order = np.argsort(first)
        objects[lo:hi] = np.argsort(order)[index]
        own.append(distinct[order])
    return tasks._replace(objects=objects, n_objects=max(2, *(len(o) for o in own)), alternatives=None), own


def _own(row: npt.NDArray[np.int64], own: list[npt.NDArray[np.int64]] | None, coded: Coded | None, n_objects: int) -> Own:
    """Rows of coding and response and the error scale of each lane's objects; 0 where there is none."""
    if coded is None or own is None:
        nothing = np.zeros((len(row), 0, WIDTH))
        return Own(nothing[:, :, None], nothing[:, :, None], nothing.astype(np.int64), nothing, nothing)
    rows = np.zeros((len(row), n_objects, coded.rows.shape[1], WIDTH), REAL)
    response = np.zeros((len(row), n_objects, coded.response.shape[1], WIDTH), REAL)
    scale = np.zeros((len(row), n_objects, WIDTH), np.int64)
    for b, lane in np.argwhere(row >= 0):
        which = own[row[b, lane]]
        rows[b, : len(which), :, lane] = coded.rows[which]
        response[b, : len(which), :, lane] = coded.response[which]
        scale[b, : len(which), lane] = coded.scale[which]
    return Own(rows, response, scale, np.ones(scale.shape), np.zeros(scale.shape))


def _rank(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many entries of the same group precede each; groups are contiguous."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(first, np.diff(first, append=len(groups)))


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


def place_factors(blocks: Blocks, response: Floats, log_scales: Floats, log_factor: Floats,
         at: tuple[npt.NDArray[np.intp], ...] | None = None) -> None:  # fmt: skip
    """Factors and shifts of the alternatives from response parameters, error scales and people's factors, in place."""
    if blocks.own.rows.shape[1] == 0:
        return
    scale = np.concatenate([[0.0], log_scales])[blocks.own.scale]
    if at is not None:
        own = np.zeros(blocks.row.shape)
        own[at] = log_factor
        scale = scale + own[:, None, :]
    np.exp(scale, out=blocks.own.factor)
    blocks.own.shift[...] = np.einsum("bjew,e->bjw", blocks.own.response, response)
