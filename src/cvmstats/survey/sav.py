"""SPSS .sav files in, through pyreadstat (the extra ``spss``).

ReadStat, the C library below it, ends the whole process on some damaged files, so the dictionary's records are walked first
(PSPP developers' guide, "System File Format").
"""

from __future__ import annotations

import codecs
import struct
from pathlib import Path
from typing import Any

import pandas as pd

from cvmstats.errors import InputError, examples


def pyreadstat_for(error: type[InputError]) -> Any:
    """The package pyreadstat.

    Raises
    ------
    InputError
        Where it is not installed.
    """
    try:
        import pyreadstat
    except ImportError as problem:  # pragma: no cover - depends on what is installed
        raise error("SPSS files need the package pyreadstat\n  install it: pip install 'cvmstats[spss]'") from problem
    return pyreadstat


def read_sav(path: Path, error: type[InputError]) -> pd.DataFrame:
    """A .sav file as texts: a value that has a label is its label, whole numbers have no decimal point, missing is empty.

    Raises
    ------
    InputError
        Where it cannot be read, or two values of a variable have one label.
    """
    _check_records(path, error)
    try:
        table, meta = pyreadstat_for(error).read_sav(str(path))
    except InputError:
        raise
    except Exception as problem:  # ReadStat's own errors, and those of decoding
        raise error(f"{path.name} is no readable SPSS file: {problem}\n  expected a .sav file\n"
                    "  save it again from SPSS") from problem  # fmt: skip
    table = pd.DataFrame(table)
    for column, labels in meta.variable_value_labels.items():
        if len(set(labels.values())) < len(labels):
            texts = list(labels.values())
            raise error(f"two values of {column!r} in {path.name} have one label\n  for example "
                        f"{examples(sorted({t for t in texts if texts.count(t) > 1}))}\n  expected a label of its own "
                        f"for each")  # fmt: skip
        if column in table:
            values = table[column].astype(object)
            table[column] = values.map(lambda v, labels=labels: labels.get(v, v))
    return table


def _check_records(path: Path, error: type[InputError]) -> None:
    """Refuse a file whose dictionary is no sequence of records that fit into one another."""
    content = path.read_bytes()
    try:
        _walk(content)
    except (struct.error, ValueError, IndexError) as problem:
        raise error(f"{path.name} is no readable SPSS file: its dictionary is damaged ({problem})\n  expected a .sav file\n"
                    "  save it again from SPSS, or fetch it again") from problem  # fmt: skip


def _walk(content: bytes) -> None:
    if content[:4] not in (b"$FL2", b"$FL3"):
        raise ValueError("it does not start with $FL2")
    order = "<" if content[64:68] in (b"\x02\0\0\0", b"\x03\0\0\0") else ">"

    def whole(at: int, n: int) -> tuple[int, ...]:
        return struct.unpack_from(f"{order}{n}i", content, at)

    def need(holds: bool, what: str) -> None:
        if not holds:
            raise ValueError(what)

    names, encoding = b"", "utf-8"
    at, slots, left = 176, 0, 0  # slots of 8 bytes in a case; of them, those that continue a text
    while True:
        (kind,) = whole(at, 1)
        at += 4
        if kind == 2:
            width, labelled, missing, *shapes = whole(at, 5)
            need(width >= -1 and width <= 255 and (width < 0) == (left > 0), "the width of a variable")
            need(width < 0 or all(((f >> 16) & 255 in (1, 2)) == (width > 0) for f in shapes), "the format of a variable")
            left = left - 1 if width < 0 else (width + 7) // 8 - 1 if width else 0
            need(labelled in (0, 1) and -3 <= missing <= 3 and missing != -1, "a variable")
            at, slots = at + 28, slots + 1
            if labelled:
                (length,) = whole(at, 1)
                need(0 <= length <= 65_536, "the label of a variable")
                at += 4 + (length + 3) // 4 * 4
            at += 8 * abs(missing)
        elif kind == 3:
            (n,) = whole(at, 1)
            need(0 < n <= len(content) // 16, "a set of value labels")
            at += 4
            for _ in range(n):
                at += 8 + (content[at + 8] + 8) // 8 * 8
            four, n = whole(at, 2)
            need(four == 4 and 0 < n <= slots, "the variables of a set of value labels")
            need(all(0 < i <= slots for i in whole(at + 8, n)), "the variables of a set of value labels")
            at += 8 + 4 * n
        elif kind == 6:
            at += 4 + 80 * whole(at, 1)[0]
        elif kind == 7:
            what, size, n = whole(at, 3)
            need(size > 0 and n >= 0, "a record of extensions")
            data = content[at + 12 : at + 12 + size * n]
            names, encoding = (data if what == 13 else names), (data.decode("ascii") if what == 20 else encoding)
            at += 12 + size * n
        else:
            need(kind == 999 and left == 0, f"a record of the unknown kind {kind}" if kind != 999 else "a text cut off")
            break
        need(at <= len(content), "a record beyond the end of the file")
    need(slots > 0, "no variables")
    pairs = names.decode(_codec(encoding)).split("\t")  # SHORT=long
    need(all(pair.count("=") == 1 for pair in pairs if pair), "the long names of variables")


def _codec(encoding: str) -> str:
    """Python's name of an encoding."""
    for name in (encoding.strip(), encoding.strip().lower().replace("windows-", "cp")):
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    raise ValueError(f"the unknown encoding {encoding!r}")
