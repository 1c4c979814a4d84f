"""NUTS on the hierarchical model, by nutpie or by PyMC itself: slow and independent, the check on our own engine."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.coded import people_derivatives
from cvmstats.data.choices import Choices
from cvmstats.data.forms import ErrorScale, Form
from cvmstats.data.population import Latent, Response
from cvmstats.errors import FitError
from cvmstats.progress import wanted
from cvmstats.utilities._pymc_model import Work, prepare_work, to_pymc
from cvmstats.utilities.hierarchical import of_first, of_people
from cvmstats.utilities.options import Prior, Sampler
from cvmstats.utilities.upper_level import UpperLevel

Floats = npt.NDArray[np.float64]
_KEPT = ("mean", "root", "z", "sizes", "effects", "account_z", "account_root", "factor_sd", "factor_z", "response", "log_scale")


class NutsDraws(NamedTuple):
    """Draws of NUTS: C chains of D draws of R respondents in K parameters.

    Attributes
    ----------
    mean_draws : array (C, D, K)
        Population mean, in logits.
    cov_draws : array (C, D, K, K)
        Covariance between people.
    draws : array (C, D, R, K), float32
        Respondents; of copies by a frequency weight the first.
    log_likelihood : array (C, D)
        Of all answers.
    divergences : int
        How many kept draws ended in a divergence.
    interrupted : bool
        True where the run was stopped: C and D are then what was complete.
    response : Response, optional
        Parameters of the answer.
    latent : Latent, optional
        The parts of a population that is more than a mean and a covariance.
    """

    mean_draws: Floats
    cov_draws: Floats
    draws: npt.NDArray[np.float32]
    log_likelihood: Floats
    divergences: int
    interrupted: bool = False
    response: Response | None = None
    latent: Latent | None = None


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
    upper, form, position, error_scale : optional
        As in :func:`fit_hierarchical`.
    seed : int or Generator
        Of all randomness.
    progress : bool, optional
        Whether to show a bar.

    Raises
    ------
    ChoicesError
        Where answers cannot be fitted, or respondents carry sampling weights.
    RespondentsError
        Covariates or accounts that are missing.
    FitError
        Where no chain found a place to start, or the run was stopped before there was a draw.
    """
    more = upper or UpperLevel()
    options = sampler or Sampler(engine="nuts")
    number = int(seed.integers(2**32)) if isinstance(seed, np.random.Generator) else int(seed) % 2**32
    work = prepare_work(choices, upper, form=form, position=position, error_scale=error_scale)
    model = to_pymc(choices, prior=prior, upper=upper, form=form, position=position, error_scale=error_scale)
    run = _nutpie if options.nuts_backend == "nutpie" else _pymc
    drawn = _collect(run(model, options, number, wanted(progress)), work, options, number)
    return drawn._replace(latent=None) if more.plain else drawn


def _collect(trace: Any, work: Work, options: Sampler, seed: int) -> NutsDraws:
    """Population and respondents from a trace of ``to_pymc``, thinned."""
    posterior = trace.posterior if "posterior" in trace.children else {}
    if "mean" not in posterior:
        raise FitError("NUTS was stopped before there was a draw")
    thin = options.thin or 1
    rows, n_draws = _complete(posterior["mean"].values)
    kept = {name: np.asarray(posterior[name].values[rows, :n_draws:thin]) for name in _KEPT if name in posterior}
    parts = _parts(kept, work, np.random.default_rng([seed, 1]))
    interrupted = len(rows) < options.chains or n_draws < options.draws * thin
    draws, response, latent = of_people(parts, work.coded, work.ready, interrupted)
    if work.row is not None:
        first = np.unique(work.row, return_index=True)[1]
        draws, latent = draws._replace(people=draws.people[:, :, first]), of_first(latent, work.row)
    diverging = trace.sample_stats["diverging"].values[rows, :n_draws:thin]
    return NutsDraws(
        mean_draws=draws.mean, cov_draws=draws.cov, draws=draws.people, log_likelihood=draws.log_likelihood,
        divergences=int(np.sum(diverging.astype(bool))), interrupted=interrupted, response=response, latent=latent,
    )  # fmt: skip


