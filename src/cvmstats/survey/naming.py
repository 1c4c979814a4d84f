"""Which item a text of a file means: an id, a label or a number."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import CvmWarning, InputError, examples

Ints = npt.NDArray[np.int64]


def index_of_names(texts: Sequence[str], items: Items | Profiles, error: type[InputError]) -> Ints:
    """Index of the item whose id, or else label, each text is; -1 where there is none.

    Raises
    ------
    InputError
        Where a text is the id of one item and the label of another.

    Examples
    --------
    >>> index_of_names(["b", "?"], Items.from_labels(["a", "b"]), InputError).tolist()
    [1, -1]
    """
    by_id = {v: i for i, v in enumerate(items.ids)}
    by_label = {v: i for i, v in enumerate(items.labels)}
    both = [t for t in texts if t in by_id and t in by_label and by_id[t] != by_label[t]]
    if both:
        raise error(f"{len(both)} names of items are the id of one item and the label of another\n"
                    f"  for example {examples(both)}\n  give the items other labels")  # fmt: skip
    return np.array([by_id.get(t, by_label.get(t, -1)) for t in texts], dtype=np.int64)


def match_names(texts: Sequence[str], known: Sequence[str]) -> list[str]:
    """Names as they are known: ``01`` and ``1.0`` are ``1`` where there is no ``01`` and no ``1.0``.

    >>> match_names(["01", "2.0", "b"], ["1", "2", "b"])
    ['1', '2', 'b']
    """
    numbers = dict(zip(whole_numbers(known).tolist(), known, strict=True))
    numbers.pop(-1, None)
    return [v if v in known else numbers.get(int(whole_numbers([v])[0]), v) for v in texts]


def items_by_number(largest: int, error: type[InputError], names: Mapping[int, str] | None = None) -> Items:
    """Items 1 to the largest number, named by it where they have no name.

    Raises
    ------
    InputError
        Where the number is so large that it must be an id.
    """
    if largest > 10_000:
        raise error(f"the largest item number is {largest:,}\n  expected numbers from 1 to the number of items\n"
                    "  are they ids? then name the column: columns={'item': '...'}, or give items=")  # fmt: skip
    return Items.from_labels([(names or {}).get(i, str(i)) for i in range(1, max(largest, 1) + 1)])


def warn_of_twins(labels: Sequence[str]) -> None:
    """Warn where labels of items differ by nothing but blanks or capitals: they may be one item, spelt in two ways."""
    seen: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        seen.setdefault(" ".join(label.split()).casefold(), []).append(label)
    twins = [same for same in seen.values() if len(same) > 1]
    if twins:
        warnings.warn(CvmWarning(
            f"{len(twins):,} labels of items stand in spellings that differ only by blanks or capitals, and count as items of "
            f"their own\n  for example {examples(twins[0])}\n  where they are one item, write it alike"
        ), stacklevel=4)  # fmt: skip


def whole_numbers(texts: Sequence[str]) -> Ints:
    """Each text as a whole number; -1 where it is none.

    >>> whole_numbers(["3", "2.0", "x", "1.5"]).tolist()
    [3, 2, -1, -1]
    """
    return np.array(
        [int(m[1]) if (m := re.fullmatch(r"\s*\+?(\d{1,9})(?:\.0*)?\s*", t)) else -1 for t in texts], dtype=np.int64
    )
