"""Simulation-based calibration of populations and answers beyond the plain ones, as in ``calibration.py``: ten models.

    uv run python tests/evidence/calibration_models.py --replications 300

Truth is drawn from the prior, answers of 32 people from the truth by ``simulate_choices``, draws from ``sample_hierarchy``.
Priors are tight settings of their families: means N(0, 1), Sigma inverse Wishart with E[Sigma] = .5 I or Huang-Wand with nu
= 2, A = .5. Constants that the fits have stay what they are, but for tau, half-t(2, .3) here: under half-t(2, 1) it is
above 4 in one study of seventeen, and people's utilities then differ by factors of millions. Each model has a sabotage that
must be noticed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: small matrices, and a process per core

import numpy as np
from calibration import DRAWS, outside
from scipy import stats

from cvmstats._numerics import hierarchy
from cvmstats._numerics.coded import Coded, make_coded, people_derivatives
from cvmstats._numerics.draws import Covariance
from cvmstats._numerics.ess import chain_diagnostics
from cvmstats._numerics.model import Model
from cvmstats._numerics.population import Upper
from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.forms import Form
from cvmstats.data.items import Items
from cvmstats.design.best_worst import design_best_worst
from cvmstats.design.conjoint import design_conjoint
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.chains import sample_hierarchy
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior, Sampler
from cvmstats.utilities.upper_level import constrain

R = 32
WISHART, HUANG_WAND = "inverse-wishart", "huang-wand"
Draws = dict[str, np.ndarray]


class Study(NamedTuple):
    """A model, and a small study of it.

    Attributes
    ----------
    design : Design
    prior : str
    form : Form
    model : Model
    response : tuple of str
        Parameters of the answer, error scales last.
    missing : tuple of float
        Shares of bests and of worsts that are not answered.
    constraints : mapping
    thin : int
        Sweeps per draw: nearly independent.
    sabotage : str
        What is done to the sampler that must be noticed.
    """

    design: Design
    prior: str = WISHART
    form: Form = "sequential"
    model: Model = Model()
    response: tuple[str, ...] = ()
    missing: tuple[float, float] = (0.0, 0.0)
    constraints: Mapping[str, str] = {}
    thin: int = 10
    sabotage: str = "degrees"


def best_worst(n_items: int, size: int, n_tasks: int, **more: Any) -> Design:
    return design_best_worst([f"item {j + 1}" for j in range(n_items)], items_per_task=size, n_tasks=n_tasks, n_versions=2,
                             seed=1, **more)  # fmt: skip


def covariates() -> Study:
    x = np.random.default_rng(1).standard_normal((R, 2)) * [1, 2] + [0, 1]
    x[:, 1] = x[:, 1] > 1
    return Study(best_worst(5, 3, 6), model=Model(covariates=(x - x.mean(axis=0)) / x.std(axis=0)), sabotage="effects")


def mixture() -> Study:
    return Study(best_worst(4, 3, 6), form="maxdiff", model=Model(n_components=2), thin=12, sabotage="sizes")


def ties_in_accounts() -> Study:
    """All pairs of four items twice over, four people to an account."""
    pairs = [(i, j) for i in range(4) for j in range(i)]
    design = Design(objects=Items.from_labels("ABCD"), shown=np.array([pairs + [p[::-1] for p in pairs]]), kind="pair")
    return Study(design, HUANG_WAND, {"pair": "davidson"}, Model(account=np.arange(R) // 4), ("tie",), thin=20,
                 sabotage="accounts")  # fmt: skip


def grades() -> Study:
    pairs = [(i, j) for i in range(4) for j in range(i)]
    design = Design(objects=Items.from_labels("ABCD"), shown=np.array([pairs + [p[::-1] for p in pairs]]), kind="graded",
                    grades=((2, "much"), (1, "a little"), (0, "alike")))  # fmt: skip
    return Study(design, response=("grade 1", "tie"), sabotage="response")


def anchor() -> Study:
    return Study(best_worst(4, 3, 6, anchor="direct"), HUANG_WAND, response=("scale of anchor",), sabotage="scale")


def conjoint() -> Study:
    parts = Attributes.from_dict({"brand": ["A", "B", "C"], "price": [1, 2, 3]}, linear=("price",))
    design = design_conjoint(parts, alternatives=3, n_tasks=8, n_versions=2, none=True, seed=1)
    return Study(design, constraints={"price": "negative"})


def ragged() -> Study:
    """Sets of two to four; bests and worsts are left out, and now and then both."""
    shown = np.array([[[0, 1, 2, 3], [2, 3, 4, -1], [4, 0, -1, -1], [1, 2, 3, 4], [0, 1, 4, -1], [3, 1, -1, -1], [0, 2, 4, 3]]])
    return Study(Design(objects=Items.from_labels("ABCDE"), shown=shown), missing=(0.3, 0.4), sabotage="missing")


def factors() -> Study:
    return Study(best_worst(4, 3, 8), model=Model(factor=True, factor_spread=0.3), thin=20, sabotage="factors")


def middle() -> Study:
    return Study(best_worst(5, 4, 6), form="rank_unordered_middle")


def dual() -> Study:
    return Study(best_worst(4, 3, 6, anchor="dual"), response=("scale of dual",), sabotage="scale")


STUDIES: dict[str, Callable[[], Study]] = {
    "sequential, two covariates": cache(covariates), "maxdiff, two components": cache(mixture),
    "pairs with ties, accounts": cache(ties_in_accounts), "graded pairs": cache(grades),
    "maxdiff and direct anchor": cache(anchor), "conjoint, none, price negative": cache(conjoint),
    "ragged sets, missing answers": cache(ragged), "factors of response error": cache(factors),
    "rank_unordered_middle": cache(middle), "dual response": cache(dual),
}  # fmt: skip


def prior_of(study: Study) -> Upper:
    k = study.design.coding.shape[1]
    prior = (Prior(HUANG_WAND, nu=2, scale=0.5, mean_sd=1.0) if study.prior == HUANG_WAND
             else Prior(WISHART, degrees_of_freedom=k + 4, expected_cov=0.5, mean_sd=1.0))  # fmt: skip
    return to_upper(prior, k, study.design.parameter_block, study.design)


def draw_covariance(upper: Upper, rng: np.random.Generator) -> np.ndarray:
    scale = upper.scale
    if upper.n_scales:
        a = stats.invgamma(0.5, scale=upper.spread**-2).rvs(size=upper.n_scales, random_state=rng)
        scale = np.diag(2 * upper.nu / a[upper.block])
    return np.atleast_2d(stats.invwishart(upper.degrees, scale).rvs(random_state=rng))


def draw_truth(study: Study, upper: Upper, rng: np.random.Generator) -> Draws:
    """One draw from the prior, by the names of ``Hierarchy.read``."""
    model, k, n = study.model, len(upper.mean), study.model.n_components
    n_scales = sum(name.startswith("scale of") for name in study.response)
    mean = upper.mean + rng.standard_normal((n, k)) / np.sqrt(np.diagonal(upper.mean_precision))
    cov = np.stack([draw_covariance(upper, rng) for _ in range(n)])
    size = rng.dirichlet(np.full(n, model.dirichlet))
    component = rng.choice(n, R, p=size)
    beta = mean[component] + np.einsum("rkj,rj->rk", np.linalg.cholesky(cov)[component], rng.standard_normal((R, k)))
    effects, between, account = np.zeros((0, k)), np.eye(k), np.zeros((0, k))
    if model.covariates is not None:
        effects = rng.standard_normal((model.covariates.shape[1], k))
        beta = beta + model.covariates @ effects
    if model.account is not None:
        between = draw_covariance(upper, rng)
        account = rng.multivariate_normal(np.zeros(k), between, size=model.account.max() + 1, method="cholesky")
        beta = beta + account[model.account]
    common = rng.standard_normal(len(study.response))
    common *= np.where(np.arange(len(common)) < len(common) - n_scales, model.response_sd, model.scale_sd)
    tau = model.factor_spread * abs(rng.standard_t(2)) if model.factor else 0.0
    truth = {"mean": mean, "cov": cov, "size": size, "effects": effects, "account": account, "account_cov": between,
             "common": common, "tau": np.float64(tau), "factor": tau * rng.standard_normal(R), "people": beta}  # fmt: skip
    return {name: value[None] for name, value in truth.items()}


def answers(study: Study, natural: np.ndarray, truth: Draws, rng: np.random.Generator) -> Choices:
    """Of people with these parameters (R, K)."""
    utilities = np.exp(truth["factor"][0])[:, None] * (natural @ study.design.coding.T)
    response = dict(zip(study.response, truth["common"][0], strict=True))
    choices = simulate_choices(utilities, study.design, form=study.form, response=response, seed=rng)
    place = choices.place.copy()
    for value, share in zip((1, -1), study.missing, strict=True):
        lost = (rng.random(place.shape[:2]) < share)[:, :, None] & (place == value)
        place[lost] = 0
    return Choices(design=study.design, respondents=choices.respondents, version=choices.version, place=place,
                   strength=choices.strength, source="simulated")  # fmt: skip


def quantities(study: Study, draws: Draws) -> dict[str, np.ndarray]:
    """Ranked quantities by name, (D) each."""
    model, design = study.model, study.design
    rows = np.abs(design.report).max(axis=1) > 0
    level, labels = np.asarray(design.report)[rows], [x for x, use in zip(design.report_labels, rows, strict=True) if use]
    held = np.isin(design.parameter_block, list(study.constraints))
    if held.any():  # what is normal is the logarithm: of it, and of the other levels
        free = ~level[:, held].any(axis=1)
        level = np.vstack([level[free], np.eye(len(held))[held]])
        labels = [x for x, use in zip(labels, free, strict=True) if use] + [f"log {name}" for name in study.constraints]
    out = {}

    def each(what: str, values: np.ndarray) -> None:
        out.update({f"{what} {name}": v for name, v in zip(labels, values.T, strict=True)})

    def spread(what: str, cov: np.ndarray) -> None:
        full = np.einsum("lk,dkm,nm->dln", level, cov, level, optimize=True)
        sd = np.sqrt(np.diagonal(full, axis1=1, axis2=2))
        each(what, sd)
        for a, b in ((0, 1), (1, 2)):
            out[f"{what}: correlation {a + 1}-{b + 1}"] = full[:, a, b] / (sd[:, a] * sd[:, b])

    size, mean = draws["size"], draws["mean"]
    total = np.einsum("dc,dck->dk", size, mean)
    left = mean - total[:, None]
    each("mean", total @ level.T)
    spread("sd", np.einsum("dc,dckj->dkj", size, draws["cov"] + left[..., :, None] * left[..., None, :]))
    for i in range(3):
        each(f"person {i + 1}", draws["people"][:, i] @ level.T)
    out["log-likelihood"] = draws["log_likelihood"]
    out["length of means"] = np.sqrt((mean**2).sum(axis=(1, 2)))
    if model.n_components > 1:
        out["largest size"] = size.max(axis=1)
        out["length between means"] = np.sqrt((left**2).sum(axis=(1, 2)))
        out["|Sigma|, product"] = np.linalg.slogdet(draws["cov"])[1].sum(axis=1)
    if model.covariates is not None:
        for p in range(model.covariates.shape[1]):
            each(f"effect {p + 1}", draws["effects"][:, p] @ level.T)
        out["length of effects"] = np.sqrt((draws["effects"] ** 2).sum(axis=(1, 2)))
    if model.account is not None:
        each("account 1", draws["account"][:, 0] @ level.T)
        spread("account sd", draws["account_cov"])
        out["length of accounts"] = np.sqrt((draws["account"] ** 2).sum(axis=(1, 2)))
    out.update(dict(zip(study.response, draws["common"].T, strict=True)))
    if model.factor:
        out["tau"] = draws["tau"]
        out.update({f"factor {i + 1}": draws["factor"][:, i] for i in range(3)})
    return out


def sabotaged(study: Study, upper: Upper, coded: Coded) -> tuple[Upper, Model, Coded]:
    """A sampler of something else."""
    model, k, what = study.model, len(upper.mean), study.sabotage
    if what == "degrees":
        upper = upper._replace(degrees=upper.degrees + k)
    if what == "sizes":
        model = model._replace(dirichlet=50.0)
    if what == "response":
        coded = coded._replace(response=1.5 * coded.response)
    if what == "scale":
        model = model._replace(scale_sd=1e3)
    if what == "factors":
        model = model._replace(factor_spread=10.0)
    if what == "missing":  # the first item that was not worst counts as the best, where the model sums over all
        tasks = coded.tasks
        best = np.where((tasks.best < 0) & ~tasks.worst_only, np.where(tasks.worst == 0, 1, 0), tasks.best)
        coded = coded._replace(tasks=tasks._replace(best=best.astype(tasks.best.dtype)))
    return upper, model, coded


class _Denser(Covariance):
    """Psi with K degrees of freedom too many."""

    def draw(self, scatter: np.ndarray, n: int, rng: np.random.Generator) -> None:
        super().draw(scatter, n + len(scatter), rng)


def _free_effects(self: hierarchy.Hierarchy, x: np.ndarray, *more: np.ndarray) -> np.ndarray:
    """Effects whose prior is N(0, 100^2)."""
    return _EFFECTS(self, 100 * x, *more) * 100


_EFFECTS = hierarchy.Hierarchy._draw_effects
_PATCHES = {"accounts": partial(mock.patch.object, hierarchy, "Covariance", _Denser),
            "effects": partial(mock.patch.object, hierarchy.Hierarchy, "_draw_effects", _free_effects)}  # fmt: skip


def replicate(name: str, seed: int, sabotage: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (Q) of the truth among DRAWS draws, and how many independent ones these are worth (Q)."""
    study, rng = STUDIES[name](), np.random.default_rng(seed)
    upper, model = prior_of(study), study.model
    truth = draw_truth(study, upper, rng)
    transform, sign = constrain(study.design, study.constraints)
    beta = truth["people"][0]
    natural = np.where(sign != 0, sign * np.exp(beta), beta) @ transform.T
    choices = answers(study, natural, truth, rng)
    coded = make_coded(to_tasks(choices, form=study.form), study.design.coding)
    assert (*coded.names, *(f"scale of {s}" for s in coded.scales)) == study.response
    phi = np.hstack([np.exp(truth["factor"][0])[:, None] * natural, np.tile(truth["common"][0], (R, 1))])
    truth["log_likelihood"] = people_derivatives(coded, phi, curved=False)[0].sum(keepdims=True)
    if sabotage:
        upper, model, coded = sabotaged(study, upper, coded)
    sampler = Sampler(chains=1, draws=DRAWS, warmup=300, thin=study.thin, threads=1)
    with _PATCHES[study.sabotage]() if sabotage and study.sabotage in _PATCHES else nullcontext():
        draws, _ = sample_hierarchy(coded, upper, model, transform, sign, sampler, seed, progress=False)
    true = quantities(study, truth)
    got = np.stack(list(quantities(study, {k: v[0].astype(float) for k, v in draws.items()}).values()))
    rank = (got < np.concatenate(list(true.values()))[:, None]).sum(axis=1)
    return rank, chain_diagnostics(got[:, None], threads=1)[:, 1]


