"""Scales: their identities, the same numbers computed a second time by hand, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvmstats.data.attributes import Attributes, level_coding, level_items
from cvmstats.data.coding import anchored_coding
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import SCALES, centring, rescale, rows_of
from cvmstats.data.utilities import Utilities
from cvmstats.errors import UtilitiesError

UTILITIES = arrays(float, (3, 5), elements=st.floats(-20, 20))
OF_ITEMS = sorted(set(SCALES) - {"anchored_100", "zero_centered_diffs"})
OF_ANCHORED = sorted(set(SCALES) - {"zero_centered_diffs"})
LEVELS = ("a", "a", "b", "b", "b")


@given(u=UTILITIES, constant=st.floats(-10, 10))
def test_identities(u: np.ndarray, constant: float) -> None:
    of = {name: rescale(u, name, set_size=4) for name in OF_ITEMS}
    np.testing.assert_allclose(of["zero_centered"].sum(axis=-1), 0, atol=1e-10)
    np.testing.assert_allclose(of["sawtooth_rescaled"].sum(axis=-1), 100)
    np.testing.assert_allclose(of["share"].sum(axis=-1), 1)
    for row, wide in zip(of["interval_100"], np.ptp(u, axis=-1) > 1e-6, strict=True):
        assert np.isfinite(row).all()
        if wide:
            assert np.ptp(row) == pytest.approx(100)
            assert row.sum() == pytest.approx(0, abs=1e-9)
    for name in set(OF_ITEMS) - {"interval_100"}:
        np.testing.assert_allclose(rescale(u + constant, name, set_size=4), of[name], rtol=1e-8, atol=1e-9)


@given(u=UTILITIES, constant=st.floats(-10, 10), anchor=st.integers(0, 4), a=st.sampled_from([3.0, 4.0, 4.75]))
def test_identities_with_an_anchor(u: np.ndarray, constant: float, anchor: int, a: float) -> None:
    of = {name: rescale(u, name, set_size=a, anchor=anchor) for name in OF_ANCHORED}
    items = np.arange(5) != anchor
    assert (of["anchored_100"][:, anchor] == 100).all()
    assert of["anchored_100"].max() <= 100 * a + 1e-9
    assert (of["interval_100"][:, anchor] == 0).all()
    for name, total in (("zero_centered", 0), ("sawtooth_rescaled", 100), ("share", 1)):
        np.testing.assert_allclose(of[name][:, items].sum(axis=-1), total, atol=1e-9)
    above = u > u[:, [anchor]] + 1e-9
    for name in OF_ANCHORED:  # the anchor stands among the items as in the utilities
        assert (of[name] >= of[name][:, [anchor]])[above].all()
        if name != "interval_100":
            again = rescale(u + constant, name, set_size=a, anchor=anchor)
            np.testing.assert_allclose(again, of[name], rtol=1e-8, atol=1e-8)


@given(u=UTILITIES, shift=st.tuples(st.floats(-10, 10), st.floats(-10, 10)))
def test_identities_of_diffs(u: np.ndarray, shift: tuple[float, float]) -> None:
    got = rescale(u, "zero_centered_diffs", set_size=3, attributes=LEVELS, compete=False)
    wide = np.ptp(u[:, :2], axis=1) + np.ptp(u[:, 2:], axis=1)
    rounding = 200 * 1e-13 / np.maximum(wide, 1e-300)  # of utilities up to 20, stretched to a range of 200
    assert (np.abs([got[:, :2].sum(axis=1), got[:, 2:].sum(axis=1)]) <= 1e-9 + rounding).all()
    ranges = np.ptp(got[:, :2], axis=1) + np.ptp(got[:, 2:], axis=1)
    for total, wide in zip(ranges, np.ptp(u[:, :2], axis=1) + np.ptp(u[:, 2:], axis=1), strict=True):
        assert total == pytest.approx(200 if wide > 1e-6 else total)
    if np.ptp(u, axis=1).min() > 1:
        moved = u + np.repeat(shift, (2, 3))
        again = rescale(moved, "zero_centered_diffs", set_size=3, attributes=LEVELS, compete=False)
        if (np.ptp(u[:, :2], axis=1) + np.ptp(u[:, 2:], axis=1)).min() > 1e-3:
            np.testing.assert_allclose(again, got, atol=1e-6)


def test_sawtooth_by_hand() -> None:
    """A chance item among a has 100 / a; log 3 above the mean of two, sets of four: 100 * 3^.5 / (3^.5 + 3)."""
    got = rescale([np.log(3), 0.0], "sawtooth_probability", set_size=4)
    np.testing.assert_allclose(got, [100 * 3**0.5 / (3**0.5 + 3), 100 * 3**-0.5 / (3**-0.5 + 3)])
    assert rescale(np.zeros(3), "sawtooth_probability", set_size=5).tolist() == [20, 20, 20]
    assert rescale([-1000.0, 1000.0], "sawtooth_probability", set_size=4).tolist() == [0, 100]


def test_diffs_by_hand() -> None:
    """Ranges 1 and 3 of two attributes: times 200 / 4; none times the same."""
    got = rescale([0.5, -0.5, 2.0, -1.0, -0.25], "zero_centered_diffs", set_size=3, attributes=("a", "a", "b", "b", ""))
    np.testing.assert_allclose(got, [25, -25, 75, -75, -12.5])


def test_somebody_to_whom_all_is_equal() -> None:
    assert rescale(np.zeros(3), "interval_100", set_size=3).tolist() == [0, 0, 0]
    assert rescale(np.zeros(5), "zero_centered_diffs", set_size=3, attributes=LEVELS).tolist() == [0] * 5


def anchored_study(scores: np.ndarray, labels: list[str], size: int) -> Utilities:
    """Utilities (R, J) in logits above an anchor that is the last of the objects."""
    things = Items.from_labels([*labels, "anchor"])
    shown = np.resize(np.arange(len(labels)), (1, len(labels), size)).astype(np.int32)
    design = Design(objects=things, shown=shown, **anchored_coding(things.labels, "anchor")._asdict())
    mean = scores @ np.linalg.pinv(np.asarray(design.coding)[:-1]).T
    people = Respondents.from_ids(str(i) for i in range(len(scores)))
    return Utilities(design=design, respondents=people, mean=mean, sd=np.full(mean.shape, np.nan), method="test", form="-")


def test_real_scores_of_70_people_with_an_anchor(shared_data: Path) -> None:
    """A second computation, person by person in plain Python, to 1e-10 (validateHOT's MaxDiff data, none as the anchor)."""
    table = pd.read_csv(shared_data / "maxdiff_utilities_validatehot" / "utilities.csv")
    labels = [c for c in table if c.startswith("Option_")]
    scores = table[labels].to_numpy()
    a = 4
    study = anchored_study(scores, labels, a)
    assert rows_of(study.design).set_size == a
    assert rows_of(study.design).anchor == 16
    got = {name: study.reported(scale=name, version="at_means") for name in OF_ANCHORED}
    close = {"atol": 1e-10, "rtol": 1e-10}
    for r, row in enumerate(scores.tolist()):
        middle = sum(row) / 16
        u = [x - middle for x in row] + [-middle]
        p = [100 * np.exp(x) / (np.exp(x) + a - 1) for x in u]
        low, high = min(*u), max(*u)
        e = [np.exp(x) for x in u]
        hand = {
            "zero_centered": u, "sawtooth_probability": p, "sawtooth_rescaled": [100 * x / sum(p[:16]) for x in p],
            "anchored_100": [100 * a * np.exp(x) / (np.exp(x) + a - 1) for x in [*row, 0.0]],
            "interval_100": [100 * (x - u[16]) / (high - low) for x in u], "share": [x / sum(e[:16]) for x in e],
        }  # fmt: skip
        for name, value in hand.items():
            np.testing.assert_allclose(got[name][r], value, **close)
    assert (got["anchored_100"][:, 16] == 100).all()
    assert (got["interval_100"][:, 16] == 0).all()
    np.testing.assert_allclose(got["sawtooth_rescaled"][:, :16].sum(axis=1), 100, **close)
    np.testing.assert_allclose(got["zero_centered"][:, :16].sum(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(np.ptp(got["interval_100"], axis=1), 100, **close)


def test_rows_of_designs() -> None:
    parts = Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B"]}, linear=["price"])
    offers = Profiles(attributes=parts, levels=[[0, 1], [1, 0], [-1, -1]])
    rows = rows_of(Design(objects=offers, shown=[[[0, 1, 2]]], kind="best"))
    assert (rows.attributes, rows.anchor, rows.compete) == (("price",) * 3 + ("brand",) * 2 + ("",), None, False)
    levels = level_items(parts)
    rows = rows_of(Design(objects=levels, shown=[[[0, 3], [1, 4]]], **level_coding(parts)._asdict()))
    assert (rows.attributes, rows.anchor, rows.compete) == (("price",) * 3 + ("brand",) * 2, None, True)
    things = Items.from_labels("abcd!")
    shown = [[[0, 1, 2], [1, 2, 3], [3, 4, -1]]]  # the last asks about the anchor
    rows = rows_of(Design(objects=things, shown=shown, **anchored_coding(things.labels, "!")._asdict()))
    assert rows == (3.0, 4, None, True)
    u = np.random.default_rng(0).normal(size=(2, 5))
    np.testing.assert_allclose(u @ centring(rows, 5).T, rescale(u, "zero_centered", **rows._asdict()))


@pytest.mark.parametrize(("scale", "options", "message"), [
    ("probability", {}, "'probability'\n.*sawtooth_probability, others mean share\n.*zero_centered"),
    ("logit", {}, "unknown scale 'logit'\n  expected one of"),
    ("anchored_100", {}, "these utilities have none\n  ask for one: design_best_worst.*\n.*sawtooth_rescaled"),
    ("zero_centered_diffs", {}, "of items\n  use zero_centered or interval_100"),
    ("share", {"attributes": ("a", "b"), "compete": False}, "levels of several attributes\n  use zero_centered or"),
])  # fmt: skip
def test_what_is_refused(scale: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UtilitiesError, match=message):
        rescale([0.0, 1.0], scale, set_size=4, **options)  # type: ignore[arg-type]
