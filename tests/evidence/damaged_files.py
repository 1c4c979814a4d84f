"""Damaged files: each one ends in an error of ours, or is read as an independent reader reads the damaged bytes.

``uv run python -m tests.evidence.damaged_files`` damages each file of ``FILES`` 330 times, in eight ways, and writes
docs/evidence/damaged_files.md. The independent readers (``oracles.py``) use Python's csv module and no code of the library;
they know the layouts, and nothing of how the library finds or checks things. An outcome other than these three fails:

- error: a ``CvmError``; the file is refused as a whole, with what is wrong;
- same: read, and equal cell by cell to what the oracle reads in the damaged bytes;
- left out: with ``invalid="drop"`` read, with a warning that names each task left out; all others are equal.
"""

from __future__ import annotations

import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import CvmError, CvmWarning
from cvmstats.survey import read_choices, read_design, read_utilities, write_choices, write_design
from tests.evidence import oracle_designs, oracles

PER_FILE = 330
LABELS = ["Preis, netto", "Qualität", "Lieferung", "Beratung", "Größe", "Nähe"]
ITEMS = Items(table=pd.DataFrame({"id": [f"i{j}" for j in range(1, 7)], "label": LABELS}))


def study() -> Choices:
    """Five people, three tasks of three or four of six items, two versions; some answers are missing."""
    shown = np.array([[[0, 1, 2, 3], [2, 4, 5, -1], [3, 5, 0, 1]], [[5, 4, 1, 0], [3, 2, 1, -1], [2, 0, 4, 5]]])
    rng = np.random.default_rng(1)
    version = np.array([0, 1, 0, 1, 1])
    place = np.where(shown[version] >= 0, 0, -128)
    for r in range(5):
        for t in range(3):
            best, worst = rng.permutation(4 if t != 1 else 3)[:2]
            place[r, t, best], place[r, t, worst] = 1, -1
    place[1, 2], place[3, 0] = 0, np.where(place[3, 0] == -1, 0, place[3, 0])
    design = Design(objects=ITEMS, shown=shown, kind="best_worst")
    return Choices(design=design, respondents=Respondents.from_ids(["1", "2", "3", "4", "5"]), version=version, place=place)


def best_only() -> Choices:
    whole = study()
    design = Design(objects=ITEMS, shown=whole.design.shown, kind="best")
    return Choices(design=design, respondents=whole.respondents, version=whole.version,
                   place=np.where(whole.place == -1, 0, whole.place))  # fmt: skip


def kinds() -> Choices:
    """A ranking, a best-worst task and a graded pair, with seconds."""
    shown = np.array([[[0, 1, 2, 3], [2, 4, 5, 1], [3, 5, -1, -1]], [[5, 4, 1, 0], [3, 2, 1, 0], [2, 0, -1, -1]]])
    place = [[[2, 1, 3, 0], [1, 0, 0, -1], [1, 0, -128, -128]], [[1, 2, 3, 4], [0, 1, -1, 0], [0, 1, -128, -128]],
             [[0, 1, 0, 0], [0, 0, -1, 0], [1, 1, -128, -128]], [[4, 3, 1, 2], [0, 0, 0, 0], [1, 0, -128, -128]]]  # fmt: skip
    strength = [[np.nan, np.nan, 2], [np.nan, np.nan, 1], [np.nan, np.nan, 0], [np.nan, np.nan, 2]]
    design = Design(objects=ITEMS, shown=shown, kind=np.array([["rank", "best_worst", "graded"]] * 2),
                    grades=((0, "="), (1, "+"), (2, "++")))  # fmt: skip
    return Choices(design=design, respondents=Respondents.from_ids(["1", "2", "3", "4"]), version=np.array([0, 1, 1, 0]),
                   place=np.array(place), strength=np.array(strength), seconds=np.arange(12).reshape(4, 3) + 2.5)  # fmt: skip


class File(NamedTuple):
    """A file to damage: how it is written, read, and read by the oracle; what is read as plain values that can be compared."""

    ending: str
    write: Callable[[Path], Any]
    read: Callable[[Path, bool, str], Any]
    oracle: Callable[[bytes, bool], Any]


