"""Which item a text of a file means: an id, a label or a number."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import InputError, examples

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


def whole_numbers(texts: Sequence[str]) -> Ints:
    """Each text as a whole number; -1 where it is none.

    >>> whole_numbers(["3", "2.0", "x", "1.5"]).tolist()
    [3, 2, -1, -1]
    """
    return np.array(
        [int(m[1]) if (m := re.fullmatch(r"\s*\+?(\d{1,9})(?:\.0*)?\s*", t)) else -1 for t in texts], dtype=np.int64
    )
