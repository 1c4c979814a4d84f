"""Pictures: Axes come back, nothing overlaps, nothing is shown."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.data.utilities import Population, Utilities
from cvmstats.design import assess_design, design_best_worst, design_conjoint
from cvmstats.errors import SegmentsError, UtilitiesError
from cvmstats.report import plot_design, plot_priorities, plot_segments, plot_utilities, write_png
from cvmstats.report.plots.colours import segment_colour
from cvmstats.strategy import grade_priorities

NAMES = ("Content Traditionalists", "Active Competitors", "Diversified Enterprises", "Premier High-fashion", "Anxious")
J, S = 12, 5


def _items(groups):
    import pandas as pd

    labels = [f"A need that has number {j} and a rather long name" if j % 4 == 0 else f"need {j}" for j in range(J)]
    return Items(table=pd.DataFrame({"id": range(J), "label": labels, "group": groups}))


@pytest.fixture
def segments():
    design = Design(objects=_items(["Sales and marketing support"] * 6 + ["Product"] * 6), shown=[[[0, 1, 2, 3, 4]]])
    rng = np.random.default_rng(0)
    model = SegmentModel(route="choices", sizes=np.full(S, 0.2), means=rng.normal(0, 1.2, (S, J - 1)),
                         mean_cov=np.stack([0.01 * np.eye(J - 1)] * S))  # fmt: skip
    return Segments(design=design, unit="respondent", ids=("a",), membership=np.full((1, S), 0.2), names=NAMES,
                    model=model)  # fmt: skip


def _boxes(ax):
    ax.figure.canvas.draw()
    return [t.get_window_extent() for t in ax.texts if t.get_text()]


def test_texts_of_the_priorities_do_not_overlap(segments, tmp_path):
    ax = plot_priorities(grade_priorities(segments))
    boxes = _boxes(ax)
    assert len(boxes) == J + 2 + 5 + 9 + 5  # needs, groups, shares, lines of names, legend
    for i, a in enumerate(boxes):
        assert not any(a.overlaps(b) for b in boxes[i + 1 :])
    path = write_png(ax, tmp_path / "deep" / "priorities.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in path.parent.iterdir()] == ["priorities.png"]


def test_without_groups_there_are_no_bands(segments):
    bare = replace(segments, design=Design(objects=_items([""] * J), shown=segments.design.shown))
    assert len(_boxes(plot_priorities(grade_priorities(bare)))) == J + 5 + 9 + 5


def test_given_axes_are_used_and_pyplot_is_left_alone(segments):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plot_priorities(grade_priorities(segments), ax) is ax
    other = Figure().add_subplot()
    assert plot_segments(segments, other) is other
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_segments_keep_their_colours(segments):
    lines = plot_segments(segments).get_lines()
    points = [line for line in lines if line.get_marker() == "o"]
    assert [line.get_color() for line in points] == [segment_colour(s) for s in range(S)]
    with pytest.raises(SegmentsError, match="carry no model"):
        plot_segments(replace(segments, model=None))


def test_utilities_are_sorted(segments, tmp_path):
    mean = np.random.default_rng(1).normal(size=J - 1)
    population = Population(mean=mean, mean_cov=0.01 * np.eye(J - 1), cov=np.eye(J - 1))
    utilities = Utilities(design=segments.design, respondents=Respondents.from_ids(["a"]), mean=[mean], sd=[mean * 0],
                          method="hand", form="sequential", population=population)  # fmt: skip
    ax = plot_utilities(utilities)
    x = next(line for line in ax.get_lines() if line.get_marker() == "o").get_xdata()
    assert (np.diff(x) >= 0).all()
    top = ax.get_yticklabels()[-1].get_text()
    assert top == utilities.labels[int(np.argmax(mean @ utilities.report.T))]
    assert write_png(ax.figure, tmp_path / "u.png").exists()
    with pytest.raises(UtilitiesError, match="no population"):
        plot_utilities(replace(utilities, population=None))


@pytest.mark.parametrize("n", [8, 70])
def test_a_design_shows_how_often_pairs_meet(tmp_path, n):
    assessment = assess_design(design_best_worst([f"need {j}" for j in range(n)], items_per_task=4, n_versions=3))
    ax = plot_design(assessment)
    image = ax.get_images()[0].get_array()
    off = ~np.eye(n, dtype=bool)
    assert (np.asarray(image)[off] == assessment.pairs[off]).all()
    assert np.isnan(np.asarray(image, float)[~off]).all() or image.mask[~off].all()
    assert len(ax.get_yticklabels()) == (n if n <= 60 else 0)
    assert f"bound {assessment.table.set_index('figure')['bound']['pairs over all, SD']:.3f}" in ax.get_title(loc="left")
    assert write_png(ax, tmp_path / "design.png").exists()


def test_levels_of_profiles_are_called_levels():
    parts = {"price": [1, 2, 3], "brand": ["A", "B"], "service": ["none", "phone", "visit"]}
    ax = plot_design(assess_design(design_conjoint(parts, alternatives=2, n_tasks=8)))
    assert "levels with the times" in ax.get_title(loc="left")
    assert [t.get_text().split("  ")[0] for t in ax.get_yticklabels()][:3] == ["price: 1", "price: 2", "price: 3"]
