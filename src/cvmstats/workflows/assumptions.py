"""What is assumed of people before they are asked: segments, their mean utilities, how much people differ."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.frames import is_frame, to_pandas
from cvmstats.data.items import Items
from cvmstats.errors import InputError, examples

Floats = npt.NDArray[np.float64]


class Assumptions(NamedTuple):
    """S segments of people.

    Attributes
    ----------
    items : Items
    utilities : array (S, J) or None
        Mean utilities of each segment, logits; None: drawn from N(0, 1) for each simulated study.
    shares : array (S)
    spread : float
        Standard deviation of each utility between the people of a segment, logits.
    uncertainty : float
        Standard deviation of each true mean utility about the assumed one, logits: drawn for each simulated study.
    """

    items: Items
    utilities: Floats | None
    shares: Floats
    spread: float
    uncertainty: float

    @property
    def n_segments(self) -> int:
        """S."""
        return len(self.shares)


class People(NamedTuple):
    """True means (S, J), segment of each person (R), utilities of each person (R, J); means and people are zero-centred."""

    means: Floats
    segment: npt.NDArray[np.int64]
    utilities: Floats


def assume(items: Any, utilities: Any, shares: Any, spread: float, uncertainty: float) -> Assumptions:
    """Check what is assumed.

    Raises
    ------
    InputError
        Where shapes do not fit or numbers make no sense.
    """
    things = items if isinstance(items, Items) else Items.from_labels(items)
    means = None
    if utilities is not None:
        means = np.atleast_2d(_by_item(to_pandas(utilities), things) if is_frame(utilities) else np.asarray(utilities, float))
        if means.shape[1] != len(things) or not np.isfinite(means).all():
            raise InputError(f"utilities have shape {means.shape}\n  expected (segments, {len(things)}), all of them finite")
    n_segments = len(means) if means is not None else 1 if shares is None else len(shares)
    portions = np.full(n_segments, 1 / n_segments) if shares is None else np.asarray(shares, float)
    if len(portions) != n_segments or (portions <= 0).any() or not np.isclose(portions.sum(), 1, atol=1e-6):
        raise InputError(f"shares are {portions.tolist()}\n  expected {n_segments} positive numbers that sum to 1")
    for name, value in (("spread", spread), ("uncertainty", uncertainty)):
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{name} is {value!r}\n  expected 0 or more, in logits")
    return Assumptions(things, means, portions / portions.sum(), float(spread), float(uncertainty))


def draw_people(assumed: Assumptions, n: int, rng: np.random.Generator) -> People:
    """People of one simulated study; of fewer people with the same stream they are the first."""
    shape = (assumed.n_segments, len(assumed.items))
    means = rng.normal(size=shape)
    if assumed.utilities is not None:
        means = assumed.utilities + assumed.uncertainty * means
    means = means - means.mean(axis=1, keepdims=True)
    who, own = (np.random.default_rng(s) for s in rng.integers(2**63, size=2))
    segment = np.searchsorted(np.cumsum(assumed.shares), who.random(n), side="right").clip(max=len(assumed.shares) - 1)
    people = means[segment] + assumed.spread * own.normal(size=(n, shape[1]))
    return People(means, segment, people - people.mean(axis=1, keepdims=True))


def _by_item(table: Any, items: Items) -> Floats:
    for names in (items.ids, items.labels):
        absent = [n for n in names if n not in table]
        if not absent:
            return np.asarray(table[list(names)].to_numpy(float))
    raise InputError(f"the table of utilities lacks {len(absent)} of {len(items)} items\n  for example {examples(absent)}\n"
                     "  expected a row per segment and a column per item, called by id or label")  # fmt: skip
