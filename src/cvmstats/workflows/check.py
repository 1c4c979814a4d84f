"""From a file of answers to what is suspect in it: what `cvmstats check` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvmstats.data.choices import Choices
from cvmstats.data.findings import Findings
from cvmstats.data.store import whole_file
from cvmstats.errors import ChoicesError
from cvmstats.survey.quality import check_choices
from cvmstats.workflows.sources import is_ours, open_design, read_ours, things_of


def check_file(path: str | Path, *, design: Any = None, items: Any = None, attributes: Any = None,
               known: Sequence[str] | None = None, out: str | Path | None = None, seed: int = 0,
               **reading: Any) -> Findings:  # fmt: skip
    """Read answers and check them.

    Parameters
    ----------
    path : path
        A table that ``read_choices`` reads, or a ``.cvm`` file of Choices.
    design, items, attributes
        What was shown, as in ``read_choices``; a design may be ``.cvm`` too. A ``.cvm`` file of answers has its own.
    known : sequence of str, optional
        Items from the best down, known from elsewhere.
    out : path, optional
        Where a CSV of people goes: check, respondent, detail.
    reading
        Further options of ``read_choices``: format, columns, kind, picks, best_code, encoding.

    Raises
    ------
    ChoicesError
        As ``read_choices`` does, where the ``.cvm`` file is no Choices, and where something is given beside it.
    """
    given = {name: value for name, value in reading.items() if value is not None}
    source: Any = Path(path)
    if is_ours(path):
        source = read_ours(path, given | {"design": design, "items": items, "attributes": attributes})
        if not isinstance(source, Choices):
            raise ChoicesError(f"{Path(path).name} holds {type(source).__name__}\n  expected Choices")
    else:
        shown = {"design": open_design(design), "items": things_of(items, attributes)}
        given |= {name: value for name, value in shown.items() if value is not None}
    findings = check_choices(source, known=known, seed=seed, **given)
    if out is not None:
        with whole_file(out) as part:
            findings.people_frame().to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
    return findings
