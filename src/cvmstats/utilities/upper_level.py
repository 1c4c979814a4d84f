"""What the upper level of a hierarchical fit has beside a mean and a covariance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.model import Model
from cvmstats.data.choices import Choices
from cvmstats.data.covariates import Covariates
from cvmstats.data.design import Design
from cvmstats.errors import ChoicesError, InputError, RespondentsError, examples

Floats = npt.NDArray[np.float64]
CONSTRAINTS = ("positive", "negative", "increasing", "decreasing")


@dataclass(frozen=True, kw_only=True)
class UpperLevel:
    """Who people are and how they may differ: beta_i ~ N(m_c + Theta'x_i + alpha_account, Sigma_c), utilities lambda_i beta_i.

    Parts go together; where they do not, the fit says which and why.

    Parameters
    ----------
    covariates : sequence of str
        Columns of the respondents, numbers or texts; their effects on each parameter have a N(0, 1) prior per standard
        deviation of the column.
    n_components : int
        Normal distributions of which the population is a mixture, sizes ~ Dirichlet(5).
    accounts : bool
        Whether people of one account have something in common, alpha ~ N(0, Psi), Psi with the prior of Sigma.
    constraints : mapping
        From a prior block of the design (an attribute) to ``positive`` or ``negative`` (of its one parameter), or
        ``increasing`` or ``decreasing`` over its levels in their order: for every person, by e^beta in place of beta for the
        slope or the steps from level to level. The prior then speaks of their logarithms.
    scale_factor : bool
        Whether people differ in their errors: log lambda_i ~ N(0, tau^2), tau half-t(2, 1).

    Raises
    ------
    InputError
        For numbers or words outside their range.

    Examples
    --------
    >>> UpperLevel(covariates=("size",), accounts=True)
    UpperLevel(covariates=('size',), n_components=1, accounts=True, constraints={}, scale_factor=False)
    """

    covariates: Sequence[str] = ()
    n_components: int = 1
    accounts: bool = False
    constraints: Mapping[str, str] = field(default_factory=dict)
    scale_factor: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.covariates, str):
            object.__setattr__(self, "covariates", (self.covariates,))
        if isinstance(self.n_components, bool) or not isinstance(self.n_components, int) or not 1 <= self.n_components <= 20:
            raise InputError(f"n_components is {self.n_components!r}\n  expected a whole number from 1 to 20")
        for name, how in self.constraints.items():
            if how not in CONSTRAINTS:
                raise InputError(f"unknown constraint {how!r} of {name!r}\n  expected one of {', '.join(CONSTRAINTS)}")

    @property
    def plain(self) -> bool:
        """Whether there is nothing but a mean and a covariance."""
        return not (self.covariates or self.n_components > 1 or self.accounts or self.constraints or self.scale_factor)


class Prepared(NamedTuple):
    """An upper level for given answers.

    Attributes
    ----------
    model : Model
        For the sampler.
    covariates : Covariates, or None
    account_ids : tuple of str
    transform : array (K, K)
        Parameters are ``transform`` times what the sampler draws, exponentials included.
    sign : array (K)
        0, or the sign of the exponential.
    """

    model: Model
    covariates: Covariates | None
    account_ids: tuple[str, ...]
    transform: Floats
    sign: Floats


def prepare(choices: Choices, upper: UpperLevel) -> Prepared:
    """The upper level for these answers, with all that could be wrong said before any work.

    Raises
    ------
    RespondentsError
        Covariates or accounts that are missing.
    ChoicesError
        Constraints on what has no order, or is not there; more components than people could tell apart.
    """
    people = choices.respondents
    covariates = Covariates.from_respondents(people, upper.covariates) if upper.covariates else None
    if upper.n_components > 1 and choices.n_respondents < 10 * upper.n_components:
        raise ChoicesError(f"{upper.n_components} components of {choices.n_respondents} respondents\n"
                           "  expected ten respondents or more per component")  # fmt: skip
    ids: tuple[str, ...] = ()
    account = None
    if upper.accounts:
        missing = [i for i, a in zip(people.ids, people.accounts, strict=True) if not a]
        if missing:
            raise RespondentsError(f"{len(missing):,} of {len(people):,} respondents have no account\n"
                                   f"  for example respondent {examples(missing)}\n"
                                   "  add a column 'account' (join_respondents), or fit with accounts=False")  # fmt: skip
        ids = tuple(dict.fromkeys(people.accounts))
        if len(ids) == len(people):
            raise RespondentsError(f"each of the {len(people):,} accounts has one respondent: what is common to an account "
                                   "is not to be told from what is the person's\n"
                                   "  fit with accounts=False: each person is the account")  # fmt: skip
        place = {a: g for g, a in enumerate(ids)}
        account = np.array([place[a] for a in people.accounts], np.int64)
    weight = None
    if people.weight_kind == "sampling" and np.ptp(people.weight) > 0:
        w = people.weight
        weight = w * w.sum() / (w**2).sum()
    transform, sign = constrain(choices.design, upper.constraints)
    model = Model(covariates=None if covariates is None else covariates.matrix(people), account=account,
                  n_components=upper.n_components, factor=upper.scale_factor, weight=weight)  # fmt: skip
    return Prepared(model, covariates, ids, transform, sign)


def constrain(design: Design, constraints: Mapping[str, str]) -> tuple[Floats, Floats]:
    """Transform (K, K) and signs (K) for the constraints.

    Raises
    ------
    ChoicesError
        For a block that is not there, or whose levels have no steps of their own.
    """
    blocks, report = np.array(design.parameter_block, dtype=object), np.asarray(design.report)
    transform, sign = np.eye(len(blocks)), np.zeros(len(blocks))
    for name, how in constraints.items():
        columns = np.flatnonzero(blocks == name)
        if name == "items" or not len(columns):
            known = [b for b in dict.fromkeys(design.parameter_block or ()) if b != "items"]
            expected = ", ".join(known) or "the attributes of profiles: items have no order"
            raise ChoicesError(f"no attribute {name!r} to constrain\n  expected one of {expected}")
        up = 1.0 if how in ("positive", "increasing") else -1.0
        if len(columns) == 1:
            values = report[:, columns[0]]
            flip = -1.0 if how in ("increasing", "decreasing") and _two_levels_fall(values) else 1.0
            transform[columns[0], columns[0]] = flip
            sign[columns[0]] = up
            continue
        rows = np.flatnonzero(np.abs(report[:, columns]).max(axis=1) > 1e-12)
        steps = np.diff(report[np.ix_(rows, columns)], axis=0)
        if how in ("positive", "negative") or steps.shape[0] != len(columns) or abs(np.linalg.det(steps)) < 1e-9:
            raise ChoicesError(f"{how!r} cannot be asked of {name!r}, which has {len(columns)} parameters\n"
                               "  expected increasing or decreasing, over its levels in their order")  # fmt: skip
        transform[np.ix_(columns, columns)] = np.linalg.inv(steps)
        sign[columns] = up
    return transform, sign


def _two_levels_fall(values: Floats) -> bool:
    """Whether the reported levels fall in their order while the one parameter rises (two levels in sum-to-zero coding)."""
    here = values[np.abs(values) > 1e-12]
    return len(here) == 2 and bool(np.isclose(here.sum(), 0)) and here[1] < here[0]
