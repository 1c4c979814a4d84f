"""Simulated answers that are more than a choice from a set: ties and grades of pairs, and second questions about an anchor.

The models are those of fits (``_numerics/alternatives.py``, ``_numerics/logit.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.design import Design
from cvmstats.data.forms import DUAL, Form, best_worst_form, form_of, require_anchor
from cvmstats.errors import ChoicesError, DesignError, examples

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Ways(NamedTuple):
    """How people answer beside their utilities.

    Attributes
    ----------
    pair, ties, graded, dual : arrays (V, T), bool
        Pairs, those that may be tied, graded pairs, tasks with a second question.
    points : tuple of float
        Of the grades, 0 for a tie.
    anchor : array (J), bool
    cuts : mapping
        Parameters of ties and grades.
    position : float
        Advantage of what stands first in a pair.
    log_scale : array (T)
    dual_log_scale : float
    middle : bool
        Best and worst as the ends of a ranking.
    """

    pair: npt.NDArray[np.bool_]
    ties: npt.NDArray[np.bool_]
    graded: npt.NDArray[np.bool_]
    dual: npt.NDArray[np.bool_]
    points: tuple[float, ...]
    anchor: npt.NDArray[np.bool_]
    cuts: Mapping[str, float]
    position: float
    log_scale: Floats
    dual_log_scale: float
    middle: bool

    @property
    def plain(self) -> bool:
        """Whether tasks need no utilities of their own."""
        return not bool(self.ties.any() or self.graded.any() or self.dual.any() or self.position or self.log_scale.any())

    @classmethod
    def of(cls, design: Design, form: Form, response: Mapping[str, float]) -> Ways:
        """From a design, a form and parameters of the answer by name.

        Raises
        ------
        ChoicesError
            For parameters that these tasks do not have.
        DesignError
            For graded tasks without grades, or that are not about two objects.
        """
        kind, size = np.asarray(design.kind), (design.shown >= 0).sum(axis=2)
        asked = size > 0
        pair, graded = (kind == "pair") & asked, (kind == "graded") & asked
        dual = np.asarray(design.dual) & asked
        require_anchor(design)
        points = tuple(sorted(float(p) for p, _ in design.grades))
        if graded.any() and not any(p > 0 for p in points):
            raise DesignError("graded tasks without grades\n  expected Design(grades=((1, 'a little'), (2, 'much')))")
        if (size[graded] != 2).any():
            raise DesignError(f"{(size[graded] != 2).sum():,} graded tasks are not about two objects\n  expected pairs")
        ties = pair & (form_of(form, "pair") == "davidson")
        blocks = list(dict.fromkeys(design.block or ()))
        scales = {f"scale of {b}": b for b in [*blocks, *[DUAL] * bool(dual.any())]}
        cuts = [f"grade {p:g}" for p in points if 0 < p < points[-1]] * bool(graded.any())
        cuts += ["tie"] * bool(ties.any() or (graded.any() and 0 in points))
        known = [*cuts, *["position"] * bool(pair.any() or graded.any()), *scales]
        strange = [name for name in response if name not in known]
        if strange:
            raise ChoicesError(f"these tasks have no parameter {examples(strange)}\n  expected some of {', '.join(known)}")
        return cls(
            pair=pair, ties=ties, graded=graded, dual=dual, points=points, anchor=~np.asarray(design.coding).any(axis=1),
            cuts={name: float(response.get(name, 0.0)) for name in cuts}, position=float(response.get("position", 0.0)),
            log_scale=np.array([response.get(f"scale of {b}", 0.0) for b in design.block or ()], float),
            dual_log_scale=float(response.get(f"scale of {DUAL}", 0.0)),
            middle=best_worst_form(form) == "rank_unordered_middle",
        )  # fmt: skip


def decide_pairs(utilities: Floats, shown: npt.NDArray[np.int32], version: Ints, uniform: Floats, ways: Ways,
                 place: npt.NDArray[np.int8]) -> Floats | None:  # fmt: skip
    """Decide pairs with ties, grades or an advantage of position; places (R, T, A) are changed, strengths (R, T) returned.

    Parameters
    ----------
    utilities : array (R, T, A)
        Of what stands in each position.
    uniform : array (R, T)
        One number per pair.
    """
    strength = np.full(shown.shape[:2], np.nan) if ways.graded.any() else None
    r, t = np.nonzero((ways.ties | ways.graded | (ways.pair & (ways.position != 0)))[version])
    if not len(r):
        return strength
    there = shown[r, t] >= 0
    a, b = there.argmax(axis=1), there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    d = utilities[r, t, a] - utilities[r, t, b] + ways.position
    graded = ways.graded[version][r, t]
    wins = [p for p in ways.points if p > 0] or [1.0]
    top = wins[-1]
    # ways to answer: a wins by each grade, b wins by each, a tie
    logs = np.full((len(r), 2 * len(wins) + 1), -np.inf)
    for g, p in enumerate(wins):
        for side, sign in ((0, 1.0), (len(wins), -1.0)):
            value = sign * p / top * d / 2 + ways.cuts.get(f"grade {p:g}", 0.0)
            logs[:, side + g] = np.where(graded | (p == top), value, -np.inf)
    tied = np.where(graded, 0.0 in ways.points, ways.ties[version][r, t])
    logs[:, -1] = np.where(tied, ways.cuts.get("tie", 0.0), -np.inf)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    edge = np.cumsum(weight, axis=1)
    way = (edge < (uniform[r, t] * edge[:, -1])[:, None]).sum(axis=1)
    tie, first = way == 2 * len(wins), way < len(wins)
    place[r, t, a] = np.where(tie | first, 1, 0)
    place[r, t, b] = np.where(tie | ~first, 1, 0)
    if strength is not None:
        value = np.where(tie, 0.0, np.append(np.tile(wins, 2), 0.0)[way])
        strength[r[graded], t[graded]] = value[graded]
    return strength


def answer_second(utilities: Floats, shown: npt.NDArray[np.int32], anchor: npt.NDArray[np.bool_], uniform: Floats,
                  place: npt.NDArray[np.int8]) -> None:  # fmt: skip
    """Place the anchor (R, T, A): before all of its set, after all of it (where best and worst were asked), or between."""
    u = np.where(shown >= 0, utilities, -np.inf)
    down = np.where(shown >= 0, -utilities, -np.inf)
    e, f = np.exp(u - u.max(axis=2, keepdims=True)), np.exp(down - down.max(axis=2, keepdims=True))
    first = (e * anchor).sum(axis=2) / e.sum(axis=2)
    last = (f * anchor).sum(axis=2) / f.sum(axis=2)
    asked, both = anchor.any(axis=2), (place == -1).any(axis=2)
    none = asked & (uniform < first)
    every = asked & both & (uniform >= 1 - last)
    place += np.where(none[:, :, None] & ~anchor & (place > 0), 1, 0).astype(np.int8)
    place -= np.where(every[:, :, None] & ~anchor & (place < 0) & (place > -128), 1, 0).astype(np.int8)
    place[anchor] = np.where(none, 1, np.where(every, -1, 0))[:, :, None].repeat(shown.shape[2], 2)[anchor]
