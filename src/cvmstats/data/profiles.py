"""Profiles: things to choose from, each a combination of levels."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.attributes import Attributes
from cvmstats.data.coding import Coding
from cvmstats.data.store import fingerprint, read_only
from cvmstats.errors import AttributesError, examples


@dataclass(frozen=True, eq=False, kw_only=True)
class Profiles:
    """J profiles of one set of attributes; one of them may be the none option.

    Parameters
    ----------
    attributes : Attributes
    levels : array (J, attributes), int
        Which level each profile has of each attribute, from 0; -1 throughout for the none option.
    ids : tuple of str (J), optional
        By default the numbers of the levels from 1, such as ``1.3.2``, and ``none``.
    none_label : str
        How the none option is called.

    Raises
    ------
    AttributesError
        Levels that the attributes do not have, two none options, an id that stands twice.

    Examples
    --------
    >>> parts = Attributes.from_dict({"price": [10, 20], "brand": ["A", "B"]})
    >>> offers = Profiles(attributes=parts, levels=[[0, 1], [1, 0], [-1, -1]])
    >>> offers
    Profiles  2 of 2 attributes, and none
      10 · B / 20 · A / none
    >>> offers.ids
    ('1.2', '2.1', 'none')
    """

    attributes: Attributes
    levels: npt.NDArray[np.int32]
    ids: tuple[str, ...] = ()
    none_label: str = "none"

    def __post_init__(self) -> None:
        levels = read_only(self.levels, np.int32)
        n = np.array(self.attributes.n_levels)
        if levels.ndim != 2 or levels.shape[1] != len(n) or not len(levels):
            raise AttributesError(f"levels have shape {levels.shape}\n  expected (profiles, {len(n)} attributes)")
        none = (levels == -1).all(axis=1)
        wrong = np.flatnonzero(~none & ((levels < 0) | (levels >= n)).any(axis=1))
        if len(wrong):
            raise AttributesError(f"{len(wrong):,} of {len(levels):,} profiles have levels that there are not\n  for example "
                                  f"{examples([f'row {j + 1}: {levels[j].tolist()}' for j in wrong])}\n  expected 0 to "
                                  f"{(n - 1).tolist()}, or -1 in all columns for the none option")  # fmt: skip
        if none.sum() > 1:
            raise AttributesError(f"{none.sum()} profiles are the none option\n  expected one at most")
        made = tuple("none" if out else ".".join(map(str, row + 1)) for row, out in zip(levels, none, strict=True))
        ids = tuple(map(str, self.ids)) or made
        twice = pd.Series(ids, dtype=object)
        repeated = twice[twice.duplicated()].unique().tolist()
        if len(ids) != len(levels) or repeated:
            what = f"{len(repeated)} ids of profiles stand twice\n  for example {examples(repeated)}\n  expected each once"
            raise AttributesError(what if repeated else f"{len(ids)} ids for {len(levels)} profiles\n  expected one for each")
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "ids", ids)

    @property
    def none(self) -> int | None:
        """Index of the none option, None where there is none."""
        found = np.flatnonzero((self.levels < 0).all(axis=1))
        return int(found[0]) if len(found) else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Levels, joined (J)."""
        levels = self.attributes.levels
        return tuple(self.none_label if row[0] < 0 else " · ".join(levels[a][x] for a, x in enumerate(row))
                     for row in self.levels.tolist())  # fmt: skip

    @property
    def groups(self) -> tuple[str, ...]:
        """Empty texts (J): profiles have no groups."""
        return ("",) * len(self)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of attributes, levels and ids; texts do not count."""
        return fingerprint(self.attributes.fingerprint, self.levels, np.array(self.ids, dtype=object))

    def coded(self) -> Coding:
        """Coding of the profiles: the sum of their levels' rows.

        With a none option a column is added that is 1 for every profile and 0 for none, ``none`` its block: what a profile of
        average levels is worth. Read as the none option's own utility beside such a profile it is minus that, so that is what
        the row ``none`` of ``report`` gives.

        >>> parts = Attributes.from_dict({"price": [10, 20], "brand": ["A", "B"]})
        >>> made = Profiles(attributes=parts, levels=[[0, 1], [1, 0], [-1, -1]]).coded()
        >>> made.coding.shape, made.report_labels[-1], made.parameter_block
        ((3, 3), 'none', ('price', 'brand', 'none'))
        """
        parts = self.attributes
        there = self.levels[:, :1] >= 0
        rows = np.where(there, self.levels, 0) + parts.first
        coding = np.where(there, parts.coding[rows].sum(axis=1), 0.0)
        if self.none is None:
            return Coding(coding, parts.coding, parts.labels, parts.parameter_block)
        n_levels, k = parts.coding.shape
        report = np.zeros((n_levels + 1, k + 1))
        report[:-1, :-1], report[-1, -1] = parts.coding, -1
        return Coding(np.hstack([coding, there.astype(float)]), report, (*parts.labels, self.none_label),
                      (*parts.parameter_block, "none"))  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """One row per profile: id, label, and a column per attribute with its level, empty for the none option."""
        table: dict[str, Any] = {"id": list(self.ids), "label": list(self.labels)}
        for a, name in enumerate(self.attributes.names):
            table[name] = np.array([*self.attributes.levels[a], ""], dtype=object)[self.levels[:, a]]
        return pd.DataFrame(table)

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        more = f" / … {len(self) - 4} more" if len(self) > 4 else ""
        head = f"Profiles  {len(self) - (self.none is not None):,} of {len(self.attributes)} attributes"
        return f"{head}{', and none' * (self.none is not None)}\n  {' / '.join(self.labels[:4])}{more}"

    def _repr_html_(self) -> str:
        table: str = self.to_frame().to_html(index=False, max_rows=20, escape=True)
        return f"<b>{escape(repr(self).splitlines()[0])}</b>{table}"
