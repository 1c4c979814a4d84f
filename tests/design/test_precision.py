"""Standard errors before anything is asked: published figures, fits of simulated answers, and what cannot be known."""

from dataclasses import replace

import numpy as np
import pytest

import cvmstats as cvm
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.errors import ChoicesError, DesignError
from tests.utilities.test_hierarchical import evidence

precision = evidence("precision")


def items(n: int) -> Items:
    return Items.from_labels(f"need {j + 1}" for j in range(n))


@pytest.mark.parametrize(("v", "k", "n_tasks", "n", "se"), [
    (20, 5, 12, 300, .0569), (12, 4, 9, 200, .0629), (30, 5, 18, 300, .0579),
])  # fmt: skip
def test_expected_precision_is_the_formulas(v: int, k: int, n_tasks: int, n: int, se: float) -> None:
    many, one = (cvm.design_best_worst(items(v), items_per_task=k, n_tasks=n_tasks, n_versions=m) for m in (100, 1))
    table = cvm.expected_precision(many, n)
    assert table["bound"][0] == pytest.approx(se, abs=5e-5)
    np.testing.assert_allclose(table["se"], table["bound"], rtol=2e-3)
    more = cvm.expected_precision(one, n, spread=1.0)
    assert (more["se"] > np.sqrt(se**2 + (1 - 1 / v) / n)).all()


@pytest.mark.parametrize("form", precision.FORMS)
def test_the_formula_is_the_scatter_of_pooled_fits_at_zero_utilities(form: str) -> None:
    """A slice of tests/evidence/precision.py: 60 fits, three standard errors of a standard deviation."""
    wanted, seen = precision.at_zero(form, 7, 3, 7, 4, 300, fits=60)
    assert seen / wanted == pytest.approx(1, abs=3 / np.sqrt(2 * 60 * 6))


def test_people_who_differ_cost_precision_as_hierarchical_fits_say() -> None:
    """40 fits: the scatter has a sampling error of 4.6%; at equal utilities the formula would promise more."""
    wanted, seen, flat = precision.with_spread(7, 3, 9, 3, 120, 4.0, 1.5, fits=40)
    assert seen / wanted == pytest.approx(1, abs=0.14)
    assert wanted / flat > 1.05


def test_levels_of_profiles_have_the_precision_that_fits_show() -> None:
    """A conjoint study with a none option and pronounced utilities: 60 pooled fits, 10 levels; standard error about 3.5%."""
    parts = {"price": [10, 20, 30], "brand": ["A", "B"], "service": ["none", "phone", "visit", "both"]}
    design = cvm.design_conjoint(parts, alternatives=3, n_tasks=8, n_versions=4, none=True, seed=1)
    coding = np.asarray(design.coding)
    utilities = coding @ np.random.default_rng(2).normal(size=coding.shape[1])
    table = cvm.expected_precision(design, 400, utilities=utilities)
    fits = [cvm.fit_pooled(cvm.simulate_choices(np.tile(utilities, (400, 1)), design, seed=s)).reported()[0] for s in range(60)]
    assert table["label"].tolist()[-1] == "none"
    assert "bound" not in table
    seen = np.sqrt(np.var(fits, axis=0, ddof=1).mean() / np.square(table["se"]).mean())
    assert seen == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("form", ["sequential", "maxdiff", "marginal"])
def test_simulated_information_is_the_formula_where_utilities_are_equal(form: str) -> None:
    """A hair's breadth from equal utilities the information is simulated: 2,048 people, 1% sampling error."""
    design = cvm.design_best_worst(items(7), items_per_task=3, n_tasks=7, n_versions=2)
    exact = cvm.expected_precision(design, 100, form=form)["se"]
    near = cvm.expected_precision(design, 100, form=form, utilities=np.linspace(-1e-9, 1e-9, 7))["se"]
    np.testing.assert_allclose(near, exact, rtol=0.03)


def test_kinds_count_by_what_they_ask_and_holdouts_not_at_all() -> None:
    design = cvm.design_best_worst(items(7), items_per_task=3, n_tasks=14)
    se = {kind: cvm.expected_precision(replace(design, kind=kind), 100)["se"].mean() for kind in ("best", "best_worst", "rank")}
    assert se["best"] > se["best_worst"] == pytest.approx(se["rank"])  # of three objects a ranking says best and worst
    held = replace(design, block=("MaxDiff",) * 7 + ("holdout",) * 7)
    half = Design(objects=design.objects, shown=design.shown[:, :7])
    assert cvm.expected_precision(held, 100)["se"].tolist() == cvm.expected_precision(half, 100)["se"].tolist()
    pairs = cvm.design_pairs(items(7))
    graded = cvm.design_pairs(items(7), grades=((0, "equal"), (1, "more")))
    assert cvm.expected_precision(graded, 50)["se"].tolist() == cvm.expected_precision(pairs, 50)["se"].tolist()


def test_what_does_not_fit_is_said() -> None:
    design = cvm.design_best_worst(items(7), items_per_task=3, n_tasks=7)
    with pytest.raises(ChoicesError, match="unknown form 'best'"):
        cvm.expected_precision(design, 100, form="best")
    with pytest.raises(DesignError, match=r"shape \(3,\)\n  expected 7 numbers"):
        cvm.expected_precision(design, 100, utilities=[0, 1, 2])
    with pytest.raises(DesignError, match="spread is -1"):
        cvm.expected_precision(design, 100, spread=-1)
    with pytest.raises(DesignError, match="a design that asks nothing"):
        cvm.expected_precision(replace(design, block=("holdout",) * 7), 100)


def test_items_that_never_meet_have_no_precision() -> None:
    apart = Design(objects=items(4), shown=[[[0, 1], [2, 3]]])
    with pytest.raises(DesignError, match="never meet"):
        cvm.expected_precision(apart, 100)
