"""The step from Choices to the flat tasks that the kernels read, and the checks that come before any long work."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.coded import Coded
from cvmstats._numerics.tasks import Given, Reading, Tasks, flatten, select
from cvmstats.data.choices import Choices
from cvmstats.data.forms import ErrorScale, Form, best_worst_form, given_of, reading_of
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, examples


def to_tasks(choices: Choices, *, form: Form = "sequential", position: bool = False,
             error_scale: ErrorScale = None) -> Tasks:  # fmt: skip
    """Flat tasks of the blocks that serve estimation (all but ``holdout``).

    Raises
    ------
    ChoicesError
        For answers without a likelihood, nobody who answered, or an item never shown.
    """
    design = choices.design
    reading = Reading(**reading_of(choices, form, position=position, error_scale=error_scale))
    try:
        tasks = flatten(design.shown, choices.version, choices.place, design.kind, len(design.objects), design.estimated,
                        best_worst_form(form), reading=reading, given=Given(**given_of(choices)))  # fmt: skip
    except ValueError as error:
        raise ChoicesError(str(error)) from error
    if not len(tasks.best):
        raise ChoicesError("no task has an answer\n  expected at least one best or worst per person")
    coding = np.asarray(design.coding)
    parts = tasks.alternatives
    seen = np.zeros(len(coding), bool)
    if parts is None:
        seen[np.unique(tasks.objects)] = True
    else:
        seen[parts.first[parts.plus > 0]] = True
        seen[parts.second[parts.minus > 0]] = True
    if not seen.all() and _unidentified(coding[seen]):
        labels = design.objects.labels
        never = [labels[j] for j in np.flatnonzero(~seen)]
        raise ChoicesError(f"{len(never)} items stand in no answered task\n  for example {examples(never)}\n"
                           "  leave them out of the design, or their utilities are the prior's")  # fmt: skip
    return tasks


def repeat_people(coded: Coded, respondents: Respondents) -> tuple[Coded, npt.NDArray[np.int64] | None]:
    """Each person as often as the frequency weight says, and the row of each copy; None where all weights are 1."""
    if respondents.weight_kind != "frequency" or (respondents.weight == 1).all():
        return coded, None
    tasks = coded.tasks
    row = np.repeat(np.arange(tasks.n_people), respondents.weight.astype(np.int64))
    n = np.diff(tasks.person)[row]
    which = np.concatenate([np.arange(tasks.person[i], tasks.person[i + 1]) for i in row])
    repeated = select(tasks, which)._replace(person=np.concatenate([[0], np.cumsum(n)]).astype(np.int64))
    return coded._replace(tasks=repeated), row


def _unidentified(coding: np.ndarray) -> bool:
    """Whether objects with these rows leave a parameter open; of profiles some may be missing, where their levels are not."""
    return bool(np.linalg.matrix_rank(coding - coding.mean(axis=0)) < coding.shape[1])
