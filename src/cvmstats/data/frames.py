"""Tables in: pandas or polars (anything narwhals knows), always pandas inside; and plain CSV in, as coded texts."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.errors import InputError

_MANY, _HEAD = 50_000, 10_000
"""Rows from which columns are worth a thread each; rows that are looked at first."""


def to_pandas(table: Any) -> pd.DataFrame:
    """A pandas copy of a pandas, polars or other dataframe.

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
    return result


def is_frame(table: Any) -> bool:
    """Whether ``table`` is a dataframe rather than a path."""
    import narwhals as nw

    return isinstance(table, pd.DataFrame) or not isinstance(nw.from_native(table, pass_through=True), type(table))


def read_plain_csv(content: bytes, delimiter: str, path: Path | None = None) -> pd.DataFrame | None:
    """A CSV file without quotes as categorical columns of text, byte-identical; None where it is no regular table.

    Each distinct text is kept once and rows hold its number (ordered categories stand in the order of their first rows), which
    takes less time and memory than plain columns of text.

    Parameters
    ----------
    content : bytes
        UTF-8, without quotation marks, lines ended by a line feed or by carriage return and line feed.
    delimiter : str
        Between the fields.
    path : Path, optional
        The file that holds just this: pandas parses a file twice as fast as bytes.

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
    columns = _by_value(content, end + 1, delimiter, len(names), path) if start == 0 else None
    if columns is None:
        columns = _by_text(content, end + 1, delimiter, len(names))
    return None if columns is None else pd.DataFrame(dict(zip(names, columns, strict=True)))


def _by_value(content: bytes, start: int, delimiter: str, n: int, path: Path | None) -> list[pd.Categorical] | None:
    """Whole numbers read as numbers, which is quickest; None unless all are written as Python writes them.

    Whatever else a number may look like (007, +7, 7 with a blank) is longer, so the lengths of all fields tell.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
        try:
            table = pd.read_csv(path or BytesIO(content), sep=delimiter, compression=None, skiprows=1, header=None,
                                names=range(n), na_filter=False, keep_default_na=False, index_col=False, true_values=[],
                                false_values=[], on_bad_lines="error")  # fmt: skip
        except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, OverflowError):
            return None
    columns = [table[i] for i in range(n)]
    if any(values.dtype != np.int64 and not isinstance(values.dtype, pd.StringDtype) for values in columns):
        return None
    rows = len(table)
    with ThreadPoolExecutor(1 if rows < _MANY else os.cpu_count()) as pool:  # numpy lets go of the interpreter's lock
        delimiters = pool.submit(content.count, delimiter.encode(), start)
        done = list(pool.map(_column, columns))
    breaks = rows - (not content.endswith(b"\n")) + (content.count(b"\r", start) if b"\r" in content else 0)
    length = sum(size for _, size in done) + delimiters.result() + breaks
    whole = delimiters.result() == rows * (n - 1) and len(content) - start == length
    return [column for column, _ in done] if whole else None


def _column(values: pd.Series) -> tuple[pd.Categorical, int]:
    """The column as text, and how many bytes that takes."""
    codes, distinct = _numbered(values)
    texts = [str(v) for v in distinct]
    sizes = np.array([len(t) if t.isascii() else len(t.encode()) for t in texts], np.int64)
    length = int(np.bincount(codes, minlength=len(texts)) @ sizes) if len(texts) else 0
    codes, categories = codes.astype(np.int32, copy=False), pd.Index(texts, dtype=object)
    return pd.Categorical.from_codes(codes, categories=categories, ordered=True, validate=False), length


def _numbered(values: pd.Series) -> tuple[np.ndarray, Any]:
    """Which of the distinct values each row has, and these, in the order in which they first appear."""
    if values.dtype == np.int64 and len(values):
        numbers = values.to_numpy()
        new = numbers[1:] != numbers[:-1]
        if (numbers[1:] >= numbers[:-1]).all():  # in order already, as people in a file of answers mostly are
            codes = np.zeros(len(numbers), np.int32)
            np.cumsum(new, out=codes[1:])
            return codes, numbers[np.concatenate([[True], new])]
        low = int(numbers.min())
        if int(numbers.max()) - low < min(len(numbers), 1 << 16):
            return _by_table(numbers - low, low)
    return pd.factorize(values)


def _by_table(numbers: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray]:
    """The same for small numbers from 0, by a table; ``low`` is added to the distinct ones."""
    there = np.bincount(numbers) > 0
    order = pd.unique(numbers[:_HEAD])  # as a rule the first rows show all there are
    if len(order) < there.sum():
        order = pd.unique(numbers)
    new = np.zeros(len(there), np.int32)
    new[order] = np.arange(len(order))
    return new[numbers], order + low


def _by_text(content: bytes, start: int, delimiter: str, n: int) -> list[pd.Categorical] | None:
    """Every field as text."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(n)]
    kind = pa.dictionary(pa.int32(), pa.string())
    try:
        table = csv.read_csv(
            pa.BufferReader(memoryview(content)[start:]),
            read_options=csv.ReadOptions(column_names=names, block_size=1 << 22),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, kind), null_values=[],
                                               strings_can_be_null=False),
        ).unify_dictionaries()  # fmt: skip
    except pa.ArrowInvalid:
        return None
    result = []
    for name in names:
        chunks = table.column(name).chunks
        codes = np.concatenate([c.indices.to_numpy() for c in chunks]) if chunks else np.zeros(0, np.int32)
        texts = pd.Index(chunks[0].dictionary.to_pylist() if chunks else [], dtype=object)
        result.append(pd.Categorical.from_codes(codes, categories=texts))
    return result
