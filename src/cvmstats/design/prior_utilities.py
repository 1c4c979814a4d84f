"""What is thought of utilities before anybody was asked: from a mapping that analysts hold to draws of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cvmstats.data.attributes import Attributes
from cvmstats.errors import DesignError, examples

Floats = npt.NDArray[np.float64]
Utilities = Mapping[str, Any]

N_DRAWS = 64
"""Quasi-random draws over which the Bayesian criterion is averaged."""


def prior_draws(attributes: Attributes, prior: Utilities | None, prior_sd: float | Utilities | None, constant: bool,
                rng: np.random.Generator) -> Floats:  # fmt: skip
    """Draws of the parameters (D, K): one of zeros without a prior, one at a point prior, 64 where there are deviations.

    Parameters
    ----------
    prior : mapping, optional
        ``{attribute: {level: utility}}`` in logits; of a linear attribute also its slope, per unit of its value; ``"none"``:
        utility of the none option beside a profile of average levels. What is not named is 0; of an attribute that is named,
        all levels must be.
    prior_sd : float, or mapping, optional
        ``{attribute: standard deviation of each level's utility}`` (of the slope, if linear), or one for all; what is not named
        is certain.
    constant : bool
        Whether there is a constant of profiles, for a none option.

    Raises
    ------
    DesignError
        Unknown or missing attributes or levels, numbers that are none.
    """
    mean, sd = _mean(attributes, prior or {}, constant), _deviation(attributes, prior_sd, constant)
    if not sd.any():
        return mean[None]
    from scipy.stats import norm, qmc

    free = np.flatnonzero(sd)
    uniform = qmc.Sobol(len(free), scramble=True, seed=rng).random(N_DRAWS)
    out = np.tile(mean, (N_DRAWS, 1))
    out[:, free] += norm.ppf(np.clip(uniform, 1e-12, 1 - 1e-12)) * sd[free]
    return out


def _mean(attributes: Attributes, prior: Utilities, constant: bool) -> Floats:
    _known(prior, attributes, constant, "prior")
    levels, beta = np.zeros(len(attributes.table)), np.zeros(attributes.coding.shape[1] + constant)
    block = np.array(attributes.parameter_block)
    for a, name in enumerate(attributes.names):
        if name not in prior:
            continue
        given, first, n = prior[name], attributes.first[a], attributes.n_levels[a]
        if not isinstance(given, Mapping):
            if name not in attributes.linear:
                raise DesignError(f"the prior of {name!r} is {given!r}\n  expected a utility for each level: "
                                  f"{{{name!r}: {{{attributes.levels[a][0]!r}: 0.0, ...}}}}")  # fmt: skip
            beta[:-1 if constant else None][block == name] = _number(given, f"the prior of {name!r}")
            continue
        values = {attributes.find(name, level)[1]: _number(u, f"the prior of {name}: {level}") for level, u in given.items()}
        absent = [level for i, level in enumerate(attributes.levels[a]) if i not in values]
        if absent:
            raise DesignError(f"the prior of {name!r} lacks {len(absent)} of {n} levels\n  for example {examples(absent)}\n"
                              "  give a utility for each level, or leave the attribute out")  # fmt: skip
        levels[first : first + n] = [values[i] for i in range(n)]
    fitted, *_ = np.linalg.lstsq(attributes.coding, levels - _means(attributes, levels), rcond=None)
    beta[: len(fitted)] += fitted
    if constant:
        beta[-1] = -_number(prior.get("none", 0.0), "the prior of 'none'")
    return beta


def _means(attributes: Attributes, levels: Floats) -> Floats:
    """Each attribute's mean, at its levels: common to all profiles, it decides nothing."""
    return np.concatenate([np.full(n, levels[i : i + n].mean())
                           for i, n in zip(attributes.first, attributes.n_levels, strict=True)])  # fmt: skip


def _deviation(attributes: Attributes, sd: float | Utilities | None, constant: bool) -> Floats:
    block = [*attributes.parameter_block, *(["none"] if constant else [])]
    given = sd if isinstance(sd, Mapping) else dict.fromkeys(block, 0.0 if sd is None else sd)
    _known(given, attributes, constant, "prior_sd")
    out = np.zeros(len(block))
    size = dict(zip(attributes.names, attributes.n_levels, strict=True))
    for k, name in enumerate(block):
        value = _number(given.get(name, 0.0), f"prior_sd of {name!r}")
        if value < 0:
            raise DesignError(f"prior_sd of {name!r} is {value}\n  expected 0 or more")
        # of levels that sum to zero, each has the variance of a parameter times 1 - 1 / n
        out[k] = value if name in attributes.linear or name == "none" else value / np.sqrt(1 - 1 / size[name])
    return out


def _known(given: Utilities, attributes: Attributes, constant: bool, what: str) -> None:
    names = [*attributes.names, *(["none"] if constant else [])]
    unknown = [name for name in given if name not in names]
    if unknown:
        raise DesignError(f"{what} names {len(unknown)} unknown attributes: {examples(unknown)}\n  expected some of "
                          f"{', '.join(names)}")  # fmt: skip


def _number(value: Any, what: str) -> float:
    if not isinstance(value, int | float | np.number) or not np.isfinite(float(value)):
        raise DesignError(f"{what} is {value!r}\n  expected a number, in logits")
    return float(value)
