"""Pairs, best-worst sets, rankings and ratings at the same burden: what the claim for best-worst questions is worth.

    uv run python tests/evidence/questions.py

Writes docs/evidence/questions.md. 20 items with mean utilities from N(0, 1), people with standard deviation 1 about them, 200
people, sets of 5, 10 versions; 200 simulated studies per row, the same people in each. First what is learnt of the mean, by
pooled fits (ratings: person-centred means), then of each person, by hierarchical fits, 30 studies. Ratings on 7 points as
people give them (``RatingStyle``), and once more by people who all use the scale alike and far from its end.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from cvmstats.workflows.questions import RatingStyle, compare_questions

ITEMS = [f"item {j + 1}" for j in range(20)]
BUDGETS = [("texts", 60), ("clicks", 24), ("texts", 30), ("clicks", 48)]
IDEAL = RatingStyle(middle=4.0, shift=0.0, stretch_sd=0.0)


def rows(burden: str, budget: int, studies: int, individuals: int) -> pd.DataFrame:
    """Means over studies, with what is learnt of each person, and ratings by ideal people last."""
    table = compare_questions(ITEMS, burden=burden, budget=budget, n_replications=studies)
    few = compare_questions(ITEMS, burden=burden, budget=budget, n_replications=individuals, individual=True)
    table["individual_r"] = few["individual_r"]
    ideal = compare_questions(ITEMS, burden=burden, budget=budget, n_replications=studies, style=IDEAL).iloc[[3]]
    ideal = ideal.assign(question="ratings, ideal people")
    return pd.concat([table, ideal], ignore_index=True)


def report(studies: int, individuals: int) -> Iterator[str]:
    yield from ("# Questions at the same burden", "",
                f"Command: `uv run python tests/evidence/questions.py`; numpy {version('numpy')}, Python "
                f"{platform.python_version()}. {studies} simulated studies per row ({individuals} for individuals), 200 "
                "people, 20 items.", "",
                "Error: of mean utilities, logits, scaled to the truth; order: pairs of items in their right order; top 3: all "
                "three right; efficiency: squared error of best-worst over that of this question; individual: correlation "
                "with a person's true utilities.", "",
                "| held equal | question | tasks | texts | clicks | error | order | top 3 | efficiency | individual |",
                "|" + "---|" * 10)  # fmt: skip
    for burden, budget in BUDGETS:
        for row in rows(burden, budget, studies, individuals).to_dict("records"):
            own = "" if pd.isna(row["individual_r"]) else f"{row['individual_r']:.3f}"
            yield (f"| {budget} {burden} | {row['question']} | {row['tasks']} | {row['texts']} | {row['clicks']} | "
                   f"{row['error']:.3f} | {row['order']:.3f} | {row['decision']:.2f} | "
                   f"{row['relative_efficiency']:.2f} | {own} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--individuals", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/questions.md"))
    options = parser.parse_args()
    lines = []
    for line in report(options.studies, options.individuals):
        print(line, flush=True)
        lines.append(line)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
