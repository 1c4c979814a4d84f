"""Correction of sizes for label shift."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats.errors import ScorerError
from cvmstats.projection.shift import adjust, check_condition, correct_sizes


def _shifted(seed=0, n=20000):
    rng = np.random.default_rng(seed)
    old, new = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    z = rng.choice(3, n, p=new)
    x = rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[z]
    joint = old * np.exp(1.5 * x)
    return joint / joint.sum(axis=1, keepdims=True), old, np.bincount(z) / n


def test_exact_probabilities_give_the_true_sizes():
    p, old, truth = _shifted()
    result = correct_sizes(p, old)
    assert np.abs(result.naive - truth).max() > 0.08
    assert np.abs(result.sizes - truth).max() < 0.01
    np.testing.assert_allclose(result.probabilities.mean(axis=0), result.sizes, atol=1e-8)


def test_it_is_the_fixed_point_of_plain_em():
    p, old, _ = _shifted(n=500)
    sizes = old.copy()
    for _ in range(5000):
        sizes = adjust(p, old, sizes).mean(axis=0)
    np.testing.assert_allclose(correct_sizes(p, old).sizes, sizes, atol=1e-7)


def test_no_shift_no_change():
    p, _, _ = _shifted()
    np.testing.assert_allclose(correct_sizes(p, p.mean(axis=0)).sizes, p.mean(axis=0), atol=1e-7)


def test_a_segment_that_the_list_does_not_have():
    p, old, _ = _shifted()
    part = p[p[:, 0] < 0.05]
    result = correct_sizes(part, old)
    assert result.sizes[0] < 0.01
    assert np.isfinite(result.probabilities).all()


def test_interval_holds_the_estimate_and_narrows_with_the_list():
    p, old, _ = _shifted()
    wide = correct_sizes(p[:400], old, draws=[(p[:400], old)] * 60)
    narrow = correct_sizes(p, old, draws=[(p, old)] * 60)
    for result in (wide, narrow):
        assert np.all((result.interval[:, 0] <= result.sizes) & (result.sizes <= result.interval[:, 1]))
    assert np.diff(narrow.interval).mean() < np.diff(wide.interval).mean() / 4
    assert "corrected for label shift" in repr(wide)
    assert list(wide.to_frame()) == ["segment", "sample", "naive", "corrected", "lower", "upper"]


def test_condition():
    assert check_condition(np.eye(3)) == pytest.approx(1)
    flat = np.full((3, 3), 1 / 3) + 0.01 * np.eye(3)
    with pytest.raises(ScorerError, match=r"sizes of 3 segments cannot be corrected: .* is 101, more than 30") as error:
        correct_sizes(_shifted(n=10)[0], [0.5, 0.3, 0.2], confusion=flat)
    assert "mean probabilities of 0.34, 0.34, 0.34" in str(error.value)
    assert correct_sizes(_shifted(n=10)[0], [0.5, 0.3, 0.2], confusion=flat, max_condition=200).condition > 100


@pytest.mark.parametrize(
    ("p", "sizes", "message"),
    [
        (np.ones((2, 3)) / 3, [0.5, 0.5], r"shape \(2, 3\) and sizes of the sample \(2,\)"),
        (np.ones((2, 2)), [0.5, 0.5], "probabilities of 2 of 2 accounts do not sum to one"),
        (np.array([[np.nan, 1.0]]), [0.5, 0.5], "probabilities of 1 of 1 accounts do not sum to one"),
        (np.ones((2, 2)) / 2, [1.0, 0.0], "1 segments have no share in the sample"),
    ],
)
def test_what_is_refused(p, sizes, message):
    with pytest.raises(ScorerError, match=message):
        correct_sizes(p, sizes)
