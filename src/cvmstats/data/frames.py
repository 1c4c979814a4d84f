"""Tables in: pandas or polars (anything narwhals knows), always pandas inside; and plain CSV in, as coded texts."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cvmstats.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_MANY, _HEAD = 50_000, 10_000
"""Rows from which columns are worth a thread each; rows that are looked at first."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,5}")
"""What is read as a number; six digits at most, as pyarrow also takes 0x1F, which up to there is longer than its decimals."""


def to_pandas(table: Any) -> pd.DataFrame:
    """A pandas copy of a pandas, polars or other dataframe, or of an Arrow table.

    Whole numbers stay whole where some are missing (``Int64``): as decimal numbers long ids would lose digits.

    Raises
    ------
    InputError
        Where ``table`` is no dataframe.
    """
    if isinstance(table, pd.DataFrame):
        return table.copy()
    import narwhals as nw

    try:
        frame = nw.from_native(table)
    except TypeError as error:
        raise InputError(f"expected a pandas or polars DataFrame, got {type(table).__name__}") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    result: pd.DataFrame = frame.to_pandas()
    for name, kind in frame.schema.items():
        if kind.is_integer() and frame[name].null_count():
            values, absent = frame[name].fill_null(0).to_numpy(), frame[name].is_null().to_numpy()
            result[name] = pd.arrays.IntegerArray(np.array(values), np.array(absent))
    return result


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A Parquet file, whole numbers kept as in :func:`to_pandas`; pyarrow raises what it finds wrong."""
    from pyarrow import parquet

    return to_pandas(parquet.read_table(path, partitioning=None))


def is_frame(table: Any) -> bool:
    """Whether ``table`` is a dataframe rather than a path."""
    import narwhals as nw

    return isinstance(table, pd.DataFrame) or not isinstance(nw.from_native(table, pass_through=True), type(table))


def read_plain_csv(content: bytes, delimiter: str) -> pd.DataFrame | None:
    """A CSV file without quotes as categorical columns of text, byte-identical; None where it is no regular table.

    Each distinct text is kept once and rows hold its number (categories stand in the order of their first rows, and are marked
    as ordered), which takes less time and memory than plain columns of text.

    Parameters
    ----------
    content : bytes
        UTF-8, without quotation marks, lines ended by a line feed or by carriage return and line feed.
    delimiter : str
        Between the fields.

    Examples
    --------
    >>> read_plain_csv(b"id,item\\n01,a\\n02,a\\n", ",").iloc[:, 0].tolist()
    ['01', '02']
    >>> read_plain_csv(b"id,item\\n01\\n", ",") is None
    True
    """
    start = len(content) - len(content.lstrip(b"\r\n")) if content[:1] in (b"\r", b"\n") else 0
    end = content.find(b"\n", start)
    names = content[start:end].rstrip(b"\r").decode("utf-8").split(delimiter)
    if end < 0 or len(names) < 2 or len(set(names)) < len(names) or end + 1 == len(content):
        return None
    columns = _by_value(content, end + 1, delimiter, len(names)) or _by_text(content, end + 1, delimiter, len(names))
    return None if columns is None else pd.DataFrame(dict(zip(names, columns, strict=True)), copy=False)


def _by_value(content: bytes, start: int, delimiter: str, n: int) -> list[pd.Categorical] | None:
    """Whole numbers read as numbers, which is quickest; None unless all are written as Python writes them.

    Whatever else a number may look like (007, 7 with a blank) is longer, so the lengths of all fields tell.
    """
    import pyarrow as pa

    kinds = _kinds(content, start, delimiter, n)
    table = _parse(memoryview(content)[start:], delimiter, kinds) if pa.int32() in kinds else None
    if table is None or not len(table):
        return None
    rows = len(table)
    with ThreadPoolExecutor(1 if rows < _MANY else os.cpu_count()) as pool:  # numpy lets go of the interpreter's lock
        done = list(pool.map(_column, table.columns))
    breaks = rows - (not content.endswith(b"\n")) + (content.count(b"\r", start) if b"\r" in content else 0)
    whole = len(content) - start == sum(size for _, size in done) + rows * (n - 1) + breaks
    return [column for column, _ in done] if whole else None


def _by_text(content: bytes, start: int, delimiter: str, n: int) -> list[pd.Categorical] | None:
    """Every field as text."""
    table = _parse(memoryview(content)[start:], delimiter, [_text()] * n)
    return None if table is None else [_categories(*_texts(column)) for column in table.columns]


def _text() -> pa.DataType:
    """Texts, of which each distinct one is kept once."""
    import pyarrow as pa

    return pa.dictionary(pa.int32(), pa.string())


def _kinds(content: bytes, start: int, delimiter: str, n: int) -> list[pa.DataType]:
    """Which columns are whole numbers in the first rows, and which are texts."""
    import pyarrow as pa

    head = content[start : content.find(b"\n", start + (1 << 16)) + 1 or len(content)]
    table = _parse(head, delimiter, [_text()] * n)
    columns = [] if table is None else [_texts(column)[1] for column in table.columns]
    return [pa.int32() if all(map(_NUMBER.fullmatch, texts)) else _text() for texts in columns]


def _parse(content: bytes | memoryview, delimiter: str, kinds: list[pa.DataType]) -> pa.Table | None:
    """The fields, of these kinds; None where they are not, or rows have more or fewer of them."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(len(kinds))]
    try:
        return csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(column_names=names, block_size=1 << 22),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(zip(names, kinds, strict=True)), null_values=[], strings_can_be_null=False),
        ).unify_dictionaries()  # fmt: skip
    except pa.ArrowInvalid:
        return None


