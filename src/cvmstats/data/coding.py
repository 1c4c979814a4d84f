"""Coding: from the objects that are shown to free parameters, and from parameters to what people read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Coding(NamedTuple):
    """What ``Design`` takes beside its objects; ``Design(objects=..., shown=..., **coding._asdict())``.

    Attributes
    ----------
    coding : array (J, K)
        Objects to free parameters.
    report : array (L, K)
        Parameters to what people read.
    report_labels : tuple of str (L)
    parameter_block : tuple of str (K)
        The prior block of each parameter.
    """

    coding: Floats
    report: Floats
    report_labels: tuple[str, ...]
    parameter_block: tuple[str, ...]


def sum_to_zero_basis(n: int) -> Floats:
    """Orthonormal basis (n, n - 1) of the vectors that sum to zero (Helmert contrasts, scaled to length one).

    >>> basis = sum_to_zero_basis(4)
    >>> bool(np.allclose(basis.T @ basis, np.eye(3)) and np.allclose(basis.sum(axis=0), 0))
    True
    """
    basis = np.zeros((n, n - 1))
    for k in range(1, n):
        basis[:k, k - 1] = 1 / np.sqrt(k * (k + 1))
        basis[k, k - 1] = -k / np.sqrt(k * (k + 1))
    return basis
