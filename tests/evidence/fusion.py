"""MaxDiff fused with item-against-anchor answers: are intervals narrower than from either source, and do they hold the truth.

    uv run python tests/evidence/fusion.py

Writes docs/evidence/fusion.md. 100 people with N(mean, .7^2) parameters answer 8 sets of four of eight items, and each item
against the anchor, with the same error scale, which the fused fit does not know. The same answers are fitted three times: all
of them, the sets alone, the anchor's alone. Compared are 90% intervals of items against their average (sets alone say nothing
of the anchor) and of items against the anchor, of the population's mean and of people.
"""

from __future__ import annotations

import argparse
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: a process per core

import numpy as np

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.utilities import Utilities
from cvmstats.design.best_worst import design_best_worst
from cvmstats.errors import ConvergenceWarning
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler

R, J, SPREAD = 100, 8, 0.7
SAMPLER = Sampler(chains=2, draws=250, warmup=250, thin=3, threads=1)
MEAN = np.array([1.2, 0.8, 0.4, 0.1, -0.2, -0.4, -0.8, -1.1]) + 0.3
"""Mean utilities, the anchor's being 0."""
SOURCES = ("fused", "sets", "anchor")


def alone(choices: Choices, block: str) -> Choices:
    """The answers of one block, with the objects that it shows."""
    design = choices.design
    which = np.array(design.block) == block
    shown, kind = design.shown[:, which], np.asarray(design.kind)[:, which]
    if block == "anchor":
        own = replace(design, shown=shown, kind=kind, block=None, dual=None, task_ids=None)
    else:
        own = Design(objects=Items.from_labels(list(design.objects.labels)[:J]), shown=shown, kind=kind)
    return Choices(design=own, respondents=choices.respondents, version=choices.version, place=choices.place[:, which])


def levels(fit: Utilities, people: bool) -> np.ndarray:
    """Draws of the items' utilities (D, J) or (D, R, J)."""
    draws = fit.draws if people else fit.population.mean_draws  # type: ignore[union-attr]
    out = np.asarray(draws @ np.asarray(fit.report).T)[..., :J]
    return out.reshape(-1, *out.shape[2:])


def replicate(seed: int) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Mean width and coverage by source, contrast and level."""
    rng = np.random.default_rng([seed, 5])
    items = [f"item {j + 1}" for j in range(J)]
    design = design_best_worst(items, items_per_task=4, n_tasks=8, n_versions=4, anchor="direct", seed=1)
    truth = MEAN + SPREAD * rng.standard_normal((R, J))
    choices = simulate_choices(np.column_stack([truth, np.zeros(R)]), design, response={"scale of anchor": 0.0}, seed=rng)
    answers = {"fused": choices, "sets": alone(choices, "MaxDiff"), "anchor": alone(choices, "anchor")}
    out = {}
    for source in SOURCES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # short runs
            fit = fit_hierarchical(answers[source], sampler=SAMPLER, seed=seed, progress=False)
        for level, true in (("mean", MEAN), ("people", truth)):
            found = levels(fit, people=level == "people")
            for contrast in ("against the average", "against the anchor"):
                if contrast == "against the anchor" and source == "sets":
                    continue
                less = contrast == "against the average"
                draws = found - less * found.mean(axis=-1, keepdims=True)
                aim = true - less * true.mean(axis=-1, keepdims=True)
                low, high = np.quantile(draws, (0.05, 0.95), axis=0)
                out[source, contrast, level] = float((high - low).mean()), float(((low < aim) & (aim < high)).mean())
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/fusion.md"))
    options = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(replicate, range(options.replications)))
    lines = ["# MaxDiff and an anchor's answers, fused and apart", "",
             f"Command: `uv run python tests/evidence/fusion.py`; {R} people, {J} items, {options.replications} replications; "
             "90% intervals. Fused is narrower: in how many replications.", "",
             "| utilities | of | source | mean width | coverage | fused is narrower |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for contrast in ("against the average", "against the anchor"):
        for level in ("mean", "people"):
            for source in SOURCES:
                key, fused = (source, contrast, level), ("fused", contrast, level)
                if key not in results[0]:
                    continue
                width, held = np.mean([r[key] for r in results], axis=0)
                narrower = sum(r[fused][0] < r[key][0] for r in results)
                lines.append(f"| {contrast} | {level} | {source} | {width:.3f} | {held:.1%} | "
                             f"{'' if source == 'fused' else f'{narrower} of {len(results)}'} |")  # fmt: skip
    print("\n".join(lines))
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