def answers(choices: Choices, numbers: tuple[str, ...] = ()) -> dict[tuple[str, str], dict[str, float]]:
    """Each task that was answered: the items shown and what was said of each, and numbers that go with the task."""
    table = choices.to_frame()
    ids = choices.respondents.ids
    done = {(ids[r], choices.design.task_ids[t]) for r, t in np.argwhere(choices.answered)}
    result: dict[tuple[str, str], dict[str, float]] = {key: {} for key in done}
    for row in table.itertuples(index=False):
        if (row.respondent, row.task) in done:
            result[row.respondent, row.task][row.item] = row.choice
    for name in numbers:
        for r, t in () if getattr(choices, name) is None else np.argwhere(~np.isnan(getattr(choices, name)) & choices.answered):
            result[ids[r], choices.design.task_ids[t]][name] = float(getattr(choices, name)[r, t])
    return result


def of_answers(name: str, ending: str = ".csv", sets: bool = True, choices: Callable[[], Choices] = study,
               reader: str = "", numbers: tuple[str, ...] = (), **options: Any) -> File:  # fmt: skip
    """A file of answers; ``sets``: it tells what was shown, and is read every second time without the design."""

    def read(path: Path, given: bool, invalid: str) -> Any:
        design = choices().design if given or not sets else None
        return answers(read_choices(path, format=name, design=design, items=None if design is not None else ITEMS,
                                    invalid=invalid, **options), numbers)  # fmt: skip

    def oracle(content: bytes, given: bool) -> Any:
        return getattr(oracles, reader or name)(content, choices().design if given or not sets else None, ITEMS)

    return File(ending, lambda path: write_choices(choices(), path, format=name), read, oracle)


def of_design(name: str, ending: str = ".csv") -> File:
    def read(path: Path, given: bool, invalid: str) -> Any:
        table = read_design(path, ITEMS).to_frame()
        return {k: part["item"].tolist() for k, part in table.groupby(["version", "task"])}

    return File(ending, lambda path: write_design(study().design, path, format=name), read,
                lambda content, given: getattr(oracle_designs, f"design_{name}")(content, ITEMS))  # fmt: skip


def _write_scores(path: Path) -> None:
    scores = np.random.default_rng(2).normal(size=(5, 6)).round(3)
    scores -= scores.mean(axis=1, keepdims=True)
    table = pd.DataFrame(scores.round(5), columns=LABELS)
    table.insert(0, "RLH", [512, 433, 610, 388, 505])
    table.insert(0, "Respondent ID", range(1, 6))
    table.to_csv(path, index=False)


def _read_scores(path: Path, given: bool, invalid: str) -> Any:
    found = read_utilities(path, items=ITEMS)
    return {(who, label): float(v) for who, row in zip(found.ids, found.mean @ found.report.T, strict=True)
            for label, v in zip(LABELS, row, strict=True)}  # fmt: skip


FILES = {
    "long": of_answers("long"), "wide": of_answers("wide", sets=False, picks="names"), "bws_long": of_answers("bws_long"),
    "long, all kinds": of_answers("long", sets=False, choices=kinds, reader="long_of_kinds",
                                   numbers=("strength", "seconds")),
    "support_bws": of_answers("support_bws", sets=False, picks="positions"),
    "sawtooth": of_answers("sawtooth", sets=False, picks="numbers"), "cho": of_answers("cho", ".cho"),
    "conjointly": of_answers("conjointly", choices=best_only), "displayr": of_answers("displayr", sets=False),
    "pypi_maxdiff": of_answers("pypi_maxdiff"), "qualtrics": of_answers("qualtrics", best_code=1),
    "qualtrics_module": of_answers("qualtrics_module"), "spss": of_answers("spss", ".sav", sets=False, picks="names"),
    "design, long": of_design("long"), "design, sawtooth": of_design("sawtooth"),
    "design, decipher": of_design("decipher", ".dat"),
    "scores": File(".csv", _write_scores, _read_scores, lambda content, given: oracle_designs.scores(content, ITEMS)),
}  # fmt: skip


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


def _fields(line: bytes, by: bytes) -> list[bytes]:
    """Fields of a line, quoted ones whole; line breaks in fields do not stand in these files."""
    return re.findall(rb'"[^"\n]*(?:""[^"\n]*)*"|[^' + re.escape(by) + rb"\r\n]+|(?<=" + re.escape(by) + rb")(?=" +
                      re.escape(by) + rb"|$)|^(?=" + re.escape(by) + rb")", line.rstrip(b"\r\n"))  # fmt: skip


