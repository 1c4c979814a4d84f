"""A result in words, short enough to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvmstats.workflows.pipeline import StudyResult


def summary(result: StudyResult) -> str:
    """What was read, what was found, how good it is, and what to be careful about."""
    blocks = [repr(result.inputs.choices)]
    if result.utilities is not None:
        blocks.append(repr(result.utilities))
    blocks += [repr(result.segments), repr(result.priorities)]
    if result.evaluation is not None:
        blocks.append("How well columns of the account list predict the segment, on accounts held out\n"
                      f"  {result.evaluation.verdict}\n  the list is scored with: {result.predictors}")  # fmt: skip
    if result.projection is not None:
        blocks.append(repr(result.projection))
    elif result.inputs.accounts is None:
        blocks.append("No account list was given: the run ended after the segments.")
    else:
        blocks.append("One segment only: the account list was not scored.")
    return "\n\n".join(blocks)
