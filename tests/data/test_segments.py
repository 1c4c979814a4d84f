"""Segments: checks, tables, what a person sees."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.errors import SegmentsError

DESIGN = Design(objects=Items.from_labels(["a", "b", "c"]), shown=np.array([[[0, 1, 2]]]))


def segments(**options: object) -> Segments:
    given = {"design": DESIGN, "unit": "respondent", "ids": ("1", "2"), "membership": [[0.9, 0.1], [0.3, 0.7]], **options}
    return Segments(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": ("1",)}, r"membership has shape \(2, 2\)\n.*\(1, segments\)"),
        ({"membership": [[0.9, 0.2], [0.3, 0.7]]}, "not probabilities"),
        ({"membership": [[1.1, -0.1], [0.3, 0.7]]}, "not probabilities"),
        ({"membership": [[np.nan, 1], [0.3, 0.7]]}, "not probabilities"),
        ({"names": ("x",)}, "1 names for 2 segments"),
        ({"names": ("x", "x")}, "stand twice"),
    ],
)
def test_messages(options: dict[str, object], message: str) -> None:
    with pytest.raises(SegmentsError, match=message):
        segments(**options)


def test_tables() -> None:
    got = segments()
    assert got.labels.tolist() == [0, 1]
    assert got.certainty == pytest.approx(0.8)
    np.testing.assert_allclose(got.sizes, [0.6, 0.4])
    assert got.to_frame()["segment"].tolist() == ["Segment 1", "Segment 2"]
    with pytest.raises(SegmentsError, match="carry no model.*\n.*fit_latent_class"):
        got.means_frame()
    model = SegmentModel(route="choices", sizes=np.array([0.5, 0.5]), means=np.eye(2))
    means = segments(model=model).means_frame()
    np.testing.assert_allclose(means[["Segment 1", "Segment 2"]], DESIGN.report)
    for array in (got.membership, model.means):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_a_person_sees() -> None:
    got = segments(names=("<x>", "y"), n_starts=5, starts_at_best=2, bic=1234.5)
    assert repr(got) == ("Segments  2 of 2 respondents\n  <x> 60% · y 40%\n"
                         "  mean certainty 0.80 · BIC 1,234.5 · best solution reached by 2 of 5 starts")  # fmt: skip
    assert "<x>" not in got._repr_html_()
