"""Names of likelihoods, and what answers are read for beside utilities: ties, grades, places in a pair, error scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cvmstats.data.design import Design
from cvmstats.errors import ChoicesError, examples

if TYPE_CHECKING:
    from cvmstats.data.choices import Choices

FORMS = {
    "best_worst": ("sequential", "maxdiff", "marginal", "rank_unordered_middle"), "best": ("logit",), "worst": ("logit",),
    "rank": ("exploded",), "pair": ("bradley_terry", "davidson"), "graded": ("adjacent",),
}  # fmt: skip
"""Forms of each kind of task, the default first."""
DUAL = "dual"
"""Name of the error scale of second questions about an anchor or a none option."""
Form = str | Mapping[str, str]
ErrorScale = bool | Sequence[str] | None


def form_of(form: Form, kind: str) -> str:
    """The form of one kind of task, from a name (of best-worst tasks) or a mapping {kind: form}.

    Raises
    ------
    ChoicesError
        For an unknown kind or form.

    Examples
    --------
    >>> form_of({"best_worst": "maxdiff", "pair": "davidson"}, "pair")
    'davidson'
    """
    given = {"best_worst": form} if isinstance(form, str) else dict(form)
    for name, value in given.items():
        if name not in FORMS:
            raise ChoicesError(f"unknown kind of task {name!r} in form\n  expected one of {', '.join(FORMS)}")
        if value not in FORMS[name]:
            raise ChoicesError(f"unknown form {value!r} of {name.replace('_', '-')} tasks\n"
                               f"  expected one of {', '.join(FORMS[name])}")  # fmt: skip
    return given.get(kind, FORMS[kind][0])


def best_worst_form(form: Form) -> str:
    """The form of best-worst tasks."""
    return form_of(form, "best_worst")


def forms_of(design: Design, form: Form) -> str:
    """The forms of the tasks that serve estimation, as one name.

    Raises
    ------
    ChoicesError
        For an unknown form.
    """
    asked = (design.shown >= 0).any(axis=2) & design.estimated
    kinds = sorted({str(k) for k in np.asarray(design.kind)[asked]})
    return ", ".join(dict.fromkeys(form_of(form, k) for k in kinds)) or best_worst_form(form)


def reading_of(choices: Choices, form: Form = "sequential", *, position: bool = False,
               error_scale: ErrorScale = None) -> dict[str, Any]:  # fmt: skip
    """What flattening is to make of these answers, as arguments of the cellar's ``Reading``.

    Parameters
    ----------
    position : bool
        Whether what stands first in a pair has an advantage.
    error_scale : bool or sequence of str, optional
        Which blocks of the design (``dual`` for second questions) have an error scale of their own. By default second
        questions, and blocks that ask another kind of question than the first one about parameters that they share with it;
        False for none.

    Raises
    ------
    ChoicesError
        For a block that is not there, that is the reference, or shares no parameter with the others.
    """
    design = choices.design
    blocks = list(dict.fromkeys(b for b, use in zip(design.block or (), design.estimated, strict=True) if use))
    asked = (design.shown >= 0).any(axis=2) & design.estimated
    dual = bool((np.asarray(design.dual) & asked).any())
    if dual:
        require_anchor(design)
    if error_scale is None or error_scale is True:
        names = [b for b in blocks[1:] if _kinds(design, b) != _kinds(design, blocks[0]) and _shared(design, b, blocks)]
        names += [DUAL] * dual
    else:
        names = list(error_scale or ())
        strange = [b for b in names if b not in [*blocks[1:], *[DUAL] * dual]]
        if strange:
            raise ChoicesError(f"no block {strange[0]!r} that could have an error scale beside that of {blocks[0]!r}\n"
                               f"  expected some of {', '.join([*blocks[1:], *[DUAL] * dual]) or 'none'}")  # fmt: skip
        alone = [b for b in names if b != DUAL and not _shared(design, b, blocks)]
        if alone:
            raise ChoicesError(f"block {alone[0]!r} shares no parameter with the others: nothing tells its error scale\n"
                               f"  leave it out of error_scale")  # fmt: skip
    number = {name: n + 1 for n, name in enumerate(names)}
    return {
        "ties": form_of(form, "pair") == "davidson", "position": bool(position), "grades": _points(choices, asked),
        "scale": [number.get(b, 0) for b in design.block or ()], "dual_scale": number.get(DUAL, 0), "names": tuple(names),
    }  # fmt: skip


def require_anchor(design: Design) -> None:
    """Refuse second questions about nothing.

    Raises
    ------
    ChoicesError
        Where a task with a second question shows no object whose row of the coding is zero.
    """
    zero = np.append(~np.asarray(design.coding).any(axis=1), False)
    absent = np.argwhere(np.asarray(design.dual) & (design.shown >= 0).any(axis=2) & ~zero[design.shown].any(axis=2))
    if len(absent):
        where = [f"version {(design.version_ids or ())[v]} task {(design.task_ids or ())[t]}" for v, t in absent]
        raise ChoicesError(f"{len(absent):,} tasks have a second question (Design.dual), and show no anchor to ask about\n"
                           f"  for example {examples(where)}\n"
                           "  expected an object whose row of the coding is zero: an anchor or a none option")  # fmt: skip


def given_of(choices: Choices) -> dict[str, Any]:
    """Further answers, as arguments of the cellar's ``Given``."""
    design = choices.design
    dual = np.asarray(design.dual)
    result: dict[str, Any] = {"strength": choices.strength, "times": choices.count}
    if dual.any():
        result |= {"dual": dual, "anchor": ~np.asarray(design.coding).any(axis=1)}
    if choices.displayed is not None:
        result["first"] = choices.displayed[:, :, 0]
    return result


def _points(choices: Choices, asked: np.ndarray) -> tuple[float, ...]:
    """Points of graded answers: those of the design, or those that were given."""
    graded = (np.asarray(choices.design.kind) == "graded") & asked
    if not graded.any():
        return ()
    if choices.design.grades:
        return tuple(sorted(float(p) for p, _ in choices.design.grades))
    if choices.strength is None:
        raise ChoicesError("graded answers without strength\n  expected Choices.strength, by how much each pair was decided")
    use = graded[choices.version] & choices.answered
    return tuple(float(p) for p in np.unique(choices.strength[use]))


def _columns(design: Design, block: str) -> np.ndarray:
    """Parameters on which the answers of a block depend (K)."""
    tasks = np.array([b == block for b in design.block or ()])
    shown = design.shown[:, tasks]
    objects = np.unique(shown[shown >= 0])
    return np.asarray(np.ptp(np.asarray(design.coding)[objects], axis=0) > 1e-12)


def _shared(design: Design, block: str, blocks: Sequence[str]) -> bool:
    others = np.any([_columns(design, b) for b in blocks if b != block], axis=0) if len(blocks) > 1 else np.zeros(1, bool)
    return bool((_columns(design, block) & others).any())


def _kinds(design: Design, block: str) -> set[str]:
    tasks = np.array([b == block for b in design.block or ()])
    kinds, asked = np.asarray(design.kind)[:, tasks], (design.shown[:, tasks] >= 0).any(axis=2)
    return {str(k) for k in kinds[asked]}
