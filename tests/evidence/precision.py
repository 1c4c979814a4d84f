"""Standard errors by formula beside the scatter of fits to simulated answers.

    uv run python tests/evidence/precision.py

Writes docs/evidence/precision.md. First at zero utilities: 400 pooled fits per form, each of answers simulated from the same
form (``marginal``: best and worst drawn independently, two half-answered tasks; and once more on real best-worst answers, where
they never agree). Then with people who differ: population means of 200 hierarchical fits per row beside ``expected_precision``
with the same utilities and spread. Scatter is the root of the mean variance over items; its relative error is about
1 / sqrt(2 x fits x (items - 1)).
"""

from __future__ import annotations

import argparse
import platform
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cvmstats.data.design import Design, sum_to_zero_basis
from cvmstats.design import design_best_worst, design_pairs, expected_precision
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.pooled import fit_pooled

SIZES = [(12, 4, 9, 10, 200), (20, 5, 12, 10, 300)]
"""v, k, T, V, respondents."""
FORMS = ("best only", "sequential", "maxdiff", "marginal, independent", "marginal, real answers", "ranking", "pairs")
SPREADS = [(12, 4, 9, 10, 200, 0.0, 1.0), (12, 4, 9, 10, 200, 3.0, 1.0), (20, 5, 12, 10, 300, 3.0, 1.5)]
"""v, k, T, V, respondents, range of the mean utilities, spread."""


def labels(n: int) -> list[str]:
    return [f"item {j + 1}" for j in range(n)]


def halves(design: Design) -> Design:
    """Every set asked twice: for the best, and for the worst."""
    kind = np.array([*["best"] * design.n_tasks, *["worst"] * design.n_tasks], dtype=object)
    return Design(objects=design.objects, shown=np.concatenate([design.shown, design.shown], axis=1),
                  kind=np.tile(kind, (design.n_versions, 1)))  # fmt: skip


def at_zero(form: str, v: int, k: int, n_tasks: int, n_versions: int, n: int, fits: int = 400) -> tuple[float, float]:
    """Standard error by formula, and the scatter of pooled fits."""
    design = design_best_worst(labels(v), items_per_task=k, n_tasks=n_tasks, n_versions=n_versions, seed=1)
    drawn, fitted = "sequential", "sequential"
    if form == "pairs":
        design = design_pairs(labels(v), degree=min(6, v - 1), n_versions=2, seed=1)
    elif form in ("best only", "ranking"):
        design = replace(design, kind="best" if form == "best only" else "rank")
    elif form == "marginal, independent":
        design = halves(design)
    elif form == "marginal, real answers":
        fitted = "marginal"
    else:
        drawn = fitted = form
    estimates = []
    for seed in range(fits):
        answers = simulate_choices(np.zeros((n, v)), design, form=drawn, seed=seed)
        estimates.append(fit_pooled(answers, form=fitted).reported()[0])
    wanted = expected_precision(design, n, form=fitted)["se"]
    return float(np.sqrt(np.square(wanted).mean())), float(np.sqrt(np.square(estimates).mean()))


def with_spread(v: int, k: int, n_tasks: int, n_versions: int, n: int, width: float, spread: float,
                fits: int = 200) -> tuple[float, float, float]:  # fmt: skip
    """Predicted standard error, scatter of hierarchical fits, and that of the formula at equal utilities."""
    design = design_best_worst(labels(v), items_per_task=k, n_tasks=n_tasks, n_versions=n_versions, seed=1)
    mean, basis = np.linspace(-width / 2, width / 2, v), sum_to_zero_basis(v)
    estimates = []
    for seed in range(fits):
        rng = np.random.default_rng(seed)
        people = mean + spread * rng.normal(size=(n, v - 1)) @ basis.T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # short runs: the scatter of their means is what is asked for
            fit = fit_hierarchical(simulate_choices(people, design, seed=rng), seed=seed, progress=False,
                                   sampler=Sampler(chains=2, draws=150, warmup=100))  # fmt: skip
        assert fit.population is not None
        estimates.append(fit.report @ fit.population.mean)
    wanted = np.sqrt(np.square(expected_precision(design, n, spread=spread, utilities=mean)["se"]).mean())
    flat = np.sqrt(np.square(expected_precision(design, n)["se"]).mean() + spread**2 * (1 - 1 / v) / n)
    return float(wanted), float(np.sqrt(np.var(estimates, axis=0, ddof=1).mean())), float(flat)


def report(fits: int, hierarchical: int) -> Iterator[str]:
    yield from ("# Standard errors by formula beside simulated fits", "",
                f"Command: `uv run python tests/evidence/precision.py`; numpy {version('numpy')}, numba {version('numba')}, "
                f"Python {platform.python_version()}.", "", f"## Zero utilities, {fits} pooled fits each", "",
                "| form | v x k x T x respondents | formula | scatter | ratio | its sampling error |",
                "|---|---|---|---|---|---|")  # fmt: skip
    for size in SIZES:
        for form in FORMS:
            wanted, seen = at_zero(form, *size, fits=fits)
            v, k, n_tasks, _, n = size
            yield (f"| {form} | {v} x {k} x {n_tasks} x {n} | {wanted:.4f} | {seen:.4f} | {seen / wanted:.3f} | "
                   f"{1 / np.sqrt(2 * fits * (v - 1)):.3f} |")  # fmt: skip
    yield from ("", f"## People who differ, {hierarchical} hierarchical fits each", "",
                "Equal utilities: the formula without regard to them, plus spread^2 / n.", "",
                "| v x k x T x respondents | means from .. to | spread | predicted | scatter | ratio | equal utilities |",
                "|---|---|---|---|---|---|---|")  # fmt: skip
    for v, k, n_tasks, n_versions, n, width, spread in SPREADS:
        wanted, seen, flat = with_spread(v, k, n_tasks, n_versions, n, width, spread, hierarchical)
        yield (f"| {v} x {k} x {n_tasks} x {n} | {0 - width / 2:g} .. {width / 2:g} | {spread:g} | {wanted:.4f} | {seen:.4f} | "
               f"{seen / wanted:.3f} | {flat:.4f} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fits", type=int, default=400)
    parser.add_argument("--hierarchical", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/precision.md"))
    options = parser.parse_args()
    lines = []
    for line in report(options.fits, options.hierarchical):
        print(line, flush=True)
        lines.append(line)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