def _parts(kept: dict[str, Floats], work: Work, rng: np.random.Generator) -> dict[str, Any]:
    """Draws by the names of ``Hierarchy.read``; components, which NUTS sums out, are drawn given everything else."""
    model = work.ready.model
    several = model.n_components > 1
    z, mean, root = kept["z"], kept["mean"], kept["root"]
    shape = z.shape[:2]
    if not several:
        mean, root = mean[:, :, None], root[:, :, None]
    sizes = kept["sizes"] if several else np.ones((*shape, 1))
    nothing = np.zeros((*shape, 0))
    accounts = kept["account_z"] @ kept["account_root"].swapaxes(-1, -2) if model.account is not None else nothing
    tau = kept.get("factor_sd", np.zeros(shape))
    factor = tau[..., None] * kept["factor_z"] if model.factor else np.zeros(z.shape[:3])
    common = np.concatenate([kept.get("response", nothing), kept.get("log_scale", nothing)], axis=-1)
    people, component, value = np.empty(z.shape, np.float32), np.zeros(z.shape[:3], np.int8), np.empty(shape)
    for at in np.ndindex(*shape):
        shift: Any = 0.0
        if model.covariates is not None:
            shift = shift + model.covariates @ kept["effects"][at]
        if model.account is not None:
            shift = shift + accounts[at][model.account]
        g = np.stack([m + shift + z[at] @ r.T for m, r in zip(mean[at], root[at], strict=True)])
        logs = np.stack([_log_likelihood(work, one, common[at], factor[at]) for one in g])
        if several:
            odds = logs + np.log(sizes[at])[:, None] + rng.gumbel(size=logs.shape)
            component[at] = odds.argmax(axis=0)
        which = component[at], np.arange(z.shape[2])
        people[at], value[at] = g[which], logs[which].sum()
    account_cov = kept["account_root"] @ kept["account_root"].swapaxes(-1, -2) if model.account is not None else nothing
    return {
        "mean": mean, "cov": root @ root.swapaxes(-1, -2), "size": sizes, "component": component, "people": people,
        "effects": kept.get("effects", nothing), "account": accounts, "account_cov": account_cov, "common": common,
        "factor": factor.astype(np.float32), "tau": tau, "log_likelihood": value,
    }  # fmt: skip


def _log_likelihood(work: Work, g: Floats, common: Floats, log_factor: Floats) -> Floats:
    """Of each person's answers (N), given g (N, K)."""
    ready = work.ready
    held = ready.sign != 0
    beta = np.where(held, ready.sign * np.exp(np.where(held, g, 0.0)), g) @ ready.transform.T
    phi = np.hstack([beta * np.exp(log_factor)[:, None], np.broadcast_to(common, (len(g), len(common)))])
    return people_derivatives(work.coded, phi, curved=False)[0]


def _complete(mean: Floats) -> tuple[npt.NDArray[np.intp], int]:
    """Which chains of a stopped run to keep, and how many draws of each, so that most are kept."""
    length = np.isfinite(mean).reshape(*mean.shape[:2], -1).all(axis=2).sum(axis=1)
    order = np.argsort(-length, kind="stable")
    n_chains = int(np.argmax(length[order] * np.arange(1, len(order) + 1))) + 1
    n_draws = int(length[order[n_chains - 1]])
    if n_draws == 0:
        raise FitError("NUTS was stopped before there was a draw")
    return np.sort(order[:n_chains]), n_draws


def _nutpie(model: Any, options: Sampler, seed: int, progress: bool) -> Any:
    import nutpie

    compiled = nutpie.compile_pymc_model(model, var_names=_names(model))
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
            nuts_sampler="pymc", var_names=_names(model), compute_convergence_checks=False, quiet=True,
        )  # fmt: skip
    except pm.exceptions.SamplingError as error:
        raise FitError(f"NUTS could not run: {error}") from error


def _names(model: Any) -> list[str]:
    return [name for name in _KEPT if name in model.named_vars]


def _warmup(options: Sampler) -> int:
    return 1000 if options.warmup is None else options.warmup


def _threads(options: Sampler) -> int:
    return min(options.chains, options.threads or os.cpu_count() or 1)
