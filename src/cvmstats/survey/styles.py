"""How people answer beside what they prefer: position, fatigue, chance, straight lines, gaps and copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from cvmstats.errors import ChoicesError, examples

Ints = npt.NDArray[np.int64]
HONEST, RANDOM, STRAIGHT, COPY = "honest", "random", "straight", "copy"
"""What ``simulate_choices`` writes into the column ``style`` of the respondents."""


@dataclass(frozen=True, kw_only=True)
class ResponseStyles:
    """Response styles of simulated people.

    The shares are of all R people, rounded to whole people, who are drawn at random and share no style. Who they are stands in
    the columns ``style`` (honest, random, straight, copy) and ``copy_of`` (an id, else empty) of the respondents.

    Parameters
    ----------
    random : float
        Share of people who answer by chance, every pick equally likely.
    straight : float
        Share of people who always take the same position for the best, and the same other one for the worst (in rankings: who
        always give the same order of positions).
    copies : float
        Share of people whose answers, and version, are those of an honest one.
    position : sequence of float (A)
        Log-odds added to whatever stands in each position of a set, for honest people; shorter: the rest has 0. A positive
        first entry is a primacy effect. For worst picks it counts the other way, as a utility does.
    fatigue : float
        How much the error's scale of honest people grows from the first task to the last, in a straight line: at 1 the last
        task has errors twice as large, so utilities half as large, as the first.
    missing : float
        Probability with which each pick is left out, on its own: best and worst of a task apart, a pair or ranking as a whole.

    Raises
    ------
    ChoicesError
        Shares outside 0 to 1 or that add to more than 1, and negative or infinite fatigue.

    Examples
    --------
    >>> ResponseStyles(random=0.1, position=(0.3,)).random
    0.1
    """

    random: float = 0.0
    straight: float = 0.0
    copies: float = 0.0
    position: Sequence[float] = ()
    fatigue: float = 0.0
    missing: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", tuple(float(p) for p in self.position))
        shares = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("position", "fatigue")}
        bad = [f"{name}={value}" for name, value in shares.items() if not 0 <= value <= 1]
        if bad:
            raise ChoicesError(f"{len(bad)} shares of response styles are not between 0 and 1\n  for example {examples(bad)}")
        total = self.random + self.straight + self.copies
        if total > 1:
            raise ChoicesError(f"random, straight and copies add to {total:g} of all people\n  expected 1 at most")
        if not (np.isfinite(self.fatigue) and self.fatigue >= 0):
            raise ChoicesError(f"fatigue={self.fatigue}\n  expected 0 or more: how much the scale of the error grows")
        if not np.isfinite(self.position).all():
            raise ChoicesError(f"position={self.position}\n  expected log-odds, all of them finite")

    def assign(self, n: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.object_], Ints]:
        """The style of each of ``n`` people, and whom each one copies (an index, -1 for nobody).

        Raises
        ------
        ChoicesError
            Where there are copies and nobody honest to copy.
        """
        style = np.full(n, HONEST, dtype=object)
        order = rng.permutation(n)
        first = 0
        for name, share in ((RANDOM, self.random), (STRAIGHT, self.straight), (COPY, self.copies)):
            last = min(n, first + round(share * n))
            style[order[first:last]] = name
            first = last
        honest, copies = np.flatnonzero(style == HONEST), np.flatnonzero(style == COPY)
        original = np.full(n, -1)
        if len(copies):
            if not len(honest):
                raise ChoicesError(f"{len(copies):,} people copy others, and nobody is left who answers honestly\n"
                                   "  expected random + straight + copies below 1")  # fmt: skip
            original[copies] = rng.choice(honest, len(copies))
        return style, original


def task_utilities(
    utilities: npt.NDArray[np.float64],
    shown: npt.NDArray[np.int32],
    styles: ResponseStyles,
    style: npt.NDArray[np.object_],
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Utility of what stands in each position of each task (R, T, A), response styles included; 0 where nothing stands.

    Parameters
    ----------
    utilities : array (R, J)
    shown : array (R, T, A)
        What each one saw, -1 where a task is shorter.

    Raises
    ------
    ChoicesError
        Where ``styles.position`` has more entries than a task has positions.
    """
    n_people, n_tasks, width = shown.shape
    if len(styles.position) > width:
        raise ChoicesError(f"position has {len(styles.position)} entries, and tasks show {width} objects at most\n"
                           "  expected one for each position, or fewer")  # fmt: skip
    out = np.take_along_axis(utilities[:, None, :], np.maximum(shown, 0), axis=2)
    out[:, :, : len(styles.position)] += styles.position
    out /= np.linspace(1, 1 + styles.fatigue, n_tasks)[:, None]
    out[style == RANDOM] = 0.0
    # an order of positions so far apart that the first of those in a set is always taken for the best, the last for the worst
    lines = rng.permuted(np.tile(np.arange(width), (n_people, 1)), axis=1)
    straight = style == STRAIGHT
    out[straight] = 1e4 * lines[straight][:, None, :]
    return np.where(shown >= 0, out, 0.0)


def leave_out(place: npt.NDArray[np.int8], kind: npt.NDArray[np.object_], share: float,
              rng: np.random.Generator) -> npt.NDArray[np.int8]:  # fmt: skip
    """Places (R, T, A) with picks left out, each with this probability; ``kind`` (R, T)."""
    gone = rng.random((*place.shape[:2], 2)) < share
    apart = (kind == "best_worst")[:, :, None]
    first, second = gone[:, :, :1], gone[:, :, 1:]
    none = np.where(apart, (first & (place == 1)) | (second & (place == -1)), first) & (place != -128)
    return np.where(none, 0, place).astype(np.int8)
