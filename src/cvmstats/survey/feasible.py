"""Whether margins can be met at all by weights of the people there are, as a linear programme."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Floats = npt.NDArray[np.float64]
_SMALL = 1e-9


def find_conflict(cells: npt.NDArray[np.int64], targets: list[Floats]) -> tuple[list[tuple[int, int, float]], list[int]]:
    """What stands in the way of meeting margins.

    Parameters
    ----------
    cells : array (n, M)
        Combinations of categories that have people.
    targets : list of M arrays
        Target shares of the categories of each margin.

    Returns
    -------
    missed : list of (margin, category, share)
        Categories that cannot have their targets, with the share nearest to it that the other margins leave them; empty where
        all can be met.
    zero : list of int
        Cells that get no weight in any solution.

    Examples
    --------
    >>> halves = [np.array([0.5, 0.5]), np.array([0.7, 0.3])]
    >>> find_conflict(np.array([[0, 0], [1, 1]]), halves)[0]
    [(0, 0, 0.7), (0, 1, 0.3), (1, 0, 0.5), (1, 1, 0.5)]
    >>> find_conflict(np.array([[0, 0], [1, 1], [1, 0]]), halves)
    ([], [])
    """
    rows = [(m, c) for m, target in enumerate(targets) for c in range(len(target))]
    matrix = np.array([(cells[:, m] == c).astype(float) for m, c in rows])
    goal = np.array([targets[m][c] for m, c in rows])
    n = len(cells)
    slack = np.eye(len(rows))
    near = _solve(np.concatenate([np.zeros(n), np.ones(2 * len(rows))]), np.hstack([matrix, slack, -slack]), goal)
    assert near is not None  # with slack there is always a solution
    reached = matrix @ near[:n]
    if np.abs(reached - goal).max() > _SMALL:
        far = [(m, c, round(float(share), 9)) for (m, c), share, wanted in zip(rows, reached, goal, strict=True)
               if abs(share - wanted) > _SMALL]  # fmt: skip
        return _nearest(matrix, goal, rows) or far, []
    # the least weight of a cell, as large as it can be: weights are that and something more
    least = _solve(np.append(np.zeros(n), -1.0), np.column_stack([matrix, matrix.sum(axis=1)]), goal)
    if least is not None and least[n] > _SMALL:
        return [], []
    most = (_solve(-one, matrix, goal) for one in np.eye(n))
    return [], [i for i, x in enumerate(most) if x is not None and x[i] < _SMALL]


def _nearest(matrix: Floats, goal: Floats, rows: list[tuple[int, int]]) -> list[tuple[int, int, float]]:
    """For each category, the share nearest to its target when the other margins are met, where that is not the target."""
    out = []
    for i, (m, c) in enumerate(rows):
        others = [j for j, (k, _) in enumerate(rows) if k != m]
        ends = (_solve(sign * matrix[i], matrix[others], goal[others]) for sign in (1.0, -1.0))
        found = [float(matrix[i] @ x) for x in ends if x is not None]
        if found and not min(found) - _SMALL <= goal[i] <= max(found) + _SMALL:
            out.append((m, c, round(min(found) if goal[i] < min(found) else max(found), 9)))
    return out


def _solve(cost: Floats, matrix: Floats, goal: Floats) -> Floats | None:
    """Weights of 0 or more that meet ``matrix x = goal`` at the least cost; None where there are none."""
    end = linprog(cost, A_eq=matrix, b_eq=goal)
    return None if end.status or end.x is None else np.asarray(end.x)
