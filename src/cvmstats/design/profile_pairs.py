"""Pairs of profiles: D-optimal for the differences, left and right even."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.design.choice_sets import as_profiles, choice_sets
from cvmstats.design.conjoint import check_rank, check_request
from cvmstats.design.prior_utilities import prior_draws


def pairs_of_profiles(attributes: Attributes, *, n_tasks: int, n_versions: int, grades: Sequence[tuple[int, str]],
                      prohibited: Iterable[Mapping[str, Any]], prior: Mapping[str, Any] | None,
                      prior_sd: float | Mapping[str, Any] | None, rng: np.random.Generator) -> Design:  # fmt: skip
    """V versions of T pairs; of a pair with difference d the information is p (1 - p) d d', as of a choice from a set of two.

    See :func:`~cvmstats.design.pairs.design_pairs` and :func:`~cvmstats.design.conjoint.design_conjoint`.
    """
    check_request(attributes, 2, n_tasks, n_versions, False)
    draws = prior_draws(attributes, prior, prior_sd, False, rng)
    levels = choice_sets(attributes, 2, n_tasks, n_versions, draws, prohibited=prohibited, rng=rng)
    profiles, shown = as_profiles(attributes, levels, False)
    check_rank(profiles, shown, False)
    return Design(objects=profiles, shown=shown, kind="graded" if grades else "pair", grades=tuple(grades),
                  block=("pairs",) * n_tasks, source="cvmstats")  # fmt: skip
