"""Answers laid out for the sampler: LANES people side by side, so that one instruction serves several of them.

For each person the sequential likelihood needs, per task, the sums of e^v over the set and of e^-v over the set without
the best; exponentials are taken once per item. Gradients gather the tasks that showed an item, so that nothing is
scattered and every loop over lanes vectorises.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import LANES, fast_exp, fast_log
from cvmstats._numerics.logit import _missing_best
from cvmstats._numerics.tasks import Tasks

FARTHEST = 80.0
"""Beyond this (logits) sums of exponentials no longer fit a double; such people are computed one by one, exactly."""


class Blocks(NamedTuple):
    """B = ceil(R / LANES) blocks of people.

    Attributes
    ----------
    row : array (B, LANES)
        Which person, -1 for an idle lane.
    alike : array (B), bool
        Whether all lanes of the block saw the same sets in the same order.
    member : array (B, T, A, LANES)
        Object of each place, J where there is none.
    rest : array (B, T, A, LANES)
        1 where the object belongs to the set from which the worst is chosen.
    has_best, has_worst : array (B, T, LANES)
        1 where the pick is there.
    linear : array (B, J, LANES)
        Times best less times worst.
    seen : array (B, J, N, LANES)
        The tasks that showed the object, T as filler.
    seen_rest : array (B, J, N, LANES)
        1 where the object was in the worst set of that task.
    often : array (B, J)
        How many of the N are needed.
    odd, odd_start, odd_objects, odd_worst
        Tasks whose best is missing, per lane (B LANES + 1), taken apart.
    """

    row: npt.NDArray[np.int64]
    alike: npt.NDArray[np.bool_]
    member: npt.NDArray[np.uint32]
    rest: npt.NDArray[np.float64]
    has_best: npt.NDArray[np.float64]
    has_worst: npt.NDArray[np.float64]
    linear: npt.NDArray[np.float64]
    seen: npt.NDArray[np.uint32]
    seen_rest: npt.NDArray[np.float64]
    often: npt.NDArray[np.int64]
    odd: npt.NDArray[np.int64]
    odd_start: npt.NDArray[np.int64]
    odd_objects: npt.NDArray[np.int64]
    odd_worst: npt.NDArray[np.int64]


def lay_out(tasks: Tasks) -> Blocks:
    """Lay out flat tasks in blocks; people who saw the same sets are put together."""
    n_people, n_objects = tasks.n_people, tasks.n_objects
    size = np.diff(tasks.start)
    plain = (tasks.best >= 0) | tasks.worst_only
    per_person = [[t for t in range(tasks.person[i], tasks.person[i + 1]) if plain[t]] for i in range(n_people)]
    signature = [tuple(tuple(tasks.objects[tasks.start[t] : tasks.start[t + 1]].tolist()) for t in own)
                 for own in per_person]  # fmt: skip
    order = sorted(range(n_people), key=lambda i: (signature[i], i))
    n_blocks = -(-n_people // LANES)
    n_tasks = max(1, max(len(own) for own in per_person))
    n_shown = max(2, int(size.max(initial=2)))
    row = np.full((n_blocks, LANES), -1, np.int64)
    row.ravel()[:n_people] = order
    member = np.full((n_blocks, n_tasks, n_shown, LANES), n_objects, np.uint32)
    rest = np.zeros((n_blocks, n_tasks, n_shown, LANES))
    has_best, has_worst = np.zeros((2, n_blocks, n_tasks, LANES))
    linear = np.zeros((n_blocks, n_objects, LANES))
    where: list[list[list[tuple[int, float]]]] = []
    for b in range(n_blocks):
        first = row[b, 0]
        for lane in range(LANES):
            i = row[b, lane]
            where.append([[] for _ in range(n_objects)])
            for slot, t in enumerate(per_person[i if i >= 0 else first]):
                objects = tasks.objects[tasks.start[t] : tasks.start[t + 1]]
                member[b, slot, : len(objects), lane] = objects
                best, worst = tasks.best[t], tasks.worst[t]
                for place, j in enumerate(objects):
                    rest[b, slot, place, lane] = float(place != best)
                    where[-1][j].append((slot, float(place != best)))
                if i < 0:
                    continue
                has_best[b, slot, lane], has_worst[b, slot, lane] = float(best >= 0), float(worst >= 0)
                if best >= 0:
                    linear[b, objects[best], lane] += 1
                if worst >= 0:
                    linear[b, objects[worst], lane] -= 1
    most = max(1, max(len(tasks_of) for lane_where in where for tasks_of in lane_where))
    seen = np.full((n_blocks, n_objects, most, LANES), n_tasks, np.uint32)
    seen_rest = np.zeros((n_blocks, n_objects, most, LANES))
    for index, lane_where in enumerate(where):
        b, lane = divmod(index, LANES)
        for j, tasks_of in enumerate(lane_where):
            for n, (slot, mark) in enumerate(tasks_of):
                seen[b, j, n, lane], seen_rest[b, j, n, lane] = slot, mark
    alike = np.array([(member[b] == member[b, :, :, :1]).all() for b in range(n_blocks)])
    odd = [[t for t in range(tasks.person[i], tasks.person[i + 1]) if not plain[t]] if i >= 0 else []
           for i in row.ravel()]  # fmt: skip
    flat = [t for own in odd for t in own]
    pieces = [tasks.objects[tasks.start[t] : tasks.start[t + 1]] for t in flat]
    return Blocks(
        row=row, alike=alike, member=member, rest=rest, has_best=has_best, has_worst=has_worst, linear=linear,
        seen=seen, seen_rest=seen_rest, often=(seen < n_tasks).any(axis=3).sum(axis=2),
        odd=np.cumsum([0] + [len(own) for own in odd]).astype(np.int64),
        odd_start=np.cumsum([0] + [len(p) for p in pieces]).astype(np.int64),
        odd_objects=np.concatenate([np.zeros(0, np.int64), *pieces]).astype(np.int64),
        odd_worst=tasks.worst[flat].astype(np.int64) if flat else np.zeros(0, np.int64),
    )  # fmt: skip


@compiled(fast=True)
def block_gradient(blocks, b, u, e, f, inv_b, inv_w, g, value, wanted):  # type: ignore[no-untyped-def]
    """Log-likelihood ``value`` (LANES) and gradient ``g`` (J, LANES) of block ``b`` at utilities ``u`` (J, LANES).

    ``e``, ``f`` (J + 1, LANES) and ``inv_b``, ``inv_w`` (T + 1, LANES) are work space whose last rows are zero.
    The value is right only where it is ``wanted``: inside a trajectory the gradient alone serves, without logarithms.
    """
    member, rest, seen, seen_rest = blocks.member, blocks.rest, blocks.seen, blocks.seen_rest
    n_tasks, n_shown = member.shape[1], member.shape[2]
    n_objects = seen.shape[1]
    alike = blocks.alike[b]
    sb, sw = np.empty(LANES), np.empty(LANES)
    value[:] = 0.0
    for j in range(n_objects):
        for lane in range(LANES):
            e[j, lane] = fast_exp(min(max(u[j, lane], -FARTHEST), FARTHEST))
        for lane in range(LANES):
            f[j, lane] = 1.0 / e[j, lane]
    for t in range(n_tasks):
        sb[:] = 0.0
        sw[:] = 0.0
        for a in range(n_shown):
            if alike:
                m = member[b, t, a, 0]
                for lane in range(LANES):
                    sb[lane] += e[m, lane]
                for lane in range(LANES):
                    sw[lane] += f[m, lane] * rest[b, t, a, lane]
            else:
                for lane in range(LANES):
                    sb[lane] += e[member[b, t, a, lane], lane]
                    sw[lane] += f[member[b, t, a, lane], lane] * rest[b, t, a, lane]
        for lane in range(LANES):
            sb[lane] = blocks.has_best[b, t, lane] * sb[lane] + (1.0 - blocks.has_best[b, t, lane])
            sw[lane] = blocks.has_worst[b, t, lane] * sw[lane] + (1.0 - blocks.has_worst[b, t, lane])
        for lane in range(LANES):
            inv_b[t, lane] = blocks.has_best[b, t, lane] / sb[lane]
            inv_w[t, lane] = blocks.has_worst[b, t, lane] / sw[lane]
        if wanted:
            for lane in range(LANES):
                value[lane] -= fast_log(sb[lane] * sw[lane])
    for j in range(n_objects):
        sb[:] = 0.0
        sw[:] = 0.0
        for n in range(blocks.often[b, j]):
            if alike:
                s = seen[b, j, n, 0]
                for lane in range(LANES):
                    sb[lane] += inv_b[s, lane]
                for lane in range(LANES):
                    sw[lane] += inv_w[s, lane] * seen_rest[b, j, n, lane]
            else:
                for lane in range(LANES):
                    sb[lane] += inv_b[seen[b, j, n, lane], lane]
                    sw[lane] += inv_w[seen[b, j, n, lane], lane] * seen_rest[b, j, n, lane]
        for lane in range(LANES):
            g[j, lane] = blocks.linear[b, j, lane] - e[j, lane] * sb[lane] + f[j, lane] * sw[lane]
        for lane in range(LANES):
            value[lane] += blocks.linear[b, j, lane] * u[j, lane]
    for lane in range(LANES):
        far = False
        for j in range(n_objects):
            far |= not abs(u[j, lane]) <= FARTHEST
        if far:
            _one_by_one(blocks, b, lane, u, g, value)
    if blocks.odd[(b + 1) * LANES] > blocks.odd[b * LANES]:
        _add_odd(blocks, b, u, g, value)


@compiled
def _one_by_one(blocks, b, lane, u, g, value):  # type: ignore[no-untyped-def]
    """The same for one person, with the largest utility of each set taken out before exponentials."""
    n_objects = u.shape[0]
    value[lane] = 0.0
    for j in range(n_objects):
        g[j, lane] = blocks.linear[b, j, lane]
        value[lane] += blocks.linear[b, j, lane] * u[j, lane]
    for t in range(blocks.member.shape[1]):
        for sign in (1.0, -1.0):
            if (blocks.has_best if sign > 0 else blocks.has_worst)[b, t, lane] == 0.0:
                continue
            high = -np.inf
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or blocks.rest[b, t, a, lane] > 0.0):
                    high = max(high, sign * u[m, lane])
            total = 0.0
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or blocks.rest[b, t, a, lane] > 0.0):
                    total += np.exp(sign * u[m, lane] - high)
            value[lane] -= high + np.log(total)
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or blocks.rest[b, t, a, lane] > 0.0):
                    g[m, lane] -= sign * np.exp(sign * u[m, lane] - high) / total


@compiled
def _add_odd(blocks, b, u, g, value):  # type: ignore[no-untyped-def]
    nothing = np.empty((0, 0))
    for lane in range(LANES):
        for t in range(blocks.odd[b * LANES + lane], blocks.odd[b * LANES + lane + 1]):
            members = blocks.odd_objects[blocks.odd_start[t] : blocks.odd_start[t + 1]]
            v = np.empty(len(members))
            for j in range(len(members)):
                v[j] = u[members[j], lane]
            part = np.zeros(len(members))
            value[lane] += _missing_best(v, blocks.odd_worst[t], part, nothing)
            for j in range(len(members)):
                g[members[j], lane] += part[j]
