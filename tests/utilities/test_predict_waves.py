"""Answers of another wave or survey are read as the fit read its own."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvmstats._numerics.coded import make_coded
from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.mapping import map_choices
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.population import Response
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.design import combine_designs
from cvmstats.errors import ChoicesError, MappedWarning
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.predict import _columns, _forms, _grades, _read, predict_utilities
from cvmstats.workflows.sets import balanced_sets
from tests.known_population import CHAINS, DRAWS, LABELS, best_worst, covariance, known, offers, some


def wave(labels: str, seed: int = 5) -> Choices:
    shown = balanced_sets(len(labels), 2, 6, 3, np.random.default_rng(seed))
    design = Design(objects=Items.from_labels(labels), shown=shown)
    return simulate_choices(np.random.default_rng(seed).normal(size=(8, len(labels))), design, seed=seed)


def test_items_of_another_wave_are_mapped_by_id() -> None:
    fit = known(best_worst(), "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    with pytest.warns(MappedWarning, match="dropped, their utilities follow from the others and the population: 'e'") as said:
        found = predict_utilities(fit, wave("dcba"))
    assert said[0].message.dropped == ("e",)
    assert said[0].message.added == ()
    assert found.labels == tuple(LABELS)
    assert found.design.objects_fingerprint == fit.design.objects_fingerprint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        turned = predict_utilities(fit, wave("edcba"))  # another order is nothing to say
    plain = map_choices(wave("edcba"), fit.design).choices.to_frame()
    pd.testing.assert_frame_equal(plain, wave("edcba").to_frame())
    assert turned.mean.shape == (8, 4)


def test_an_item_that_the_fit_does_not_know_is_refused_or_left_out() -> None:
    fit = known(best_worst(), "sequential", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0])
    new = wave("abcdez")
    with pytest.raises(ChoicesError, match="does not know 1 of the items that were asked: 'z'"):
        predict_utilities(fit, new)
    with pytest.warns(MappedWarning, match="added, left out of their sets: 'z'"):
        found = predict_utilities(fit, new, new_items="leave_out")
    assert found.settings["added"] == ["z"]
    assert (found.design.shown >= 0).sum() == (new.design.shown[new.version] != 5).sum()
    with pytest.raises(ChoicesError, match="about none of the 5 items of the fit"):
        predict_utilities(fit, wave("vwxyz"))


@pytest.mark.parametrize("form", ["sequential", "maxdiff", "marginal", "rank_unordered_middle"])
def test_leaving_an_item_out_is_the_likelihood_of_the_others(form: str) -> None:
    """Best z: a lonely worst; worst z: a lonely best; z in the middle: as if it had not been there."""
    shown = np.array([[[0, 1, 2, 5], [1, 2, 5, 3], [4, 5, 0, -1]]])
    design = Design(objects=Items.from_labels("abcdez"), shown=shown)
    place = np.array([[[0, 0, -1, 1], [1, 0, -1, 0], [-1, 0, 1, NO_ANSWER]]], np.int8)
    new = Choices(design=design, respondents=Respondents.from_ids(["p"]), version=np.zeros(1, int), place=place)
    with pytest.warns(MappedWarning):
        mapped = map_choices(new, best_worst(), new_items="leave_out", form=form).choices
    kinds = np.asarray(mapped.design.kind)[0].tolist()
    assert kinds == ["worst" if form != "rank_unordered_middle" else "best_worst", "best", "best_worst"]
    expected = [[0, 0, -1, NO_ANSWER], [1, 0, NO_ANSWER, 0], [-1, NO_ANSWER, 1, NO_ANSWER]]
    assert mapped.place[0].tolist() == expected


def test_levels_of_another_wave_are_mapped_by_name() -> None:
    fit = known(offers(), "logit", means=[np.zeros(3)], covs=[covariance(3)], sizes=[1.0])
    parts = Attributes.from_dict({"price": [1, 2, 3], "brand": ["C", "A", "D"]}, linear=("price",))
    profiles = Profiles(attributes=parts, levels=[[p, b] for b in range(3) for p in range(3)])
    design = Design(objects=profiles, shown=np.array([[[0, 4, 8], [1, 3, 6], [2, 3, 5], [0, 5, 7]]]), kind="best")
    new = simulate_choices(np.random.default_rng(1).normal(size=(4, 9)), design, seed=1)
    with pytest.raises(ChoicesError, match="brand: D"):
        predict_utilities(fit, new)
    with pytest.warns(MappedWarning, match="brand: B"):
        found = predict_utilities(fit, new, new_items="leave_out")
    assert found.labels == fit.labels
    other = Attributes.from_dict({"price": [1, 2, 3], "size": ["S", "L"]})
    strange = Design(objects=Profiles(attributes=other, levels=[[0, 0], [1, 1]]), shown=np.array([[[0, 1]]]), kind="best")
    with pytest.raises(ChoicesError, match="other attributes than the fit: 'brand', 'size'"):
        predict_utilities(fit, simulate_choices(np.zeros((2, 2)), strange))


def test_answers_are_read_as_the_fit_read_them() -> None:
    """Two blocks with an error scale, graded pairs, what stands first: the same tasks, rows and scales, by their names."""
    sets, pairs = best_worst(), best_worst(6, "graded", 2)
    rng, n = np.random.default_rng(3), 8
    design = combine_designs({"MaxDiff": sets, "direct": replace(pairs, grades=((1, "less"), (2, "more")))})
    place = np.full((n, 12, 3), NO_ANSWER, np.int8)
    place[:, :6] = some(sets, rng.normal(size=(n, 4))).place
    place[:, 6:, :2] = np.where(rng.random((n, 6, 1)) < 0.5, [1, 0], [0, 1])
    strength = np.where(np.arange(12) < 6, np.nan, rng.integers(1, 3, (n, 12)))
    choices = Choices(design=design, respondents=Respondents.from_ids(map(str, range(n))), strength=strength,
                      version=np.arange(n) % design.n_versions, place=place)  # fmt: skip
    how = {"form": {"best_worst": "maxdiff"}, "position": True, "error_scale": ["direct"]}
    mine = make_coded(to_tasks(choices, **how), design.coding)
    response = Response(names=(*mine.names, *(f"scale of {s}" for s in mine.scales)), n_scales=1, mean=np.zeros(3),
                        cov=np.eye(3), draws=np.zeros((CHAINS, DRAWS, 3)))  # fmt: skip
    fit = known(design, "maxdiff, adjacent", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0], response=response)
    again = _read(fit, choices, _forms(fit))
    for name in ("rows", "response", "scale", "names", "scales"):
        np.testing.assert_array_equal(getattr(again, name), getattr(mine, name))
    for name in ("person", "start", "objects", "best", "worst", "rule"):
        np.testing.assert_array_equal(getattr(again.tasks, name), getattr(mine.tasks, name))
    assert _columns(fit, again) == [0, 1, 2]
    found = predict_utilities(fit, choices)
    assert found.form == "maxdiff, adjacent"
    # of the first block only: its reference scale, and nothing of the answer's parameters
    alone = replace(some(sets, np.zeros((2, 4))), design=replace(sets, block=("MaxDiff",) * 6))
    assert _columns(fit, _read(fit, alone, _forms(fit))) == []
    odd = replace(alone, design=replace(sets, block=("other",) * 6))
    with pytest.raises(ChoicesError, match="knows no block 'other'"):
        predict_utilities(fit, odd)


def test_grades_without_a_list_are_those_of_the_settings() -> None:
    fit = replace(known(best_worst(), "adjacent", means=[np.zeros(4)], covs=[covariance(4)], sizes=[1.0]),
                  settings={"grades": [1.0, 2.0, 3.0]})  # fmt: skip
    assert _grades(fit, (1.0, 2.0)) == (1.0, 2.0, 3.0)
    with pytest.raises(ChoicesError, match="knows no grade of 4 points\n  expected 1, 2, 3"):
        _grades(fit, (2.0, 4.0))
