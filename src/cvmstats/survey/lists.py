"""Plain lists in: the items, the attributes, and the people who answered."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from cvmstats.data.accounts import is_number
from cvmstats.data.attributes import Attributes
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import AttributesError, CvmWarning, InputError, ItemsError, RespondentsError, examples
from cvmstats.survey.naming import warn_of_twins
from cvmstats.survey.tables import MISSING, as_text, check_keys, file_rows, find_columns, missing_columns, read_table


def read_items(source: Any, columns: Mapping[str, str] | None = None, *, encoding: str | None = None) -> Items:
    """Read a list of items; ids stay text, byte-identical; the order of the rows is the order of the items.

    Parameters
    ----------
    source : path, DataFrame
        One row per item. Columns ``id`` (or ``item``), ``label``, ``text``, ``group``, in any case; further ones are
        kept. With a label and no id, the label is the id.
    columns : mapping, optional
        Our names to the file's.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    ItemsError
        Where the file cannot be read, has neither ids nor labels, or an id or a label stands twice.

    Examples
    --------
    >>> read_items(pd.DataFrame({"ID": ["01", "02"], "Label": ["Price", "Service"]})).ids
    ('01', '02')
    """
    table, name = read_table(source, ItemsError, "items", encoding=encoding)
    check_keys(columns, ("id", "item", "label", "text", "group"), ItemsError)
    found = find_columns(table, ("item", "label", "text", "group"), _as_item(table, columns), ItemsError, name)
    key = found.pop("item", None)
    if key is None and "label" not in found:
        raise missing_columns(
            table, ["id"], ItemsError, name, "one row per item: id, and where known label, text, group"
        )
    result = _renamed(table, found, ItemsError)
    ids = as_text(table[key if key is not None else found["label"]])
    check_ids(ids, ItemsError, "items", name)
    if key is not None:
        result = result.drop(columns=key)
    result.insert(0, "id", ids.astype(object))
    made = Items(table=result.assign(**{c: _texts(result[c]) for c in ("label", "text", "group") if c in result}))
    warn_of_twins(made.labels)
    return made


def read_attributes(
    source: Any, columns: Mapping[str, str] | None = None, *, linear: Sequence[str] = (), encoding: str | None = None
) -> Attributes:
    """Read attributes and their levels; the order of the rows is the order of attributes and levels.

    Parameters
    ----------
    source : path, DataFrame
        One row per level. Columns ``attribute``, ``level``, and where there are any ``text``, ``value`` (a number), in any
        case; further ones are kept.
    columns : mapping, optional
        Our names to the file's.
    linear : sequence of str
        Attributes whose utility is a straight line in ``value``.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    AttributesError
        Where the file cannot be read, or what ``Attributes`` itself refuses.

    Examples
    --------
    >>> read_attributes(pd.DataFrame({"Attribute": ["brand", "brand"], "Level": ["A", "B"]})).labels
    ('brand: A', 'brand: B')
    """
    table, name = read_table(source, AttributesError, "attributes", encoding=encoding)
    check_keys(columns, ("attribute", "level", "text", "value"), AttributesError)
    found = find_columns(table, ("attribute", "level", "text", "value"), columns, AttributesError, name)
    absent = [ours for ours in ("attribute", "level") if ours not in found]
    if absent:
        raise missing_columns(table, absent, AttributesError, name, "one row per level: attribute, level, and where known "
                              "text, value")  # fmt: skip
    result = _renamed(table, found, AttributesError)
    return Attributes(table=result.assign(**{c: _texts(result[c]) for c in ("attribute", "level", "text") if c in result}),
                      linear=linear)  # fmt: skip


def read_respondents(
    source: Any,
    columns: Mapping[str, str] | None = None,
    weight_kind: Literal["frequency", "sampling"] | None = None,
    *,
    encoding: str | None = None,
) -> Respondents:
    """Read who answered; ids and accounts stay text, byte-identical.

    Parameters
    ----------
    source : path, DataFrame
        One row per person. Columns ``id`` (or ``respondent``), ``account``, ``role``, ``weight``, in any case; further
        ones are kept, as numbers where every value is a plain number (``007`` is none) or empty.
    columns : mapping, optional
        Our names to the file's.
    weight_kind : {"frequency", "sampling"}, optional
        What the weights mean; required where there are weights other than 1.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    RespondentsError
        Where the file cannot be read, has no ids, an id stands twice, or weights are no positive numbers.

    Examples
    --------
    >>> people = read_respondents(pd.DataFrame({"resp_id": ["007", "008"], "size": ["12", "3.5"]}))
    >>> people.ids, people.table["size"].tolist()
    (('007', '008'), [12.0, 3.5])
    """
    table, name = read_table(source, RespondentsError, "respondents", encoding=encoding)
    check_keys(columns, ("id", "respondent", "account", "role", "weight"), RespondentsError)
    given = {"respondent" if ours == "id" else ours: theirs for ours, theirs in (columns or {}).items()}
    found = find_columns(table, ("respondent", "account", "role", "weight"), given, RespondentsError, name)
    if "respondent" not in found:
        raise missing_columns(
            table, ["id"], RespondentsError, name, "one row per person: id, and where known account, role"
        )
    result = _renamed(table, {("id" if ours == "respondent" else ours): theirs for ours, theirs in found.items()},
                      RespondentsError)  # fmt: skip
    ids = as_text(result["id"])
    check_ids(ids, RespondentsError, "respondents", name)
    for column in result.columns:
        if column in ("id", "account", "role"):
            result[column] = as_text(result[column]).astype(object)
        elif column == "weight":
            result[column] = numbers_in(result[column], RespondentsError, "weights", ids.tolist())
        else:
            result[column] = _numbers(result[column])
    return Respondents(table=result, weight_kind=weight_kind)


def check_ids(ids: pd.Series, error: type[InputError], what: str, name: str) -> None:
    """Refuse rows without an id, which blanks are none.

    Raises
    ------
    InputError
        With the rows, as the file counts them.
    """
    blank = file_rows(np.flatnonzero((ids.str.strip() == "").to_numpy()))
    if blank:
        raise error(f"{len(blank):,} of {len(ids):,} {what} of {name} have no id\n  for example row {examples(blank)}\n"
                    "  expected an id on each row\n  fill the column or take such rows away")  # fmt: skip


def numbers_in(values: pd.Series, error: type[InputError], what: str, ids: Sequence[str]) -> np.ndarray:
    """A column as numbers, not a number where nothing stands.

    Raises
    ------
    InputError
        Where something else stands there, such as a comma for decimals.
    """
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(float, na_value=np.nan)
    texts = as_text(values).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(float)
    odd = np.flatnonzero(np.isnan(numbers) & ~texts.isin(MISSING).to_numpy()).tolist()
    if odd:
        remedy = "write a point for decimals" if texts.iloc[odd].str.contains(",").any() else "mend them, or leave them empty"
        raise error(f"{len(odd):,} of {len(texts):,} {what} are no numbers\n  for example "
                    f"{examples(texts.iloc[odd].tolist())} of respondent {examples([ids[i] for i in odd])}\n"
                    f"  expected digits, with a point for decimals\n  {remedy}")  # fmt: skip
    return numbers


def _texts(values: pd.Series) -> pd.Series:
    """Texts, None where nothing stands: then the id or the label takes its place."""
    texts = as_text(values).astype(object)
    return texts.where(texts.str.strip() != "", None)


def _as_item(table: pd.DataFrame, columns: Mapping[str, str] | None) -> dict[str, str]:
    given = {"item" if ours == "id" else ours: theirs for ours, theirs in (columns or {}).items()}
    if "item" not in given:
        named = [c for c in table.columns if c.lower() == "id"]
        if len(named) == 1:
            given["item"] = named[0]
    return given


def _renamed(table: pd.DataFrame, found: Mapping[str, str], error: type[InputError]) -> pd.DataFrame:
    clash = [ours for ours, theirs in found.items() if ours != theirs and ours in table.columns]
    if clash:
        raise error(f"the column {clash[0]!r} stands in the way of {found[clash[0]]!r}, which is to have its name\n"
                         "  rename one of them")  # fmt: skip
    return table.rename(columns={theirs: ours for ours, theirs in found.items()})


def _numbers(values: pd.Series) -> pd.Series:
    """A column as numbers where all its texts are plain ones that a decimal number holds to the last digit; else as text."""
    if pd.api.types.is_integer_dtype(values) and values.hasnans:
        return values.astype(float) if values.abs().max() < 2**53 else as_text(values).astype(object)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values
    texts = as_text(values)
    distinct = [t for t in texts.unique() if t != ""]
    if not distinct or not all(is_number(t) and _is_held(t) for t in distinct):
        _warn_of_separators(distinct, str(values.name))
        return texts.astype(object)
    return pd.Series([float(t) if t else np.nan for t in texts], dtype=float)


def _is_held(text: str) -> bool:
    """Whether a number is no code: 1E3 may be one, and of more than 15 digits the last ones would be lost."""
    return "e" not in text.lower() and len(text.strip("-0.").replace(".", "")) <= 15


def _warn_of_separators(distinct: Sequence[str], column: str) -> None:
    """Say that a column of digits with separators stays text: as categories, each number would be one of its own."""
    separated = [t for t in distinct if re.fullmatch(r"[+-]?\d{1,3}([,.' \u00a0\u202f]\d{3})+([.,]\d+)?|[+-]?\d+,\d+", t)]
    if separated and all(is_number(t) or t in separated for t in distinct):
        warnings.warn(CvmWarning(
            f"{len(separated):,} of {len(distinct):,} values of column {column!r} are digits with separators, so the column "
            f"stays text\n  for example {examples(separated)}\n  where they are numbers, write digits with a point for "
            "decimals and no other separator"), stacklevel=4)  # fmt: skip
