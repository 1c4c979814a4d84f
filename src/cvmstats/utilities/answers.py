"""The step from Choices to the flat tasks that the kernels read, and the checks that come before any long work."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.tasks import Tasks, flatten
from cvmstats.data.choices import Choices
from cvmstats.errors import ChoicesError, examples

FORMS = ("sequential",)


def to_tasks(choices: Choices, *, form: str = "sequential") -> Tasks:
    """Flat tasks of the blocks that serve estimation (all but ``holdout``).

    Raises
    ------
    ChoicesError
        For an unknown form, kinds of tasks without a likelihood, nobody who answered, or an item never shown.
    """
    if form not in FORMS:
        raise ChoicesError(f"unknown form {form!r} of best-worst tasks\n  expected one of {', '.join(FORMS)}")
    design = choices.design
    use = np.array([name != "holdout" for name in design.block or ()])
    try:
        tasks = flatten(design.shown, choices.version, choices.place, design.kind, len(design.objects), use)
    except ValueError as error:
        raise ChoicesError(f"{error}\n  expected kinds best_worst, best, worst") from error
    if not len(tasks.best):
        raise ChoicesError("no task has an answer\n  expected at least one best or worst per person")
    seen = np.bincount(tasks.objects, minlength=tasks.n_objects)
    never = [design.objects.labels[j] for j in np.flatnonzero(seen == 0)]
    if never:
        raise ChoicesError(f"{len(never)} items stand in no answered task\n  for example {examples(never)}\n"
                           "  leave them out of the design, or their utilities are the prior's")  # fmt: skip
    return tasks
