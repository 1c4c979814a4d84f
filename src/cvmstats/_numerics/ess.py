"""R-hat and effective sample size of many quantities at once (Vehtari et al. 2021, doi 10.1214/20-BA1221).

As in ArviZ: rank-normalised split R-hat (the larger of bulk and folded), bulk ESS, and tail ESS at the 5% and 95%
quantiles, with Geyer's initial monotone sequence. One sort per quantity serves all; autocovariances are summed lag by
lag and only as far as Geyer's sequence goes, which for chains that mix is cheaper than a Fourier transform.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from cvmstats._numerics.compiled import compiled

Floats = npt.NDArray[np.float64]


def chain_diagnostics(draws: npt.ArrayLike, *, threads: int | None = None) -> Floats:
    """R-hat, bulk ESS and tail ESS (Q, 3) of Q quantities from their draws (Q, C, D).

    NaN where a draw is not a number or D < 4; R-hat is NaN for one chain.
    """
    x = np.ascontiguousarray(draws)
    n, n_chains, n_draws = x.shape
    out = np.full((n, 3), np.nan)
    half = n_draws // 2
    if n == 0 or n_draws < 4:
        return out
    size = 2 * n_chains * half
    # normal scores of ranks 1, 1.5, 2, ...: average ranks of ties are halves
    scores = ndtri((np.arange(2, 2 * size + 1) / 2 - 0.375) / (size + 0.25))
    low, high = _quantile_place(0.05, n_chains * n_draws), _quantile_place(0.95, n_chains * n_draws)
    workers = threads or min(4, os.cpu_count() or 1)
    parts = np.array_split(np.arange(n), max(workers, n // 500))

    def work(part: npt.NDArray[np.intp]) -> None:
        if len(part):
            block = x[part[0] : part[-1] + 1].astype(np.float64)
            split = np.concatenate([block[:, :, :half], block[:, :, n_draws - half :]], axis=1)
            order = np.argsort(split.reshape(len(part), size), axis=1)
            # an odd number of draws loses the middle one when split, but quantiles are of all
            ordered = np.sort(block.reshape(len(part), -1), axis=1) if n_draws % 2 else np.empty((len(part), 0))
            _diagnose(split, order, ordered, scores, *low, *high, n_chains, out[part[0] : part[-1] + 1])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, parts))
    return out


def _quantile_place(prob: float, n: int) -> tuple[int, float]:
    """Where a quantile lies in the order: index below it, and weight of the next (type 7 of Hyndman & Fan 1996)."""
    place = prob * (n - 1)
    return int(place), place - int(place)


@compiled
def _ranks(values, order, scores, out):  # type: ignore[no-untyped-def]
    """Normal scores of average ranks, from the order."""
    n = len(order)
    i = 0
    while i < n:
        j = i
        while j + 1 < n and values[order[j + 1]] == values[order[i]]:
            j += 1
        score = scores[i + j]
        for k in range(i, j + 1):
            out[order[k]] = score
        i = j + 1


@compiled
def _fold(values, order, median, distance, folded):  # type: ignore[no-untyped-def]
    """Distances from the median, and their order: a merge of the two halves of the order."""
    n = len(order)
    for i in range(n):
        distance[i] = abs(values[i] - median)
    right = 0
    while right < n and values[order[right]] < median:
        right += 1
    left = right - 1
    for k in range(n):
        if right >= n or (left >= 0 and distance[order[left]] <= distance[order[right]]):
            folded[k] = order[left]
            left -= 1
        else:
            folded[k] = order[right]
            right += 1


@compiled(fast=True)
def _moments(x):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(x)):
        total += x[i]
    mean = total / len(x)
    square = 0.0
    for i in range(len(x)):
        square += (x[i] - mean) * (x[i] - mean)
    return mean, square


@compiled(fast=True)
def _lagged(x, lag):  # type: ignore[no-untyped-def]
    """Mean over chains of the autocovariance at a lag; ``x`` (chains, n) centred per chain."""
    chains, n = x.shape
    total = 0.0
    for c in range(chains):
        row = x[c]
        for i in range(n - lag):
            total += row[i] * row[i + lag]
    return total / (n * chains)


@compiled
def _rhat(x):  # type: ignore[no-untyped-def]
    chains, n = x.shape
    means = np.empty(chains)
    within = 0.0
    for c in range(chains):
        means[c], square = _moments(x[c])
        within += square / (n - 1)
    _, square = _moments(means)
    between = n * square / (chains - 1)
    return np.sqrt((between / (within / chains) + n - 1) / n)


@compiled
def _ess(x, rho):  # type: ignore[no-untyped-def]
    """ESS of split chains ``x`` (chains, n), which are centred in place; ``rho`` is scratch (n)."""
    chains, n = x.shape
    smallest, largest = x[0, 0], x[0, 0]
    means = np.empty(chains)
    for c in range(chains):
        means[c], _ = _moments(x[c])
        for i in range(n):
            smallest, largest = min(smallest, x[c, i]), max(largest, x[c, i])
            x[c, i] -= means[c]
    if largest - smallest < 1e-15:
        return float(chains * n)
    within = _lagged(x, 0) * n / (n - 1.0)
    _, square = _moments(means)
    total = within * (n - 1.0) / n + square / (chains - 1)
    rho[:] = 0.0
    even = 1.0
    odd = 1.0 - (within - _lagged(x, 1)) / total
    rho[0], rho[1] = even, odd
    t = 1
    while t < n - 3 and even + odd > 0.0:
        even = 1.0 - (within - _lagged(x, t + 1)) / total
        odd = 1.0 - (within - _lagged(x, t + 2)) / total
        if even + odd >= 0:
            rho[t + 1], rho[t + 2] = even, odd
        t += 2
    last = t - 2
    if even > 0:
        rho[last + 1] = even
    t = 1
    while t <= last - 2:
        if rho[t + 1] + rho[t + 2] > rho[t - 1] + rho[t]:
            rho[t + 1] = (rho[t - 1] + rho[t]) / 2.0
            rho[t + 2] = rho[t + 1]
        t += 2
    tau = -1.0 + rho[last + 1]
    for i in range(last + 1):
        tau += 2.0 * rho[i]
    size = float(chains * n)
    return size / max(tau, 1.0 / np.log10(size))


@compiled
def _indicator(values, bound, x):  # type: ignore[no-untyped-def]
    for c in range(x.shape[0]):
        for i in range(x.shape[1]):
            x[c, i] = 1.0 if values[c, i] <= bound else 0.0


@compiled
def _between(lower, upper, weight):  # type: ignore[no-untyped-def]
    """numpy's interpolation, to the last bit."""
    return upper - (upper - lower) * (1.0 - weight) if weight >= 0.5 else lower + (upper - lower) * weight


