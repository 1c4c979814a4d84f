"""Answers of another wave in the parameters of this one: items mapped by id, levels of attributes by name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.coding import sum_to_zero_basis
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, MappedWarning, examples

Ints = npt.NDArray[np.int64]
NewItems = Literal["refuse", "leave_out"]


class Mapped(NamedTuple):
    """Answers in the coding of another design, and what is in one of the two only."""

    choices: Choices
    added: tuple[str, ...]
    dropped: tuple[str, ...]


def map_choices(choices: Choices, design: Design, *, new_items: NewItems = "refuse", form: str = "sequential",
                stacklevel: int = 2) -> Mapped:  # fmt: skip
    """Answers as if they had been asked with the objects and the coding of ``design``.

    An object that ``design`` does not know has no parameter. It can be left out of its sets: for logits what was picked from
    the others is then read as picked from these alone, whose probabilities do not depend on what else was shown, and a pick of
    the object itself says nothing of the others. The second pick of such a task stays a pick of its own.

    Parameters
    ----------
    choices : Choices
        About any objects, some of which ``design`` knows by id (levels of attributes: by name).
    design : Design
        Whose parameters are wanted.
    new_items : {"refuse", "leave_out"}
        What to do about objects that ``design`` does not know.
    form : str
        Likelihood of best-worst tasks: what a lonely worst means in it.

    Returns
    -------
    Mapped
        The choices themselves where nothing is to be mapped.

    Raises
    ------
    ChoicesError
        Objects that ``design`` does not know, or nothing but these; profiles of other attributes.

    Warns
    -----
    MappedWarning
        Names what was added and what was dropped.
    """
    own = choices.design
    if own.objects_fingerprint == design.objects_fingerprint or _same_parameters(own, design):
        return Mapped(choices, (), ())
    objects: Items | Profiles
    if isinstance(own.objects, Profiles) and isinstance(design.objects, Profiles):
        objects, place, added, dropped = _match_profiles(own.objects, design.objects)
        noun, coding = "levels", objects.coded().coding if len(objects) else np.asarray(design.coding)
    else:
        objects, place = design.objects, _places(own.objects.ids, design.objects.ids)
        added = tuple(x for x, j in zip(own.objects.labels, place, strict=True) if j < 0)
        here = set(own.objects.ids)
        dropped = tuple(x for i, x in zip(design.objects.ids, design.objects.labels, strict=True)
                        if i not in here and x in (design.report_labels or ()))  # fmt: skip
        noun, coding = "items", np.asarray(design.coding)
    if (place < 0).all():
        raise ChoicesError(f"the new answers are about none of the {len(design.objects)} {design.noun} of the fit\n"
                           f"  for example {examples(added)}\n  expected some of {examples(design.objects.ids)}")  # fmt: skip
    if added and new_items != "leave_out":
        raise ChoicesError(f"the fit does not know {len(added)} of the {noun} that were asked: {examples(added)}\n"
                           "  it has no population to take their utilities from\n"
                           '  leave them out of their sets with new_items="leave_out", or fit both waves together')  # fmt: skip
    if added or dropped:
        said = [f"added, left out of their sets: {examples(added)}"] * bool(added)
        said += [f"dropped, their utilities follow from the others and the population: {examples(dropped)}"] * bool(dropped)
        warnings.warn(MappedWarning(f"{noun} of the new answers were mapped by {'name' if noun == 'levels' else 'id'}\n  "
                                    + "\n  ".join(said), added, dropped), stacklevel=stacklevel + 1)  # fmt: skip
    draft = replace(design, objects=objects, coding=coding, shown=np.array([[[0, 1]]]), kind="pair", dual=None,
                    block=None, task_ids=None, version_ids=None) if len(objects) > 1 else design  # fmt: skip
    return Mapped(_retell(choices, draft, place, form), added, dropped)


def _same_parameters(one: Design, other: Design) -> bool:
    """Whether objects differ, but parameters with names of their own are the same."""
    named = not np.array_equal(np.asarray(one.report), np.asarray(one.coding))
    usual = len(one.objects) - 1 == np.asarray(one.coding).shape[1] and isinstance(one.objects, Items) and np.allclose(
        np.asarray(one.coding), sum_to_zero_basis(len(one.objects)))  # fmt: skip
    return (named and not usual and one.report_labels == other.report_labels and one.parameter_block == other.parameter_block
            and np.array_equal(np.round(np.asarray(one.report), 12), np.round(np.asarray(other.report), 12)))  # fmt: skip


def _places(ids: Sequence[str], known: Sequence[str]) -> Ints:
    """Index of each id among the known, -1 where it is not there."""
    row = {v: j for j, v in enumerate(known)}
    return np.array([row.get(v, -1) for v in ids], np.int64)


def _match_profiles(own: Profiles, known: Profiles) -> tuple[Profiles, Ints, tuple[str, ...], tuple[str, ...]]:
    """The profiles in the attributes of the others, which they are (-1: of a level not known), levels added and dropped."""
    mine, theirs = own.attributes, known.attributes
    _check_attributes(mine, theirs)
    levels = np.full(own.levels.shape, -1, np.int64)
    added, dropped = [], []
    for a, name in enumerate(theirs.names):
        b = mine.names.index(name)
        place = _places(mine.levels[b], theirs.levels[a])
        added += [f"{name}: {v}" for v, j in zip(mine.levels[b], place, strict=True) if j < 0]
        dropped += [f"{name}: {v}" for v in theirs.levels[a] if v not in mine.levels[b]]
        levels[:, a] = np.append(place, -1)[own.levels[:, b]]
    none = np.arange(len(own)) == (-1 if own.none is None else own.none)
    usable = (levels >= 0).all(axis=1) | (none & (known.none is not None))
    if own.none is not None and known.none is None:
        added.append(own.none_label)
    kept = np.flatnonzero(usable)
    rows = [levels[kept]]
    ids = [own.ids[j] for j in kept]
    if known.none is not None and not (none & usable).any():  # its parameter is there, whether it is shown or not
        rows.append(np.full((1, levels.shape[1]), -1))
        ids.append("none of the fit")
    index = np.full(len(own), -1, np.int64)
    index[kept] = np.arange(len(kept))
    matched = Profiles(attributes=theirs, levels=np.concatenate(rows), ids=tuple(ids), none_label=known.none_label)
    return matched, index, tuple(added), tuple(dropped)


def _check_attributes(mine: Attributes, theirs: Attributes) -> None:
    odd = set(mine.names) ^ set(theirs.names)
    if odd:
        raise ChoicesError(f"profiles of the new answers have other attributes than the fit: {examples(sorted(odd))} in one of "
                           "them only\n  expected the same attributes; their levels may differ")  # fmt: skip


def _retell(choices: Choices, design: Design, place: Ints, form: str) -> Choices:
    """The answers with objects counted as ``place`` says; what has no place leaves its sets."""
    own = choices.design
    shown = np.append(place, -1)[own.shown]
    displayed = choices.displayed
    if displayed is not None:
        displayed = np.asarray(np.append(place, -1)[displayed], np.int32)
    if (place >= 0).all():
        return replace(choices, design=_asked(design, own, shown, np.asarray(own.kind)), displayed=displayed)
    which = choices.version
    seen, marks, kinds = shown[which], choices.place.copy(), np.asarray(own.kind)[which].copy()
    out = (own.shown[which] >= 0) & (seen < 0)
    best, worst = (out & (marks == 1)).any(axis=2), (out & (marks == -1)).any(axis=2)
    both = kinds == "best_worst"
    alone = "worst" if form != "rank_unordered_middle" else "best_worst"  # there the worst is the last of what is left
    kinds[both & best], kinds[both & worst] = alone, "best"
    marks[out] = NO_ANSWER
    small = (seen >= 0).sum(axis=2) < 2
    seen[small], marks[small] = -1, NO_ANSWER
    if not (seen >= 0).any():
        raise ChoicesError("no set shows two objects that the fit knows: nothing can be read from the new answers\n"
                           "  fit both waves together")  # fmt: skip
    if displayed is not None:  # in the order in which they were seen, without those that leave
        front = np.argsort(displayed < 0, axis=2, kind="stable")
        displayed = np.where(small[..., None], -1, np.take_along_axis(displayed, front, axis=2))
    asked = _asked(design, own, seen, kinds, np.asarray(own.dual)[which], choices.respondents.ids)
    return replace(choices, design=asked, version=np.arange(choices.n_respondents, dtype=np.int32), place=marks,
                   displayed=displayed)  # fmt: skip


def _asked(design: Design, own: Design, shown: Ints, kind: npt.NDArray[np.object_],
           dual: npt.NDArray[np.bool_] | None = None, version_ids: tuple[str, ...] | None = None) -> Design:  # fmt: skip
    return replace(design, shown=np.asarray(shown, np.int32), kind=kind, dual=own.dual if dual is None else dual,
                   block=own.block, task_ids=own.task_ids, version_ids=own.version_ids if version_ids is None else version_ids,
                   grades=own.grades, adaptive=own.adaptive, source=own.source)  # fmt: skip
