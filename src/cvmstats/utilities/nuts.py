"""NUTS on the hierarchical model, by nutpie or by PyMC itself: slow and independent, the check on our own engine."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.logit import log_likelihood
from cvmstats.data.choices import Choices
from cvmstats.data.forms import ErrorScale, Form
from cvmstats.data.population import Response
from cvmstats.errors import ChoicesError, FitError
from cvmstats.progress import wanted
from cvmstats.utilities._pymc_model import flat_tasks, to_pymc
from cvmstats.utilities.options import Prior, Sampler
from cvmstats.utilities.upper_level import UpperLevel

Floats = npt.NDArray[np.float64]


class NutsDraws(NamedTuple):
    """Draws of NUTS: C chains of D draws of R respondents in K parameters.

    Attributes
    ----------
    mean_draws : array (C, D, K)
        Population mean, in logits.
    cov_draws : array (C, D, K, K)
        Covariance between people.
    draws : array (C, D, R, K), float32
        Respondents.
    log_likelihood : array (C, D)
        Of all answers.
    divergences : int
        How many kept draws ended in a divergence.
    interrupted : bool
        True where the run was stopped: C and D are then what was complete.
    response : Response, optional
        Parameters of the answer.
    """

    mean_draws: Floats
    cov_draws: Floats
    draws: npt.NDArray[np.float32]
    log_likelihood: Floats
    divergences: int
    interrupted: bool = False
    response: Response | None = None


def sample_nuts(choices: Choices, prior: Prior | None = None, sampler: Sampler | None = None, *,
                upper: UpperLevel | None = None, form: Form = "sequential", position: bool = False,
                error_scale: ErrorScale = None, seed: int | np.random.Generator = 0,
                progress: bool | None = None) -> NutsDraws:  # fmt: skip
    """Draw from the hierarchical posterior with NUTS (Hoffman & Gelman 2014).

    Parameters
    ----------
    choices : Choices
        Answers of R respondents.
    prior : Prior, optional
        Of the population.
    sampler : Sampler, optional
        ``nuts_backend`` says who runs it; ``warmup`` is 1,000 by default, ``thin`` keeps every so many draws.
    seed : int or Generator
        Of all randomness.
    progress : bool, optional
        Whether to show a bar.

    Raises
    ------
    ChoicesError
        Where the answers are of a kind that the model does not know.
    FitError
        Where no chain found a place to start, or the run was stopped before there was a draw.
    """
    if position or (upper is not None and not upper.plain):
        raise ChoicesError("NUTS here knows a population of a mean and a covariance, and no advantage of position\n"
                           "  fit_hierarchical with its own engine knows more")  # fmt: skip
    options = sampler or Sampler(engine="nuts")
    number = int(seed.integers(2**32)) if isinstance(seed, np.random.Generator) else int(seed) % 2**32
    run = _nutpie if options.nuts_backend == "nutpie" else _pymc
    trace = run(to_pymc(choices, prior=prior, form=form), options, number, wanted(progress))
    return _collect(trace, choices, options, form)


def _collect(trace: Any, choices: Choices, options: Sampler, form: Form) -> NutsDraws:
    """Population and respondents from a trace of ``to_pymc``, thinned."""
    posterior = trace.posterior if "posterior" in trace.children else {}
    if "mean" not in posterior:
        raise FitError("NUTS was stopped before there was a draw")
    rows, n_draws = _complete(posterior["mean"].values)
    thin = options.thin or 1
    mean, root, z = (posterior[name].values[rows, :n_draws:thin] for name in ("mean", "root", "z"))
    tasks, coding = flat_tasks(choices, form), np.asarray(choices.design.coding)
    utilities = np.empty(z.shape, np.float32)
    value = np.empty(mean.shape[:2])
    for c, d in np.ndindex(*value.shape):
        people = mean[c, d] + z[c, d] @ root[c, d].T
        utilities[c, d] = people
        value[c, d] = log_likelihood(tasks, people @ coding.T).sum()
    diverging = trace.sample_stats["diverging"].values[rows, :n_draws:thin]
    return NutsDraws(
        mean_draws=np.array(mean), cov_draws=root @ root.swapaxes(-1, -2), draws=utilities, log_likelihood=value,
        divergences=int(np.sum(diverging.astype(bool))),
        interrupted=len(rows) < options.chains or n_draws < options.draws * thin,
    )  # fmt: skip


def _complete(mean: Floats) -> tuple[npt.NDArray[np.intp], int]:
    """Which chains of a stopped run to keep, and how many draws of each, so that most are kept."""
    length = np.isfinite(mean).all(axis=2).sum(axis=1)
    order = np.argsort(-length, kind="stable")
    n_chains = int(np.argmax(length[order] * np.arange(1, len(order) + 1))) + 1
    n_draws = int(length[order[n_chains - 1]])
    if n_draws == 0:
        raise FitError("NUTS was stopped before there was a draw")
    return np.sort(order[:n_chains]), n_draws


def _nutpie(model: Any, options: Sampler, seed: int, progress: bool) -> Any:
    import nutpie

    compiled = nutpie.compile_pymc_model(model, var_names=["mean", "root", "z"])
    try:
        return nutpie.sample(
            compiled, draws=options.draws * (options.thin or 1), tune=_warmup(options), chains=options.chains,
            cores=_threads(options), seed=seed, save_warmup=False, progress_bar=progress,
            target_accept=options.target_accept,
        )  # fmt: skip
    except RuntimeError as error:
        raise FitError(f"NUTS could not run: {error}") from error


def _pymc(model: Any, options: Sampler, seed: int, progress: bool) -> Any:
    import pymc as pm

    try:
        # a forked child that calls numba after a parallel kernel hangs: chains one after the other
        return pm.sample(
            draws=options.draws * (options.thin or 1), tune=_warmup(options), chains=options.chains, cores=1,
            random_seed=seed, progressbar=progress, target_accept=options.target_accept, model=model,
            nuts_sampler="pymc", var_names=["mean", "root", "z"], compute_convergence_checks=False, quiet=True,
        )  # fmt: skip
    except pm.exceptions.SamplingError as error:
        raise FitError(f"NUTS could not run: {error}") from error


def _warmup(options: Sampler) -> int:
    return 1000 if options.warmup is None else options.warmup


def _threads(options: Sampler) -> int:
    return min(options.chains, options.threads or os.cpu_count() or 1)
