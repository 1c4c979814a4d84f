"""Judging: a design made elsewhere, two designs side by side, precision against published figures and a real fit."""

import numpy as np
import pandas as pd
import pytest

import cvmstats as cvm
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.errors import DesignError


def items(n: int) -> Items:
    return Items.from_labels(f"need {j + 1}" for j in range(n))


def test_a_clumsy_design_is_told_so(tmp_path) -> None:
    path = tmp_path / "design.csv"
    pd.DataFrame({"Version": [1, 1, 1, 1], "Set": [1, 2, 3, 4], "Item1": [1, 1, 1, 6], "Item2": [2, 2, 3, 7],
                  "Item3": [3, 3, 4, 8]}).to_csv(path, index=False)  # fmt: skip
    a = cvm.assess_design(cvm.read_design(path))
    assert a["times an item is shown, most"] == 3
    assert a["sets repeated within a version"] == 1
    assert a["groups of items that never meet"] == 3  # item 5 is never shown
    assert a["D efficiency over all"] == 0
    assert a["items repeated in adjacent sets, per version"] == 5
    text = repr(a)
    assert "utilities cannot be compared between 3 groups of items" in text
    assert "hang by a thread" in text
    assert "bound 1" in text
    with pytest.raises(KeyError, match="no figure 'beauty'"):
        a["beauty"]


def test_balance_that_is_impossible_is_named_so() -> None:
    a = cvm.assess_design(cvm.design_best_worst(items(15), items_per_task=5, n_tasks=21, n_versions=1))
    assert "it is impossible: (15, 21, 7, 5, 2) does not exist" in repr(a)
    fano = cvm.assess_design(cvm.design_best_worst(items(7), items_per_task=3, n_tasks=7, n_versions=2))
    assert "counts would allow" not in repr(fano)
    rng = np.random.default_rng(0)
    clumsy = cvm.assess_design(Design(objects=items(7), shown=[[np.sort(rng.permutation(7)[:3]) for _ in range(7)]]))
    assert "there is one, see design_best_worst" in repr(clumsy)


def test_two_designs_side_by_side() -> None:
    good = cvm.assess_design(cvm.design_best_worst(items(10), items_per_task=4, n_tasks=10, n_versions=4))
    rng = np.random.default_rng(0)
    shown = np.stack([[rng.permutation(10)[:4] for _ in range(10)] for _ in range(4)])
    table = good.compare(cvm.assess_design(Design(objects=items(10), shown=shown)))
    assert set(table["closer"]) <= {"this", ""}
    assert (table["closer"] == "this").sum() >= 8


def test_sets_of_different_sizes_have_bounds_on_counts_only() -> None:
    a = cvm.assess_design(Design(objects=items(4), shown=[[[0, 1, 2, 3], [0, 1, -1, -1], [2, 3, -1, -1]]]))
    bound = a.table.set_index("figure")["bound"]
    assert bound["times an item is shown, least"] == 2
    assert np.isnan(bound["pairs over all, SD"])
    assert "pairs within a version, SD" not in bound


def test_other_questions_are_not_judged() -> None:
    with pytest.raises(DesignError, match=r"without best-worst sets or pairs \(it has 'rank'\)"):
        cvm.assess_design(Design(objects=items(3), shown=[[[0, 1], [1, 2]]], kind="rank"))


# v, k, T, n, standard error of the customer's methods page; a single version that is not balanced
