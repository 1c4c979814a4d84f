"""Hierarchical Bayes: utilities of every respondent, and of the population from which they come."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics import gibbs
from cvmstats._numerics.blocks import Blocks, lay_out
from cvmstats._numerics.lanes import LANES
from cvmstats._numerics.logit import average_curvature, log_likelihood, pooled_derivatives
from cvmstats._numerics.newton import maximise
from cvmstats._numerics.tasks import Tasks
from cvmstats.data.choices import Choices
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import ChoicesError, FitError, InterruptedWarning
from cvmstats.progress import Bar, progress_bar
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.options import Prior, Sampler

Floats = npt.NDArray[np.float64]

WARMUP = 400
"""Sweeps before the first kept draw, where the caller says nothing."""
THIN = 2
"""Sweeps per kept draw, where the caller says nothing: they cost little, and what is kept is nearly independent."""
_CHUNK = 50
_MOVES = (2, 4, 3)
"""Leapfrog steps of a person's trajectory, of the upper level's, and how many sweeps from one of these to the next."""


class Draws(NamedTuple):
    """What an engine returns: population means (C, D, K), covariances (C, D, K, K), respondents (C, D, R, K)."""

    mean: npt.NDArray[np.float64]
    cov: npt.NDArray[np.float64]
    people: npt.NDArray[np.float32]
    log_likelihood: npt.NDArray[np.float64]
    interrupted: bool


def fit_hierarchical(
    choices: Choices,
    *,
    prior: Prior | None = None,
    sampler: Sampler | None = None,
    form: str = "sequential",
    seed: int | np.random.Generator = 0,
    progress: bool | None = None,
) -> Utilities:
    """Utilities of each of R respondents by hierarchical Bayes, beta_i ~ N(m, Sigma), in logits.

    Parameters
    ----------
    choices : Choices
        Best-worst, best-only or worst-only answers; sets may differ in size and answers may be missing.
    prior : Prior, optional
        Of m and Sigma; by default Huang & Wand (2013) with half-t(2, 2) standard deviations and m ~ N(0, 3^2).
    sampler : Sampler, optional
        By default our blocked Gibbs sampler with 4 chains of 1,000 kept draws (every 2nd of 2,000 sweeps, after 400 of
        warm-up); ``Sampler(engine="nuts")`` draws from the same posterior with nutpie or PyMC.
    form : str
        Likelihood of best-worst tasks.
    seed : int or Generator
        The same seed gives the same draws on any number of threads.
    progress : bool, optional
        Whether to show a bar; by default on a terminal or in a notebook.

    Returns
    -------
    Utilities
        With draws, population and diagnostics. After Ctrl-C: the draws so far, marked ``interrupted``.

    Raises
    ------
    ChoicesError
        Answers that cannot be fitted.
    FitError
        Stopped before the first draw was kept.

    Warns
    -----
    ConvergenceWarning
        R-hat above 1.01 or an effective sample size below 100 per chain for anything reported of the population, or for
        more than 5% of the respondents' utilities.
    """
    prior, sampler = prior or Prior(), sampler or Sampler()
    tasks = to_tasks(choices, form=form)
    if choices.respondents.weight_kind is not None and np.ptp(choices.respondents.weight) > 0:
        raise ChoicesError("fit_hierarchical does not use weights, and these respondents carry some\n"
                           "  fit without them (Respondents without a weight column), or use fit_pooled")  # fmt: skip
    entropy = int(seed.integers(2**62)) if isinstance(seed, np.random.Generator) else int(seed)
    if sampler.engine == "nuts":
        from cvmstats.utilities.nuts import sample_nuts

        drawn = sample_nuts(choices, prior=prior, sampler=sampler, seed=entropy, progress=progress)
        draws = Draws(drawn.mean_draws, drawn.cov_draws, drawn.draws, drawn.log_likelihood, drawn.interrupted)
    else:
        upper = to_upper(prior, np.asarray(choices.design.coding).shape[1], choices.design.parameter_block)
        draws = sample_gibbs(tasks, np.asarray(choices.design.coding), upper, sampler, entropy, progress=progress)
    return _to_utilities(choices, tasks, draws, prior, sampler, form, entropy)


def to_upper(prior: Prior, n_parameters: int, blocks: tuple[str, ...] | None) -> gibbs.Upper:
    """A prior in the form in which the sampler reads it."""
    resolved = prior.resolve(n_parameters, blocks)
    return gibbs.Upper(
        mean_precision=resolved.mean_precision, degrees=resolved.iw_df, scale=resolved.iw_scale, block=resolved.block,
        n_scales=resolved.n_blocks if resolved.kind == "huang-wand" else 0, nu=resolved.nu, spread=resolved.A,
    )  # fmt: skip


def sample_gibbs(tasks: Tasks, coding: npt.NDArray[np.float64], upper: gibbs.Upper, sampler: Sampler, seed: int, *,
                 progress: bool | None = None, metropolis: bool = True,
                 step_factor: float = 1.0) -> Draws:  # fmt: skip
    """Run C chains of the blocked Gibbs sampler; ``metropolis=False`` and ``step_factor`` are for tests of calibration."""
    warmup = WARMUP if sampler.warmup is None else sampler.warmup
    thin = THIN if sampler.thin is None else sampler.thin
    blocks = lay_out(tasks)
    pooled = _pooled(tasks, coding)
    kept = _room(sampler.chains, sampler.draws, tasks.n_people, coding.shape[1])
    stop = threading.Event()
    threads = min(sampler.chains, sampler.threads or os.cpu_count() or 1)
    total = sampler.chains * (warmup + sampler.draws * thin)
    streams = np.random.SeedSequence(seed).spawn(sampler.chains)
    with progress_bar(total, "hierarchical Bayes", progress=progress) as bar, ThreadPoolExecutor(threads) as pool:
        lock = threading.Lock()
        futures = [
            pool.submit(_chain, tasks, blocks, coding, upper, pooled, stream, warmup, thin, metropolis, step_factor,
                        tuple(part[c] for part in kept), stop, bar, lock)
            for c, stream in enumerate(streams)
        ]  # fmt: skip
        interrupted = _wait(futures, stop)
        done = [future.result() for future in futures]
    n = min(done)
    if n == 0:
        raise FitError("stopped before every chain had kept a draw: nothing to return\n  let it run longer")
    mean, cov, people, value = (part[:, :n] for part in kept)
    return Draws(mean, cov, people, value, interrupted)


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


def _room(n_chains: int, n_draws: int, n_people: int, n_par: int) -> tuple[Any, ...]:
    return (np.zeros((n_chains, n_draws, n_par)), np.zeros((n_chains, n_draws, n_par, n_par)),
            np.zeros((n_chains, n_draws, n_people, n_par), np.float32), np.zeros((n_chains, n_draws)))  # fmt: skip


def _pooled(tasks: Tasks, coding: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Pooled posterior mode under m ~ N(0, 3^2), from which chains start."""
    ones = np.ones(tasks.n_people)

    def derivatives(theta: npt.NDArray[np.float64]) -> tuple[float, Floats, Floats]:
        value, slope, hessian = pooled_derivatives(tasks, coding @ theta, ones)
        prior = np.eye(len(theta)) / 9
        return float(value - theta @ theta / 18), coding.T @ slope - theta / 9, coding.T @ hessian @ coding - prior

    return maximise(derivatives, np.zeros(coding.shape[1]))[0]


