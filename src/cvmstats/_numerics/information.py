"""Information that answered sets carry: on the utilities of k objects where all are equal, and on parameters of a choice.

By symmetry the former is c_k (I - J / k), and only c_k depends on what is asked.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FORMS = ("best", "worst", "sequential", "maxdiff", "marginal", "exploded")


def set_information(form: str, size: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """c_k of sets of ``size`` objects.

    ``best`` or ``worst`` alone: 1 / k. ``sequential``: the worst is chosen from the k - 1 that are left. ``maxdiff``: one of
    k (k - 1) ordered pairs (one pair logit where k = 2, as in every form). ``marginal``: best and worst taken for independent
    logits over the whole set; as best and worst never agree, its standard errors follow 2 (k - 1) / k^2 rather than 2 / k.
    ``exploded``: a full ranking.
    """
    k = np.asarray(size, float)
    if form in ("best", "worst"):
        return np.asarray(1 / k)
    if form == "sequential":
        return np.asarray(1 / k + (k - 2) / (k - 1) ** 2)
    if form == "maxdiff":
        return np.asarray(np.where(k == 2, 0.5, 2 / (k - 1)))
    if form == "marginal":
        return np.asarray(2 * (k - 1) / k**2)
    if form == "exploded":
        return np.asarray([_exploded(int(one)) for one in k.ravel()]).reshape(k.shape)
    raise ValueError(f"unknown form {form!r}; expected one of {', '.join(FORMS)}")


def _exploded(k: int) -> float:
    """Choices from k, ..., 2 objects: from m of them 1 / m, and a contrast is inside a random m of k by (m - 1) / (k - 1)."""
    return sum((m - 1) / (k - 1) / m for m in range(2, k + 1))


def choice_information(rows: npt.ArrayLike, beta: npt.ArrayLike, there: npt.ArrayLike | None = None) -> npt.NDArray[np.float64]:
    """Information (..., K, K) of choices of the best from sets with rows (..., T, A, K), summed over the T sets.

    sum_i p_i (x_i - m)(x_i - m)' with the shares p_i of a multinomial logit at utilities ``beta`` (K), m the mean row
    (McFadden 1974, in Zarembka, ed., Frontiers in Econometrics, 105-142).

    Parameters
    ----------
    there : array (..., T, A), bool, optional
        False where a set is shorter.
    """
    x = np.asarray(rows, float)
    u = x @ np.asarray(beta, float)
    u = np.where(True if there is None else np.asarray(there, bool), u, -np.inf)
    with np.errstate(invalid="ignore"):
        weight = np.exp(u - u.max(axis=-1, keepdims=True))
    weight = np.nan_to_num(weight)  # a set that is not asked
    p = weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-300)
    spread = (x - (p[..., None] * x).sum(axis=-2, keepdims=True)) * np.sqrt(p)[..., None]
    flat = spread.reshape(*spread.shape[:-3], -1, spread.shape[-1])
    return np.asarray(np.swapaxes(flat, -1, -2) @ flat)
