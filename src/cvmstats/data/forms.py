"""Names of likelihoods: one for each kind of task, and a choice of three for best-worst tasks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvmstats.data.design import Design
from cvmstats.errors import ChoicesError, examples

FORMS = {
    "best_worst": ("sequential", "maxdiff", "marginal"), "best": ("logit",), "worst": ("logit",), "rank": ("exploded",),
    "pair": ("bradley_terry",),
}  # fmt: skip
"""Forms of each kind of task, the default first."""


def best_worst_form(form: str | Mapping[str, str]) -> str:
    """The form of best-worst tasks, from a name or a mapping {kind: form}.

    Raises
    ------
    ChoicesError
        For an unknown kind or form.

    Examples
    --------
    >>> best_worst_form({"best_worst": "maxdiff", "pair": "bradley_terry"})
    'maxdiff'
    """
    given = {"best_worst": form} if isinstance(form, str) else dict(form)
    for kind, name in given.items():
        if kind not in FORMS:
            raise ChoicesError(f"unknown kind of task {kind!r} in form\n  expected one of {', '.join(FORMS)}")
        if name not in FORMS[kind]:
            raise ChoicesError(f"unknown form {name!r} of {kind.replace('_', '-')} tasks\n"
                               f"  expected one of {', '.join(FORMS[kind])}")  # fmt: skip
    return given.get("best_worst", FORMS["best_worst"][0])


def forms_of(design: Design, form: str) -> str:
    """The forms of the tasks that serve estimation, as one name; ``form`` is that of best-worst tasks.

    Raises
    ------
    ChoicesError
        For kinds of tasks without a likelihood, and second questions about an anchor.
    """
    asked = (design.shown >= 0).any(axis=2) & design.estimated
    if (np.asarray(design.dual) & asked).any():
        raise ChoicesError("no likelihood here for second questions about an anchor or a none option (Design.dual)\n"
                           "  fit the answers to the other tasks, or ask the anchor directly")  # fmt: skip
    kinds = sorted({str(k) for k in np.asarray(design.kind)[asked]})
    strange = [k for k in kinds if k not in FORMS]
    if strange:
        raise ChoicesError(f"no likelihood for tasks of kind {examples(strange)}\n  expected {', '.join(FORMS)}")
    return ", ".join(dict.fromkeys(form if k == "best_worst" else FORMS[k][0] for k in kinds)) or form