def _column(values: pa.ChunkedArray) -> tuple[pd.Categorical, float]:
    """The column as text, and how many bytes that takes."""
    import pyarrow as pa

    if values.type == pa.int32():
        numbers = values.to_numpy()
        codes, distinct = _numbered(numbers)
        return _categories(codes, [str(v) for v in distinct.tolist()]), _length(numbers)
    codes, texts = _texts(values)
    sizes = [len(t) if t.isascii() else len(t.encode()) for t in texts]
    return _categories(codes, texts), int(np.bincount(codes, minlength=len(texts)) @ np.array(sizes, np.int64))


def _texts(values: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """Which of the distinct texts each row has, and these, in the order in which they first appear."""
    chunks = values.chunks
    if not chunks:
        return np.zeros(0, np.int32), []
    return np.concatenate([c.indices.to_numpy() for c in chunks]), chunks[0].dictionary.to_pylist()


def _categories(codes: np.ndarray, texts: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=object), ordered=True, validate=False)


def _numbered(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the distinct numbers each row has, and these, in the order in which they first appear."""
    if (numbers[1:] >= numbers[:-1]).all():  # as people in a file of answers mostly are
        firsts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
        return np.repeat(np.arange(len(firsts), dtype=np.int32), np.diff(firsts, append=len(numbers))), numbers[firsts]
    low, high = int(numbers.min()), int(numbers.max())
    if high - low >= 1 << 16:
        return pd.factorize(numbers)
    at = (numbers - low).astype(np.intp)
    for rows in (numbers[:_HEAD], numbers):  # as a rule the first rows show all there are
        distinct = pd.unique(rows)
        place = np.full(high - low + 1, -1, np.int8 if len(distinct) < 128 else np.int32)
        place[distinct - low] = np.arange(len(distinct))
        codes = place.take(at)
        if int(codes.min()) >= 0:
            break
    return codes, distinct


def _length(numbers: np.ndarray) -> float:
    """How many characters whole numbers take; infinitely many where one has more than six digits."""
    largest = max(int(numbers.max()), -int(numbers.min()))
    if largest > 999_999:
        return np.inf
    size = np.abs(numbers)
    longer = sum(int((size >= 10**k).sum()) for k in range(1, len(str(largest))))
    return len(numbers) + longer + int((numbers < 0).sum())
