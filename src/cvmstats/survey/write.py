"""Answers and designs out: the same long and wide forms that are read."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cvmstats.data.choices import NO_ANSWER, Choices
from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.data.store import whole_file
from cvmstats.errors import ChoicesError, CvmWarning, DesignError, InputError, examples

_ENDINGS = (".csv", ".parquet", ".pq")


def write_choices(choices: Choices, path: str | Path, format: Literal["long", "wide"] = "long") -> Path:
    """Write answers to a CSV or Parquet file; read again with their design they are the same, place by place.

    Long: a row for each item shown, with respondent, version, task, position (as it was seen), item (id) and choice.
    Wide: a row for each person, with respondent, version and ``best_1, worst_1, ...`` that hold item ids; it cannot
    tell objects without an answer, nor in which order they were seen. The file appears whole or not at all.

    Parameters
    ----------
    choices : Choices
        Answers to best-worst, best-only or worst-only tasks.
    path : path
        Ends in ``.csv`` or ``.parquet``.
    format : {"long", "wide"}
        Which form.

    Raises
    ------
    ChoicesError
        Where the answers hold what the form cannot: other kinds of task, strength, counts, people who were asked
        nothing; ``cvmstats.save`` keeps these.
    """
    target = _target(path, format, ChoicesError)
    _check(choices, format)
    table = _long(choices) if format == "long" else _wide(choices)
    return _write(table, target)


def write_design(design: Design, path: str | Path, format: Literal["long", "wide"] = "long") -> Path:
    """Write a design to a CSV or Parquet file; ``read_design`` with the same items gives the same design.

    Long: version, task, position, item (id). Wide, as MaxDiff programs have it: Version, Set, Item1, Item2, ... with the
    items' numbers from 1. Profiles are written long only, with a column per attribute, empty for the none option: that is for
    the program that shows them, ``cvmstats.save`` keeps the design. The file appears whole or not at all.

    Parameters
    ----------
    design : Design
        Of one kind of task.
    path : path
        Ends in ``.csv`` or ``.parquet``.
    format : {"long", "wide"}
        Which form.

    Raises
    ------
    DesignError
        Where the design holds what the form cannot: several kinds of task, anchors, blocks, a coding of its own;
        ``cvmstats.save`` keeps these.
    """
    target = _target(path, format, DesignError)
    plain = Design(objects=design.objects, shown=design.shown)
    kinds = sorted({str(k) for k in np.asarray(design.kind).ravel()})
    held = {"several kinds of task": len(kinds) > 1, "dual questions": np.asarray(design.dual).any(),
            "blocks": len(set(design.block or ())) > 1, "grades": bool(design.grades),
            "a coding of its own": design.objects_fingerprint != plain.objects_fingerprint,
            "profiles in the wide form": isinstance(design.objects, Profiles) and format == "wide"}  # fmt: skip
    lost = [what for what, there in held.items() if there]
    if lost:
        raise DesignError(f"a table of a design cannot hold {examples(lost)}\n  keep it with cvmstats.save(design, path)")
    table = design.to_frame()
    if format == "wide":
        number = dict(zip(design.objects.ids, range(1, 1 + len(design.objects)), strict=True))
        wide = table.assign(item=table["item"].map(number)).pivot(index=["version", "task"], columns="position", values="item")
        order = table[["version", "task"]].drop_duplicates()
        wide = wide.loc[pd.MultiIndex.from_frame(order)].astype("Int64")
        wide.columns = pd.Index([f"Item{p}" for p in wide.columns])
        table = wide.reset_index().rename(columns={"version": "Version", "task": "Set"})
    return _write(table, target)


def _target(path: str | Path, format: str, error: type[InputError]) -> Path:
    target = Path(path)
    if target.suffix.lower() not in _ENDINGS:
        raise error(f"{target.name} ends in {target.suffix!r}\n  expected .csv or .parquet")
    if format not in ("long", "wide"):
        raise error(f"format={format!r} is not known\n  expected 'long' or 'wide'")
    return target


def _write(table: pd.DataFrame, target: Path) -> Path:
    with whole_file(target) as part:
        if target.suffix.lower() == ".csv":
            table.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
        else:
            table.to_parquet(part, index=False)
    return target


def _check(choices: Choices, format: str) -> None:
    design = choices.design
    other = sorted({str(k) for k in np.asarray(design.kind).ravel()} - {"best_worst", "best", "worst"})
    if np.asarray(design.dual).any():
        other.append("dual")
    other += [name for name in ("strength", "count") if getattr(choices, name) is not None]
    if other:
        raise ChoicesError(f"a table of choices cannot hold {examples(other)}\n  expected best_worst, best or worst "
                           f"tasks\n"
                           "  keep them with cvmstats.save(choices, path)")  # fmt: skip
    nothing = [choices.respondents.ids[r] for r in np.flatnonzero(~choices.asked.any(axis=1))]
    if nothing:
        raise ChoicesError(f"{len(nothing):,} respondents were asked nothing and would have no row\n"
                           f"  for example {examples(nothing)}\n  take them away: choices.take(...)")  # fmt: skip
    shown = design.shown[choices.version] >= 0
    if format == "wide" and (shown & (choices.place == NO_ANSWER)).any():
        raise ChoicesError("wide answers cannot tell objects without an answer\n  write them long")
    lost = [
        n for n in ("seconds", "displayed") if getattr(choices, n) is not None and (n, format) != ("displayed", "long")
    ]
    if lost:
        warnings.warn(
            f"{', '.join(lost)} of the answers are not written; cvmstats.save keeps them", CvmWarning, stacklevel=3
        )


def _long(choices: Choices) -> pd.DataFrame:
    design = choices.design
    shown = design.shown[choices.version]
    seen = shown if choices.displayed is None else choices.displayed
    r, t, a = np.nonzero(seen >= 0)
    item = seen[r, t, a]
    slot = np.argmax(shown[r, t] == item[:, None], axis=1)
    return pd.DataFrame({
        "respondent": np.array(choices.respondents.ids, dtype=object)[r],
        "version": np.array(design.version_ids, dtype=object)[choices.version][r],
        "task": np.array(design.task_ids, dtype=object)[t], "position": a + 1,
        "item": np.array(design.objects.ids, dtype=object)[item],
        "choice": choices.place[r, t, slot].astype(np.int64),
    })  # fmt: skip


def _wide(choices: Choices) -> pd.DataFrame:
    design = choices.design
    shown = design.shown[choices.version]
    ids = np.array([*design.objects.ids, ""], dtype=object)
    table = {"respondent": list(choices.respondents.ids),
             "version": np.array(design.version_ids, dtype=object)[choices.version]}  # fmt: skip
    kinds = {str(k) for k in np.asarray(design.kind).ravel()}
    for t, task in enumerate(design.task_ids or ()):
        for side, sign in (("best", 1), ("worst", -1)):
            if kinds == {"worst" if side == "best" else "best"}:
                continue
            picked = choices.place[:, t] == sign
            item = np.where(picked.any(axis=1), shown[np.arange(len(shown)), t, picked.argmax(axis=1)], -1)
            table[f"{side}_{task}"] = ids[item]
    return pd.DataFrame(table)
