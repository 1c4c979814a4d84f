"""Choice-based conjoint: sets of profiles of which the best is chosen, D-optimal by coordinate exchange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.information import choice_information
from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.design.choice_sets import as_profiles, choice_sets
from cvmstats.design.prior_utilities import prior_draws
from cvmstats.errors import DesignError

Levels = Attributes | Mapping[str, Sequence[Any]]


def design_conjoint(
    attributes: Levels,
    *,
    alternatives: int = 3,
    n_tasks: int = 12,
    n_versions: int = 1,
    none: bool | Literal["dual"] = False,
    prohibited: Iterable[Mapping[str, Any]] = (),
    prior: Mapping[str, Any] | None = None,
    prior_sd: float | Mapping[str, Any] | None = None,
    repeats: bool = False,
    n_starts: int | None = None,
    seed: int | np.random.Generator = 0,
) -> Design:
    """V versions of T tasks of A profiles, with large information for a multinomial logit.

    Sets are found by coordinate exchange (Meyer & Nachtsheim 1995, Technometrics 37, 60-69) from starts at random and, where
    nothing is prohibited, at shifted orthogonal plans. What is made large is log det of the information at the prior: zero
    utilities (Huber & Zwerina 1996, Journal of Marketing Research 33, 307-317), a point prior, or its mean over 64
    quasi-random draws (Kessels, Goos & Vandebroek 2006, Journal of Marketing Research 43, 409-419). Versions are made to serve
    alone and beside one another. ``assess_design`` shows what was reached.

    Parameters
    ----------
    attributes : Attributes, or mapping of names to levels
    alternatives : int
        A, profiles per task; 2 or more.
    n_tasks, n_versions : int
        T and V.
    none : bool or "dual"
        Add a none option to every task; ``"dual"``: it cannot be picked, a second question places it. Its constant is then
        left out of the information, as the first question does not speak of it.
    prohibited : mappings, optional
        Combinations that are never shown, such as ``{"price": 10, "brand": "A"}``; two attributes or more in each.
    prior : mapping, optional
        What is thought of the utilities, ``{attribute: {level: utility}}`` in logits, or a slope where linear; ``"none"``: the
        none option's, beside a profile of average levels. Attributes that are not named are 0.
    prior_sd : float or mapping, optional
        Standard deviations about the prior, of each level's utility (of the slope, where linear): asks for the Bayesian
        criterion.
    repeats : bool
        Let a version ask a set twice where that is better; otherwise it does only where there are too few different sets.
    n_starts : int, optional
        Starts per version; by default from 3 to 400, the more the smaller the design.
    seed : int or Generator

    Raises
    ------
    DesignError
        A request that no design can meet, with the nearest one that can be met; prohibitions that conflict, named; a prior
        for unknown attributes or levels.
    AttributesError
        Unknown attributes or levels.

    Examples
    --------
    >>> design_conjoint({"price": [10, 20, 30], "brand": ["A", "B"]}, alternatives=2, n_tasks=6, none=True)
    Design  1 version x 6 tasks x 2 profiles and none
      ...
    """
    parts = attributes if isinstance(attributes, Attributes) else Attributes.from_dict(attributes)
    rng = np.random.default_rng(seed)
    if none not in (False, True, "dual"):
        raise DesignError(f"none={none!r} is not known\n  expected False, True or 'dual'")
    if none == "dual":
        prior = {k: v for k, v in (prior or {}).items() if k != "none"}
        prior_sd = {k: v for k, v in prior_sd.items() if k != "none"} if isinstance(prior_sd, Mapping) else prior_sd
    outside = none is True
    check_request(parts, alternatives, n_tasks, n_versions, outside)
    draws = prior_draws(parts, prior, prior_sd, outside, rng)
    levels = choice_sets(parts, alternatives, n_tasks, n_versions, draws, outside=outside, prohibited=prohibited,
                         repeats=repeats, n_starts=n_starts, rng=rng)  # fmt: skip
    profiles, shown = as_profiles(parts, levels, bool(none))
    check_rank(profiles, shown, none == "dual")
    return Design(objects=profiles, shown=shown, kind="best", dual=np.full(shown.shape[:2], none == "dual"),
                  block=("conjoint",) * n_tasks, source="cvmstats")  # fmt: skip


def check_request(attributes: Attributes, alternatives: int, n_tasks: int, n_versions: int, outside: bool) -> None:
    """Refuse what cannot be, with the nearest that can."""
    k = attributes.coding.shape[1] + outside
    asked = f"{n_versions} version{'s' * (n_versions != 1)} of {n_tasks} task{'s' * (n_tasks != 1)} of {alternatives} profiles"
    if min(n_tasks, n_versions) < 1:
        raise DesignError(f"{asked}\n  expected one version of one task, or more")
    if alternatives < 2:
        raise DesignError(f"{asked}: there is nothing to choose from\n  the nearest possible: alternatives=2")
    each = alternatives - 1 + outside
    if n_tasks * n_versions * each < k:
        least = -(-k // (each * n_versions))
        raise DesignError(f"{asked}: {n_tasks * n_versions * each} comparisons in all, and {k} parameters\n"
                          f"  the nearest possible: n_tasks={least}, or n_versions={-(-k // (each * n_tasks))}")  # fmt: skip


def check_rank(profiles: Profiles, shown: npt.NDArray[np.int32], dual: bool) -> None:
    """Refuse a design that leaves parameters unidentified."""
    coding = profiles.coded().coding
    if dual:
        shown, coding = shown[:, :, :-1], coding[:, :-1]
    scale = np.abs(coding).max(axis=0)
    matrix = choice_information(coding[shown.reshape(-1, shown.shape[2])] / np.where(scale > 0, scale, 1),
                                np.zeros(coding.shape[1]))  # fmt: skip
    rank = int(np.linalg.matrix_rank(matrix, tol=1e-9 * len(matrix), hermitian=True))
    if rank < len(matrix):
        raise DesignError(f"no design was found that tells all effects apart: {rank} of {len(matrix)} parameters are "
                          "identified\n  ask more tasks, versions or alternatives, or prohibit less")  # fmt: skip
