"""Scales: their identities and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvmstats.data.scales import SCALES, rescale
from cvmstats.errors import UtilitiesError

UTILITIES = arrays(float, (3, 5), elements=st.floats(-20, 20))


@given(u=UTILITIES, constant=st.floats(-10, 10))
def test_identities(u: np.ndarray, constant: float) -> None:
    of = {name: rescale(u, name, set_size=4) for name in SCALES}
    np.testing.assert_allclose(of["zero_centered"].sum(axis=-1), 0, atol=1e-10)
    np.testing.assert_allclose(of["sawtooth_rescaled"].sum(axis=-1), 100)
    np.testing.assert_allclose(of["share"].sum(axis=-1), 1)
    for row, wide in zip(of["interval_100"], np.ptp(u, axis=-1) > 1e-6, strict=True):
        assert np.isfinite(row).all()
        if wide:
            assert np.ptp(row) == pytest.approx(100)
            assert row.sum() == pytest.approx(0, abs=1e-9)
    for name in set(SCALES) - {"interval_100"}:
        np.testing.assert_allclose(rescale(u + constant, name, set_size=4), of[name], rtol=1e-8, atol=1e-9)


def test_sawtooth_by_hand() -> None:
    """A chance item among a has 100 / a; log 3 above the mean of two, sets of four: 100 * 3^.5 / (3^.5 + 3)."""
    got = rescale([np.log(3), 0.0], "sawtooth_probability", set_size=4)
    np.testing.assert_allclose(got, [100 * 3**0.5 / (3**0.5 + 3), 100 * 3**-0.5 / (3**-0.5 + 3)])
    assert rescale(np.zeros(3), "sawtooth_probability", set_size=5).tolist() == [20, 20, 20]


def test_somebody_to_whom_all_is_equal() -> None:
    assert rescale(np.zeros(3), "interval_100", set_size=3).tolist() == [0, 0, 0]


def test_probability_alone_is_refused() -> None:
    with pytest.raises(UtilitiesError, match="'probability'\n.*sawtooth_probability, others mean share\n.*zero_centered"):
        rescale([0.0, 1.0], "probability", set_size=4)
    with pytest.raises(UtilitiesError, match="unknown scale 'logit'\n  expected one of"):
        rescale([0.0, 1.0], "logit", set_size=4)
