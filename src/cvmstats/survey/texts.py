"""Text files in: from bytes to a table of texts, nothing lost in silence."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from pathlib import Path

import pandas as pd

from cvmstats.data.frames import read_plain_csv
from cvmstats.errors import InputError, examples

_OTHERS = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as CSV (UTF-8) and give that"),
    (b"\x1f\x8b", "compressed (gzip)", "unpack it first"),
    (b"PAR1", "a Parquet file", "name it with .parquet at its end"),
    (b"$FL", "an SPSS file", "name it with .sav at its end"),
    (b"%PDF", "a PDF", "give the table itself, as CSV"),
)
"""First bytes of files that are no text, what they are, and what to do."""
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?(?:\r\n|\r|\n)', re.IGNORECASE)
"""A first line by which Excel is told what stands between the fields."""


def decode(path: Path, error: type[InputError], encoding: str | None) -> str:
    """The text of a file: in the encoding that is said, else in the one that its first bytes mark, else in UTF-8.

    Raises
    ------
    InputError
        Where it is no text, or not in this encoding.
    """
    content = path.read_bytes()
    _refuse_others(path, content, error)
    used = encoding or ("utf-16" if content.startswith(_WIDE) else "utf-8")
    zeros = content.count(b"\x00")
    if zeros and used.lower().replace("_", "-").startswith("utf-8"):
        line = content[: content.index(b"\x00")].count(b"\n") + 1
        raise error(f"{path.name} has {zeros:,} zero bytes, which no text has\n  for example in line {line:,}\n"
                    "  expected a text file\n  is it UTF-16 (encoding='utf-16'), or damaged?")  # fmt: skip
    try:
        text = content.decode(used).removeprefix("\ufeff")
    except LookupError as problem:
        raise error(
            f"there is no encoding called {encoding!r}\n  expected one such as 'utf-8', 'cp1252', 'utf-16'"
        ) from problem
    except UnicodeError as problem:
        start = getattr(problem, "start", 0)
        line = content[:start].count(b"\n") + 1
        raise error(f"{path.name} is not written in {encoding or used.upper()}\n"
                    f"  for example byte {content[start]:#04x} in line {line:,}\n"
                    f"  expected {encoding or used.upper()}\n  say how it is written: encoding='cp1252' (Windows, Excel), "
                    "'latin-1' or 'utf-16'") from problem  # fmt: skip
    if "\x00" in text:
        raise error(f"{path.name} read as {used} has {text.count(chr(0)):,} zero characters, which no text has\n  expected a "
                    "text file\n  was it damaged, or is it written in another encoding?")  # fmt: skip
    return text


def _refuse_others(path: Path, content: bytes, error: type[InputError]) -> None:
    what = next(((kind, remedy) for mark, kind, remedy in _OTHERS if content.startswith(mark)), None)
    if content.startswith(b"PK\x03\x04"):
        what = ("what cvmstats.save wrote", f"load it: cvmstats.load({path.name!r})") if path.suffix.lower() == ".cvm" else (
            "a workbook or another zip file", "save it as CSV (UTF-8) and give that")  # fmt: skip
    if re.match(rb"\s*<(!doctype|html|table|\?xml)", content[:200], re.IGNORECASE):
        what = "a web page, whatever its name says", "open it in Excel, save it as CSV (UTF-8) and give that"
    if what:
        raise error(f"{path.name} is no text file: it is {what[0]}\n  expected a table as text (CSV)\n  {what[1]}")


def parse_plain(content: bytes) -> pd.DataFrame | None:
    """The quick way, for files in which nothing is quoted; None where :func:`parse` must look closer, or complain."""
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.isascii():
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return None
    if b'"' in content or b"\x00" in content or (b"\r" in content and content.count(b"\r") != content.count(b"\r\n")):
        return None
    start = len(content) - len(content.lstrip(b"\r\n")) if content[:1] in (b"\r", b"\n") else 0
    head = content[start : content.find(b"\n", start) + 1].decode("utf-8")
    if _SEPARATOR.match(head) or head.lstrip()[:1] in ("<", "%", "$") or head[:4] == "PAR1":
        return None
    return read_plain_csv(content, max(",;\t|", key=head.count))


def parse(text: str, name: str, error: type[InputError], what: str) -> pd.DataFrame:
    """A table of texts.

    Raises
    ------
    InputError
        Where nothing stands in it, a quote is not closed, or rows have fewer or more fields than the heading.
    """
    if not text.strip():
        raise error(f"{name} is empty: nothing stands in it\n  expected a heading and rows of {what}\n"
                    f"  give the file with the {what}")  # fmt: skip
    told = _SEPARATOR.match(text)
    text = text[told.end() :] if told else text
    delimiter = told[1] if told else _delimiter(text)
    short = _short_rows(text, delimiter, name, error)
    if short:
        raise error(f"{name} is no regular table: {len(short):,} rows have fewer fields than the heading\n"
                    f"  for example row {examples(short)}\n  expected as many fields in each row as in the heading\n"
                    "  was the file cut off?")  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            rows = pd.read_csv(io.StringIO(text, newline=""), sep=delimiter, dtype="str", header=None,
                               keep_default_na=False, na_filter=False, index_col=False)  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as problem:
        raise error(f"{name} is no regular table: {str(problem).strip()}\n"
                    "  expected as many fields in each row as in the heading") from problem  # fmt: skip
    table = rows.iloc[1:].reset_index(drop=True)
    table.columns = pd.Index(rows.iloc[0].tolist(), dtype=object)  # pandas itself would give names that stand twice other ones
    return table


def _delimiter(text: str) -> str:
    """What stands between the fields of the heading, which may have line breaks and marks inside quotes.

    >>> _delimiter('id;task;"which, if any,\\nof these"')
    ';'
    """
    heading = re.match(r'(?:[^"\r\n]+|"[^"]*")*', text.lstrip("\r\n"))
    bare = re.sub(r'"[^"]*"', "", heading[0] if heading else "")
    return max(",;\t|", key=bare.count)


def _short_rows(text: str, delimiter: str, name: str, error: type[InputError]) -> list[int]:
    """Rows (the heading is row 1) that have fewer fields than the heading; pandas would fill them up in silence."""
    if '"' not in text:
        sizes = [line.count(delimiter) + 1 for line in text.replace("\r", "\n").split("\n") if line]
    else:
        sizes = []
        limit = csv.field_size_limit(len(text))
        try:
            sizes.extend(len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row)
        except csv.Error as problem:
            raise error(f"{name} is no regular table: a quotation mark is not closed where its field ends\n  for example "
                        f"in row {len(sizes) + 1:,} ({problem})\n  expected quotation marks around whole "
                        'fields, and "" for one inside\n  close it, or take it away') from problem  # fmt: skip
        finally:
            csv.field_size_limit(limit)
    return [i for i, size in enumerate(sizes, start=1) if size < sizes[0]]
