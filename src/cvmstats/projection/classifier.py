"""Segment classifier: a multinomial logit with a quadratic penalty, from hard, soft or latent labels.

Latent labels: what is known of an account's segment are the likelihoods of its answers, not a label. The model of the
covariates is then fitted by the marginal likelihood, the sum over segments of its probability times the likelihood
(concomitant variables with fixed class likelihoods; Vermunt 2010, Political Analysis 18(4), 450-469,
doi:10.1093/pan/mpq025). Soft labels, the posteriors taken as targets, give a model that is too flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from cvmstats.data.encoding import Encoding
from cvmstats.data.frames import is_frame, to_pandas
from cvmstats.errors import FitError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)


class SegmentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
    """Multinomial logit on hooks and firmographics, calibrated.

    Takes arrays of numbers, and dataframes with columns of any kind: categories get a coefficient per level, values
    that were not seen in the fit add nothing (:class:`~cvmstats.data.encoding.Encoding`).

    Parameters
    ----------
    penalty : float, optional
        Half of it times the squared coefficients is taken from the log-likelihood; by default chosen from a small grid
        by cross-validation.
    n_folds : int
        Folds of that cross-validation, and of the one that the calibration uses.
    random_state : int
        Seed of the folds. In arrays, rows that are equal stay in one fold, so that a weight of 2 is a row twice.

    Attributes
    ----------
    classes_ : array (S)
    coef_ : array (S, P)
        Per standardised or coded column.
    intercept_ : array (S)
    penalty_, temperature_ : float
    encoding_ : Encoding or None
        How the columns of a mixed dataframe were coded.

    Examples
    --------
    >>> hooks = pd.DataFrame({"process": ["tender", "direct"] * 20, "sites": [1, 2, 3, 4] * 10})
    >>> model = SegmentClassifier().fit(hooks, ["Savers", "Partners"] * 20)
    >>> model.predict(pd.DataFrame({"process": ["Tender "], "sites": [2]})).tolist()
    ['Savers']
    """

    def __init__(self, penalty: float | None = None, n_folds: int = 5, random_state: int = 0) -> None:
        self.penalty = penalty
        self.n_folds = n_folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit to rows (n, P) with one label each.

        Parameters
        ----------
        X : array (n, P) or dataframe
        y : array (n)
        sample_weight : array (n), optional
            Soft labels enter as copies of a row, one per segment, weighted by the membership.
        groups : array (n), optional
            Rows of a group (copies of an account, people of an account) stay in one fold.
        """
        if _is_mixed(X):
            validate_data(self, X, skip_check_array=True)
            y = column_or_1d(y, warn=True)
            if len(y) != len(X):
                raise ValueError(f"X has {len(X)} rows and y {len(y)}")
        else:
            X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, label = np.unique(np.asarray(y), return_inverse=True)
        weight = _check_sample_weight(sample_weight, label, dtype=np.float64, ensure_non_negative=True)
        kept = weight > 0
        if len(np.unique(label[kept])) < 2:
            raise ValueError("the labels hold one class only; a classifier needs two or more classes")
        if _is_mixed(X):
            table = to_pandas(X)[kept]
            self.encoding_: Encoding | None = Encoding.fit(table)
            x = self.encoding_.encode(table)
            unit = np.arange(len(x))
        else:
            self.encoding_ = None
            x = X[kept]
            self._mean = np.average(x, axis=0, weights=weight[kept])
            sd = np.sqrt(np.average((x - self._mean) ** 2, axis=0, weights=weight[kept]))
            self._sd = np.where(sd > 1e-10 * (1 + np.abs(self._mean)), sd, 1.0)
            unit = np.unique(np.column_stack([x, label[kept]]), axis=0, return_inverse=True)[1].ravel()
            x = (x - self._mean) / self._sd
        if groups is not None:
            unit = np.unique(np.asarray(groups)[kept], return_inverse=True)[1]
        target = np.eye(len(self.classes_))[label[kept]]
        folds = assign_folds(unit, label[kept], self.n_folds, np.random.default_rng(self.random_state))
        logit = fit_calibrated(x, target, folds, weight=weight[kept], penalty=self.penalty)
        self.penalty_, self.temperature_ = logit.penalty, logit.temperature
        self.coef_, self.intercept_ = logit.coefficients[:-1].T, logit.coefficients[-1]
        return self

    def _logits(self, X: Any) -> Floats:
        check_is_fitted(self)
        if self.encoding_ is not None:
            validate_data(self, X, skip_check_array=True, reset=False)
            x = self.encoding_.encode(to_pandas(X))
        else:
            x = (validate_data(self, X, reset=False, dtype=np.float64) - self._mean) / self._sd
        return np.asarray((x @ self.coef_.T + self.intercept_) / self.temperature_)

    def decision_function(self, X: Any) -> Floats:
        """Log-odds (n, S), up to a constant per row; with two classes those of the second (n)."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: Any) -> Floats:
        """Calibrated probabilities (n, S)."""
        return softmax(self._logits(X))

    def predict(self, X: Any) -> Any:
        """The most probable class of each row (n)."""
        best = self._logits(X).argmax(axis=1)
        return self.classes_[best]


@dataclass(frozen=True, eq=False, kw_only=True)
class CalibratedLogit:
    """A fitted logit.

    Parameters
    ----------
    coefficients : array (P + 1, S)
        Log-odds before the temperature, the intercepts as last row, class biases of the calibration included.
    temperature : float
        Divides the log-odds.
    penalty : float
    unseen : array (G, S)
        Calibrated probabilities out of fold.
    score, information : array
        Contributions (G, (P + 1) S) to the gradient and the curvature of the uncalibrated fit, by segment.
    """

    coefficients: Floats
    temperature: float
    penalty: float
    unseen: Floats
    score: Floats
    information: Floats

    def probabilities(self, x: Floats) -> Floats:
        """Calibrated probabilities (n, S) of coded rows (n, P)."""
        return softmax((x @ self.coefficients[:-1] + self.coefficients[-1]) / self.temperature)


def fit_calibrated(
    x: Floats,
    target: Floats,
    folds: Integers,
    *,
    weight: Floats | None = None,
    penalty: float | None = None,
    latent: bool = False,
    penalties: Sequence[float] = PENALTIES,
) -> CalibratedLogit:
    """Choose the penalty by held-out log-likelihood, fit, and calibrate on what was held out.

    The calibration has a temperature and a bias per class (Alexandari, Kundaje & Shrikumar 2020, ICML,
    arXiv:1901.06852, who find it the one that the correction for label shift needs).

    Parameters
    ----------
    x : array (G, P)
    target : array (G, S)
        Probabilities of the labels; with ``latent`` likelihoods of the answers, on any positive scale per row.
    folds : array (G)
        Fold of each row.
    """
    # the matrices are small: more threads only wait for one another
    with threadpool_limits(1):
        return _fit_calibrated(x, target, folds, weight, penalty, latent, penalties)


def _fit_calibrated(
    x: Floats, target: Floats, folds: Integers, weight: Floats | None, penalty: float | None, latent: bool,
    penalties: Sequence[float],
) -> CalibratedLogit:  # fmt: skip
    w = np.ones(len(x)) if weight is None else weight
    grid = [penalty] if penalty is not None else list(penalties)
    logits = np.zeros((len(grid), *target.shape))
    for fold in np.unique(folds) if folds.max(initial=0) > 0 else ():
        test, start = folds == fold, None
        for k, candidate in enumerate(grid):
            start = fit_logit(x[~test], target[~test], w[~test], candidate, latent=latent, start=start, tolerance=1e-6)
            logits[k, test] = x[test] @ start[:-1] + start[-1]
    scores = [_log_likelihood(softmax(z), target, w, latent) for z in logits]
    best = int(np.argmax(scores)) if folds.max(initial=0) > 0 else len(grid) // 2
    beta = fit_logit(x, target, w, grid[best], latent=latent)
    slope, bias = _calibrate(logits[best], target, w, latent) if folds.max(initial=0) > 0 else (1.0, 0.0)
    p = softmax(x @ beta[:-1] + beta[-1])
    q = responsibilities(p, target) if latent else target
    x1 = np.column_stack([x, np.ones(len(x))])
    information = _curvature(x1, p, q, w, grid[best], observed=latent)
    if latent and np.linalg.eigvalsh(information)[0] <= 0:
        information = _curvature(x1, p, q, w, grid[best], observed=False)
    score = (((q - p) * w[:, None])[:, :, None] * x1[:, None, :]).reshape(len(x), -1)
    coefficients = beta.copy()
    coefficients[-1] += np.asarray(bias) / slope
    return CalibratedLogit(
        coefficients=coefficients, temperature=1 / slope, penalty=grid[best],
        unseen=softmax(slope * logits[best] + bias), score=score, information=information,
    )  # fmt: skip


def assign_folds(
    groups: npt.NDArray[Any], labels: npt.NDArray[Any], n_folds: int, rng: np.random.Generator
) -> Integers:
    """Folds (G) that hold groups together and spread the labels evenly; all 0 where there is only one group."""
    names, first, which = np.unique(groups, return_index=True, return_inverse=True)
    order = rng.permutation(len(names))
    order = order[np.argsort(labels[first][order], kind="stable")]
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % max(1, min(n_folds, len(names)))
    return np.asarray(fold[which.ravel()])


def fit_logit(
    x: Floats,
    target: Floats,
    weight: Floats,
    penalty: float,
    *,
    latent: bool = False,
    start: Floats | None = None,
    tolerance: float = 1e-11,
) -> Floats:
    """Coefficients (P + 1, S), intercepts last and unpenalised, by Newton steps that only ever go up."""
    x1 = np.column_stack([x, np.ones(len(x))])
    n_columns, n_segments = x1.shape[1], target.shape[1]
    beta = np.zeros((n_columns, n_segments)) if start is None else start.copy()

    def objective(b: Floats) -> float:
        return _log_likelihood(softmax(x1 @ b), target, weight, latent) - penalty / 2 * float((b[:-1] ** 2).sum())

    value = objective(beta)
    for _ in range(200):
        p = softmax(x1 @ beta)
        q = responsibilities(p, target) if latent else target
        gradient = x1.T @ ((q - p) * weight[:, None])
        gradient[:-1] -= penalty * beta[:-1]
        step = _ascent(x1, p, q, weight, penalty, latent, gradient)
        gain = float((gradient * step).sum())
        if gain <= tolerance * tolerance * (1 + abs(value)):
            break
        for halving in range(30):
            tried = beta + step / 2**halving
            new = objective(tried)
            if new >= value:
                break
        else:
            break
        beta, value = tried, new
        if gain <= tolerance * (1 + abs(value)) * 1e-3:
            break
    return beta


def _ascent(
    x1: Floats, p: Floats, q: Floats, weight: Floats, penalty: float, latent: bool, gradient: Floats
) -> Floats:
    """Newton's step (P + 1, S), or where the curvature is not positive a step by one that is."""
    for observed, lift in ((latent, 0.0), (False, 0.0), (False, 1e-6), (False, 1e-2)):
        matrix = _curvature(x1, p, q, weight, penalty, observed=observed)
        matrix[np.diag_indices_from(matrix)] += lift * np.trace(matrix) / len(matrix)
        try:
            step = cho_solve(cho_factor(matrix), gradient.T.ravel())
        except LinAlgError:
            continue
        return np.asarray(step.reshape(gradient.shape[::-1]).T)
    raise FitError("the classifier's curvature is not finite\n  expected columns without extreme numbers")


