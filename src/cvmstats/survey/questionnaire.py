"""Printed questionnaires: a design on paper, in Markdown or HTML, in any language.

Best-worst questions have three columns as in figure 8a of Moorman, Ruddell and Sims, *Winning on the Margin*: the mark of the
least on the left, the element, the mark of the most on the right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.store import whole_file
from cvmstats.data.texts import plain_text
from cvmstats.errors import DesignError, examples
from cvmstats.survey.templates import HTML, MARKDOWN
from cvmstats.survey.wordings import put_in, wordings

BOX, LINE = "☐", "____"


class Cell(NamedTuple):
    """A cell of a task's table; ``mark`` where people mark it, ``heading`` where it names a row."""

    text: str
    mark: bool = False
    heading: bool = False


@dataclass(frozen=True, kw_only=True)
class Task:
    """A question as it is printed."""

    name: str
    instruction: str
    heading: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    profiles: bool = False
    second: str = ""
    answers: Sequence[str] = ()


def write_questionnaire(
    design: Design,
    path: str | Path,
    *,
    version: str | Sequence[str] | None = None,
    language: str = "en",
    texts: Mapping[str, Mapping[str, str]] | None = None,
    title: str | None = None,
) -> Path:
    """Write the questions of a design for print: best-worst, best, worst, pairs, rankings, of items or profiles.

    Parameters
    ----------
    design : Design
        What is asked. Its items' texts are printed, of profiles those of their levels.
    path : path
        Ends in ``.html`` or ``.md``. The file appears whole or not at all.
    version : str or sequence of str, optional
        Versions to print, by id; by default all, each on a page of its own.
    language : str
        ``en``, or the ending of further columns of the items (or attributes): with ``de`` items are printed from the column
        ``text_de``, levels from ``text_de`` and attributes from ``attribute_de``. For English ``text_en`` where there is one,
        else ``text``.
    texts : mapping {language: {name: text}}, optional
        What stands beside the items; names and English texts are in :data:`cvmstats.survey.wordings.ENGLISH`.
    title : str, optional
        Of the questionnaire, over ``texts``.

    Raises
    ------
    DesignError
        Versions that the design has not, kinds of task that cannot be printed, texts missing in the language, another ending.

    Examples
    --------
    >>> import tempfile
    >>> design = Design(objects=Items.from_labels(["Price", "Quality", "Service"]), shown=np.array([[[0, 1, 2]]]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = write_questionnaire(design, Path(folder) / "questions.md", title="Needs")
    ...     print(made.read_text(encoding="utf-8"))
    # Needs
    <BLANKLINE>
    Version 1 · Respondent: ______________________
    <BLANKLINE>
    ## Question 1 of 1
    <BLANKLINE>
    **Mark the ONE that you value most and the ONE that you value least.**
    <BLANKLINE>
    | Value least | Element | Value most |
    |:-:|---|:-:|
    | ☐ | Price | ☐ |
    | ☐ | Quality | ☐ |
    | ☐ | Service | ☐ |
    <BLANKLINE>
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".md"):
        raise DesignError(f"{target.name} ends in {target.suffix!r}\n  expected .html or .md")
    rows = _versions(design, version)
    words = wordings(language, texts, _needed(design, rows, title is not None))
    things = _profiles(design.objects, language) if isinstance(design.objects, Profiles) else _items(design, language)
    ids = design.version_ids or ()
    pages = [{"name": put_in(words["version"], version=ids[v]), "tasks": _tasks(design, v, things, words)} for v in rows]
    content = {"title": title or words["title"], "language": language, "respondent": words["respondent"], "versions": pages}
    with whole_file(target) as part:
        part.write_text(_render(target.suffix.lower(), content), encoding="utf-8", newline="\n")
    return target


def _render(suffix: str, content: Mapping[str, object]) -> str:
    from jinja2 import Environment, StrictUndefined

    engine = Environment(autoescape=suffix == ".html", undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                         keep_trailing_newline=True)  # fmt: skip
    engine.filters["md"] = escape_markdown
    return engine.from_string(HTML if suffix == ".html" else MARKDOWN).render(**content)


def escape_markdown(text: str) -> str:
    """A text that Markdown shows as it is: marks and HTML escaped, in one line.

    >>> print(escape_markdown("a|b *c* <d> & 1_000"))
    a\\|b \\*c\\* &lt;d&gt; &amp; 1\\_000
    """
    text = " ".join(text.split()) if "\n" in text or "\r" in text else text
    if re.fullmatch("_+", text):
        return text  # a line to write on
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text)


def _versions(design: Design, version: Any) -> list[int]:
    ids = list(design.version_ids or ())
    wanted = ids if version is None else [plain_text(v) for v in ([version] if np.isscalar(version) else version)]
    if not wanted:
        raise DesignError(f"version= is empty\n  expected some of {examples(ids)}, or None for all")
    absent = [v for v in wanted if v not in ids]
    if absent:
        raise DesignError(f"{len(absent)} of {len(wanted)} versions are not in the design\n  for example {examples(absent)}\n"
                          f"  expected some of {examples(ids)}")  # fmt: skip
    rows = [ids.index(v) for v in wanted]
    asked = (design.shown[rows] >= 0).any(axis=2)
    graded = sorted({str(k) for k in np.asarray(design.kind)[rows][asked]} & {"graded"})
    if graded:
        raise DesignError("graded pairs cannot be printed yet\n  expected best_worst, best, worst, pair or rank")
    return rows


def _needed(design: Design, rows: list[int], titled: bool) -> list[str]:
    """Names of the texts that these versions take."""
    asked = (design.shown[rows] >= 0).any(axis=2)
    kinds = {str(k) for k in np.asarray(design.kind)[rows][asked]}
    profiles = isinstance(design.objects, Profiles)
    out = ["version", "respondent", "task", *([] if titled else ["title"]), *sorted(kinds)]
    out += ["element"] if not profiles and kinds - {"pair"} else []
    out += ["most"] if kinds & {"best_worst", "best"} and not profiles else []
    out += ["least"] if kinds & {"best_worst", "worst"} and not profiles else []
    out += ["rank_heading"] if "rank" in kinds else []
    out += ["offer"] if profiles else []
    out += ["choose"] if profiles and kinds - {"rank", "worst"} else []
    out += ["reject"] if profiles and kinds & {"best_worst", "worst"} else []
    if (np.asarray(design.dual)[rows] & asked).any():
        out += ["dual_none", "yes", "no"] if profiles else ["dual", "all", "some", "none_of_them"]
    return out


def _column(table: pd.DataFrame, name: str, language: str, ids: Sequence[str], what: str) -> list[str]:
    """Texts of a language, each of them there."""
    own = f"{name}_{language}"
    column = own if own in table or language != "en" else name
    if column not in table:
        raise DesignError(f"the {what} have no column {own!r}\n  its columns are {examples(list(table), 12)}\n"
                          f"  add it: the texts in {language!r}")  # fmt: skip
    empty = [i for i, v in zip(ids, table[column], strict=True) if pd.isna(v) or str(v).strip() == ""]
    if empty:
        raise DesignError(f"{len(empty)} of {len(table)} {what} have no text in the column {column!r}\n"
                          f"  for example {examples(empty)}\n  fill it in")  # fmt: skip
    return [str(v) for v in table[column]]


def _items(design: Design, language: str) -> list[str]:
    objects = design.objects
    assert isinstance(objects, Items)
    table = objects.to_frame()
    return _column(table, "text", language, objects.ids, "items")


def _profiles(profiles: Profiles, language: str) -> tuple[list[str], list[list[str]]]:
    """Names of the attributes, and the texts of each profile's levels; none of the none option."""
    parts = profiles.attributes
    table = parts.to_frame()
    texts = _column(table, "text", language, parts.labels, "levels")
    named = _column(table, "attribute", language, parts.labels, "levels")
    names = [named[f] for f in parts.first]
    return names, [[] if row[0] < 0 else [texts[f + x] for f, x in zip(parts.first, row, strict=True)]
                   for row in profiles.levels.tolist()]  # fmt: skip


