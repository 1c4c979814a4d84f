"""Which items the next respondent sees: dealt evenly, or those that may be the best (Thompson sampling).

Schwartz, Fairchild, Orme & Zaitzeff, "Bandit MaxDiff"; Thompson 1933 (doi:10.1093/biomet/25.3-4.285).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def deal_items(often: npt.ArrayLike, n: int, rng: np.random.Generator) -> Ints:
    """``n`` of the J items, those least often shown so far (J) first, at random among equals."""
    counts = np.asarray(often)
    return np.lexsort((rng.random(len(counts)), counts))[:n]


def sample_items(mean: Floats, cov: Floats, n: int, rng: np.random.Generator, *, epsilon: float = 0.0,
                 delta: float = 1.0) -> Ints:  # fmt: skip
    """``n`` of the J items: the highest of one draw of the utilities from N(mean, cov).

    A share ``epsilon`` of them are instead the highest, among the others, of a draw whose covariance is ``delta`` times as
    large, so that items which early answers put low are looked at again.
    """
    root = np.linalg.cholesky(cov)
    noise = rng.standard_normal((2, len(mean)))
    n_diffuse = round(epsilon * n)
    first = np.argsort(-(mean + root @ noise[0]), kind="stable")[: n - n_diffuse]
    wide = mean + np.sqrt(delta) * (root @ noise[1])
    wide[first] = -np.inf
    return np.concatenate([first, np.argsort(-wide, kind="stable")[:n_diffuse]])
