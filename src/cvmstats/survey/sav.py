"""SPSS .sav files in, through pyreadstat (the extra ``spss``)."""

from __future__ import annotations

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
                        f"{examples(sorted({t for t in texts if texts.count(t) > 1}))}\n  expected a label of its own for each")  # fmt: skip
        if column in table:
            values = table[column].astype(object)
            table[column] = values.map(lambda v, labels=labels: labels.get(v, v))
    return table
