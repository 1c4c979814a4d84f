"""Answers of several files as one: other people, other tasks, or other designs over the same objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, examples

OPTIONAL = ("strength", "count", "displayed", "seconds")


def concat_choices(*choices: Choices) -> Choices:
    """Put answers together: people under one another, blocks of tasks side by side.

    - Other people, the same design and names of versions: their answers under one another.
    - Other people, another design over the same objects (another wave, a short form): under one another, in a design that has
      the versions of all, one after the other. Tasks stand below one another where their blocks have the same names, else each
      design's tasks come after those before it and were not asked of the others.
    - Some of the same people, other tasks (blocks of a study in files of their own, hold-outs): side by side. Who is in one of
      them only was not asked the others' tasks. A version is what a person saw in all of them.

    Parameters
    ----------
    choices : Choices
        Two or more, all over the same objects.

    Raises
    ------
    ChoicesError
        Nothing to put together, or something that is no Choices; other objects, the same people twice in the same design,
        the same design with other names of its tasks; scales of graded answers, weights or what is known of people
        that contradict each other; optional arrays (seconds and so on) that some lack.
    RespondentsError
        Where somebody stands in two files of the same design.

    Examples
    --------
    >>> from cvmstats.data.items import Items
    >>> def ask(shown, block, ids):
    ...     design = Design(objects=Items.from_labels("ABC"), shown=shown, kind="best", block=(block,) * len(shown[0]))
    ...     return Choices(design=design, respondents=Respondents.from_ids(ids), version=[0] * len(ids),
    ...                    place=[[[1, 0]] * len(shown[0])] * len(ids))
    >>> first, more = ask([[[0, 1], [1, 2]]], "MaxDiff", "ab"), ask([[[0, 2]]], "holdout", "ab")
    >>> concat_choices(first, more).design.block
    ('MaxDiff', 'MaxDiff', 'holdout')
    >>> concat_choices(first, ask([[[0, 2]]], "MaxDiff", "cd")).design.n_versions
    2
    """
    if not choices:
        raise ChoicesError("no answers to put together\n  expected two or more Choices")
    other = next((c for c in choices if not isinstance(c, Choices)), None)
    if other is not None:
        raise ChoicesError(f"concat_choices got a {type(other).__name__}\n  expected Choices one after the other: "
                           "concat_choices(first, second), of a list concat_choices(*files)")  # fmt: skip
    first = choices[0].design
    strange = [i + 1 for i, c in enumerate(choices) if c.design.objects_fingerprint != first.objects_fingerprint]
    if strange or any(c.design.objects.ids != first.objects.ids for c in choices):
        raise ChoicesError("the answers are about different objects or codings\n"
                           f"  for example number {examples(strange or [2])} is not about those of number 1\n"
                           "  expected the same items (ids and order); blocks of other objects need one design before they "
                           "are asked: combine_designs")  # fmt: skip
    for name in OPTIONAL:
        if len({getattr(c, name) is None for c in choices}) > 1:
            raise ChoicesError(f"'{name}' is there for some of the answers only\n  expected it for all or none: "
                               f"dataclasses.replace(choices, {name}=None)")  # fmt: skip
    if len({(_plan(c), c.design.version_ids) for c in choices}) == 1:
        _same_tasks([c.design.task_ids or () for c in choices])
        return _stack(choices, first)
    if len({c.design.grades for c in choices if c.design.grades}) > 1:
        raise ChoicesError("the answers have different scales of graded answers\n  expected one")
    together = {v for c in choices for v in c.respondents.ids}
    if len(together) == sum(c.n_respondents for c in choices):
        return _below(choices)
    _answered_once(choices)
    return _beside(choices)


def _plan(choices: Choices) -> tuple[str, tuple[str, ...] | None]:
    """What was asked: the sets, and of which part of a survey they are."""
    return choices.design.fingerprint, choices.design.block


def _same_tasks(names: Sequence[tuple[str, ...]]) -> None:
    """Refuse one design whose tasks have other names in some files."""
    other = [f"{a} and {b}" for more in names for a, b in zip(names[0], more, strict=True) if a != b]
    if other:
        raise ChoicesError("the answers have the same design, and its tasks other names\n"
                           f"  for example {examples(other)}\n  expected one design for all: "
                           "dataclasses.replace(choices, design=first.design)")  # fmt: skip


def _answered_once(choices: Sequence[Choices]) -> None:
    """Refuse people who stand twice in the same design."""
    seen: dict[tuple[Any, str], int] = {}
    twice = []
    for i, c in enumerate(choices):
        for v in c.respondents.ids:
            before = seen.setdefault((_plan(c), v), i)
            if before != i:
                twice.append(f"{v} in numbers {before + 1} and {i + 1}")
    if twice:
        raise ChoicesError(f"{len(twice):,} times a respondent answers the same design twice\n  for example {examples(twice)}\n"
                           "  expected each person once per design: was a file given twice?")  # fmt: skip


def _weight_kind(choices: Sequence[Choices]) -> Any:
    """What the weights of all of them mean."""
    kinds = list(dict.fromkeys(c.respondents.weight_kind for c in choices))
    if len(kinds) > 1:
        raise ChoicesError(f"weights of different kinds: {' and '.join(str(k or 'none') for k in kinds)}\n"
                           "  expected one kind, or no weights, in all of them; rake() gives weights to people put "
                           "together, and c.with_respondents(...) takes them away")  # fmt: skip
    return kinds[0] if kinds else None


def _stack(choices: Sequence[Choices], design: Design, parts: dict[str, Any] | None = None) -> Choices:
    """People under one another; ``parts`` are their arrays where they are not those of ``choices``."""
    kind = _weight_kind(choices)
    tables = pd.concat([c.respondents.table for c in choices], ignore_index=True)
    arrays = parts or {n: np.concatenate([getattr(c, n) for c in choices]) for n in ("version", "place", *OPTIONAL)
                       if getattr(choices[0], n) is not None}  # fmt: skip
    return Choices(design=design, respondents=Respondents(table=tables, weight_kind=kind), source=_source(choices),
                   left_out=_left_out(choices), **arrays)  # fmt: skip


def _source(choices: Sequence[Choices]) -> str:
    return "; ".join(dict.fromkeys(c.source for c in choices if c.source))


def _left_out(choices: Sequence[Choices]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(pair for c in choices for pair in c.left_out))


def _pad(array: npt.NDArray[Any], before: int, shape: tuple[int, ...], fill: Any) -> npt.NDArray[Any]:
    """An array (n, T, ...) in a larger one, its tasks from ``before`` on."""
    out = np.full((len(array), *shape), fill, dtype=array.dtype)
    tasks = slice(before, before + array.shape[1])
    out[(slice(None), tasks, *(slice(0, s) for s in array.shape[2:]))] = array
    return out


def _fill(name: str) -> Any:
    fills = {"place": NO_ANSWER, "shown": -1, "displayed": -1, "kind": "best_worst", "dual": False, "count": 1.0}
    return fills.get(name, np.nan)


def _floats(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(float) if name in ("strength", "seconds", "count") else array


def _below(choices: Sequence[Choices]) -> Choices:
    """Other people with other designs."""
    designs = [c.design for c in choices]
    names = [tuple(d.block or ()) for d in designs]
    longest = max(names, key=len)
    over = all(longest[: len(n)] == n for n in names)
    before = [0 if over else sum(map(len, names[:i])) for i in range(len(names))]
    block = longest if over else tuple(name for n in names for name in n)
    width = max(d.shown.shape[2] for d in designs)
    shape: dict[str, tuple[int, ...]] = {n: (len(block),) for n in ("kind", "dual", "strength", "count", "seconds")}
    shape |= {n: (len(block), width) for n in ("shown", "place", "displayed")}

    def put(name: str, arrays: list[Any]) -> npt.NDArray[Any]:
        return np.concatenate([_pad(_floats(name, np.asarray(a)), b, shape[name], _fill(name))
                               for a, b in zip(arrays, before, strict=True)])  # fmt: skip

    first = np.cumsum([0, *(d.n_versions for d in designs)])
    every = max(designs, key=lambda d: d.n_tasks)
    tasks = every.task_ids if over else _distinct([d.task_ids or () for d in designs])
    design = replace(_common(designs), shown=put("shown", [d.shown for d in designs]),
                     kind=put("kind", [d.kind for d in designs]), dual=put("dual", [d.dual for d in designs]),
                     block=block, task_ids=tasks, version_ids=_distinct([d.version_ids or () for d in designs]))  # fmt: skip
    parts: dict[str, Any] = {n: put(n, [getattr(c, n) for c in choices]) for n in ("place", *OPTIONAL)
                             if getattr(choices[0], n) is not None}  # fmt: skip
    parts["version"] = np.concatenate([np.asarray(c.version) + v for c, v in zip(choices, first[:-1], strict=True)])
    return _stack(choices, design, parts)


def _beside(choices: Sequence[Choices]) -> Choices:
    """The same people, other tasks."""
    designs = [c.design for c in choices]
    people = _people(choices)
    row = [{v: i for i, v in enumerate(c.respondents.ids)} for c in choices]
    at = np.array([[r.get(v, -1) for r in row] for v in people.ids])  # (R, files)
    seen = np.stack([np.where(at[:, i] >= 0, np.asarray(c.version)[at[:, i]], -1) for i, c in enumerate(choices)], axis=1)
    distinct, version = np.unique(seen, axis=0, return_inverse=True)
    width = max(d.shown.shape[2] for d in designs)
    total: dict[str, list[npt.NDArray[Any]]] = {}
    for i, (c, d) in enumerate(zip(choices, designs, strict=True)):
        shapes = {"kind": (d.n_tasks,), "dual": (d.n_tasks,), "shown": (d.n_tasks, width)}
        for name, form in shapes.items():
            full = np.concatenate([_pad(np.asarray(getattr(d, name)), 0, form, _fill(name)),
                                   np.full((1, *form), _fill(name), np.asarray(getattr(d, name)).dtype)])  # fmt: skip
            total.setdefault(name, []).append(full[distinct[:, i]])  # -1, the last row: not asked
        for name in ("place", *OPTIONAL):
            if (given := getattr(c, name)) is None:
                continue
            form = (d.n_tasks, width) if np.asarray(given).ndim == 3 else (d.n_tasks,)
            values = _floats(name, np.asarray(given))
            full = np.concatenate([_pad(values, 0, form, _fill(name)), np.full((1, *form), _fill(name), values.dtype)])
            total.setdefault(name, []).append(full[at[:, i]])
    joined = {name: np.concatenate(arrays, axis=1) for name, arrays in total.items()}
    names = ["+".join("-" if v < 0 else (d.version_ids or ())[v] for v, d in zip(one, designs, strict=True))
             for one in distinct]  # fmt: skip
    design = replace(_common(designs), shown=joined.pop("shown"), kind=joined.pop("kind"), dual=joined.pop("dual"),
                     block=tuple(name for d in designs for name in d.block or ()), version_ids=tuple(names),
                     task_ids=_distinct([d.task_ids or () for d in designs]))  # fmt: skip
    return Choices(design=design, respondents=people, version=version.ravel().astype(np.int32),
                   source=_source(choices), left_out=_left_out(choices), **joined)  # fmt: skip


def _common(designs: Sequence[Design]) -> Design:
    """The first design, with what concerns all of them."""
    grades = next((d.grades for d in designs if d.grades), ())
    return replace(designs[0], grades=grades, adaptive=any(d.adaptive for d in designs), block=None, task_ids=None,
                   version_ids=None, dual=None, kind="best_worst",
                   source="; ".join(dict.fromkeys(d.source for d in designs if d.source)))  # fmt: skip


def _distinct(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Names one after the other; where some stand twice, each with the number of its design before it.

    >>> _distinct([("1", "2"), ("1",)]), _distinct([("a",), ("b",)])
    (('1.1', '1.2', '2.1'), ('a', 'b'))
    """
    every = tuple(n for part in names for n in part)
    return every if len(set(every)) == len(every) else tuple(f"{i}.{n}" for i, part in enumerate(names, 1) for n in part)


