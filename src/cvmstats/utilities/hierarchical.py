"""Hierarchical Bayes: utilities of every respondent, and of the population from which they come."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives
from cvmstats._numerics.population import Upper
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.forms import ErrorScale, Form, forms_of, reading_of
from cvmstats.data.population import Latent, Response
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import InterruptedWarning
from cvmstats.utilities.answers import repeat_people, to_tasks
from cvmstats.utilities.chains import Draws, sample_gibbs, sample_hierarchy
from cvmstats.utilities.components import align
from cvmstats.utilities.options import Prior, Sampler
from cvmstats.utilities.upper_level import Prepared, UpperLevel, prepare

Floats = npt.NDArray[np.float64]


def fit_hierarchical(
    choices: Choices,
    *,
    prior: Prior | None = None,
    upper: UpperLevel | None = None,
    sampler: Sampler | None = None,
    form: Form = "sequential",
    position: bool = False,
    error_scale: ErrorScale = None,
    seed: int | np.random.Generator = 0,
    progress: bool | None = None,
) -> Utilities:
    """Utilities of each of R respondents by hierarchical Bayes, beta_i ~ N(m, Sigma), in logits.

    Weights: ``frequency`` counts people, w of them with these answers and utilities of their own; ``sampling`` weights, scaled
    to Kish's effective number, enter the sums over people on which the population depends, and nothing else: its intervals are
    approximate then.

    Parameters
    ----------
    choices : Choices
        Answers of any kind; sets may differ in size and answers may be missing.
    prior : Prior, optional
        Of m and Sigma; by default Huang & Wand (2013) with half-t(2, 2) standard deviations and m ~ N(0, 3^2).
    upper : UpperLevel, optional
        What the population has beside a mean and a covariance: covariates, components, accounts, constraints, a factor of
        response error; by default nothing.
    sampler : Sampler, optional
        By default our blocked Gibbs sampler with 4 chains of 1,000 draws after 150 of warm-up (500 and every third sweep where
        there is more than a mean and a covariance, every tenth with sampling weights);
        ``Sampler(engine="nuts")`` draws from the same posterior with nutpie or PyMC.
    form : str, or mapping {kind: form}
        Likelihood, see :func:`fit_pooled`.
    position, error_scale : optional
        See :func:`fit_pooled`; the prior of an advantage, of ties and grades is N(0, 3^2), that of log error scales N(0, 1).
    seed : int or Generator
        The same seed gives the same draws on any number of threads.
    progress : bool, optional
        Whether to show a bar; by default on a terminal or in a notebook.

    Returns
    -------
    Utilities
        With draws, population and diagnostics; ``response`` where answers have parameters of their own. After Ctrl-C: the draws
        so far, marked ``interrupted``.

    Raises
    ------
    ChoicesError
        Answers that cannot be fitted.
    RespondentsError
        Covariates or accounts that are missing.
    FitError
        Stopped before the first draw was kept.

    Warns
    -----
    ConvergenceWarning
        R-hat above 1.01 or an effective sample size below 100 per chain for anything reported of the population, or for
        more than 5% of the respondents' utilities.
    """
    prior, sampler, more = prior or Prior(), sampler or Sampler(), upper or UpperLevel()
    design, coding = choices.design, np.asarray(choices.design.coding)
    names = forms_of(design, form)
    coded = make_coded(to_tasks(choices, form=form, position=position, error_scale=error_scale), coding)
    ready = prepare(choices, more)
    entropy = int(seed.integers(2**62)) if isinstance(seed, np.random.Generator) else int(seed)
    settings = {"method": "hierarchical", "form": names, "prior": repr(prior), "seed": entropy, **asdict(sampler)}
    if (np.asarray(design.kind) == "graded").any() and not design.grades:
        settings |= {"grades": list(reading_of(choices, form, error_scale=False)["grades"])}
    response, latent = None, None
    if sampler.engine == "nuts":
        from cvmstats.utilities.nuts import sample_nuts

        drawn = sample_nuts(choices, prior=prior, upper=upper, sampler=sampler, form=form, position=position,
                            error_scale=error_scale, seed=entropy, progress=progress)  # fmt: skip
        draws = Draws(drawn.mean_draws, drawn.cov_draws, drawn.draws, drawn.log_likelihood, drawn.interrupted)
        response, latent = drawn.response, drawn.latent
        settings |= {} if more.plain else {"upper": repr(more)}
    else:
        limits = to_upper(prior, coding.shape[1], design.parameter_block, design)
        counted, first = repeat_people(coded, choices.respondents)
        plain = more.plain and ready.model.weight is None and coded.tasks.alternatives is None
        if plain:
            draws = sample_gibbs(counted.tasks, coding, limits, sampler, entropy, progress=progress)
        else:
            model = ready.model if first is None else _repeated(ready, first)
            parts, interrupted = sample_hierarchy(counted, limits, model, ready.transform, ready.sign, sampler, entropy,
                                                  progress=progress)  # fmt: skip
            draws, response, latent = of_people(parts, counted, ready, interrupted)
            settings |= {"upper": repr(more)}
        if first is not None:
            draws = draws._replace(people=draws.people[:, :, np.unique(first, return_index=True)[1]])
            latent = None if latent is None else of_first(latent, first)
    return _to_utilities(choices, coded, draws, sampler, names, settings, response, latent, ready, more)


def to_upper(prior: Prior, n_parameters: int, blocks: tuple[str, ...] | None, design: Design | None = None) -> Upper:
    """A prior in the form in which the sampler reads it; ``design`` as in ``Prior.resolve``."""
    resolved = prior.resolve(n_parameters, blocks, design=design)
    return Upper(
        mean=resolved.mean, mean_precision=resolved.mean_precision, degrees=resolved.iw_df, scale=resolved.iw_scale,
        block=resolved.block, n_scales=resolved.n_blocks if resolved.kind == "huang-wand" else 0, nu=resolved.nu,
        spread=resolved.A,
    )  # fmt: skip


def _repeated(ready: Prepared, first: npt.NDArray[np.int64]) -> Any:
    model = ready.model
    return model._replace(covariates=None if model.covariates is None else model.covariates[first],
                          account=None if model.account is None else model.account[first])  # fmt: skip


def of_first(latent: Latent, first: npt.NDArray[np.int64]) -> Latent:
    from dataclasses import replace

    own = np.unique(first, return_index=True)[1]
    return replace(latent, membership=latent.membership[own],
                   factors=None if latent.factors is None else latent.factors[:, :, own])  # fmt: skip


def of_people(parts: dict[str, Any], coded: Coded, ready: Prepared,
             interrupted: bool) -> tuple[Draws, Response | None, Latent]:  # fmt: skip
    """Draws of what people read from those of the sampler."""
    model = ready.model
    sizes, means, covs, membership = align(parts["size"], parts["mean"], parts["cov"], parts["component"])
    latent = Latent(
        sizes=sizes, means=means, covs=covs, membership=membership, transform=ready.transform, sign=ready.sign,
        effects=parts["effects"] if model.covariates is not None else None, account_ids=ready.account_ids,
        accounts=parts["account"] if model.account is not None else None,
        account_cov=parts["account_cov"] if model.account is not None else None,
        factors=parts["factor"] if model.factor else None, factor_sd=parts["tau"] if model.factor else None,
    )  # fmt: skip
    mean, cov = latent.moments()
    people = np.asarray(latent.natural(parts["people"]), np.float32)
    response = None
    if coded.names or coded.scales:
        drawn = parts["common"]
        flat = drawn.reshape(-1, drawn.shape[-1])
        response = Response(names=(*coded.names, *(f"scale of {s}" for s in coded.scales)), n_scales=len(coded.scales),
                            mean=flat.mean(axis=0), cov=np.atleast_2d(np.cov(flat.T)), draws=drawn)  # fmt: skip
    return Draws(mean, cov, people, parts["log_likelihood"], interrupted), response, latent


def _to_utilities(choices: Choices, coded: Coded, draws: Draws, sampler: Sampler, form: str, settings: dict[str, Any],
                  response: Response | None, latent: Latent | None, ready: Prepared,
                  more: UpperLevel) -> Utilities:  # fmt: skip
    from cvmstats.utilities.convergence import diagnose, warn_if_unconverged

    design = choices.design
    report = np.asarray(design.report)
    flat_mean = draws.mean.reshape(-1, draws.mean.shape[-1])
    mean = draws.people.mean(axis=(0, 1), dtype=float)
    sd = np.sqrt(np.maximum(0, np.square(draws.people, dtype=np.float64).mean(axis=(0, 1)) - mean**2))
    beside: dict[str, tuple[list[str], Floats]] = {}
    if response is not None and response.draws is not None:
        beside["response"] = (list(response.names), response.draws)
    if latent is not None and latent.factor_sd is not None:
        beside["factor sd"] = (["log error factor"], latent.factor_sd[..., None])
    if latent is not None and latent.effects is not None and ready.covariates is not None:
        for p, name in enumerate(ready.covariates.names):
            beside[f"effect of {name}"] = (list(design.report_labels or ()), latent.effects[:, :, p] @ report.T)
    table = diagnose(report, design.report_labels or (), draws.mean, draws.cov, draws.people, ids=choices.respondents.ids,
                     beside=beside)  # fmt: skip
    if draws.interrupted:
        warnings.warn(f"stopped early: {draws.mean.shape[1]:,} of {sampler.draws:,} draws per chain were kept",
                      InterruptedWarning, stacklevel=3)  # fmt: skip
    warn_if_unconverged(table, n_chains=draws.mean.shape[0], n_draws=draws.mean.shape[1], stacklevel=4)
    effects = effects_cov = None
    if latent is not None and latent.effects is not None:
        flat = latent.effects.reshape(-1, *latent.effects.shape[2:])
        effects = flat.mean(axis=0)
        effects_cov = np.stack([np.atleast_2d(np.cov(flat[:, p].T)) for p in range(flat.shape[1])])
    phi = mean if latent is None or latent.factors is None else mean * np.exp(latent.factors.mean(axis=(0, 1)))[:, None]
    if response is not None:
        phi = np.hstack([phi, np.tile(response.mean, (len(phi), 1))])
    own = latent if latent is not None and not (more.plain and latent.factors is None) else None
    return Utilities(
        design=design, respondents=choices.respondents, mean=mean, sd=sd, method="hierarchical", form=form,
        population=Population(mean=flat_mean.mean(axis=0), mean_cov=np.atleast_2d(np.cov(flat_mean.T)),
                              cov=draws.cov.mean(axis=(0, 1)), mean_draws=draws.mean, cov_draws=draws.cov,
                              effects=effects, effects_cov=effects_cov, latent=own),
        draws=draws.people, diagnostics=table, interrupted=draws.interrupted, response=response, covariates=ready.covariates,
        log_likelihood=float(people_derivatives(coded, phi, curved=False)[0].sum()), settings=settings,
    )  # fmt: skip
