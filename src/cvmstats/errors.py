"""What can go wrong, as one short tree.

::

    CvmError
    ├── InputError (also a ValueError)      something that the caller gave
    │   ├── ItemsError
    │   ├── AttributesError
    │   ├── DesignError
    │   ├── RespondentsError
    │   ├── ChoicesError
    │   ├── UtilitiesError
    │   ├── SegmentsError
    │   ├── AccountsError
    │   ├── ScorerError
    │   └── StudyError                      a study file of ``cvmstats run``
    └── FitError                            a computation that could not be done
    CvmWarning (a UserWarning)
    ├── ConvergenceWarning                  draws or starts that should not be trusted yet
    ├── InterruptedWarning                  a fit that was stopped early
    ├── LeftOutWarning                      answers that were left out of what was read
    └── MappedWarning                       items of two waves that were mapped, some without a partner
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class CvmError(Exception):
    """Base of all errors of this library."""


class InputError(CvmError, ValueError):
    """Something that the caller gave cannot be used."""


class ItemsError(InputError):
    """A list of items is not usable."""


class AttributesError(InputError):
    """Attributes, or profiles made of them, are not usable."""


class DesignError(InputError):
    """A design is not usable, or does not fit the answers."""


class RespondentsError(InputError):
    """A table of respondents is not usable."""


class ChoicesError(InputError):
    """Answers are not usable."""


class UtilitiesError(InputError):
    """Utilities lack what was asked of them."""


class SegmentsError(InputError):
    """Segments lack what was asked of them."""


class AccountsError(InputError):
    """An account list is not usable."""


class ScorerError(InputError):
    """A scorer is not usable."""


class StudyError(InputError):
    """A study file names something unknown or lacks something required."""


class FitError(CvmError):
    """A computation could not be done."""


class CvmWarning(UserWarning):
    """Base of all warnings of this library."""


class ConvergenceWarning(CvmWarning):
    """Draws or starts that should not be trusted yet."""


class InterruptedWarning(CvmWarning):
    """A fit was stopped before its end; what it had is returned."""


class LeftOutWarning(CvmWarning):
    """Tasks of a file could not be used and count as unanswered.

    ``parts`` says why, how many and whose; ``left_out`` names each task once, as (respondent, task).
    """

    def __init__(self, message: str, parts: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.parts = tuple(parts)

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """Respondent and task of each."""
        return tuple(dict.fromkeys(task for part in self.parts for task in part.tasks))


class MappedWarning(CvmWarning):
    """Items of two waves were mapped by id, and some are in one of them only: ``added`` or ``dropped``."""

    def __init__(self, message: str, added: Sequence[str] = (), dropped: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.added, self.dropped = tuple(added), tuple(dropped)


def examples(values: Sequence[object], limit: int = 3) -> str:
    """Up to ``limit`` examples as a phrase for a message.

    >>> examples(["a", "b", "c", "d"])
    "'a', 'b', 'c' and 1 more"
    """
    shown = ", ".join(repr(str(v)) for v in values[:limit])
    rest = len(values) - limit
    return f"{shown} and {rest:,} more" if rest > 0 else shown
