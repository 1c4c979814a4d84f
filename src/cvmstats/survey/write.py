"""Answers and designs out, in every format that :mod:`cvmstats.survey.formats` knows."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.data.store import whole_file
from cvmstats.errors import ChoicesError, CvmWarning, DesignError, InputError, examples
from cvmstats.survey.attribute_tables import is_case_2
from cvmstats.survey.formats import named_format
from cvmstats.survey.formats.base import Format, check_carried


def write_choices(choices: Choices, path: str | Path, format: str = "long") -> Path:
    """Write answers to a file; read again with their design they are the same, place by place.

    ``long`` has a row for each item shown: respondent, version, task, position (as it was seen), item (id), choice, and
    strength, answer_count, seconds where there are any; it holds every kind of answer. ``wide`` has a row for each person:
    respondent, version and ``best_1, worst_1, ...`` that hold item ids. The formats of other programs: ``bws_long``,
    ``support_bws``, ``sawtooth``, ``cho``, ``conjointly``, ``displayr``, ``pypi_maxdiff``, ``qualtrics``,
    ``qualtrics_module``, ``spss``. The file appears whole or not at all.

    Parameters
    ----------
    choices : Choices
        Answers; of grades, rankings and second questions in the long format only.
    path : path
        Ends in ``.csv`` or ``.parquet``, or as the format's own files do (``.cho``, ``.sav``).
    format : str
        Which format.

    Raises
    ------
    ChoicesError
        Where the answers hold what the format cannot: other kinds of task, strength, counts, people who were asked
        nothing, and so on; ``long`` or ``cvmstats.save`` keep these.
    """
    form = named_format(format, ChoicesError, "write")
    target = _target(path, form, ChoicesError)
    check_carried(choices, form)
    nothing = [choices.respondents.ids[r] for r in np.flatnonzero(~choices.asked.any(axis=1))]
    if nothing:
        raise ChoicesError(f"{len(nothing):,} respondents were asked nothing and would have no row\n"
                           f"  for example {examples(nothing)}\n  take them away: choices.take(...)")  # fmt: skip
    assert form.write is not None
    content = form.write(choices)
    kept = (*form.carries.amounts, *["displayed"] * form.carries.displayed)
    lost = [n for n in ("seconds", "displayed") if getattr(choices, n) is not None and n not in kept]
    if lost:
        warnings.warn(f"{', '.join(lost)} of the answers are not written; cvmstats.save keeps them", CvmWarning, stacklevel=2)
    return _write(content, target)


def write_design(design: Design, path: str | Path, format: str = "long") -> Path:
    """Write a design to a file; ``read_design`` with the same items gives the same design.

    ``long``: version, task, position, item (id); of profiles also a column per attribute, empty for the none option. ``wide``
    and
    ``sawtooth``, as MaxDiff programs have it: Version, Set, Item1, Item2, ... with the items' numbers from 1; ``decipher``: the
    same with tabs, in a ``.dat`` file. ``case_2``: a row for each task, a column per attribute, which
    holds the level that it shows. The file appears whole or not at all.

    Parameters
    ----------
    design : Design
        Of one kind of task.
    path : path
        Ends in ``.csv`` or ``.parquet``; in ``.dat`` for ``decipher``.
    format : str
        Which format.

    Raises
    ------
    DesignError
        Where the design holds what the format cannot: several kinds of task, anchors, blocks, a coding of its own;
        ``cvmstats.save`` keeps these.
    """
    form = named_format(format, DesignError, "write_design")
    target = _target(path, form, DesignError)
    plain = Design(objects=design.objects, shown=design.shown)
    kinds = sorted({str(k) for k in np.asarray(design.kind).ravel()})
    held = {"several kinds of task": len(kinds) > 1, "dual questions": np.asarray(design.dual).any(),
            "blocks": len(set(design.block or ())) > 1, "grades": bool(design.grades),
            "a coding of its own": design.objects_fingerprint != plain.objects_fingerprint and not is_case_2(design),
            "profiles in the wide form": isinstance(design.objects, Profiles) and format != "long"}  # fmt: skip
    lost = [what for what, there in held.items() if there]
    if lost:
        raise DesignError(f"a table of a design cannot hold {examples(lost)}\n  keep it with cvmstats.save(design, path)")
    assert form.write_design is not None
    return _write(form.write_design(design), target)


def _target(path: str | Path, form: Format, error: type[InputError]) -> Path:
    target = Path(path)
    if target.suffix.lower() not in form.endings:
        own = " in this format" if form.endings[0] != ".csv" or len(form.endings) == 1 else ""
        raise error(f"{target.name} ends in {target.suffix!r}\n  expected {' or '.join(form.endings[:2])}{own}")
    return target


def _write(content: pd.DataFrame | bytes, target: Path) -> Path:
    with whole_file(target) as part:
        if isinstance(content, bytes):
            part.write_bytes(content)
        elif target.suffix.lower() in (".parquet", ".pq"):
            content.to_parquet(part, index=False)
        else:
            by = "\t" if target.suffix.lower() == ".dat" else ","
            content.to_csv(part, index=False, lineterminator="\n", encoding="utf-8", sep=by)
    return target