@compiled
def _diagnose(split, order, ordered, scores, low, low_weight, high, high_weight, n_chains, out):  # type: ignore[no-untyped-def]
    count, chains, n = split.shape
    size = chains * n
    x = np.empty((chains, n))
    flat_x = x.reshape(size)
    distance = np.empty(size)
    folded = np.empty(size, order.dtype)
    rho = np.empty(n)
    for q in range(count):
        values = split[q].reshape(size)
        rank = order[q]
        if np.isnan(values[rank[size - 1]]) or (ordered.shape[1] > 0 and np.isnan(ordered[q, -1])):
            continue
        _ranks(values, rank, scores, flat_x)
        bulk = _rhat(x)
        out[q, 1] = _ess(x, rho)
        middle = (values[rank[size // 2 - 1]] + values[rank[size // 2]]) / 2.0
        _fold(values, rank, middle, distance, folded)
        _ranks(distance, folded, scores, flat_x)
        tail = _rhat(x)
        if n_chains > 1:
            out[q, 0] = tail if tail > bulk else bulk
        if ordered.shape[1] > 0:
            lower = _between(ordered[q, low], ordered[q, low + 1], low_weight)
            upper = _between(ordered[q, high], ordered[q, high + 1], high_weight)
        else:
            lower = _between(values[rank[low]], values[rank[low + 1]], low_weight)
            upper = _between(values[rank[high]], values[rank[high + 1]], high_weight)
        _indicator(split[q], lower, x)
        at_low = _ess(x, rho)
        _indicator(split[q], upper, x)
        out[q, 2] = min(at_low, _ess(x, rho))
