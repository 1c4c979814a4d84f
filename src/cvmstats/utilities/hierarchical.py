"""Hierarchical Bayes: utilities of every respondent, and of the population from which they come."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics import gibbs
from cvmstats._numerics.blocks import lay_out
from cvmstats._numerics.link import make_link
from cvmstats._numerics.logit import log_likelihood, pooled_derivatives
from cvmstats._numerics.newton import maximise
from cvmstats._numerics.population import Upper
from cvmstats._numerics.tasks import Tasks
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.forms import best_worst_form, forms_of
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import ChoicesError, FitError, InterruptedWarning
from cvmstats.progress import Bar, progress_bar
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.options import Prior, Sampler

Floats = npt.NDArray[np.float64]

WARMUP = 150
"""Sweeps before the first kept draw, where the caller says nothing."""
THIN = 1
"""Sweeps per kept draw, where the caller says nothing: draws are nearly independent, all are worth keeping."""
_CHUNK = 50
_WINDOWS = (0.06, 0.2, 0.5)
"""Shares of warm-up after which the sampler takes stock; in the rest it adapts step sizes only."""


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
    form: str | Mapping[str, str] = "sequential",
    seed: int | np.random.Generator = 0,
    progress: bool | None = None,
) -> Utilities:
    """Utilities of each of R respondents by hierarchical Bayes, beta_i ~ N(m, Sigma), in logits.

    Parameters
    ----------
    choices : Choices
        Best-worst, best-only, worst-only answers, pairs or rankings; sets may differ in size and answers may be missing.
    prior : Prior, optional
        Of m and Sigma; by default Huang & Wand (2013) with half-t(2, 2) standard deviations and m ~ N(0, 3^2).
    sampler : Sampler, optional
        By default our blocked Gibbs sampler with 4 chains of 1,000 draws after 150 of warm-up;
        ``Sampler(engine="nuts")`` draws from the same posterior with nutpie or PyMC.
    form : str, or mapping {kind: form}
        Likelihood of best-worst tasks, ``sequential``, ``maxdiff`` (joint) or ``marginal``. Other kinds have one each, see
        :func:`fit_pooled`.
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
    names = forms_of(choices.design, best_worst_form(form))
    tasks = to_tasks(choices, form=best_worst_form(form))
    if choices.respondents.weight_kind is not None and np.ptp(choices.respondents.weight) > 0:
        raise ChoicesError("fit_hierarchical does not use weights, and these respondents carry some\n"
                           "  fit without them (Respondents without a weight column), or use fit_pooled")  # fmt: skip
    entropy = int(seed.integers(2**62)) if isinstance(seed, np.random.Generator) else int(seed)
    if sampler.engine == "nuts":
        from cvmstats.utilities.nuts import sample_nuts

        drawn = sample_nuts(choices, prior=prior, sampler=sampler, form=form, seed=entropy, progress=progress)
        draws = Draws(drawn.mean_draws, drawn.cov_draws, drawn.draws, drawn.log_likelihood, drawn.interrupted)
    else:
        design = choices.design
        upper = to_upper(prior, np.asarray(design.coding).shape[1], design.parameter_block, design)
        draws = sample_gibbs(tasks, np.asarray(choices.design.coding), upper, sampler, entropy, progress=progress)
    return _to_utilities(choices, tasks, draws, prior, sampler, names, entropy)


def to_upper(prior: Prior, n_parameters: int, blocks: tuple[str, ...] | None, design: Design | None = None) -> Upper:
    """A prior in the form in which the sampler reads it; ``design`` as in ``Prior.resolve``."""
    resolved = prior.resolve(n_parameters, blocks, design=design)
    return Upper(
        mean_precision=np.diagonal(resolved.mean_precision).copy(),
        degrees=resolved.iw_df, scale=resolved.iw_scale, block=resolved.block,
        n_scales=resolved.n_blocks if resolved.kind == "huang-wand" else 0, nu=resolved.nu, spread=resolved.A,
    )  # fmt: skip


def sample_gibbs(tasks: Tasks, coding: npt.NDArray[np.float64], upper: Upper, sampler: Sampler, seed: int, *,
                 progress: bool | None = None, metropolis: bool = True,
                 step_factor: float = 1.0) -> Draws:  # fmt: skip
    """Run C chains of the blocked Gibbs sampler; ``metropolis=False`` and ``step_factor`` are for tests of calibration."""
    warmup = WARMUP if sampler.warmup is None else sampler.warmup
    thin = THIN if sampler.thin is None else sampler.thin
    blocks, link = lay_out(tasks), make_link(coding)
    pooled = _pooled(tasks, coding)
    kept = _room(sampler.chains, sampler.draws, tasks.n_people, coding.shape[1])
    stop = threading.Event()
    threads = min(sampler.chains, sampler.threads or os.cpu_count() or 1)
    total = sampler.chains * (warmup + sampler.draws * thin)
    streams = np.random.SeedSequence(seed).spawn(sampler.chains)
    with progress_bar(total, "hierarchical Bayes", progress=progress) as bar, ThreadPoolExecutor(threads) as pool:
        lock = threading.Lock()
        futures = [
            pool.submit(_chain, gibbs.start(blocks, link, upper, pooled, tasks.n_people, stream), warmup, thin, metropolis,
                        step_factor, tuple(part[c] for part in kept), stop, bar, lock)
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


def _chain(chain: gibbs.Chain, warmup: int, thin: int, metropolis: bool, step_factor: float, kept: tuple[Any, ...],
           stop: threading.Event, bar: Bar, lock: Any) -> int:  # fmt: skip
    """One chain; returns how many draws it kept."""
    marks = sorted({0, *(round(share * warmup) for share in _WINDOWS), warmup})
    for begin, end in pairwise(marks):
        learning = end < warmup
        for first in range(begin, end, _CHUNK):
            last = min(first + _CHUNK, end)
            gibbs.advance(chain, first, last, learning=learning, adapt=0.1)
            if _tick(last - first, stop, bar, lock):
                return 0
        if learning:
            chain = gibbs.learn(chain, end - begin)
    if step_factor != 1.0:
        gibbs.double_steps(chain)
    sampled: int = kept[0].shape[0]
    end = warmup + sampled * thin
    for first in range(warmup, end, _CHUNK):
        last = min(first + _CHUNK, end)
        gibbs.advance(chain, first, last, origin=warmup, thin=thin, metropolis=metropolis, kept=kept)
        if _tick(last - first, stop, bar, lock):
            return (last - warmup) // thin
    return sampled


def _tick(n: int, stop: threading.Event, bar: Bar, lock: Any) -> bool:
    with lock:
        bar.update(n)
    return stop.is_set()


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
