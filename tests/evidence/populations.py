"""Every pair of what a population can have, on three kinds of question: is the truth found, or the pair refused by name.

    uv run python tests/evidence/populations.py

Writes docs/evidence/populations.md. 160 people of 40 accounts; utilities are drawn from the model that is fitted. Found means:
the population's mean at most four posterior sds from the mean of the people drawn (all parameters), effects of the covariate
and the logarithm of tau likewise, sds of accounts and the larger component's size within what the table says, and people's
utilities correlate with their own above .7.
"""

from __future__ import annotations

import argparse
import itertools
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: a process per core

import numpy as np
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.respondents import Respondents
from cvmstats.design.best_worst import design_best_worst
from cvmstats.design.conjoint import design_conjoint
from cvmstats.design.pairs import design_pairs
from cvmstats.errors import CvmError
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.upper_level import UpperLevel, constrain

R, G = 160, 40
PARTS = ("covariates", "mixture", "nesting", "weights", "constraint", "scale factor")
QUESTIONS = ("best-worst", "pairs", "conjoint")
TAU, ACCOUNT_SD, SIZE = 0.6, 0.8, 0.65
PRICE = {"price": "negative"}
SHORT = Sampler(chains=2, draws=250, threads=1)
LONG = Sampler(chains=2, draws=500, warmup=500, thin=20, threads=1)
"""Of the table: sampling weights, and mixtures on few answers, mix slowly."""


def design_of(question: str) -> Design:
    """A small design of each kind."""
    if question == "best-worst":
        return design_best_worst(list("ABCDE"), items_per_task=3, n_tasks=12, n_versions=8, seed=1)
    if question == "pairs":
        return design_pairs(list("ABCDEFG"), degree=6, seed=1)
    from cvmstats.data.attributes import Attributes

    attributes = Attributes.from_dict({"price": [1, 2, 3], "brand": ["A", "B", "C"]}, linear=("price",))
    return design_conjoint(attributes, alternatives=3, n_tasks=14, n_versions=8, none=True, seed=1)


def draw(design: Design, parts: set[str], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """People's parameters (R, K) and what they were made of, in the parameters in which the population is normal."""
    k = np.asarray(design.coding).shape[1]
    mean = np.resize([0.8, -0.5, 0.3], k)
    label = rng.random(R) < SIZE
    x, account = rng.normal(size=R), np.arange(R) % G
    effect, alpha = np.resize([0.6, 0.0, -0.4], k), ACCOUNT_SD * rng.normal(size=(G, k))
    g = np.tile(mean, (R, 1)) + 0.5 * rng.normal(size=(R, k))
    if "mixture" in parts:
        g = g + np.where(label[:, None], 1.0, -1.0) * np.resize([1.3, 1.0], k)
    if "covariates" in parts:
        g = g + x[:, None] * effect
    if "nesting" in parts:
        g = g + alpha[account]
    factor = np.exp(TAU * rng.normal(size=R)) if "scale factor" in parts else np.ones(R)
    return {"g": g, "x": x, "account": account, "effect": effect, "alpha": alpha, "label": label, "factor": factor}


def judge(question: str, pair: tuple[str, ...], seed: int = 1, sampler: Sampler = SHORT) -> list[str]:
    """A row of the table: what was compared, and whether all of it holds; or by what words the pair was refused."""
    rng, design, parts = np.random.default_rng([seed, 7]), design_of(question), set(pair)
    true = draw(design, parts, rng)
    held = "constraint" in parts
    natural = true["g"]
    if held and question == "conjoint":
        transform, sign = constrain(design, PRICE)
        natural = np.where(sign != 0, sign * np.exp(np.clip(true["g"], -4, 1.5)), true["g"]) @ transform.T
    table = pd.DataFrame({"id": [str(i) for i in range(R)], "account": [f"a{a}" for a in true["account"]], "x": true["x"]})
    kind = None
    if "weights" in parts:
        table["weight"], kind = rng.uniform(0.6, 1.7, R), "sampling"
    people = Respondents(table=table, weight_kind=kind)  # type: ignore[arg-type]
    answers = simulate_choices((natural * true["factor"][:, None]) @ np.asarray(design.coding).T, design, people, seed=seed)
    upper = UpperLevel(covariates=("x",) if "covariates" in parts else (), n_components=2 if "mixture" in parts else 1,
                       accounts="nesting" in parts, constraints=PRICE if held else {},
                       scale_factor="scale factor" in parts)  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = fit_hierarchical(answers, upper=upper, seed=seed, progress=False, sampler=sampler)
    except CvmError as error:
        return [question, " + ".join(pair), "refused: " + str(error).splitlines()[0], "", "", "refused by name"]
    assert fit.population is not None
    latent = fit.population.latent
    w = people.weight / people.weight.sum()
    z = (fit.population.mean - w @ natural) / np.sqrt(np.diagonal(fit.population.mean_cov))
    r = float(np.corrcoef(fit.reported().ravel(), (natural @ fit.report.T).ravel())[0, 1])
    checks, own = [np.abs(z).max() < 4, r > 0.7], []
    if latent is not None and latent.effects is not None:
        draws = latent.effects[:, :, 0] / fit.covariates.spread[0]  # type: ignore[union-attr]
        off = np.abs((draws.mean(axis=(0, 1)) - true["effect"]) / draws.std(axis=(0, 1))).max()
        checks.append(off < 4)
        own.append(f"effects {off:.1f} sd")
    if latent is not None and latent.account_cov is not None:
        found = np.sqrt(np.diagonal(latent.account_cov.mean(axis=(0, 1)))).mean()
        checks.append(0.7 < found / ACCOUNT_SD < 1.4)
        own.append(f"account sd {found:.2f} of {ACCOUNT_SD}")
    if latent is not None and latent.sizes.shape[2] > 1:
        found = latent.sizes[:, :, 0].mean()
        checks.append(abs(found - true["label"].mean()) < 0.15)
        own.append(f"size {found:.2f} of {true['label'].mean():.2f}")
    if latent is not None and latent.factor_sd is not None:
        logs = np.log(latent.factor_sd)
        off = abs(logs.mean() - np.log(np.log(true["factor"]).std())) / logs.std()
        checks.append(off < 4)
        own.append(f"tau {latent.factor_sd.mean():.2f} of {np.log(true['factor']).std():.2f}")
    ess = fit.diagnostics.query("quantity != 'utility'")[["ess_bulk", "ess_tail"]].min().min()  # type: ignore[union-attr]
    return [question, " + ".join(pair), f"mean {np.abs(z).max():.1f} sd, people r {r:.2f}", ", ".join(own), f"{ess:.0f}",
            "found" if all(checks) else "NOT FOUND"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/populations.md"))
    parser.add_argument("--questions", nargs="*", default=QUESTIONS)
    options = parser.parse_args()
    jobs = [(q, pair) for q in options.questions for pair in itertools.combinations(PARTS, 2)]
    lines = ["# Every pair of parts of a population", "",
             f"Command: `uv run python tests/evidence/populations.py`; {R} people, {LONG.chains} chains of {LONG.draws} "
             f"draws, every {LONG.thin}th sweep. Least ESS: of all means, sds, correlations, effects, sizes. Two components "
             "that answers hardly tell apart mix slowly, pairs' most of all; such fits warn.", "",
             "| question | parts | population and people | own parameters | least ESS | |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(partial(judge, sampler=LONG), *zip(*jobs, strict=True)):
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