def _delimiter(content: bytes) -> bytes:
    return max((b",", b"\t", b" "), key=_lines(content)[0].count)


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three bytes changed: a bit, or any other byte."""
    spoiled = bytearray(content)
    for at in rng.integers(0, len(spoiled), rng.integers(1, 4)):
        spoiled[at] = spoiled[at] ^ (1 << int(rng.integers(0, 8))) if rng.random() < 0.5 else int(rng.integers(0, 256))
    return bytes(spoiled)


def drop_column(content: bytes, rng: np.random.Generator) -> bytes:
    by = _delimiter(content)
    rows = [_fields(line, by) for line in _lines(content)]
    k = int(rng.integers(0, max(len(r) for r in rows)))
    return b"".join(by.join(r[:k] + r[k + 1 :]) + b"\n" for r in rows)


def double_rows(content: bytes, rng: np.random.Generator) -> bytes:
    lines = _lines(content)
    for at in sorted(rng.integers(0, len(lines), rng.integers(1, 4)).tolist(), reverse=True):
        lines.insert(int(rng.integers(at, len(lines) + 1)), lines[at])
    return b"".join(lines)


def drop_rows(content: bytes, rng: np.random.Generator) -> bytes:
    lines = _lines(content)
    gone = set(rng.integers(0, len(lines), rng.integers(1, 4)).tolist())
    return b"".join(line for i, line in enumerate(lines) if i not in gone)


def change_types(content: bytes, rng: np.random.Generator) -> bytes:
    """A column, or one cell, as another program writes it: decimals, blanks, zeros in front, words."""
    by = _delimiter(content)
    rows = [_fields(line, by) for line in _lines(content)]
    how = [lambda f: f + b".0", lambda f: b" " + f, lambda f: b"0" + f, lambda f: f + b" ", lambda f: f.upper(),
           lambda f: b"NA",
           lambda f: b'"' + f.strip(b'"') + b'"', lambda f: f.replace(b"-", b""), lambda f: f + b".5", lambda f: b"TRUE",
           lambda f: f + b"e0"][int(rng.integers(0, 11))]  # fmt: skip
    k, whole = int(rng.integers(0, len(rows[0]))), rng.random() < 0.5
    at = int(rng.integers(1, len(rows)))
    for i, row in enumerate(rows):
        if i > 0 and k < len(row) and (whole or i == at):
            row[k] = how(row[k])
    return b"".join(by.join(r) + b"\n" for r in rows)


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def encode(content: bytes, rng: np.random.Generator) -> bytes:
    text = content.decode("utf-8", errors="replace")
    other = ["latin-1", "cp1252", "utf-16", "utf-8-sig", "cp437", "utf-16-le", "utf-7", "mac-roman"]
    return text.encode(other[int(rng.integers(0, 8))], errors="replace")


def swap_cells(content: bytes, rng: np.random.Generator) -> bytes:
    by = _delimiter(content)
    rows = [_fields(line, by) for line in _lines(content)]
    for _ in range(int(rng.integers(1, 4))):
        (i, j), (k, m) = ((a := int(rng.integers(0, len(rows))), int(rng.integers(0, len(rows[a])))) for _ in range(2))
        rows[i][j], rows[k][m] = rows[k][m], rows[i][j]
    return b"".join(by.join(r) + b"\n" for r in rows)


DAMAGES = {
    "bytes flipped": flip, "column dropped": drop_column, "rows doubled": double_rows, "rows dropped": drop_rows,
    "types changed": change_types, "cut off": truncate, "other encoding": encode, "cells exchanged": swap_cells,
}  # fmt: skip
OF_BYTES = ("bytes flipped", "cut off")
"""What can be done to a file that is not text."""


class Verdict(NamedTuple):
    """How one damaged file ended: error, same, left out, or what fails; and the message or the difference."""

    outcome: str
    told: str


def judge(file: File, content: bytes, folder: Path, given: bool, invalid: str) -> Verdict:
    """Read a damaged file, and hold what comes out against the oracle."""
    path = folder / f"damaged{file.ending}"
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            got = file.read(path, given, invalid)
        except CvmError as error:
            return Verdict("error", str(error))
        except Exception as error:  # the evidence is that there is none
            return Verdict("other exception", f"{type(error).__name__}: {error}")
    strange = [w for w in caught if not issubclass(w.category, CvmWarning)]
    if strange:
        return Verdict("other warning", str(strange[0].message))
    try:
        expected = file.oracle(content, given)
    except Exception as error:
        return Verdict("silent difference", f"the oracle cannot read it: {type(error).__name__}: {error}")
    told = "\n".join(str(w.message) for w in caught)
    named = {key for w in caught for key in getattr(w.message, "left_out", ())}
    lost = {key for key in expected if key not in got or expected[key] is None}
    if lost <= named and not lost & set(got) and all(
        key in expected and _equal(got[key], expected[key]) for key in got
    ):
        return Verdict("left out" if told else "same", told)
    return Verdict("silent difference", f"{told}\n{_differ(got, expected)}")


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    return abs(a - b) < 1e-4 if isinstance(a, float) else a == b


def _differ(got: Any, expected: Any) -> str:
    keys = [k for k in {*got, *expected} if k not in got or k not in expected or not _equal(got[k], expected[k])]
    return "; ".join(f"{k}: read {got.get(k)}, oracle {expected.get(k)}" for k in keys[:3])


def run(names: list[str], n: int, seed: int = 0) -> pd.DataFrame:
    """Damage each file ``n`` times: name, damage, outcome, told, content."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            file = FILES[name]
            whole = Path(folder) / f"whole{file.ending}"
            file.write(whole)
            content = whole.read_bytes()
            for given in (True, False):
                verdict = judge(file, content, Path(folder), given, "raise")
                assert verdict.outcome == "same", (name, given, verdict)
            kinds = [d for d in DAMAGES if file.ending != ".sav" or d in OF_BYTES]
            for i in range(n):
                rng = np.random.default_rng([seed, sorted(FILES).index(name), i])
                damage = kinds[i % len(kinds)]
                spoiled = DAMAGES[damage](content, rng)
                verdict = judge(file, spoiled, Path(folder), bool(i // len(kinds) % 2), ("raise", "raise", "drop")[i % 3])
                rows.append((name, damage, verdict.outcome, verdict.told, spoiled))
    return pd.DataFrame(rows, columns=["file", "damage", "outcome", "told", "content"])


def report(table: pd.DataFrame) -> str:
    """The tables for the page."""
    outcomes = [o for o, _ in Counter({"error": 3, "same": 2, "left out": 1}).most_common()]
    others = sorted(set(table["outcome"]) - set(outcomes))
    lines = []
    for by in ("damage", "file"):
        lines += [f"| {by} | files | {' | '.join([*outcomes, *others])} |", "|---|" + "---|" * (1 + len([*outcomes, *others]))]
        for value, part in table.groupby(by, sort=False):
            count = part["outcome"].value_counts()
            lines.append(f"| {value} | {len(part):,} | {' | '.join(f'{count.get(o, 0):,}' for o in [*outcomes, *others])} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    names = sys.argv[1:] or list(FILES)
    table = run(names, PER_FILE)
    failed = table[~table["outcome"].isin(["error", "same", "left out"])]
    print(report(table))
    for row in failed.head(20).itertuples():
        print(row.file, "|", row.damage, "|", row.outcome, "|", row.told[:400])
    if sys.argv[1:]:
        return
    kept = (f"{len(table):,} files of {len(FILES)} kinds; {len(failed):,} end otherwise than an error, the same, or left out.")
    versions = f"pandas {pd.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}; seed 0"
    text = ("# Damaged files\n\nCommand: `uv run python -m tests.evidence.damaged_files`; " + versions + ".\n\n" + kept +
            "\n\nError: a message of ours, the file is refused. Same: read, and equal cell by cell to what an "
            "independent reader (Python's csv module, and "
            "for SPSS one of struct) reads in the damaged bytes. Left out: `invalid=\"drop\"`, with a warning that names "
            "each task "
            "left out, the others equal.\n\n" + report(table))  # fmt: skip
    (Path(__file__).resolve().parents[2] / "docs" / "evidence" / "damaged_files.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
