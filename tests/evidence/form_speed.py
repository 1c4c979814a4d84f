"""What an answer costs in each form of response, beside the sequential one: seconds of hierarchical fits.

    uv run python tests/evidence/form_speed.py

Writes docs/evidence/form_speed.md. Studies of ``form_cases.py`` with 320 people; one chain of 400 sweeps; forms take turns, CPU
seconds (all threads) are medians of the rounds. An answer is one pick: two of a best-worst task or of one with an unordered
middle, one of a pair, one fewer than the places of a ranking, one more of a second question. A count is one answer. The ratio
asked for is at most 3, of ``rank_unordered_middle`` 10.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: CPU seconds of one thread

import numpy as np
from form_cases import CASES, SPREAD

from cvmstats.data.choices import Choices
from cvmstats.errors import ConvergenceWarning
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler

SAMPLER = Sampler(chains=1, draws=100, warmup=200, thin=2, threads=1)
LIMIT, MIDDLE = 3.0, 10.0
WHY = (
    "What costs more than plain answers: response parameters and error scales are drawn in two further passes over all answers",
    "in each sweep. Pairs asked once tell little of how people differ, so the population moves in every sweep, and",
    "three times as far (`gibbs.pace`). A second question is two further sums over its set, its utilities multiplied by its",
    "error scale person by person. With frequency weights people give six answers each here, and share what a person costs.",
)


def answers(choices: Choices) -> int:
    """Picks that were made."""
    place, kind = choices.place, np.asarray(choices.design.kind)[choices.version]
    shown, ranked = (place != -128).sum(axis=2), (place > 0).sum(axis=2)
    ends = (place == 1).any(axis=2).astype(int) + (place == -1).any(axis=2)
    picks = np.where(kind == "rank", ranked - (ranked == shown), ends)
    picks = np.where((kind == "pair") | (kind == "graded"), (place == 1).any(axis=2), picks)
    if choices.respondents.weight_kind == "frequency":
        picks = picks * choices.respondents.weight[:, None].astype(int)
    dual = 0 if choices.design.dual is None else int(np.asarray(choices.design.dual)[choices.version].sum())
    return int(picks.sum()) + dual


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/form_speed.md"))
    options = parser.parse_args()
    first = next(iter(CASES))
    names = [first, *(n for n in options.only if n != first)]
    studies = {}
    for name in names:
        case = replace(CASES[name], people=320)
        studies[name] = case, case.simulate(np.random.default_rng([4, list(CASES).index(name)]), SPREAD)[0]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(options.rounds + 1):  # the first compiles
        for name, (case, choices) in studies.items():
            start = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # short runs
                fit_hierarchical(choices, form=case.form, sampler=SAMPLER, seed=1, progress=False, **case.options)
            if turn:
                seconds[name].append(time.process_time() - start)
    lines = ["# What an answer costs", "",
             f"Command: `uv run python tests/evidence/form_speed.py --rounds {options.rounds}`; 320 people, one chain of 400 "
             "sweeps.", "", "| form | answers | s | microseconds per answer and sweep | over sequential | limit |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    base = np.median(seconds[first]) / answers(studies[first][1])
    for name, (_, choices) in studies.items():
        n, s = answers(choices), float(np.median(seconds[name]))
        limit = MIDDLE if name.startswith("rank_unordered") else LIMIT
        lines.append(f"| {name} | {n:,} | {s:.2f} | {1e6 * s / n / 400:.2f} | {s / n / base:.1f} | {limit:.0f} |")
        print(lines[-1], flush=True)
    lines += ["", *WHY]
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