def _chain(tasks: Tasks, blocks: Blocks, coding: Any, upper: gibbs.Upper, pooled: Any, stream: np.random.SeedSequence,
           warmup: int, thin: int, metropolis: bool, step_factor: float, kept: tuple[Any, ...], stop: threading.Event,
           bar: Bar, lock: Any) -> int:  # fmt: skip
    """One chain; returns how many draws it kept."""
    state = _start(tasks, blocks, coding, pooled, stream)
    nothing = tuple(part[:0] for part in kept)
    marks = sorted({0, warmup // 10, warmup // 4, warmup // 2, warmup})
    for begin, end in pairwise(marks):
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            gibbs.run(blocks, coding, state, upper, tasks.n_people, first, last, 0, 1, *_MOVES, True, 0.1, *nothing)
            if _tick(last - first, stop, bar, lock):
                return 0
        _update_curvature(tasks, blocks, coding, state)
    state.step[...] *= step_factor
    sampled: int = kept[0].shape[0]
    end = warmup + sampled * thin
    for first in range(warmup, end, _CHUNK):
        last = min(first + _CHUNK, end)
        gibbs.run(blocks, coding, state, upper, tasks.n_people, first, last, warmup, thin, *_MOVES, metropolis, 0.0, *kept)
        if _tick(last - first, stop, bar, lock):
            return (last - warmup) // thin
    return sampled


def _tick(n: int, stop: threading.Event, bar: Bar, lock: Any) -> bool:
    with lock:
        bar.update(n)
    return stop.is_set()


def _start(tasks: Tasks, blocks: Blocks, coding: Any, pooled: Any, stream: np.random.SeedSequence) -> gibbs.State:
    """Overdispersed start: the mean near the pooled one, standard deviations between .3 and 1.5."""
    n_blocks, n_par, n_objects = len(blocks.row), coding.shape[1], coding.shape[0]
    words = stream.generate_state(tasks.n_people + 1, np.uint64)
    rng = np.random.Generator(np.random.Philox(stream))
    mean = pooled + 0.3 * rng.standard_normal(n_par)
    factor = np.diag(rng.uniform(0.3, 1.5, n_par))
    keys = np.zeros((n_blocks, LANES), np.uint64)
    beta = np.zeros((n_blocks, n_par, LANES))
    people = mean + rng.standard_normal((tasks.n_people, n_par)) @ factor.T
    b, lane = np.nonzero(blocks.row >= 0)
    keys[b, lane] = words[blocks.row[b, lane]]
    beta[b, :, lane] = people[blocks.row[b, lane]]
    state = gibbs.State(
        beta=beta, slope=np.zeros((n_blocks, n_objects, LANES)), value=np.zeros((n_blocks, LANES)), mean=mean,
        factor=factor, scales=np.ones(n_par), step=np.full((n_blocks, LANES), 0.6),
        rate=np.full((n_blocks, LANES), 0.8), curvature=np.zeros((n_par, n_par)), upper_step=np.array([0.3, 0.8]),
        keys=keys, key=np.array([words[-1], 0], np.uint64),
    )  # fmt: skip
    _update_curvature(tasks, blocks, coding, state)
    gibbs.refresh(blocks, coding, state.beta, state.slope, state.value)
    return state


def _update_curvature(tasks: Tasks, blocks: Blocks, coding: Any, state: gibbs.State) -> None:
    """H: the average curvature of the likelihood where people stand now, with a trace of the average of its diagonal."""
    b, lane = np.nonzero(blocks.row >= 0)
    people = np.zeros((tasks.n_people, coding.shape[1]))
    people[blocks.row[b, lane]] = state.beta[b, :, lane]
    curvature = coding.T @ average_curvature(tasks, people @ coding.T) @ coding
    state.curvature[...] = curvature + 0.01 * np.trace(curvature) / len(curvature) * np.eye(len(curvature))


def _to_utilities(choices: Choices, tasks: Tasks, draws: Draws, prior: Prior, sampler: Sampler, form: str,
                  seed: int) -> Utilities:  # fmt: skip
    from cvmstats.utilities.convergence import diagnose, warn_if_unconverged

    design = choices.design
    report = np.asarray(design.report)
    flat_mean = draws.mean.reshape(-1, draws.mean.shape[-1])
    mean = draws.people.mean(axis=(0, 1), dtype=float)
    sd = np.sqrt(np.maximum(0, np.square(draws.people, dtype=np.float64).mean(axis=(0, 1)) - mean**2))
    table = diagnose(report, design.report_labels or (), draws.mean, draws.cov, draws.people, ids=choices.respondents.ids)
    if draws.interrupted:
        warnings.warn(f"stopped early: {draws.mean.shape[1]:,} of {sampler.draws:,} draws per chain were kept",
                      InterruptedWarning, stacklevel=3)  # fmt: skip
    warn_if_unconverged(table, n_chains=draws.mean.shape[0], n_draws=draws.mean.shape[1], stacklevel=4)
    return Utilities(
        design=design, respondents=choices.respondents, mean=mean, sd=sd, method="hierarchical", form=form,
        population=Population(mean=flat_mean.mean(axis=0), mean_cov=np.atleast_2d(np.cov(flat_mean.T)),
                              cov=draws.cov.mean(axis=(0, 1)), mean_draws=draws.mean, cov_draws=draws.cov),
        draws=draws.people, diagnostics=table, interrupted=draws.interrupted,
        log_likelihood=float(log_likelihood(tasks, mean @ np.asarray(design.coding).T).sum()),
        settings={"method": "hierarchical", "form": form, "prior": repr(prior), "seed": seed, **asdict(sampler)},
    )  # fmt: skip
