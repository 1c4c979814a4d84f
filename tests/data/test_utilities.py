"""Utilities: reporting, scales per draw, messages, what a person sees."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import rescale
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import UtilitiesError

DESIGN = Design(objects=Items.from_labels(["<a>", "b", "c"]), shown=np.array([[[0, 1, 2]]]))
DRAWS = np.random.default_rng(0).normal(size=(2, 60, 2, 2)).astype(np.float32)


def utilities(**options: object) -> Utilities:
    given = {"design": DESIGN, "respondents": Respondents.from_ids(["1", "2"]), "mean": [[1.0, 0.0], [0.0, 2.0]],
             "sd": np.ones((2, 2)), "method": "test", "form": "sequential", **options}  # fmt: skip
    return Utilities(**given)  # type: ignore[arg-type]


def test_shares_are_averaged_over_draws() -> None:
    expected = rescale(DRAWS.reshape(120, 2, 2) @ DESIGN.report.T, "share", set_size=3).mean(axis=0)
    np.testing.assert_allclose(utilities(draws=DRAWS).reported(scale="share"), expected, rtol=1e-5)
    plain = utilities().to_frame(scale="share")
    np.testing.assert_allclose(plain[["<a>", "b", "c"]].sum(axis=1), 1)


def test_population_frame_by_hand() -> None:
    cov = np.array([[2.0, 0.3], [0.3, 1.0]])
    table = utilities(population=Population(mean=[1.0, -1.0], mean_cov=cov / 4, cov=cov)).population_frame()
    full = DESIGN.report @ cov @ DESIGN.report.T
    np.testing.assert_allclose(table["mean"], DESIGN.report @ [1.0, -1.0])
    np.testing.assert_allclose(table["sd"], np.sqrt(np.diag(full)))
    np.testing.assert_allclose(table["se"], np.sqrt(np.diag(full)) / 2)


def test_messages_and_read_only() -> None:
    with pytest.raises(UtilitiesError, match=r"mean has shape \(2, 3\)\n.*\(2, 2\)"):
        utilities(mean=np.ones((2, 3)))
    with pytest.raises(UtilitiesError, match="by test have no population"):
        utilities().population_frame()
    with pytest.raises(UtilitiesError, match="have no draws"):
        utilities(population=Population(mean=np.ones(2), mean_cov=np.eye(2))).to_datatree()
    for name in ("mean", "sd", "draws"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(utilities(draws=DRAWS), name)[0] = 0


def test_what_a_person_sees() -> None:
    got = utilities(draws=DRAWS, interrupted=True)
    assert repr(got).startswith("Utilities  2 respondents x 3 items, by test, sequential form\n  highest: <a>")
    assert "2 chains x 60 draws" in repr(got)
    assert "STOPPED EARLY" in repr(got)
    assert "<a>" not in got._repr_html_()
