"""Samples that are biased on purpose, fitted with sampling weights and without.

    uv run python tests/evidence/sampling_weights.py

Writes docs/evidence/sampling_weights.md. Four fifths of the market are small firms, one fifth are large ones that value other
things; every sample has as many of the one as of the other, 200 people in all. Weights restore the shares. Judged are, over
samples, the average error of the population's mean in its sds (required: within 4 of its standard errors + .02) and the average
standard deviation over the true one (required: within 5%), each for the worst of the items.
"""

from __future__ import annotations

import argparse
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: a process per core

import numpy as np
import pandas as pd

from cvmstats.data.respondents import Respondents
from cvmstats.design.best_worst import design_best_worst
from cvmstats.errors import ConvergenceWarning
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler

R, J, SHARE = 200, 6, 0.2
SMALL = np.array([1.0, 0.6, 0.2, -0.2, -0.6, -1.0])
LARGE = SMALL + np.array([-1.0, 0.5, 0.8, -0.8, 0.5, 0.0])
SD = 0.8
SAMPLER = Sampler(chains=2, draws=250, warmup=300, thin=6, threads=1)


def truth() -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of zero-centred utilities in the market (J)."""
    mean = (1 - SHARE) * SMALL + SHARE * LARGE
    within = SD**2 * (1 - 1 / J)
    return mean, np.sqrt(within + SHARE * (1 - SHARE) * (LARGE - SMALL) ** 2)


def replicate(seed: int, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means of the population's mean and standard deviations (J)."""
    rng = np.random.default_rng([seed, 9])
    large = np.arange(R) % 2 == 1
    people = np.where(large[:, None], LARGE, SMALL) + SD * rng.standard_normal((R, J))
    table = pd.DataFrame({"id": [f"r{i}" for i in range(R)]})
    if weighted:
        table["weight"] = np.where(large, SHARE / 0.5, (1 - SHARE) / 0.5)
    design = design_best_worst([f"item {j + 1}" for j in range(J)], items_per_task=3, n_tasks=12, n_versions=4, seed=1)
    who = Respondents(table=table, weight_kind="sampling" if weighted else None)
    choices = simulate_choices(people, design, who, seed=rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # short runs
        fit = fit_hierarchical(choices, sampler=SAMPLER, seed=seed, progress=False)
    assert fit.population is not None
    report = np.asarray(fit.report)
    mean = (fit.population.mean_draws @ report.T).mean(axis=(0, 1))
    cov = fit.population.cov_draws
    sd = np.sqrt(np.einsum("lk,cdkj,lj->cdl", report, cov, report, optimize=True)).mean(axis=(0, 1))
    return mean, sd


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/sampling_weights.md"))
    options = parser.parse_args()
    mean, sd = truth()
    lines = ["# Sampling weights on biased samples", "",
             f"Command: `uv run python tests/evidence/sampling_weights.py`; {options.samples} samples of {R} people, {J} "
             "items. Errors of the mean are in the population's sds; their limit is 4 standard errors + .02.", "",
             "| fit | item | mean, true | average error | limit | sd, true | average ratio | holds |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for weighted in (True, False):
            found = list(pool.map(partial(replicate, weighted=weighted), range(options.samples)))
            z = (np.array([m for m, _ in found]) - mean) / sd
            limit = 4 * z.std(axis=0, ddof=1) / np.sqrt(len(z)) + 0.02
            ratio = np.mean([s for _, s in found], axis=0) / sd
            for j in range(J):
                holds = abs(z[:, j].mean()) < limit[j] and abs(ratio[j] - 1) < 0.05
                fit = "weighted" if weighted else "unweighted"
                lines.append(f"| {fit} | {j + 1} | {mean[j]:.2f} | {z[:, j].mean():+.3f} | {limit[j]:.3f} | {sd[j]:.2f} | "
                             f"{ratio[j]:.3f} | {'yes' if holds else 'no'} |")  # fmt: skip
    print("\n".join(lines))
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
