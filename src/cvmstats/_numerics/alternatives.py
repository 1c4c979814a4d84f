"""What stands in the sets of answers, where it is not the design's objects as they are.

An alternative has the utility scale_s times (row of the coding)'beta + (row of the response)'rho, with scale_0 = 1. Rows:

- object j: its row q_j of the coding;
- "i beats j by grade g" of a pair: (w_g / 2) (q_i - q_j), plus rho_g, plus (or less) w_g / 2 of the advantage of what stands
  first; w_g are the grades' points over their largest, whose rho is 0. This is the adjacent-categories logit model of Agresti
  (1992, doi 10.2307/2347562);
- "i and j tie": nothing but rho_tie. With one grade this is the model of Davidson (1970, doi 10.1080/01621459.1970.10481082),
  P(tie) proportional to e^(rho_tie) times the geometric mean of e^(v_i) and e^(v_j).

An alternative is one number while answers are flattened (``Coder``), and a row here after that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Alternatives(NamedTuple):
    """M alternatives.

    Attributes
    ----------
    first, second : arrays (M), int
        The object whose row counts for it, and the one whose row counts against it.
    plus, minus : arrays (M)
        By how much.
    response : array (M, E)
        Rows of the response parameters.
    scale : array (M), int
        Error scale, 0 for the reference.
    names, scales : tuples of str
        Names of the E response parameters, and of the error scales 1, 2, ...
    weight : array (G)
        w of all grades that may be answered, whether they were or not.
    """

    first: Ints
    second: Ints
    plus: Floats
    minus: Floats
    response: Floats
    scale: Ints
    names: tuple[str, ...]
    scales: tuple[str, ...]
    weight: Floats

    def rows(self, coding: npt.ArrayLike) -> Floats:
        """Rows of the coding (M, K), from those of the objects (J, K)."""
        q = np.asarray(coding, float)
        return np.asarray(self.plus[:, None] * q[self.first] - self.minus[:, None] * q[self.second])


class Coder(NamedTuple):
    """Alternatives as numbers: objects are 0 to J - 1, then outcomes of pairs, then all of them again per error scale.

    Attributes
    ----------
    n_objects : int
        J.
    points : tuple of float
        Of the grades, positive and rising; 1 where nothing is graded.
    ties, position : bool
        Whether there are parameters of ties, and of what stands first.
    scales : tuple of str
        Names of the error scales.
    """

    n_objects: int
    points: tuple[float, ...] = (1.0,)
    ties: bool = False
    position: bool = False
    scales: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Numbers of one error scale."""
        return self.n_objects + self.n_objects**2 * (len(self.points) + 1) * 3

    def wins(self, winner: Ints, loser: Ints, grade: int, side: Ints) -> Ints:
        """By grade 0, 1, ...; ``side`` is 1 where the winner stood first, 2 where the loser did, 0 where it does not matter."""
        which = (winner * self.n_objects + loser) * (len(self.points) + 1) + grade
        return np.asarray(self.n_objects + which * 3 + side, np.int64)

    def tie(self, one: Ints, other: Ints) -> Ints:
        """A tie of two objects."""
        return self.wins(np.minimum(one, other), np.maximum(one, other), len(self.points), np.zeros_like(one))

    def decode(self, codes: Ints) -> tuple[Ints, Alternatives]:
        """Index of each code among the distinct ones, and what these are."""
        distinct, index = np.unique(codes, return_inverse=True)
        scale, code = np.divmod(distinct, self.size)
        pair = code >= self.n_objects
        which, side = np.divmod(np.where(pair, code - self.n_objects, 0), 3)
        ends, grade = np.divmod(which, len(self.points) + 1)
        winner, loser = np.divmod(ends, self.n_objects)
        top = len(self.points)
        weight = np.array(self.points) / self.points[-1]
        half = np.append(weight / 2, 0.0)[grade]
        names = [f"grade {p:g}" for p in self.points[:-1]] + ["tie"] * self.ties + ["position"] * self.position
        response = np.zeros((len(distinct), len(names)))
        for g in range(top - 1):
            response[pair & (grade == g), g] = 1.0
        if self.ties:
            response[pair & (grade == top), top - 1] = 1.0
        if self.position:
            response[:, -1] = np.where(pair, half * np.array([0.0, 1.0, -1.0])[side], 0.0)
        return index.astype(np.int64), Alternatives(
            first=np.where(pair, winner, code), second=np.where(pair, loser, 0), plus=np.where(pair, half, 1.0),
            minus=np.where(pair, half, 0.0), response=response, scale=scale, names=tuple(names), scales=self.scales,
            weight=weight,
        )  # fmt: skip
