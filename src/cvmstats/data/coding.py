"""Coding: from the objects that are shown to free parameters, and from parameters to what people read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.errors import DesignError

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


def anchored_coding(labels: Sequence[str], anchor: str) -> Coding:
    """Coding of J objects of which one is an anchor: its row is zero, utilities are measured from it.

    The other J - 1 have the orthonormal sum-to-zero basis, block ``items``, and a column of ones, block ``anchor``: how far
    their mean is above the anchor. K = J - 1.

    Raises
    ------
    DesignError
        Where the anchor is not one of the objects.

    Examples
    --------
    >>> made = anchored_coding(["a", "b", "worth it"], "worth it")
    >>> made.coding.round(3).tolist(), made.parameter_block
    ([[0.707, 1.0], [-0.707, 1.0], [0.0, 0.0]], ('items', 'anchor'))
    """
    names = tuple(labels)
    if anchor not in names:
        raise DesignError(f"the anchor {anchor!r} is not among the {len(names)} objects\n  expected one of {', '.join(names)}")
    others = [j for j, name in enumerate(names) if name != anchor]
    coding = np.zeros((len(names), len(others)))
    coding[others] = np.hstack([sum_to_zero_basis(len(others)), np.ones((len(others), 1))])
    return Coding(coding, coding, names, ("items",) * (len(others) - 1) + ("anchor",))