def _tasks(design: Design, version: int, things: list[str] | tuple[list[str], list[list[str]]],
           words: Mapping[str, str]) -> list[Task]:  # fmt: skip
    asked = np.flatnonzero((design.shown[version] >= 0).any(axis=1))
    anchor = np.flatnonzero(~np.asarray(design.coding).any(axis=1))
    out = []
    for number, t in enumerate(asked, start=1):
        shown = [int(j) for j in design.shown[version, t] if j >= 0]
        kind, dual = str(np.asarray(design.kind)[version, t]), bool(np.asarray(design.dual)[version, t])
        apart = [j for j in shown if dual and j in anchor]
        shown = [j for j in shown if j not in apart]
        name = put_in(words["task"], number=number, total=len(asked))
        instruction = put_in(words[kind], count=len(shown))
        if isinstance(things, tuple):
            assert isinstance(design.objects, Profiles)
            label, question, choices = design.objects.none_label, "dual_none", ["yes", "no"]
            heading, rows = _profile_table(shown, kind, things, label, words)
        else:
            label, question, choices = things[apart[0]] if apart else "", "dual", ["all", "some", "none_of_them"]
            heading, rows = _item_table([things[j] for j in shown], kind, words)
        answers = [put_in(words[a], anchor=label) for a in choices] if apart else []
        out.append(Task(name=name, instruction=instruction, heading=heading, rows=rows, profiles=isinstance(things, tuple),
                        second=put_in(words[question], anchor=label) if apart else "", answers=answers))  # fmt: skip
    return out


def _item_table(texts: list[str], kind: str, words: Mapping[str, str]) -> tuple[list[Cell], list[list[Cell]]]:
    if kind == "pair":
        return [Cell(t) for t in texts], [[Cell(BOX, mark=True)] * len(texts)]
    left = [Cell(words["least"], mark=True)] if kind in ("best_worst", "worst") else []
    right = [Cell(words["most"], mark=True)] if kind in ("best_worst", "best") else []
    if kind == "rank":
        left = [Cell(words["rank_heading"], mark=True)]
    mark = Cell(LINE if kind == "rank" else BOX, mark=True)
    return [*left, Cell(words["element"]), *right], [[mark] * len(left) + [Cell(t)] + [mark] * len(right) for t in texts]


def _profile_table(shown: list[int], kind: str, things: tuple[list[str], list[list[str]]], none: str,
                   words: Mapping[str, str]) -> tuple[list[Cell], list[list[Cell]]]:  # fmt: skip
    """Profiles as columns, attributes as rows, and a row to mark."""
    names, levels = things
    heading, offers = [Cell("")], 0
    for j in shown:
        offers += bool(levels[j])
        heading.append(Cell(put_in(words["offer"], number=offers) if levels[j] else none))
    rows = [[Cell(name, heading=True), *(Cell(levels[j][a] if levels[j] else "") for j in shown)]
            for a, name in enumerate(names)]  # fmt: skip
    marks = {"best_worst": ["choose", "reject"], "worst": ["reject"], "rank": ["rank_heading"]}.get(kind, ["choose"])
    box = Cell(LINE if kind == "rank" else BOX, mark=True)
    return heading, rows + [[Cell(words[m], heading=True), *[box] * len(shown)] for m in marks]
