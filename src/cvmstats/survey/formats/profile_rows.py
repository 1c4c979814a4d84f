"""Profiles that a file describes by the numbers of their levels, a column per attribute."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats.data.attributes import Attributes
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, InputError, examples


def name_profiles(
    numbers: npt.NDArray[np.int64], things: Items | Profiles | Attributes | None, name: str,
    error: type[InputError] = ChoicesError,
) -> tuple[npt.NDArray[np.object_], Profiles]:  # fmt: skip
    """The id of each row's profile, and the profiles: those given, or those of the rows in the order in which they appear.

    Parameters
    ----------
    numbers : array (rows, attributes)
        Levels from 1; 0 throughout for the none option; -1 where there is no whole number.
    things : Attributes or Profiles
        What the numbers mean.
    name : str
        Of the file.
    error : type
        What to raise.

    Raises
    ------
    InputError
        Where nobody says what the numbers mean, or they are no levels, or no profile that is known has them.
    """
    if not isinstance(things, Attributes | Profiles):
        raise error(f"{name} gives profiles by the numbers of their levels, and nobody says which these are\n"
                    "  expected the attributes, or a design of profiles\n  give them: items=read_attributes(...) or "
                    "design=")  # fmt: skip
    attributes = things if isinstance(things, Attributes) else things.attributes
    if numbers.shape[1] != len(attributes):
        raise error(f"{name} has {numbers.shape[1]} columns of levels, and there are {len(attributes)} attributes\n"
                    f"  for example {examples(attributes.names)}\n  expected a column for each attribute\n"
                    "  give the attributes of this study")  # fmt: skip
    none = (numbers == 0).all(axis=1)
    wrong = np.flatnonzero(~none & ((numbers < 1) | (numbers > np.array(attributes.n_levels))).any(axis=1))
    if len(wrong):
        raise error(f"{len(wrong):,} of {len(numbers):,} alternatives of {name} have a level that there is not\n  for example "
                    f"alternative {examples((wrong + 1).tolist())}\n  expected 1 to {attributes.n_levels}, or 0 throughout for "
                    "none\n  give the attributes of this study")  # fmt: skip
    levels = numbers - 1
    if isinstance(things, Profiles):
        profiles = things
    else:
        _, first = np.unique(levels, axis=0, return_index=True)
        profiles = Profiles(attributes=attributes, levels=levels[np.sort(first)].astype(np.int32))
    by_levels = {tuple(row): i for row, i in zip(profiles.levels.tolist(), profiles.ids, strict=True)}
    ids = np.array([by_levels.get(tuple(row), "") for row in levels.tolist()], dtype=object)
    unknown = np.flatnonzero(ids == "")
    if len(unknown):
        raise error(f"{len(unknown):,} of {len(numbers):,} alternatives of {name} are profiles that the design does not have\n"
                    f"  for example levels {examples([tuple(numbers[i].tolist()) for i in unknown])}\n"
                    "  expected profiles of the design\n  give the design that these answers were collected with: "
                    "design=")  # fmt: skip
    return ids, profiles
