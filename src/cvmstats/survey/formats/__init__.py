"""The formats that answers and designs are read and written in; a further one is one file, named here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cvmstats.errors import ChoicesError, InputError
from cvmstats.survey.formats.base import Format, Source
from cvmstats.survey.formats.case_2 import CASE_2
from cvmstats.survey.formats.cho import CHO
from cvmstats.survey.formats.conjointly import CONJOINTLY
from cvmstats.survey.formats.long import BWS_LONG, LONG
from cvmstats.survey.formats.pypi_maxdiff import PYPI_MAXDIFF
from cvmstats.survey.formats.qualtrics import QUALTRICS
from cvmstats.survey.formats.qualtrics_module import QUALTRICS_MODULE
from cvmstats.survey.formats.spss import SPSS
from cvmstats.survey.formats.wide import DECIPHER, DISPLAYR, SAWTOOTH, SUPPORT_BWS, WIDE

FORMATS = {f.name: f for f in (LONG, WIDE, BWS_LONG, SUPPORT_BWS, SAWTOOTH, DECIPHER, CHO, CONJOINTLY, DISPLAYR, PYPI_MAXDIFF,
                               QUALTRICS, QUALTRICS_MODULE, SPSS, CASE_2)}  # fmt: skip
"""All formats by name."""

__all__ = ["FORMATS", "find_format", "named_format"]


def named_format(name: str, error: type[InputError], does: str) -> Format:
    """The format of this name, if it does what is wanted: an attribute of ``Format`` that is not None.

    Raises
    ------
    InputError
        For an unknown name, or one that does something else.
    """
    able = [f.name for f in FORMATS.values() if getattr(f, does)]
    if name not in FORMATS:
        raise error(f"format={name!r} is not known\n  expected {' or '.join(map(repr, able))}")
    if name not in able:
        words = {"tidy": "answers are not read", "write": "answers are not written", "write_design": "designs are not written"}
        raise error(f"{words[does]} in the format {name!r}\n  expected {' or '.join(map(repr, able))}")
    return FORMATS[name]


def find_format(source: Source, columns: Mapping[str, Any]) -> tuple[Format | None, dict[str, str]]:
    """The one format that a source is in, None where there is none; and what was seen of each.

    Raises
    ------
    ChoicesError
        Where two fit.
    """
    seen = {f.name: what for f in FORMATS.values() if (what := f.detect(source, columns))}
    if len(seen) > 1:
        ways = " or ".join(f"{name} ({what})" for name, what in seen.items())
        count = {2: "two"}.get(len(seen), str(len(seen)))
        raise ChoicesError(f"{source.name} can be read in {count} ways: {ways}\n  expected one way\n  say which: "
                           f"{' or '.join(f'format={name!r}' for name in seen)}")  # fmt: skip
    return (FORMATS[next(iter(seen))] if seen else None), seen
