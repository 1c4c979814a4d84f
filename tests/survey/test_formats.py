"""Every format: out and in again with its items and design, exactly; and what each cannot hold."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.survey import read_choices, read_design, write_choices, write_design
from cvmstats.survey.amounts import AMOUNTS
from cvmstats.survey.formats import FORMATS

ANSWERS = [name for name, form in FORMATS.items() if form.write is not None]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=6)
NASTY = ["007", "1", "a,b", 'say "hi"', "two\nlines", "x;y|z\tq", " é", "日本", "0", "-1", "#", "'", "=1+1", "1.0", "NA ",
         "Best"]  # fmt: skip
"""Leading zeros, delimiters, quotes, line breaks, other scripts, numbers."""


@st.composite
def studies(draw: st.DrawFn, name: str) -> Choices:
    """Answers that a format can hold: ragged sets, tasks unanswered or answered in part, texts of all kinds."""
    carries = FORMATS[name].carries
    texts = st.one_of(st.sampled_from(NASTY), TEXTS).filter(lambda t: t.strip() != "" and t.strip() not in ("NA", "NaN", "nan"))
    if name == "spss":
        texts = texts.map(lambda t: t.strip()).filter(lambda t: t != "" and len(t.encode()) < 100)
    labels = draw(st.lists(texts, min_size=3, max_size=6, unique=True))
    n, n_versions, n_tasks = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ids = [str(i + 1) for i in range(n)] if carries.ids != "any" else draw(st.lists(texts, min_size=n, max_size=n, unique=True))
    kind = draw(st.sampled_from(carries.kinds))
    asked = rng.random((n_versions, n_tasks)) < 0.8
    asked[:, 0] = True
    if carries.tasks == "order":
        asked[:] = True
    shown = np.full((n_versions, n_tasks, len(labels)), -1)
    for v, t in np.argwhere(asked):
        size = 2 if kind in ("pair", "graded") else rng.integers(2, len(labels) + 1)
        shown[v, t, :size] = rng.permutation(len(labels))[:size]
    sets = np.sort(shown, axis=2).reshape(n_versions, -1)
    if not carries.versions and len(np.unique(sets, axis=0)) < n_versions:
        shown, n_versions = shown[:1], 1
    items = Items(table=pd.DataFrame({"id": [f"i{j:02d}" for j in range(len(labels))], "label": labels}))
    if any(label in items.ids for label in labels):
        items = Items.from_labels(labels)
    tasks = None if carries.tasks != "any" or draw(st.booleans()) else tuple(str(3 * t + 2) for t in range(n_tasks))
    versions = tuple(draw(st.sampled_from([["1", "2", "3"], ["01", "b,", "é\n\""]]))[:n_versions])
    if name == "spss":
        versions = None
    grades = draw(st.sampled_from([(), ((0, "="), (1, "+"), (2, "++"))])) if kind == "graded" else ()
    design = Design(objects=items, shown=shown, kind=kind, task_ids=tasks, version_ids=versions, grades=grades)
    version = rng.integers(0, n_versions, n)
    place = np.where(shown[version] >= 0, 0, NO_ANSWER)
    displayed = shown[version].copy()
    for r in range(n):
        for t in range(n_tasks):
            size = int((shown[version[r], t] >= 0).sum())
            displayed[r, t, :size] = rng.permutation(displayed[r, t, :size])
            if size == 0 or (rng.random() < 0.3 and (r, t) != (0, 0)):
                continue
            best, worst = rng.permutation(size)[:2]
            sides = rng.choice([0, 0, 1, 2]) if kind == "best_worst" else 2 if kind == "worst" else 1
            place[r, t, best] = 1 if sides in (0, 1) else place[r, t, best]
            place[r, t, worst] = -1 if sides in (0, 2) else place[r, t, worst]
            if kind == "rank":
                place[r, t, :size] = rng.permutation(np.maximum(np.arange(size) - rng.integers(0, size) + 1, 0))
            if kind in ("pair", "graded") and carries.ties and rng.random() < 0.3:
                place[r, t, :2] = 1
    amounts: dict[str, np.ndarray] = {}
    if kind == "graded":
        amounts["strength"] = np.where((place == 1).sum(axis=2) == 1, rng.integers(1, 3, (n, n_tasks)), np.nan)
    if "count" in carries.amounts and rng.random() < 0.5:
        amounts["count"] = np.where(asked[version], rng.integers(0, 9, (n, n_tasks)) / 2, 1)
    if "seconds" in carries.amounts and name == "long" and rng.random() < 0.5:
        amounts["seconds"] = np.where(asked[version] & (rng.random((n, n_tasks)) < 0.8), rng.gamma(2, 9, (n, n_tasks)), np.nan)
    return Choices(design=design, respondents=Respondents.from_ids(ids), version=version, place=place, **amounts,
                   displayed=displayed if carries.displayed and rng.random() < 0.5 else None)  # fmt: skip


def picks_of(name: str) -> str | None:
    return {"wide": "names", "support_bws": "positions", "sawtooth": "numbers", "spss": "names"}.get(name)


def assert_same(first: Choices, second: Choices) -> None:
    assert second.respondents.ids == first.respondents.ids
    assert np.array_equal(second.place, first.place)
    assert second.design.fingerprint == first.design.fingerprint
    assert second.design.task_ids == first.design.task_ids
    shown = first.design.shown
    assert np.array_equal(np.sort(shown[second.version], axis=2), np.sort(shown[first.version], axis=2))
    if FORMATS[first.source].carries.versions:
        assert np.array_equal(second.version, first.version)
    for amount in AMOUNTS:
        mine, theirs = getattr(first, amount), getattr(second, amount)
        assert (mine is None) == (theirs is None)
        assert mine is None or np.array_equal(mine, theirs, equal_nan=True)
    if first.displayed is not None:
        seen = first.design.shown[first.version] if second.displayed is None else second.displayed
        assert np.array_equal(seen, first.displayed)


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_come_back_as_they_were(name: str) -> None:
    form = FORMATS[name]

    @settings(max_examples=25, deadline=None)
    @given(studies(name), st.sampled_from([e for e in form.endings if e != ".pq"]))
    def check(choices: Choices, ending: str) -> None:
        choices = replace(choices, source=name)
        with tempfile.TemporaryDirectory() as folder:
            path = write_choices(choices, Path(folder) / f"answers{ending}", format=name)
            again = read_choices(path, format=name, design=choices.design, picks=picks_of(name), best_code=1)
            assert form.name in again.source
            assert_same(choices, again)

    check()


@pytest.mark.parametrize("name", [n for n, f in FORMATS.items() if f.write_design is not None and n != "case_2"])
def test_designs_come_back_as_they_were(name: str) -> None:
    form = FORMATS[name]

    @settings(max_examples=25, deadline=None)
    @given(studies("long"), st.sampled_from([e for e in form.endings if e != ".pq"]))
    def check(choices: Choices, ending: str) -> None:
        design = replace(choices.design, grades=())
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            path = write_design(design, Path(folder) / f"design{ending}", format=name)
            again = read_design(path, design.objects, str(np.asarray(design.kind)[0, 0]))
            assert again.version_ids == design.version_ids
            assert [t for t in design.task_ids if t in again.task_ids] == list(again.task_ids)
            kept = [design.task_ids.index(t) for t in again.task_ids]  # a task that no version asks has no row
            width = again.shown.shape[2]
            assert np.array_equal(again.shown, design.shown[:, kept, :width])
            assert (design.shown[:, :, width:] < 0).all()

    check()
