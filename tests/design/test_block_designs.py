"""Balanced designs, verified pair by pair."""

import numpy as np
import pytest

from cvmstats.design.block_designs import IMPOSSIBLE, block_design, known, possible
from cvmstats.design.criteria import concurrence, incidence


@pytest.mark.parametrize(("v", "b", "k"), [*known(), (9, 12, 6), (6, 20, 3)])
def test_every_pair_meets_equally_often(v: int, b: int, k: int) -> None:
    sets = block_design(v, b, k)
    assert sets is not None
    assert sets.shape == (b, k)
    assert possible(v, b, k) or k == v - 1 or b < v
    met = concurrence(incidence(sets, v))
    assert set(met[np.triu_indices(v, 1)].tolist()) == {b * k * (k - 1) // (v * (v - 1))}
    assert len(np.unique(incidence(sets, v), axis=0)) == b  # no set twice


@pytest.mark.parametrize(("v", "b", "k"), [*IMPOSSIBLE, (20, 12, 5), (10, 10, 4)])
def test_what_does_not_exist_is_not_made_up(v: int, b: int, k: int) -> None:
    assert block_design(v, b, k) is None
    assert possible(v, b, k) == ((v, b, k) in IMPOSSIBLE)
