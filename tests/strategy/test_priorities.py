"""Grades by cut-offs that are common to all segments."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from cvmstats.data.design import Design, sum_to_zero_basis
from cvmstats.data.items import Items
from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.errors import SegmentsError
from cvmstats.strategy import grade_priorities

J = 6
UTILITY = np.array([[1.5, 1.0, 0.5, -0.5, -1.0, -1.5], [0.0] * 6])


@pytest.fixture
def segments():
    basis = sum_to_zero_basis(J)
    design = Design(objects=Items.from_labels([f"need {j}" for j in range(J)]), shown=[[[0, 1, 2, 3, 4]]])
    model = SegmentModel(route="choices", sizes=np.array([0.6, 0.4]), means=UTILITY @ basis,
                         mean_cov=np.stack([0.04 * np.eye(J - 1)] * 2), form="sequential")  # fmt: skip
    return Segments(design=design, unit="respondent", ids=("a",), membership=[[0.6, 0.4]], names=("one", "two"),
                    model=model)  # fmt: skip


def test_grades_and_probabilities(segments):
    found = grade_priorities(segments)
    assert found.utility == pytest.approx(UTILITY.T)
    # Edges at a = 5: p = .40, .20, .10, .05.
    assert found.grade[:, 0].tolist() == [0, 0, 1, 2, 3, 3]
    se = np.sqrt(0.04 * (1 - 1 / J))
    assert found.se == pytest.approx(np.full((J, 2), se))
    assert found.p_very[1, 0] == pytest.approx(norm.cdf((1.0 - np.log(8 / 3)) / se))
    assert found.chances.sum(axis=2) == pytest.approx(np.ones((J, 2)))
    assert found.probability[0, 0] == pytest.approx(np.exp(1.5) / (np.exp(1.5) + 4))


def test_tables(segments):
    found = grade_priorities(segments)
    table = found.table()
    assert list(table) == ["group", "item", "segment", "utility", "se", "sawtooth_probability", "grade", "p_grade",
                           "p_at_least", "p_very"]  # fmt: skip
    assert len(table) == 12
    assert table.loc[0, "grade"] == "very important"
    assert (table["p_at_least"] >= table["p_grade"] - 1e-12).all()
    assert found.matrix().loc["need 2", "one"] == "important"
    assert "very important: one 2 · two 0" in repr(found)


def test_without_covariance_there_are_grades_but_no_probabilities(segments):
    bare = replace(segments, model=replace(segments.model, mean_cov=None))
    found = grade_priorities(bare)
    assert (found.grade == grade_priorities(segments).grade).all()
    assert np.isnan(found.p_very).all()


def test_other_cutoffs_and_messages(segments):
    assert grade_priorities(segments, cutoffs=(3, 2, 1, 0.5)).grade[0, 0] == 1
    with pytest.raises(SegmentsError, match="descending, between 0 and 5"):
        grade_priorities(segments, cutoffs=(1, 2, 3, 4))
    with pytest.raises(SegmentsError, match="expected four"):
        grade_priorities(segments, cutoffs=(2, 1))
    with pytest.raises(SegmentsError, match="carry no model"):
        grade_priorities(replace(segments, model=None))
