"""The lanes: arithmetic, exponentials, logarithms and normal numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import (
    WIDTH,
    above,
    choose,
    exponential,
    fill_normals,
    gather,
    load,
    logarithm,
    spread,
    square_root,
    store,
    uniform,
)

KEYS = np.random.default_rng(11).integers(0, 2**64, WIDTH, dtype=np.uint64)


@compiled
def _exponentials(x, out):
    for i in range(x.shape[0]):
        store(out, i, exponential(load(x, i)))


@compiled
def _logarithms(x, out):
    for i in range(x.shape[0]):
        store(out, i, logarithm(load(x, i)))


@compiled
def _uniforms(keys, n, out):
    for i in range(n):
        store(out, i, uniform(keys, 0, i))


def over(function, x: np.ndarray) -> np.ndarray:
    """A compiled function of rows on a flat array."""
    rows = np.resize(x, (-(-len(x) // WIDTH), WIDTH))
    out = np.empty_like(rows)
    function(rows, out)
    return out.ravel()[: len(x)]


def normals(n: int, keys: np.ndarray = KEYS, counter: int = 0) -> tuple[np.ndarray, int]:
    out = np.empty((n, WIDTH))
    return out, int(fill_normals(keys[None], 0, np.uint64(counter), out))


@compiled
def _arithmetic(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, x + y * 2.0)
    store(out, 1, 1.0 - x / y)
    store(out, 2, square_root(x * x))
    x += y
    x *= 3
    store(out, 3, x - spread(0.5))


def test_arithmetic_is_lane_by_lane() -> None:
    a, b = np.random.default_rng(2).normal(size=(2, 1, WIDTH))
    out = np.empty((4, WIDTH))
    _arithmetic(a, b, out)
    np.testing.assert_allclose(out, np.stack([a + 2 * b, 1 - a / b, np.abs(a), 3 * (a + b) - 0.5])[:, 0], rtol=1e-14)


@compiled
def _pick(a, index, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, choose(above(x, y), x, y))
    store(out, 1, choose(above(x, 0.0), 1.0, 0.0))
    store(out, 2, gather(a, index, 1))


def test_masks_and_gathering() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(5, WIDTH)), rng.normal(size=(1, WIDTH))
    a[0, :2] = np.nan
    index = rng.integers(0, 5, (2, WIDTH)).astype(np.uint32)
    out = np.empty((3, WIDTH))
    _pick(a, index, b, out)
    np.testing.assert_array_equal(out[0], np.where(a[0] > b[0], a[0], b[0]))
    np.testing.assert_array_equal(out[1], (a[0] > 0).astype(float))
    np.testing.assert_array_equal(out[2], a[index[1], np.arange(WIDTH)])


def test_exponential() -> None:
    x = np.concatenate([np.linspace(-700, 700, 1501), np.linspace(-1, 1, 501), [0.0, 80.0, -80.0, 0.5 * np.log(2)]])
    got = over(_exponentials, x)
    assert np.abs(got / np.exp(x) - 1).max() < 1e-15
    assert over(_exponentials, np.zeros(3)).tolist() == [1, 1, 1]


def test_logarithm() -> None:
    x = np.concatenate([10.0 ** np.linspace(-300, 300, 1201), np.linspace(0.5, 2, 801), [np.sqrt(2), np.sqrt(0.5)]])
    got = over(_logarithms, x)
    assert np.abs(got - np.log(x))[np.abs(np.log(x)) < 1].max() < 1e-15
    np.testing.assert_allclose(got, np.log(x), rtol=1e-15, atol=1e-15)
    assert over(_logarithms, np.ones(2)).tolist() == [0, 0]


def test_uniform_numbers_are_uniform_and_never_zero() -> None:
    out = np.empty((5000, WIDTH))
    _uniforms(KEYS[None], 5000, out)
    assert out.min() > 0
    assert out.max() <= 1
    assert stats.kstest(out[:, 0], "uniform").pvalue > 1e-3
    assert stats.kstest(out[7], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(out[1:, 0], out[:-1, 0])[0, 1]) < 4 / np.sqrt(5000)


def test_normal_numbers_are_normal_in_each_stream_and_together() -> None:
    """Seeded, so the outcome is fixed; a wrong transform gives p-values of 1e-20."""
    x, _ = normals(4000)
    assert stats.kstest(x.ravel(), "norm").pvalue > 1e-3
    assert min(stats.kstest(x[:, lane], "norm").pvalue for lane in range(WIDTH)) > 1e-4
    assert stats.kstest(x[0::2].ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(x[1::2].ravel(), "norm").pvalue > 1e-3
    assert stats.kurtosis(x.ravel()) == pytest.approx(0, abs=0.06)


def test_streams_do_not_correlate() -> None:
    x, _ = normals(4000)
    for y in (x, x**2):
        off = np.corrcoef(y.T) - np.eye(WIDTH)
        assert np.abs(off).max() < 5 / np.sqrt(4000)
    pairs = np.corrcoef(x[0::2].ravel(), x[1::2].ravel())[0, 1]
    assert abs(pairs) < 4 / np.sqrt(x.size / 2)
    assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 4 / np.sqrt(x.size)


def test_neighbouring_keys_give_unrelated_streams() -> None:
    keys = np.arange(WIDTH, dtype=np.uint64)
    x, _ = normals(4000, keys)
    assert np.abs(np.corrcoef(x.T) - np.eye(WIDTH)).max() < 5 / np.sqrt(4000)


def test_numbers_depend_on_stream_and_counter_alone() -> None:
    """Whoever stands in the next lane, and in however many calls."""
    x, end = normals(40)
    assert end == 40
    order = np.random.default_rng(1).permutation(WIDTH)
    np.testing.assert_array_equal(normals(40, KEYS[order])[0], x[:, order])
    first, counter = normals(16)
    second, _ = normals(24, counter=counter)
    np.testing.assert_array_equal(np.concatenate([first, second]), x)


def test_an_odd_number_of_rows() -> None:
    x, end = normals(7)
    assert end == 8
    np.testing.assert_array_equal(x, normals(8)[0][:7])
