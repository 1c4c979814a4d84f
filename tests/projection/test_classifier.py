"""The classifier as scikit-learn sees it, and its arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from cvmstats.projection.classifier import SegmentClassifier, assign_folds, fit_logit, responsibilities, softmax


@parametrize_with_checks([SegmentClassifier()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def _rows(seed=0, n=300, n_columns=4, n_segments=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_columns))
    p = softmax(x @ rng.normal(size=(n_columns, n_segments)))
    z = np.array([rng.choice(n_segments, p=row) for row in p])
    return rng, x, z


def test_same_coefficients_as_scikit_learn():
    _, x, z = _rows()
    beta = fit_logit(x, np.eye(3)[z], np.ones(len(x)), 2.0)
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(x, z)
    np.testing.assert_allclose(beta[:-1].T, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(softmax(x @ beta[:-1] + beta[-1]), peer.predict_proba(x), atol=1e-5)


def test_soft_targets_equal_weighted_copies():
    rng, x, _ = _rows()
    soft = rng.dirichlet(np.ones(3), size=len(x))
    direct = fit_logit(x, soft, np.ones(len(x)), 1.0)
    copies = fit_logit(np.repeat(x, 3, axis=0), np.tile(np.eye(3), (len(x), 1)), soft.ravel(), 1.0)
    np.testing.assert_allclose(direct, copies, atol=1e-8)


def test_latent_fit_is_at_the_maximum_of_the_marginal_likelihood():
    rng, x, z = _rows()
    likelihood = np.exp(1.5 * (rng.normal(size=(len(x), 3)) + 1.5 * np.eye(3)[z]))
    beta = fit_logit(x, likelihood, np.ones(len(x)), 1.0, latent=True)

    def objective(b):
        p = softmax(x @ b[:-1] + b[-1])
        return np.log((p * likelihood).sum(axis=1)).sum() - (b[:-1] ** 2).sum() / 2

    here, step = objective(beta), 1e-4
    for index in np.ndindex(beta.shape):
        move = np.zeros_like(beta)
        move[index] = step
        slope = (objective(beta + move) - objective(beta - move)) / (2 * step)
        assert abs(slope) < 1e-4
    p = softmax(x @ beta[:-1] + beta[-1])
    np.testing.assert_allclose(responsibilities(p, likelihood).mean(axis=0), p.mean(axis=0), atol=1e-7)
    assert here > objective(
        fit_logit(x, responsibilities(np.full((len(x), 3), 1 / 3), likelihood), np.ones(len(x)), 1.0)
    )


def test_sharp_likelihoods_are_hard_labels():
    _, x, z = _rows()
    hard = fit_logit(x, np.eye(3)[z], np.ones(len(x)), 1.0)
    latent = fit_logit(x, np.maximum(np.eye(3)[z], 1e-12), np.ones(len(x)), 1.0, latent=True)
    np.testing.assert_allclose(latent, hard, atol=1e-6)


def test_mixed_dataframe_with_unseen_and_missing_values():
    rng = np.random.default_rng(1)
    hook = rng.choice(["tender", "direct", "partner"], 300)
    y = np.where(rng.random(300) < 0.85, np.char.upper(hook.astype(str)), "TENDER")
    table = pd.DataFrame({"hook": hook, "sites": rng.normal(10, 3, 300)})
    table.loc[:20, "sites"] = np.nan
    model = SegmentClassifier().fit(table, y)
    assert (model.predict(table) == y).mean() > 0.8
    new = pd.DataFrame({"hook": [" Direct", "auction"], "sites": [10.0, np.nan]})
    known, unseen = model.predict_proba(new)
    assert model.classes_[known.argmax()] == "DIRECT"
    start = sum(len(c.names) for c in model.encoding_.codes[:1])
    numbers = model.encoding_.encode(new)[1, start:] @ model.coef_[:, start:].T
    np.testing.assert_allclose(unseen, softmax((model.intercept_ + numbers)[None] / model.temperature_)[0])
    np.testing.assert_allclose(model.coef_[:, :start].sum(axis=1), 0, atol=1e-6)


def test_calibration_sharpens_what_the_penalty_flattened():
    _, x, z = _rows(n=600)
    flat = SegmentClassifier(penalty=300.0).fit(x, z)
    assert flat.temperature_ < 0.8
    gap = abs(flat.predict_proba(x).max(axis=1).mean() - (flat.predict(x) == z).mean())
    assert gap < 0.05


def test_folds_hold_groups_together_and_spread_labels():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 3)
    labels = np.repeat(np.arange(50) % 5, 3)
    folds = assign_folds(groups, labels, 5, rng)
    assert all(len(set(folds[groups == g])) == 1 for g in range(50))
    assert all(len(set(folds[labels == s])) == 5 for s in range(5))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two or more classes"):
        SegmentClassifier().fit(np.eye(3), [1, 1, 1])
