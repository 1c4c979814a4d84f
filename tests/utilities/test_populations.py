"""A slice of tests/evidence/populations.py: pairs of parts of a population are found, or refused by name."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.utilities.test_hierarchical import evidence

populations = evidence("populations")
OTHERS = [part for part in populations.PARTS if part != "constraint"]


@pytest.mark.parametrize("question", ["best-worst", "pairs"])
@pytest.mark.parametrize("other", OTHERS)
def test_items_cannot_be_held_to_a_sign(question: str, other: str) -> None:
    *_, said, _, _, verdict = populations.judge(question, ("constraint", other))
    assert verdict == "refused by name"
    assert "price" in said


@pytest.mark.parametrize(
    ("question", "pair"),
    [
        ("pairs", ("covariates", "nesting")),
        ("conjoint", ("covariates", "constraint")),
        ("best-worst", ("covariates", "mixture")),
    ],
)
def test_two_parts_together_are_found(question: str, pair: tuple[str, ...]) -> None:
    assert populations.judge(question, pair)[-1] == "found"


def test_the_table_in_the_docs_has_every_pair() -> None:
    table = (Path(__file__).parents[2] / "docs/evidence/populations.md").read_text()
    for question, pair in itertools.product(populations.QUESTIONS, itertools.combinations(populations.PARTS, 2)):
        assert f"| {question} | {' + '.join(pair)} |" in table
