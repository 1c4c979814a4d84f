"""Hold-out tasks: spaced, new, the same for everybody, and out of every fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cvmstats as cvm
from cvmstats.errors import DesignError

ITEMS = [f"need {j}" for j in range(12)]


def test_hold_outs_are_new_sets_and_the_rest_stays() -> None:
    design = cvm.design_best_worst(ITEMS, items_per_task=4, n_tasks=9, n_versions=5, seed=1)
    more = cvm.add_holdouts(design, 3, seed=2)
    out = ~more.estimated
    assert np.flatnonzero(out).tolist() == [2, 5, 9]
    np.testing.assert_array_equal(more.shown[:, ~out], design.shown)
    assert (more.shown[:, out] == more.shown[:1, out]).all()
    sets = {frozenset(s) for s in more.shown[0, out].tolist()}
    assert not sets & {frozenset(s) for s in design.shown.reshape(-1, 4).tolist()}
    assert sorted(more.shown[0, out].ravel().tolist()) == list(range(12))  # 3 x 4: each item once
    assert cvm.assess_design(more).table.equals(cvm.assess_design(design).table)
    assert cvm.add_holdouts(design, 3, seed=2).fingerprint == more.fingerprint
    assert cvm.expected_precision(more, 50)["se"].tolist() == cvm.expected_precision(design, 50)["se"].tolist()


def test_hold_outs_of_profiles_end_with_none_where_the_others_do() -> None:
    design = cvm.design_conjoint({"a": [1, 2, 3], "b": ["x", "y"]}, alternatives=3, n_tasks=6, none=True)
    more = cvm.add_holdouts(design, 2)
    none = more.objects.none
    assert (more.shown[0, ~more.estimated, -1] == none).all()
    assert (np.sort(more.shown[0], axis=1)[:, 1:] != np.sort(more.shown[0], axis=1)[:, :-1]).all()
    assert cvm.assess_design(more)["D efficiency over all"] == cvm.assess_design(design)["D efficiency over all"]


def test_what_cannot_be_is_said() -> None:
    design = cvm.design_best_worst(ITEMS[:4], items_per_task=3, n_tasks=4)
    with pytest.raises(DesignError, match="0 of 1 hold-out sets were found: nearly all sets of 3 out of 4"):
        cvm.add_holdouts(design, 1)
    with pytest.raises(DesignError, match="0 hold-out tasks"):
        cvm.add_holdouts(design, 0)
    kinds = np.tile(np.array(["best", "worst"] * 2, dtype=object), (design.n_versions, 1))
    with pytest.raises(DesignError, match="tasks of 2 kinds and 1 sizes"):
        cvm.add_holdouts(replace(design, kind=kinds), 1)
