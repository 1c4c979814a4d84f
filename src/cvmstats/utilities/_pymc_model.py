"""The hierarchical model as a PyMC model: the same posterior as our Gibbs sampler's, in coordinates that suit NUTS.

The population stands in ``_pymc_population.py``, the likelihood of the answers in ``_pymc_answers.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt

from cvmstats._numerics.coded import Coded, make_coded
from cvmstats._numerics.model import RESPONSE_SD, SCALE_SD
from cvmstats.data.choices import Choices
from cvmstats.data.forms import ErrorScale, Form
from cvmstats.errors import ChoicesError
from cvmstats.utilities._pymc_answers import Common, log_likelihood
from cvmstats.utilities._pymc_population import People, mean_of, moments_of, natural, population_of
from cvmstats.utilities.answers import repeat_people, to_tasks
from cvmstats.utilities.options import Prior, ResolvedPrior
from cvmstats.utilities.upper_level import Prepared, UpperLevel, prepare

Ints = npt.NDArray[np.int64]


class Work(NamedTuple):
    """Answers and upper level as the model needs them.

    Attributes
    ----------
    coded : Coded
        Answers of N people: each respondent as often as the frequency weight says.
    ready : Prepared
        Covariates and accounts of these N.
    row : array (N), or None where all weights are 1
        The respondent of each.
    names : tuple of str (N)
    """

    coded: Coded
    ready: Prepared
    row: Ints | None
    names: tuple[str, ...]


def to_pymc(choices: Choices, *, prior: Prior | None = None, upper: UpperLevel | None = None, form: Form = "sequential",
            position: bool = False, error_scale: ErrorScale = None) -> pm.Model:  # fmt: skip
    """The hierarchical model as a PyMC model, for people who extend it.

    Parameters
    ----------
    choices : Choices
        Answers of R respondents; one with a frequency weight w is w people (N in all) with these answers.
    prior : Prior, optional
        Of the population; by default ``Prior()``.
    upper : UpperLevel, optional
        What the population has beside a mean and a covariance.
    form, position, error_scale : optional
        As in :func:`fit_hierarchical`.

    Returns
    -------
    Model
        Free: ``mean`` (K), ``a`` (G, ``huang-wand`` only), ``bartlett_diag`` (K, squared diagonal of B),
        ``bartlett_lower`` (below it, by rows), ``z`` (N, K). Of C components: all but ``z`` have one axis more, (C, ...), and
        ``sizes`` (C). ``effects`` (P, K) of covariates; ``account_z`` (accounts, K), ``account_a``, ``account_bartlett_diag``
        and ``account_bartlett_lower`` of accounts; ``factor_sd`` and ``factor_z`` (N) of the factor of response error;
        ``response`` (E) and ``log_scale`` (S) of the answers. Deterministic: ``root`` (K, K), of which people's parameters are
        ``mean + covariates @ effects + account_z @ account_root.T + z @ root.T``, with e to their power where a sign is held;
        ``cov`` (K, K) of what people read, and of the reported levels ``item_mean`` and ``item_sd`` (L), ``item_correlation``
        (L, L). ``answers`` is the log-likelihood, a potential; of a mixture with everybody's component summed out.

    Raises
    ------
    ChoicesError
        Where respondents carry sampling weights, or answers cannot be fitted.
    RespondentsError
        Covariates or accounts that are missing.
    """
    design = choices.design
    work = prepare_work(choices, upper, form=form, position=position, error_scale=error_scale)
    resolved = (prior or Prior()).resolve(np.asarray(design.coding).shape[1], design.parameter_block,
                                         design=design)  # fmt: skip
    with pm.Model(coords=_coords(choices, resolved, work)) as model:
        people = population_of(resolved, work.ready)
        response = pm.Normal("response", 0.0, RESPONSE_SD, dims="answer_parameter") if work.coded.names else None
        log_scale = pm.Normal("log_scale", 0.0, SCALE_SD, dims="scaled_block") if work.coded.scales else None
        _answers(work.coded, people, Common(response, log_scale, people.log_factor))
        _report(np.asarray(design.report), *moments_of(people, work.ready))
    return model


def lkj_model(choices: Choices, *, mean_sd: float = 3.0) -> pm.Model:
    """The usual model of the field, for benchmarks: LKJ(2) correlations, exponential(1) sds, non-centred."""
    work = prepare_work(choices)
    n_parameters = work.coded.rows.shape[1]
    resolved = Prior(mean_sd=mean_sd).resolve(n_parameters, choices.design.parameter_block)
    with pm.Model(coords=_coords(choices, resolved, work)) as model:
        mean = mean_of(resolved)
        sds = pm.Exponential.dist(1.0, shape=n_parameters)
        root, _, _ = pm.LKJCholeskyCov("chol", n=n_parameters, eta=2.0, sd_dist=sds, compute_corr=True)
        pm.Deterministic("root", root)
        beta = mean + pm.Normal("z", dims=("respondent", "parameter")) @ root.T
        people = People(mean, root, natural(beta, work.ready.transform, work.ready.sign))
        _answers(work.coded, people, Common())
        _report(np.asarray(choices.design.report), *moments_of(people, work.ready))
    return model


def prepare_work(choices: Choices, upper: UpperLevel | None = None, *, form: Form = "sequential", position: bool = False,
                 error_scale: ErrorScale = None) -> Work:  # fmt: skip
    """Answers and upper level, with all that could be wrong said before any work.

    Raises
    ------
    ChoicesError
        Where respondents carry sampling weights, or answers cannot be fitted.
    RespondentsError
        Covariates or accounts that are missing.
    """
    tasks = to_tasks(choices, form=form, position=position, error_scale=error_scale)
    ready = prepare(choices, upper or UpperLevel())
    if ready.model.weight is not None:
        raise ChoicesError("the respondents carry sampling weights, for which there is no joint density to draw from:\n"
                           "they enter the sums over people on which the population depends, and nothing else\n"
                           "  fit with the Gibbs engine, Sampler(engine='gibbs'), or leave the weights out")  # fmt: skip
    ids = choices.respondents.ids
    coded, row = repeat_people(make_coded(tasks, np.asarray(choices.design.coding)), choices.respondents)
    if row is None:
        return Work(coded, ready, None, ids)
    model, copy = ready.model, np.arange(len(row)) - np.searchsorted(row, row)
    model = model._replace(covariates=None if model.covariates is None else model.covariates[row],
                           account=None if model.account is None else model.account[row])  # fmt: skip
    names = tuple(f"{ids[i]} #{c + 1}" for i, c in zip(row, copy, strict=True))
    return Work(coded, ready._replace(model=model), row, names)


def _coords(choices: Choices, prior: ResolvedPrior, work: Work) -> dict[str, Any]:
    levels, ready = list(choices.design.report_labels or ()), work.ready
    blocks = list(dict.fromkeys(choices.design.parameter_block or ()))
    coords: dict[str, Any] = {"parameter": np.arange(len(prior.block)), "prior_block": blocks, "item": levels, "other": levels,
                              "respondent": list(work.names)}  # fmt: skip
    more = {
        "component": range(ready.model.n_components) if ready.model.n_components > 1 else (),
        "covariate": () if ready.covariates is None else ready.covariates.names, "account": ready.account_ids,
        "answer_parameter": work.coded.names, "scaled_block": work.coded.scales,
    }  # fmt: skip
    return coords | {name: list(values) for name, values in more.items() if len(values)}


def _answers(coded: Coded, people: People, common: Common) -> None:
    """The likelihood of everybody's answers, each one's component summed out."""
    if people.sizes is None:
        pm.Potential("answers", log_likelihood(coded, people.beta, common))
        return
    n_people = coded.tasks.n_people
    n_components = len(pm.modelcontext(None).coords["component"])
    if common.log_factor is not None:
        common = common._replace(log_factor=pt.tile(common.log_factor, n_components))
    each = log_likelihood(_copies(coded, n_components), people.beta, common, by_person=True)
    logs = pt.log(people.sizes)[:, None] + each.reshape((n_components, n_people))
    pm.Potential("answers", pm.math.logsumexp(logs, axis=0).sum())


def _copies(coded: Coded, n: int) -> Coded:
    """The answers of all people ``n`` times over."""
    t = coded.tasks
    person = np.concatenate([[0], np.cumsum(np.tile(np.diff(t.person), n))])
    start = np.concatenate([[0], np.cumsum(np.tile(np.diff(t.start), n))])
    tasks = t._replace(person=person, start=start, objects=np.tile(t.objects, n), best=np.tile(t.best, n),
                       worst=np.tile(t.worst, n), worst_only=np.tile(t.worst_only, n),
                       rule=None if t.rule is None else np.tile(t.rule, n))  # fmt: skip
    return coded._replace(tasks=tasks)


def _report(report: npt.NDArray[np.float64], mean: Any, cov: Any) -> None:
    """Deterministics that cost little per draw."""
    pm.Deterministic("cov", cov)
    levels = pt.constant(report)
    item_cov = levels @ cov @ levels.T
    sd = pt.sqrt(item_cov.diagonal())
    pm.Deterministic("item_mean", levels @ mean, dims="item")
    pm.Deterministic("item_sd", sd, dims="item")
    pm.Deterministic("item_correlation", item_cov / (sd[:, None] * sd[None, :]), dims=("item", "other"))