def fill_column(old: pd.Series, new: pd.Series) -> tuple[pd.Series, pd.Series]:
    """What two tables know of the same people: the second fills what is empty in the first; and where both differ (R)."""
    here, there = (values.notna() & (values.astype(object) != "") for values in (old, new))
    differ = here & there & (old.astype(object) != new.astype(object))
    return old.astype(object).where(here, new.astype(object)).infer_objects(), differ


def _people(choices: Sequence[Choices]) -> Respondents:
    """All people, each once; what several files know of them must agree."""
    kind = _weight_kind([c for c in choices if "weight" in c.respondents.table])
    ids = list(dict.fromkeys(v for c in choices for v in c.respondents.ids))
    out = pd.DataFrame(index=pd.Index(ids, name="id"))
    for c in choices:
        table = c.respondents.to_frame().set_index("id").reindex(ids)
        for name in table:
            new = table[name].where(table[name].astype(object) != "")
            if name not in out:
                out[name] = new
                continue
            out[name], contrary = fill_column(out[name], new)
            differ = out.index[contrary]
            if len(differ):
                raise ChoicesError(f"{len(differ):,} people have another {name!r} in one file than in another\n"
                                   f"  for example {examples(list(differ))}\n  join what is known of them after the answers "
                                   "are put together: join_respondents")  # fmt: skip
    if "weight" in out and out["weight"].isna().any():
        none = list(out.index[out["weight"].isna()])
        raise ChoicesError(f"{len(none):,} people have no weight, the others have\n  for example {examples(none)}\n"
                           "  expected a weight for each, or none")  # fmt: skip
    return Respondents(table=out.reset_index(), weight_kind=kind)
