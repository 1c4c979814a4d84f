"""The step from Choices to the flat tasks that the kernels read, and the checks that come before any long work."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.tasks import KINDS, Tasks, flatten
from cvmstats.data.choices import Choices
from cvmstats.errors import ChoicesError, examples


def to_tasks(choices: Choices, *, form: str = "sequential") -> Tasks:
    """Flat tasks of the blocks that serve estimation (all but ``holdout``), best-worst tasks in this form.

    Raises
    ------
    ChoicesError
        For kinds of tasks without a likelihood, ties, nobody who answered, or an item never shown.
    """
    design = choices.design
    try:
        tasks = flatten(design.shown, choices.version, choices.place, design.kind, len(design.objects), design.estimated,
                        form)  # fmt: skip
    except ValueError as error:
        raise ChoicesError(f"{error}\n  expected {', '.join(KINDS)}, each object with a place of its own") from error
    if not len(tasks.best):
        raise ChoicesError("no task has an answer\n  expected at least one best or worst per person")
    seen = np.bincount(tasks.objects, minlength=tasks.n_objects)
    never = [design.objects.labels[j] for j in np.flatnonzero(seen == 0)]
    if never and _unidentified(np.asarray(design.coding)[seen > 0]):
        raise ChoicesError(f"{len(never)} items stand in no answered task\n  for example {examples(never)}\n"
                           "  leave them out of the design, or their utilities are the prior's")  # fmt: skip
    return tasks


def _unidentified(coding: np.ndarray) -> bool:
    """Whether objects with these rows leave a parameter open; of profiles some may be missing, where their levels are not."""
    return bool(np.linalg.matrix_rank(coding - coding.mean(axis=0)) < coding.shape[1])
