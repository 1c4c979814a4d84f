"""Chains of our sampler: side by side on threads, with a bar, stopped by Ctrl-C, the same whatever the threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics import gibbs
from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.coded import Coded, make_coded, sum_derivatives
from cvmstats._numerics.hierarchy import Hierarchy
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import Link, make_link, plain_link
from cvmstats._numerics.logit import pooled_derivatives
from cvmstats._numerics.model import Model
from cvmstats._numerics.newton import maximise
from cvmstats._numerics.population import Upper
from cvmstats._numerics.tasks import Tasks
from cvmstats.errors import FitError
from cvmstats.progress import Bar, progress_bar
from cvmstats.utilities.options import Sampler

Floats = npt.NDArray[np.float64]

WARMUP = 150
"""Sweeps before the first kept draw, where the caller says nothing."""
MORE_WARMUP = 500
"""The same where the population is more than one normal distribution, or answers have parameters of their own."""
THIN = 1
"""Sweeps per kept draw, where the caller says nothing: draws are nearly independent, all are worth keeping."""
MORE_THIN = 3
"""The same where the population is more than one normal distribution."""
WEIGHTED_THIN = 10
"""The same with sampling weights: without a joint density people and population cannot move together, and sweeps are cheap."""
_CHUNK = 50
_WINDOWS = (0.06, 0.2, 0.5)
"""Shares of warm-up after which the sampler takes stock; in the rest it adapts step sizes only."""


class Draws(NamedTuple):
    """What an engine returns: population means (C, D, K), covariances (C, D, K, K), respondents (C, D, R, K)."""

    mean: Floats
    cov: Floats
    people: npt.NDArray[np.float32]
    log_likelihood: Floats
    interrupted: bool


class Work(NamedTuple):
    """What chains share: where answers lie, how parameters make utilities, where to start (K + E + S)."""

    blocks: Blocks
    link: Link
    upper: Upper
    start: Floats
    n_people: int


def sample_gibbs(tasks: Tasks, coding: Floats, upper: Upper, sampler: Sampler, seed: int, *, progress: bool | None = None,
                 metropolis: bool = True, step_factor: float = 1.0) -> Draws:  # fmt: skip
    """Run C chains of the blocked Gibbs sampler; ``metropolis=False`` and ``step_factor`` are for tests of calibration."""
    work = _plan(make_coded(tasks, coding), upper, local=tasks.n_objects > 3 * coding.shape[1] + 10)
    warmup, thin = _lengths(sampler, WARMUP, THIN)
    n_par = coding.shape[1]
    kept = (np.zeros((sampler.chains, sampler.draws, n_par)), np.zeros((sampler.chains, sampler.draws, n_par, n_par)),
            np.zeros((sampler.chains, sampler.draws, tasks.n_people, n_par), np.float32),
            np.zeros((sampler.chains, sampler.draws)))  # fmt: skip

    def run(c: int, stream: np.random.SeedSequence, tick: Callable[[int], bool]) -> int:
        chain = gibbs.start(work.blocks, work.link, work.upper, work.start, work.n_people, stream)
        for first, last, learned in _warm_up(warmup):
            gibbs.advance(chain, first, last, learning=learned >= 0, adapt=0.1)
            if tick(last - first):
                return 0
            if learned > 0:
                chain = gibbs.learn(chain, learned)
        if step_factor != 1.0:
            gibbs.double_steps(chain)
        mine, end = tuple(part[c] for part in kept), warmup + sampler.draws * thin
        for first in range(warmup, end, _CHUNK):
            last = min(first + _CHUNK, end)
            gibbs.advance(chain, first, last, origin=warmup, thin=thin, metropolis=metropolis, kept=mine)
            if tick(last - first):
                return (last - warmup) // thin
        return sampler.draws

    n, interrupted = side_by_side(run, sampler, warmup + sampler.draws * thin, seed, progress)
    mean, cov, people, value = kept
    return Draws(mean[:, :n], cov[:, :n], people[:, :n], value[:, :n], interrupted)


def sample_hierarchy(coded: Coded, upper: Upper, model: Model, transform: Floats, sign: Floats, sampler: Sampler, seed: int, *,
                     progress: bool | None = None) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """The same of a population that is more than one normal distribution, or answers with parameters of their own.

    Returns
    -------
    draws : dict
        Arrays (C, D, ...) by the names of ``Hierarchy.read``.
    interrupted : bool
    """
    own = bool(coded.names or coded.scales or model.factor or sign.any() or coded.tasks.alternatives is not None)
    turned = coded._replace(rows=np.ascontiguousarray(coded.rows @ transform))
    work = _plan(turned, upper, local=own or len(coded.rows) > 3 * coded.rows.shape[1] + 10, sign=sign)
    warmup, thin = _lengths(sampler, MORE_WARMUP, MORE_THIN if model.weight is None else WEIGHTED_THIN)
    kept: list[list[dict[str, Any]]] = [[] for _ in range(sampler.chains)]

    def run(c: int, stream: np.random.SeedSequence, tick: Callable[[int], bool]) -> int:
        chain = Hierarchy(work.blocks, work.link, work.upper, work.start, len(coded.names), work.n_people, model, stream)
        for first, last, learned in _warm_up(warmup):
            chain.advance(first, last, learning=learned >= 0, adapt=0.1)
            if tick(last - first):
                return 0
            if learned > 0:
                chain.learn(learned)
        for d in range(sampler.draws):
            chain.advance(warmup + d * thin, warmup + (d + 1) * thin)
            state = chain.read()
            state["people"] = state["people"].astype(np.float32)
            kept[c].append(state)
            if tick(thin):
                return d + 1
        return sampler.draws

    n, interrupted = side_by_side(run, sampler, warmup + sampler.draws * thin, seed, progress)
    names = kept[0][0]
    return {name: np.stack([[one[name] for one in chain[:n]] for chain in kept]) for name in names}, interrupted


def _plan(coded: Coded, upper: Upper, *, local: bool, sign: Floats | None = None) -> Work:
    n_par = coded.rows.shape[1]
    signs = np.zeros(n_par) if sign is None else sign
    start = _start(coded)
    held = signs != 0
    start[:n_par][held] = np.log(np.maximum(signs[held] * start[:n_par][held], 0.1))
    if local:
        return Work(lay_out(coded.tasks, coded), plain_link(signs), upper, start, coded.tasks.n_people)
    return Work(lay_out(coded.tasks), make_link(coded.rows), upper, start, coded.tasks.n_people)


def _start(coded: Coded) -> Floats:
    """Pooled posterior mode under N(0, 3^2), of error scales N(0, 1), from which chains start."""
    ones, n_par = np.ones(coded.tasks.n_people), coded.rows.shape[1]
    held = np.full(coded.size, 1 / 9)
    held[n_par + len(coded.names) :] = 1.0
    plain = coded.tasks.alternatives is None and len(coded.rows) <= 4 * n_par

    def derivatives(theta: Floats) -> tuple[float, Floats, Floats]:
        if plain:
            value, slope, hessian = pooled_derivatives(coded.tasks, coded.rows @ theta, ones)
            slope, hessian = coded.rows.T @ slope, coded.rows.T @ hessian @ coded.rows
        else:
            value, slope, hessian = sum_derivatives(coded, theta, ones)
        return float(value - theta @ (held * theta) / 2), slope - held * theta, hessian - np.diag(held)

    return maximise(derivatives, np.zeros(coded.size))[0]


def _lengths(sampler: Sampler, warmup: int, thin: int) -> tuple[int, int]:
    return warmup if sampler.warmup is None else sampler.warmup, thin if sampler.thin is None else sampler.thin


def _warm_up(warmup: int) -> Iterator[tuple[int, int, int]]:
    """Chunks of warm-up: first, last, and the length of the window that ends there: 0 within one, -1 if nothing is learnt."""
    marks = sorted({0, *(round(share * warmup) for share in _WINDOWS), warmup})
    for begin, end in pairwise(marks):
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            yield first, last, -1 if end == warmup else (end - begin if last == end else 0)


def side_by_side(run: Callable[[int, np.random.SeedSequence, Callable[[int], bool]], int], sampler: Sampler, total: int,
                  seed: int, progress: bool | None, label: str = "hierarchical Bayes") -> tuple[int, bool]:  # fmt: skip
    """Run all chains; returns how many draws every one of them kept, and whether it was stopped."""
    stop, lock = threading.Event(), threading.Lock()
    threads = min(sampler.chains, sampler.threads or os.cpu_count() or 1)
    steps = sampler.chains * total
    with progress_bar(steps, label, progress=progress) as bar, ThreadPoolExecutor(threads) as pool:
        tick = _ticker(bar, lock, stop)
        streams = np.random.SeedSequence(seed).spawn(sampler.chains)
        futures = [pool.submit(run, c, stream, tick) for c, stream in enumerate(streams)]
        interrupted = _wait(futures, stop)
        n = min(future.result() for future in futures)
    if n == 0:
        raise FitError("stopped before every chain had kept a draw: nothing to return\n  let it run longer")
    return n, interrupted


def _ticker(bar: Bar, lock: threading.Lock, stop: threading.Event) -> Callable[[int], bool]:
    def tick(n: int) -> bool:
        with lock:
            bar.update(n)
        return stop.is_set()

    return tick


def _wait(futures: list[Future[int]], stop: threading.Event) -> bool:
    """Wait for all chains; Ctrl-C asks them to stop at their next chunk."""
    interrupted = False
    pending = set(futures)
    while pending:
        try:
            _, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
        except KeyboardInterrupt:
            interrupted = True
            stop.set()
    return interrupted
