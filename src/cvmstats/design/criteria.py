"""What a design is judged by, and the bounds that no design can beat.

Notation: v items, B sets of k items; r_i, how often item i is shown; lambda_ij, how often i and j are shown together. In
the model of a choice at equal utilities a set gives information c_k (I - J / k) on its items, so all sets give
c_k C, C = R - N'N / k (John & Mitchell 1977, JRSS B 39, 39-43).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def least_squares(total: int, n: int) -> int:
    """The least sum of squares of ``n`` whole numbers that sum to ``total``.

    >>> least_squares(10, 4)  # 3, 3, 2, 2
    26
    """
    q, more = divmod(total, n)
    return more * (q + 1) ** 2 + (n - more) * q**2


def least_pair_squares(shown: npt.ArrayLike, sizes: npt.ArrayLike) -> int:
    """A bound on the sum of lambda^2 over pairs, given how often each item is shown (v) and the sizes of the sets (B).

    The better of two: all pairs as even as they could be, and each item's pairs as even as they could be.
    """
    r, k = np.asarray(shown, np.int64), np.asarray(sizes, np.int64)
    v = len(r)
    if v < 2:
        return 0
    every = least_squares(int((k * (k - 1) // 2).sum()), v * (v - 1) // 2)
    if len(np.unique(k)) > 1:
        return every
    size = int(k[0]) if len(k) else 1
    by_item = sum(least_squares(int(x) * (size - 1), v - 1) for x in r)
    return max(every, -(-by_item // 2))


def incidence(shown: npt.ArrayLike, n_objects: int) -> npt.NDArray[np.bool_]:
    """Which sets (..., T, A) show which objects (..., T, J)."""
    sets = np.asarray(shown)
    out = np.zeros((*sets.shape[:-1], n_objects + 1), bool)
    np.put_along_axis(out, np.where(sets < 0, n_objects, sets), True, axis=-1)
    return out[..., :-1]


def concurrence(member: npt.NDArray[np.bool_]) -> Ints:
    """How often pairs meet, (..., J, J); on the diagonal how often an object is shown."""
    ones = member.astype(np.float32)
    return np.rint(np.swapaxes(ones, -1, -2) @ ones).astype(np.int64)


def pair_squares(met: Ints) -> Ints:
    """Sum of lambda^2 over pairs."""
    diagonal = np.square(np.diagonal(met, axis1=-2, axis2=-1)).sum(axis=-1)
    return np.asarray((np.square(met).sum(axis=(-1, -2)) - diagonal) // 2)


def pair_sd(squares: float, total: int, n_pairs: int) -> float:
    """Standard deviation (ddof 1) of ``n_pairs`` numbers from their sum of squares and their sum."""
    return float(np.sqrt(max(0.0, squares - total**2 / n_pairs) / (n_pairs - 1))) if n_pairs > 1 else 0.0


def information(member: npt.NDArray[np.bool_], weight: npt.ArrayLike = 1.0) -> Floats:
    """C (..., J, J): the sum over sets of ``weight`` (I - J / k) on their objects."""
    ones = member.astype(float)
    size = np.maximum(ones.sum(axis=-1), 1.0)
    w = np.broadcast_to(np.asarray(weight, float), size.shape)
    total = -np.swapaxes(ones, -1, -2) @ (ones * (w / size)[..., None])
    diagonal = (ones * w[..., None]).sum(axis=-2)
    j = np.arange(ones.shape[-1])
    total[..., j, j] += diagonal
    return np.asarray(total)


def efficiencies(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """D, A and E efficiency of C (..., v, v): geometric, harmonic mean and least of its v - 1 eigenvalues over their mean.

    All are 1 where every pair meets equally often, and 0 where a design falls apart.
    """
    values = np.linalg.eigvalsh(matrix)[..., 1:]
    if values.shape[-1] == 0:  # one item: nothing to compare
        ones = np.ones(values.shape[:-1])
        return ones, ones, ones
    mean = np.maximum(values.mean(axis=-1), 1e-300)
    whole = values[..., 0] > 1e-9 * mean
    safe = np.where(whole[..., None], values, 1.0)
    d = np.where(whole, np.exp(np.log(safe).mean(axis=-1)) / mean, 0.0)
    a = np.where(whole, 1.0 / (1.0 / safe).mean(axis=-1) / mean, 0.0)
    return d, a, np.where(whole, values[..., 0] / mean, 0.0)


def parts(met: Ints) -> Ints:
    """Which connected part of the design each object belongs to (J), from the table of meetings."""
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(met > 0, directed=False)[1], np.int64)


def adjacent_repeats(member: npt.NDArray[np.bool_]) -> Floats:
    """Objects that a set shares with the one before it, summed over the sets of a version (V), from (V, T, J)."""
    return np.asarray((member[:, 1:] & member[:, :-1]).sum(axis=(1, 2)), float)


def best_efficiencies(shown: npt.ArrayLike, sizes: npt.ArrayLike) -> tuple[float, float]:
    """Bounds on D and A efficiency for items shown so often (v) in sets of one size (B).

    The trace of C is fixed and that of C^2 has a least value; of all eigenvalues with that mean and variance, one large and
    all others equal have the largest geometric and harmonic mean (the third derivatives of log x and -1 / x are positive).
    """
    r, k = np.asarray(shown, float), np.asarray(sizes, np.int64)
    n = len(r) - 1
    if n < 1:
        return 1.0, 1.0
    size = int(k[0])
    mean = len(k) * (size - 1) / n
    square = np.square(r * (1 - 1 / size)).sum() + 2 * least_pair_squares(np.asarray(shown), k) / size**2
    sd = float(np.sqrt(max(0.0, square / n - mean**2)))
    if n == 1 or sd < 1e-9 * mean:
        return 1.0, 1.0
    most, rest = mean + sd * np.sqrt(n - 1), mean - sd / np.sqrt(n - 1)
    if rest <= 0:
        return 1.0, 1.0
    d = float(np.exp((np.log(most) + (n - 1) * np.log(rest)) / n) / mean)
    return d, float(n / (1 / most + (n - 1) / rest) / mean)
