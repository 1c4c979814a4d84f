"""Scales on which utilities are reported, by name (methods and pages: Chrzan & Orme 2019, Applied MaxDiff)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats.errors import UtilitiesError

SCALES = ("zero_centered", "sawtooth_probability", "sawtooth_rescaled", "interval_100", "share")


def rescale(utilities: npt.ArrayLike, scale: str, *, set_size: float) -> npt.NDArray[np.float64]:
    """Utilities in logits to a named scale, over the last axis.

    Parameters
    ----------
    utilities : array (..., L)
        Utilities in logits; their origin does not matter, they are centred first.
    scale : str
        ``zero_centered``; ``sawtooth_probability`` 100 e^u/(e^u + a - 1); ``sawtooth_rescaled``, the former summing
        to 100; ``interval_100``, range 100, centred; ``share``, softmax.
    set_size : float
        a, items per set; the mean for sets of different sizes.

    Examples
    --------
    >>> rescale([0.0, 0.0, 0.0, 0.0], "sawtooth_probability", set_size=4).tolist()
    [25.0, 25.0, 25.0, 25.0]

    Raises
    ------
    UtilitiesError
        An unknown scale. "probability" alone is refused: programs mean two different things by it.
    """
    u = np.asarray(utilities, float)
    u = u - u.mean(axis=-1, keepdims=True)
    if scale == "zero_centered":
        return u
    if scale in ("sawtooth_probability", "sawtooth_rescaled"):
        p = 100 / (1 + (set_size - 1) * np.exp(-u))
        return p if scale == "sawtooth_probability" else 100 * p / p.sum(axis=-1, keepdims=True)
    if scale == "interval_100":
        low, high = u.min(axis=-1, keepdims=True), u.max(axis=-1, keepdims=True)
        v = 100 * (u - low) / np.where(high > low, high - low, 1.0)  # where all is equal, all is 0
        return np.asarray(v - v.mean(axis=-1, keepdims=True))
    if scale == "share":
        e = np.exp(u - u.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))
    hint = "\n  Sawtooth means sawtooth_probability, others mean share" if scale == "probability" else ""
    raise UtilitiesError(f"unknown scale {scale!r}{hint}\n  expected one of {', '.join(SCALES)}")
