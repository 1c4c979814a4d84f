"""Tables in: pandas or polars (anything narwhals knows), always pandas inside."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cvmstats.errors import InputError


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
