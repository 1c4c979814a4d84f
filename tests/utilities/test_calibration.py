"""A slice of the calibration of tests/evidence: 100 replications of each prior, and three sabotages."""

from __future__ import annotations

import numpy as np
import pytest

from tests.utilities.test_hierarchical import evidence

calibration = evidence("calibration")


@pytest.mark.parametrize("prior", sorted(calibration.PRIORS))
def test_ranks_stay_in_the_band(prior: str) -> None:
    ranks = calibration.ranks_of(calibration.PRIORS[prior], 100, thin=20)
    left, _, _ = calibration.outside(ranks, simulations=50_000)
    assert left == []


@pytest.mark.parametrize(("sabotage", "n"), [("degrees", 60), ("metropolis", 40), ("mean", 150)])
def test_a_wrong_sampler_is_noticed(sabotage: str, n: int) -> None:
    """After ``n`` replications; the first two are gross, with tails of 1e-11 and less."""
    ranks = calibration.ranks_of(calibration.PRIORS["inverse-wishart"], n, sabotage=sabotage)
    left, _, _ = calibration.outside(ranks, simulations=50_000)
    assert left


def test_the_band_holds_for_uniform_ranks_and_not_for_shifted_ones() -> None:
    rng = np.random.default_rng(1)
    shape = (100, len(calibration.NAMES))
    assert calibration.outside(rng.integers(0, calibration.DRAWS + 1, shape), simulations=50_000)[0] == []
    shifted = np.minimum(calibration.DRAWS, rng.integers(0, calibration.DRAWS + 1, shape) + 30)
    assert len(calibration.outside(shifted, simulations=50_000)[0]) == shape[1]
