"""Latent profiles through StepMix, against published numbers."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from cvmstats.data.utilities import Utilities
from cvmstats.errors import ConvergenceWarning, SegmentsError
from cvmstats.segments import assign_segments, fit_mixture
from cvmstats.segments.mixtures import mix_normals


# Iris, three profiles, from k-means (random memberships also find -306.8605 for diag, and worse ones for the others).
@pytest.mark.parametrize(("covariance", "expected"), [("diag", -307.1776), ("tied", -256.3540), ("full", -180.1855)])
def test_iris(covariance, expected):
    from sklearn.datasets import load_iris

    found = mix_normals(load_iris().data, 3, covariance, n_starts=2, seed=1, starts=("kmeans",))
    assert found.log_likelihood == pytest.approx(expected, abs=2e-3)
    assert not found.stopped


@pytest.fixture
def utilities(study, truth):
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 2, (3, 7))
    x = centres[np.repeat(truth, 2)] + rng.normal(0, 0.7, (120, 7))
    return Utilities(design=study.design, respondents=study.respondents, mean=x, sd=np.ones_like(x), method="hand",
                     form="sequential")  # fmt: skip


@pytest.mark.parametrize("covariance", ["diag", "tied", "full"])
def test_profiles_are_found_and_assigned_again(utilities, truth, covariance):
    found = fit_mixture(utilities, 3, covariance=covariance, n_starts=3)
    assert adjusted_rand_score(np.repeat(truth, 2), found.labels) > 0.95
    assert found.model.route == "utilities"
    assert found.model.covariances.shape == (3, 7, 7)
    again = assign_segments(found, utilities)
    assert again.membership == pytest.approx(found.membership)


def test_weights_are_copies(utilities):
    x, weight = np.asarray(utilities.mean), np.tile([1.0, 2.0], 60)
    one = mix_normals(x, 3, "tied", n_starts=6, seed=0, weight=weight)
    two = mix_normals(np.repeat(x, weight.astype(int), axis=0), 3, "tied", n_starts=6, seed=0)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-3)


def test_messages(utilities):
    with pytest.raises(SegmentsError, match="unknown covariance 'round'"):
        fit_mixture(utilities, 2, covariance="round")
    with pytest.raises(SegmentsError, match="121 segments of 120 respondents"):
        fit_mixture(utilities, 121)
    with pytest.warns(ConvergenceWarning, match="2 of 2 starts stopped after 2 iterations"):
        fit_mixture(utilities, 3, n_starts=2, max_iterations=2)
