"""What is wrong with a file, collected, so that one error tells all of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.errors import ChoicesError, LeftOutWarning


class Part(NamedTuple):
    """What is wrong with some tasks: how many, examples, and which, as (respondent, task)."""

    what: str
    n_tasks: int
    where: str
    tasks: tuple[tuple[str, str], ...]

    @property
    def respondents(self) -> tuple[str, ...]:
        """Whose they are, an id for each task."""
        return tuple(who for who, _ in self.tasks)


DROP = 'to leave such tasks out: read_choices(..., invalid="drop")'


@dataclass
class Problems:
    """Findings about answers: those of single tasks, which can be left out, and those of the file, which cannot.

    Parameters
    ----------
    drop : bool
        Leave offending tasks out, with a warning, rather than raise.
    """

    drop: bool = False
    of_file: list[str] = field(default_factory=list)
    of_tasks: list[tuple[str, str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def add(self, what: str, *, where: str = "", expected: str = "", remedy: str = "") -> None:
        """Note something about the file that leaving tasks out would not mend."""
        self.of_file.append(_message(what, where, expected, remedy))

    def add_tasks(
        self,
        bad: npt.NDArray[np.bool_],
        what: str,
        *,
        of: int,
        ids: Sequence[object],
        tasks: Sequence[object],
        expected: str,
        detail: str = "",
    ) -> None:
        """Note what is wrong with the tasks marked in ``bad`` (R, T), where there are any."""
        rows = np.argwhere(bad)
        if not len(rows):
            return
        head = f"{len(rows):,} of {of:,} tasks {what}"
        where = "respondent " + ", ".join(f"{str(ids[r])!r} task {tasks[t]}" for r, t in rows[:3])
        if len(rows) > 3:
            where += f" and {len(rows) - 3:,} more"
        if detail:
            where += f" ({detail})"
        self.parts.append(Part(head, len(rows), where, tuple((str(ids[r]), str(tasks[t])) for r, t in rows)))
        self.of_tasks.append((head, _message(head, where, expected, DROP)))

    def cleared(self) -> Problems:
        """Itself, without what was noted: the file is read again from its start."""
        self.of_file.clear()
        self.of_tasks.clear()
        self.parts.clear()
        return self

    def settle(self) -> None:
        """Raise all findings as one error; or warn, where all concern tasks that are to be left out.

        Raises
        ------
        ChoicesError
            Where something was found that is not to be left out.
        """
        if self.of_file or (self.of_tasks and not self.drop):
            raise ChoicesError("\n".join([*self.of_file, *(message for _, message in self.of_tasks)]))
        if self.of_tasks:
            heads = "\n".join(head for head, _ in self.of_tasks)
            warnings.warn(LeftOutWarning(f"{heads}\n  they are left out as unanswered", self.parts), stacklevel=4)


def _message(what: str, where: str, expected: str, remedy: str) -> str:
    lines = [what]
    if where:
        lines.append(f"  for example {where}")
    if expected:
        lines.append(f"  expected {expected}")
    if remedy:
        lines.append(f"  {remedy}")
    return "\n".join(lines)
