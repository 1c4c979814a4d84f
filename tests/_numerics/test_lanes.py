"""Exponentials, logarithms and normal numbers of the lanes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cvmstats._numerics.lanes import LANES, fast_exp, fast_log, fill_normals, uniform

KEYS = np.random.default_rng(11).integers(0, 2**64, LANES, dtype=np.uint64)


def normals(n: int, keys: np.ndarray = KEYS, counter: int = 0) -> tuple[np.ndarray, int]:
    out = np.empty((n, LANES))
    return out, int(fill_normals(keys, np.uint64(counter), out))


def test_exponential() -> None:
    x = np.concatenate([np.linspace(-700, 700, 1501), np.linspace(-1, 1, 501), [0.0, 80.0, -80.0, 0.5 * np.log(2)]])
    got = np.array([fast_exp(v) for v in x])
    assert np.abs(got / np.exp(x) - 1).max() < 1e-15
    assert fast_exp(0.0) == 1


def test_logarithm() -> None:
    x = np.concatenate([10.0 ** np.linspace(-300, 300, 1201), np.linspace(0.5, 2, 801), [np.sqrt(2), np.sqrt(0.5)]])
    got = np.array([fast_log(v) for v in x])
    assert np.abs(got - np.log(x))[np.abs(np.log(x)) < 1].max() < 1e-15
    np.testing.assert_allclose(got, np.log(x), rtol=1e-15, atol=1e-15)
    assert fast_log(1.0) == 0


def test_logarithm_undoes_the_exponential() -> None:
    x = np.random.default_rng(0).uniform(-160, 160, 500)
    np.testing.assert_allclose([fast_log(fast_exp(v)) for v in x], x, rtol=1e-14, atol=1e-15)


def test_uniform_numbers_are_uniform_and_never_zero() -> None:
    x = np.array([uniform(KEYS[0], np.uint64(n)) for n in range(5000)])
    assert x.min() > 0
    assert x.max() <= 1
    assert stats.kstest(x, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 4 / np.sqrt(5000)


def test_normal_numbers_are_normal_in_each_stream_and_together() -> None:
    """Seeded, so the outcome is fixed; a wrong transform gives p-values of 1e-20."""
    x, _ = normals(4000)
    assert stats.kstest(x.ravel(), "norm").pvalue > 1e-3
    assert min(stats.kstest(x[:, lane], "norm").pvalue for lane in range(LANES)) > 1e-4
    assert stats.kstest(x[0::2].ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(x[1::2].ravel(), "norm").pvalue > 1e-3
    assert stats.kurtosis(x.ravel()) == pytest.approx(0, abs=0.06)


def test_streams_do_not_correlate() -> None:
    x, _ = normals(4000)
    for y in (x, x**2):
        off = np.corrcoef(y.T) - np.eye(LANES)
        assert np.abs(off).max() < 5 / np.sqrt(4000)
    pairs = np.corrcoef(x[0::2].ravel(), x[1::2].ravel())[0, 1]
    assert abs(pairs) < 4 / np.sqrt(x.size / 2)
    assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 4 / np.sqrt(x.size)


def test_neighbouring_keys_give_unrelated_streams() -> None:
    keys = np.arange(LANES, dtype=np.uint64)
    x, _ = normals(4000, keys)
    assert np.abs(np.corrcoef(x.T) - np.eye(LANES)).max() < 5 / np.sqrt(4000)


def test_numbers_depend_on_stream_and_counter_alone() -> None:
    """Whoever stands in the next lane, and in however many calls."""
    x, end = normals(40)
    assert end == 40
    order = np.random.default_rng(1).permutation(LANES)
    np.testing.assert_array_equal(normals(40, KEYS[order])[0], x[:, order])
    first, counter = normals(16)
    second, _ = normals(24, counter=counter)
    np.testing.assert_array_equal(np.concatenate([first, second]), x)


def test_an_odd_number_of_rows() -> None:
    x, end = normals(7)
    assert end == 8
    np.testing.assert_array_equal(x, normals(8)[0][:7])
