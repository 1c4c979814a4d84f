"""SPSS .sav files out, value labels the items; reading them needs nothing but :mod:`cvmstats.survey.sav`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.formats.base import PICKED, Carries, Format, never, picked
from cvmstats.survey.sav import pyreadstat_for


def _write(choices: Choices) -> bytes:
    design = choices.design
    objects = design.objects
    texts = [*objects.labels, *choices.respondents.ids, *(design.version_ids or ())]
    wrong = [t for t in texts if t != t.rstrip(" ") or t == "" or "\x00" in t]
    long = [t for t in objects.labels if len(t.encode()) > 120]
    tasks = [t for t in design.task_ids or () if not t.isalnum() or not t.isascii()]
    if wrong or long or tasks:
        lost = [f"{len(found)} {what}" for found, what in (
            (wrong, "texts that are empty or end in a blank"), (long, "labels of more than 120 bytes"),
            (tasks, "names of tasks with marks or blanks")) if found]  # fmt: skip
        raise ChoicesError(f"the format 'spss' cannot hold {', '.join(lost)}\n  for example "
                           f"{examples([*wrong, *long, *tasks])}\n"
                           "  expected texts that SPSS keeps as they are\n  keep them with cvmstats.save(choices, "
                           "path)")  # fmt: skip
    labels = {float(i + 1): label for i, label in enumerate(objects.labels)}
    columns: dict[str, Any] = {"respondent": np.array(choices.respondents.ids, dtype=object),
                               "version": np.array(design.version_ids, dtype=object)[choices.version]}  # fmt: skip
    coded = {}
    for t, task in enumerate(design.task_ids or ()):
        for side, sign in (("best", 1), ("worst", -1)):
            item = picked(choices, sign)[0][:, t]
            columns[f"{side}_{task}"] = np.where(item >= 0, item + 1.0, np.nan)
            coded[f"{side}_{task}"] = labels
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.sav"
        pyreadstat_for(ChoicesError).write_sav(pd.DataFrame(columns), str(path), variable_value_labels=coded)
        return path.read_bytes()


SPSS = Format(
    name="spss", what="SPSS .sav, through pyreadstat", layout="wide or long, value labels = items", detect=never, write=_write,
    endings=(".sav",), carries=Carries(kinds=(*PICKED, "pair"), labels=True),
    remark="read as long or wide, values by their labels; needs the extra spss",
)  # fmt: skip
