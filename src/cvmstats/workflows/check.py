"""From a file of answers to what is suspect in it: what `cvmstats check` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvmstats.data.choices import Choices
from cvmstats.data.findings import Findings
from cvmstats.data.store import load, whole_file
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.quality import check_choices


def check_file(path: str | Path, *, design: Any = None, items: Any = None, known: Sequence[str] | None = None,
               out: str | Path | None = None, seed: int = 0) -> Findings:  # fmt: skip
    """Read answers and check them.

    Parameters
    ----------
    path : path
        A table that ``read_choices`` reads, or a ``.cvm`` file of Choices.
    design, items
        As in ``read_choices``; a ``.cvm`` file has its own.
    known : sequence of str, optional
        Items from the best down, known from elsewhere.
    out : path, optional
        Where a CSV of people goes: check, respondent, detail.

    Raises
    ------
    ChoicesError
        As ``read_choices`` does, where the ``.cvm`` file is no Choices, and where it is given a design beside it.
    """
    source: Any = Path(path)
    reading = {name: value for name, value in (("design", design), ("items", items)) if value is not None}
    if source.suffix.lower() == ".cvm":
        if not source.is_file():
            raise ChoicesError(f"there is no file of answers at {source}")
        if reading:
            raise ChoicesError(f"{source.name} has its own design and items\n  leave out {examples(sorted(reading))}")
        source = load(source)
        if not isinstance(source, Choices):
            raise ChoicesError(f"{Path(path).name} holds {type(source).__name__}\n  expected Choices")
    findings = check_choices(source, known=known, seed=seed, **reading)
    if out is not None:
        with whole_file(out) as part:
            findings.people_frame().to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
    return findings
