"""A slice of the calibration of tests/evidence: 100 replications of each prior, and three sabotages; four larger models."""

from __future__ import annotations

import numpy as np
import pytest

from tests.utilities.test_hierarchical import evidence

calibration, models = evidence("calibration"), evidence("calibration_models")


@pytest.mark.parametrize("prior", sorted(calibration.PRIORS))
def test_ranks_stay_in_the_band(prior: str) -> None:
    ranks = calibration.ranks_of(calibration.PRIORS[prior], 100, thin=20)
    left, _, _ = calibration.outside(ranks, simulations=50_000)
    assert left == []


@pytest.mark.parametrize("sabotage", ["degrees", "metropolis", "mean"])
def test_a_wrong_sampler_is_noticed(sabotage: str) -> None:
    ranks = calibration.ranks_of(calibration.PRIORS["inverse-wishart"], 150, sabotage=sabotage)
    left, _, _ = calibration.outside(ranks, simulations=50_000)
    assert left


def test_the_band_holds_for_uniform_ranks_and_not_for_shifted_ones() -> None:
    rng = np.random.default_rng(1)
    shape = (100, len(calibration.NAMES))
    assert calibration.outside(rng.integers(0, calibration.DRAWS + 1, shape), simulations=50_000)[0] == []
    shifted = np.minimum(calibration.DRAWS, rng.integers(0, calibration.DRAWS + 1, shape) + 30)
    assert len(calibration.outside(shifted, simulations=50_000)[0]) == shape[1]


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