def names_of(name: str) -> list[str]:
    study = STUDIES[name]()
    truth = draw_truth(study, prior_of(study), np.random.default_rng(0))
    return list(quantities(study, truth | {"log_likelihood": np.zeros(1)}))


def ranks_of(name: str, replications: int, *, sabotage: bool = False, seed: int = 0,
             pool: Executor | None = None) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Ranks and effective numbers of draws (N, Q), a stream of random numbers for each replication, none dropped."""
    seeds = [seed * 1_000_003 + n for n in range(replications)]
    one = partial(replicate, name, sabotage=sabotage)
    results = list((pool.map if pool else map)(one, seeds))
    return np.stack([r for r, _ in results]), np.stack([e for _, e in results])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=300)
    parser.add_argument("--sabotaged", type=int, default=100)
    parser.add_argument("--only", default="", help="models whose names contain this")
    parser.add_argument("--out", default="docs/evidence/calibration_models.md")
    options = parser.parse_args()
    lines = [f"# Calibration of populations and answers beyond the plain ones: {DRAWS} draws per replication", "",
             f"Command: `uv run python tests/evidence/calibration_models.py --replications {options.replications} --sabotaged "
             f"{options.sabotaged}`; {R} people, studies as in the script; none dropped. Independent draws: of "
             f"{DRAWS}, those of the typical quantity and of the one that mixes worst.", "",
             "| model | prior | sabotage | quantities | smallest tail | limit (99% over all) | quantities outside | "
             "independent draws | s |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name in STUDIES:
            if options.only not in name:
                continue
            study, names = STUDIES[name](), names_of(name)
            for n, sabotage in ((options.replications, False), (options.sabotaged, True)):
                if not n:
                    continue
                start = time.perf_counter()
                ranks, ess = ranks_of(name, n, sabotage=sabotage, pool=pool)
                left, tails, limit = outside(ranks, names)
                worth = np.nanmean(ess, axis=0)
                lines.append(
                    f"| {name} | {study.prior} | {study.sabotage if sabotage else 'none'} (n = {n}) | {len(names)} | "
                    f"{tails.min():.2g} ({names[int(tails.argmin())]}) | {limit:.2g} | {len(left)}: {', '.join(left[:4])} | "
                    f"{np.median(worth):.0f}, {worth.min():.0f} ({names[int(worth.argmin())]}) | "
                    f"{time.perf_counter() - start:.0f} |"
                )  # fmt: skip
                print(lines[-1], flush=True)
                Path(options.out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