def responsibilities(p: Floats, likelihood: Floats) -> Floats:
    """Posteriors (G, S) of the segments, given covariates and answers."""
    joint = p * likelihood
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def softmax(logits: Floats) -> Floats:
    """Probabilities, row by row."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _log_likelihood(p: Floats, target: Floats, weight: Floats, latent: bool) -> float:
    if latent:
        return float(weight @ np.log(np.maximum((p * target).sum(axis=1), 1e-300)))
    return float(weight @ (target * np.log(np.maximum(p, 1e-300))).sum(axis=1))


def _curvature(x1: Floats, p: Floats, q: Floats, weight: Floats, penalty: float, *, observed: bool) -> Floats:
    """Negative second derivatives ((P + 1) S, by segment); observed: less the information that the labels lack."""
    n_columns, n_segments = x1.shape[1], p.shape[1]
    result = np.empty((n_segments, n_columns, n_segments, n_columns))
    for s in range(n_segments):
        for t in range(s, n_segments):
            v = p[:, s] * ((s == t) - p[:, t])
            if observed:
                v = v - q[:, s] * ((s == t) - q[:, t])
            block = x1.T @ (x1 * (weight * v)[:, None])
            result[s, :, t, :] = block
            result[t, :, s, :] = block.T
    # the same constant added to all intercepts changes nothing: pin their sum
    result[:, -1, :, -1] += weight.sum() / n_segments**2
    matrix = result.reshape(n_segments * n_columns, -1)
    ridge = np.full((n_segments, n_columns), penalty)
    ridge[:, -1] = 0
    matrix[np.diag_indices_from(matrix)] += ridge.ravel()
    return matrix


def _calibrate(logits: Floats, target: Floats, weight: Floats, latent: bool) -> tuple[float, Floats]:
    """Slope (one over the temperature) and biases (S), drawn weakly to 1 and 0."""
    n_segments = logits.shape[1]
    logits = logits - logits.mean(axis=1, keepdims=True)
    theta = np.concatenate([[1.0], np.zeros(n_segments)])
    prior = theta.copy()

    def objective(t: Floats) -> float:
        fit = _log_likelihood(softmax(t[0] * logits + t[1:]), target, weight, latent)
        return fit - float(((t - prior) ** 2).sum()) / 2

    value = objective(theta)
    for _ in range(100):
        p = softmax(theta[0] * logits + theta[1:])
        q = responsibilities(p, target) if latent else target
        residual = (q - p) * weight[:, None]
        gradient = np.concatenate([[(residual * logits).sum()], residual.sum(axis=0)]) - (theta - prior)
        centred = logits - (p * logits).sum(axis=1, keepdims=True)
        cross = (weight[:, None] * p * centred).sum(axis=0)
        curvature = np.eye(n_segments + 1)
        curvature[0, 0] += float((weight[:, None] * p * centred**2).sum())
        curvature[0, 1:] += cross
        curvature[1:, 0] += cross
        curvature[1:, 1:] += np.diag((weight[:, None] * p).sum(axis=0)) - (p * weight[:, None]).T @ p
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) <= 1e-20 * (1 + abs(value)):
            break
        for halving in range(30):
            tried = theta + step / 2**halving
            new = objective(tried) if tried[0] > 0.05 else -np.inf
            if new >= value:
                break
        else:
            break
        theta, value = tried, new
    return float(theta[0]), theta[1:]


def _is_mixed(X: Any) -> bool:
    """Whether this is a dataframe that holds anything but complete columns of numbers."""
    if not is_frame(X):
        return False
    table = to_pandas(X)
    return not all(pd.api.types.is_numeric_dtype(t) for t in table.dtypes) or bool(table.isna().to_numpy().any())
