"""A slice of tests/evidence/calibration_models.py: three larger models, and two sabotages."""

from __future__ import annotations

import numpy as np
import pytest

from tests.utilities.test_hierarchical import evidence

calibration, models = evidence("calibration"), evidence("calibration_models")


@pytest.mark.parametrize("name", ["conjoint, none, price negative", "ragged sets, missing answers", "graded pairs"])
def test_ranks_of_a_larger_model_stay_in_the_band(name: str) -> None:
    ranks, worth = models.ranks_of(name, 40)
    names = models.names_of(name)
    assert calibration.outside(ranks, names, simulations=50_000)[0] == []
    assert np.nanmean(worth, axis=0).min() > 50  # nearly independent, as ranks are taken to be


@pytest.mark.parametrize("name", ["ragged sets, missing answers", "graded pairs"])
def test_a_wrong_larger_model_is_noticed(name: str) -> None:
    ranks, _ = models.ranks_of(name, 40, sabotage=True)
    assert calibration.outside(ranks, models.names_of(name), simulations=50_000)[0]
