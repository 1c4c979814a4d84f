"""Latent profiles: a mixture of normal distributions on utilities, through StepMix.

The second road, for utilities that come from elsewhere. Posterior means are shrunken and carry estimation error, which
a mixture takes for signal; the latent class model on the choices does not (Crabbe, Jones & Vandebroek 2011).

StepMix (Morin et al. 2025, doi:10.18637/jss.v113.i08) is used for its EM only, with one fresh object per start; the
log-likelihood, weighted, and the memberships are computed here from its parameters.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.data.utilities import Utilities
from cvmstats.errors import ConvergenceWarning, FitError, SegmentsError

Floats = npt.NDArray[np.float64]
_MEASUREMENT = {"diag": "gaussian_diag", "tied": "gaussian_tied", "full": "gaussian_full"}


class Mixture(NamedTuple):
    """Sizes (S), means (S, K), covariances (S, K, K) and how well the best start fits."""

    sizes: Floats
    means: Floats
    covariances: Floats
    log_likelihood: float
    starts_at_best: int
    stopped: int


def fit_mixture(utilities: Utilities, n_segments: int, *, covariance: Literal["diag", "tied", "full"] = "diag",
                n_starts: int = 20, seed: int | np.random.Generator = 0, names: Sequence[str] | None = None,
                max_iterations: int = 1000) -> Segments:  # fmt: skip
    """Latent profiles on respondents' utilities, in their K orthonormal parameters (J items have rank J - 1).

    Parameters
    ----------
    utilities : Utilities
        Posterior means or scores of R respondents.
    n_segments : int
        S.
    covariance : {"diag", "tied", "full"}
        Spread within a segment: uncorrelated parameters, one matrix for all, or one each.
    n_starts : int
        Starts, in turn from k-means and from random memberships.
    seed : int or Generator
    names : sequence of str (S), optional
        From the largest segment to the smallest.

    Raises
    ------
    SegmentsError
        An unknown covariance, or more segments than people can carry.
    FitError
        Where every start failed.

    Warns
    -----
    ConvergenceWarning
        Where starts stopped before their end.
    """
    if covariance not in _MEASUREMENT:
        raise SegmentsError(f"unknown covariance {covariance!r}\n  expected one of {', '.join(_MEASUREMENT)}")
    x = np.asarray(utilities.mean)
    n, k = x.shape
    if n_segments < 1 or n_segments > n:
        raise SegmentsError(f"{n_segments} segments of {n:,} respondents\n  expected 1 to {n:,}")
    people = utilities.respondents
    weight = people.weight
    if people.weight_kind == "sampling":
        weight = weight * weight.sum() / (weight**2).sum()
    found = mix_normals(x, n_segments, covariance, n_starts=n_starts, seed=seed, weight=weight,
                        max_iterations=max_iterations)  # fmt: skip
    if found.stopped:
        warnings.warn(f"{found.stopped} of {n_starts} starts stopped after {max_iterations} iterations\n"
                      "  raise max_iterations, or ask for fewer segments", ConvergenceWarning,
                      stacklevel=2)  # fmt: skip
    order = np.argsort(-found.sizes, kind="stable")
    sizes, means, spread = found.sizes[order], found.means[order], found.covariances[order]
    model = SegmentModel(route="utilities", sizes=sizes, means=means, covariances=spread, form=utilities.form,
                         mean_cov=spread / (sizes * weight.sum())[:, None, None])  # fmt: skip
    shapes = {"diag": n_segments * k, "tied": k * (k + 1) // 2, "full": n_segments * k * (k + 1) // 2}
    count = n_segments * k + n_segments - 1 + shapes[covariance]
    return Segments(
        design=utilities.design, unit="respondent", ids=utilities.ids, membership=normal_membership(x, model),
        names=tuple(names or ()), model=model, log_likelihood=found.log_likelihood,
        bic=-2 * found.log_likelihood + count * float(np.log(weight.sum())), n_starts=n_starts,
        starts_at_best=found.starts_at_best,
        settings={"n_segments": n_segments, "covariance": covariance, "n_starts": n_starts, "method": "mixture",
                  "seed": seed if isinstance(seed, int) else str(seed), "n_units": float(weight.sum())},
    )  # fmt: skip


def normal_membership(x: Floats, model: SegmentModel) -> Floats:
    """Membership (R, S) of people with parameters ``x`` (R, K)."""
    assert model.covariances is not None
    logs = _log_density(x, model.means, model.covariances) + np.log(model.sizes)
    p = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def mix_normals(x: Floats, n_segments: int, covariance: str, *, n_starts: int, seed: int | np.random.Generator,
                weight: Floats | None = None, max_iterations: int = 1000,
                starts: Sequence[str] = ("kmeans", "random")) -> Mixture:  # fmt: skip
    """The best of several StepMix fits to ``x`` (R, K), begun in turn from k-means and from random memberships."""
    from stepmix.stepmix import StepMix
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    n, k = x.shape
    weights = np.ones(n) if weight is None else weight
    given, given_weights = _as_stepmix_reads(x, weights, covariance)
    rng = np.random.default_rng(seed)
    found: list[tuple[float, Floats, Floats, Floats]] = []
    stopped, trouble = 0, ""
    for turn, number in enumerate(rng.integers(2**31 - 1, size=n_starts)):
        # A fresh object each time: refitting reuses the state of the former fit.
        fit = StepMix(n_components=n_segments, n_steps=1, measurement=_MEASUREMENT[covariance], n_init=1,
                      max_iter=max_iterations, abs_tol=1e-8, init_params=starts[turn % len(starts)],
                      random_state=int(number), progress_bar=0, verbose=0)  # fmt: skip
        try:
            # Matrices are small: threads of the linear algebra would only wait for one another.
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                fit.fit(given, sample_weight=given_weights)
        except (ValueError, np.linalg.LinAlgError) as error:  # a segment shrank to a point
            trouble = str(error)
            continue
        stopped += fit.n_iter_ >= max_iterations
        parameters = fit.get_parameters()
        sizes = np.asarray(parameters["weights"], float)
        means = np.asarray(parameters["measurement"]["means"], float)
        raw = np.asarray(parameters["measurement"]["covariances"], float)
        if covariance == "diag":
            raw = np.stack([np.diag(c) for c in raw])
        spread = np.array(np.broadcast_to(raw, (n_segments, k, k)))
        logs = _log_density(x, means, spread) + np.log(sizes)
        found.append((float(weights @ np.logaddexp.reduce(logs, axis=1)), sizes, means, spread))
    if not found:
        raise FitError(f"none of {n_starts} starts of a mixture of {n_segments} segments could be fitted: {trouble}\n"
                       "  ask for fewer segments, or covariance='diag' or 'tied'")  # fmt: skip
    top = max(found, key=lambda f: f[0])
    return Mixture(top[1], top[2], top[3], top[0], sum(f[0] > top[0] - 0.01 for f in found), int(stopped))


def _as_stepmix_reads(x: Floats, weights: Floats, covariance: str) -> tuple[Floats, Floats]:
    """Rows and weights for StepMix, whose tied covariance takes X'X without the weights: there, rows are repeated."""
    if np.ptp(weights) == 0:
        return x, np.ones(len(x))
    if covariance != "tied":
        return x, weights
    if (weights != np.round(weights)).any():
        raise SegmentsError("a tied covariance cannot be estimated with sampling weights\n"
                            "  expected whole frequencies, or covariance='diag' or 'full'")  # fmt: skip
    rows = np.repeat(x, weights.astype(int), axis=0)
    return rows, np.ones(len(rows))


def _log_density(x: Floats, means: Floats, covariances: Floats) -> Floats:
    columns = []
    for mean, cov in zip(means, covariances, strict=True):
        root = np.linalg.cholesky(cov)
        z = solve_triangular(root, (x - mean).T, lower=True)
        columns.append(-0.5 * (z**2).sum(axis=0) - np.log(np.diag(root)).sum() - 0.5 * len(mean) * np.log(2 * np.pi))
    return np.stack(columns, axis=1)
