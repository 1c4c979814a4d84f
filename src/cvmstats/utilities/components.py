"""Components of a mixture, told apart: their labels mean nothing to a sampler, and may change places between draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def align(sizes: Floats, means: Floats, covs: Floats,
          component: npt.NDArray[np.int8]) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
    """Sizes (C, D, S), means (C, D, S, K) and covariances of the same components in each draw, largest first, and membership.

    Each draw's components are matched to a reference by the people they hold and where they lie; the reference is the
    average of the matched draws, twice over (Stephens 2000, doi 10.1111/1467-9868.00265, in one step).

    Parameters
    ----------
    component : array (C, D, R)
        The component of each person in each draw.

    Returns
    -------
    sizes, means, covs
        With S in the same order throughout.
    membership : array (R, S)
    """
    n_chains, n_draws, n_components = sizes.shape
    n_people = component.shape[2]
    if n_components == 1:
        return sizes, means, covs, np.ones((n_people, 1))
    flat: Any = component.reshape(-1, n_people)
    one_hot = np.eye(n_components)
    reference = one_hot[flat[-1]]
    order = np.zeros((len(flat), n_components), np.int64)
    for _ in range(3):
        total = np.zeros((n_people, n_components))
        for d, labels in enumerate(flat):
            order[d] = _match(one_hot[labels].T @ reference)
            total += one_hot[labels][:, order[d]]
        reference = total / len(flat)
    shape = (n_chains, n_draws, n_components)
    index = order.reshape(shape)
    aligned = np.take_along_axis(sizes, index, axis=2)
    by_size = np.argsort(-aligned.mean(axis=(0, 1)), kind="stable")
    index = index[:, :, by_size]
    return (np.take_along_axis(sizes, index, axis=2), np.take_along_axis(means, index[..., None], axis=2),
            np.take_along_axis(covs, index[..., None, None], axis=2), reference[:, by_size])  # fmt: skip


def _match(overlap: Floats) -> npt.NDArray[np.int64]:
    """For each reference component the label of a draw that shares most people with it."""
    from scipy.optimize import linear_sum_assignment

    labels, references = linear_sum_assignment(-overlap)
    out = np.empty(len(labels), np.int64)
    out[references] = labels
    return out
