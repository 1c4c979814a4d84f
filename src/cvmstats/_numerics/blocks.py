"""Answers laid out for the sampler: WIDTH people side by side, so that one instruction serves several of them.

For each person the sequential likelihood needs, per task, the sums U of e^v over the set and D of e^-v over the set without
the best; of a set of a in the joint form both are over the whole set, and a is taken from their product (see ``logit.py``).
Exponentials are taken once per item. Gradients gather the tasks that showed an item, so that nothing is
scattered. People who saw the same sets are put together: what they saw is then read once for all of them.

That an anchor is neither first nor last in its set has the probability 1 - e^v / U - e^-v / D = (U' D' - 1) / (U D), U' and D'
being the sums without the anchor: two tasks here, of which the first stands on top of the fraction (``flip``). In the joint
form an answer without its worst has e^v (D - e^-v) / (U D - a), without its best likewise: two tasks again.

Where alternatives are many, or a person's utilities depend on more than the parameters (``coded.py``), objects are counted
anew for each person, and blocks hold the rows of the coding of each lane. People whose sets have the same pattern are then
alike, whatever they saw.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint16]


class Sets(NamedTuple):
    """The sets of all blocks, as far as their answers are products of logits.

    Attributes
    ----------
    alike : array (B), bool
        Whether all lanes of the block saw the same sets in the same order.
    member : array (B, T, A, WIDTH)
        Object of each place, J where there is none.
    rest : array (B, T, A)
        Mask of the lanes in which the object belongs to the set from which the worst is chosen.
    has_best, has_worst : arrays (B, T)
        Masks of the lanes in which the sum over the set, and that over ``rest``, count; 1 takes their place elsewhere.
    less : array (B, T, WIDTH)
        What is taken from the product of the two sums: the size of the set in the joint form, else 0.
    flip : array (B, T)
        Mask of the lanes in which the sums stand on top of the fraction.
    linear : array (B, J, WIDTH)
        Times best less times worst.
    seen : array (B, J, N, WIDTH)
        The tasks that showed the object, T as filler.
    seen_rest : array (B, J, N)
        Mask of the lanes in which the object was in the worst set of that task.
    often : array (B, J)
        How many of the N are needed.
    """

    alike: npt.NDArray[np.bool_]
    member: npt.NDArray[np.uint32]
    rest: Bits
    has_best: Bits
    has_worst: Bits
    less: npt.NDArray[np.float64]
    flip: Bits
    linear: npt.NDArray[np.float64]
    seen: npt.NDArray[np.uint32]
    seen_rest: Bits
    often: npt.NDArray[np.int64]


class Contrasts(NamedTuple):
    """Pairs that are graded or may be tied, or whose first has an advantage; N different ones of a person at most.

    All their outcomes depend on one number d: the utility of "a beats b by the top grade", one of the person's own objects. By
    a grade of weight w outcomes have e^(w d) and e^(-w d) times e^(the grade's parameter), a tie has e^(its parameter). Which
    of these there are is the pair's kind.

    Attributes
    ----------
    kind : array (N), int
        Of every person's n-th pair; d are the last N of the own objects.
    times : array (B, N, WIDTH)
        How often the pair was answered; 0 where there is none.
    weight : array (G)
        Of the grades, over that of the top one, which is the last.
    column : array (kinds, G + 1), int
        The response parameter of each grade and of the tie, -1 where it has none, -2 where there is no such outcome.
    part : array (kinds, G + 1)
        e^(that parameter), 0 where there is no such outcome; changed in place.
    tally : array (B, E, WIDTH)
        How many answers have each response parameter.
    constant : array (B, WIDTH)
        The sum of these parameters; changed in place.
    """

    kind: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    column: npt.NDArray[np.int64]
    part: npt.NDArray[np.float64]
    tally: npt.NDArray[np.float64]
    constant: npt.NDArray[np.float64]


class Own(NamedTuple):
    """What the objects of each lane are, where they are counted anew for each person.

    Attributes
    ----------
    rows : array (B, J, K, WIDTH)
        Each lane's own coding, and J its own objects; (B, 0, 1, WIDTH) where all share that of ``link.py``.
    response : array (B, J, E, WIDTH)
        The same of the response parameters.
    scale : array (B, J, WIDTH), int
        Error scale, 0 for the reference.
    factor, shift : arrays (B, J, WIDTH)
        Utilities are ``factor`` times (rows)'beta + ``shift``; changed in place.
    contrasts : Contrasts
    """

    rows: npt.NDArray[np.float64]
    response: npt.NDArray[np.float64]
    scale: npt.NDArray[np.int64]
    factor: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]
    contrasts: Contrasts


class Odd(NamedTuple):
    """Answers that are no product of logits (``odd.py``), those of one kind and size side by side in a slot.

    Attributes
    ----------
    first : array (B + 1)
        Where each block's slots begin.
    rule, size : arrays (N)
        Of all answers of a slot.
    member : array (N, A, WIDTH)
        Their objects, the worst first; J where there is none.
    live : array (N)
        Mask of the lanes that have such an answer.
    """

    first: npt.NDArray[np.int64]
    rule: npt.NDArray[np.int8]
    size: npt.NDArray[np.int64]
    member: npt.NDArray[np.uint32]
    live: Bits


class Blocks(NamedTuple):
    """People in B blocks of WIDTH.

    Loops over blocks take the parts out before they begin and hand on what is needed: looking into a tuple of arrays, or
    handing it on whole, costs up to a quarter of what a likelihood does.

    Attributes
    ----------
    row : array (B, WIDTH)
        Which person, -1 for an idle lane.
    live : array (B)
        Mask of the lanes that are not idle.
    sets, own, odd : Sets, Own, Odd
    """

    row: npt.NDArray[np.int64]
    live: Bits
    sets: Sets
    own: Own
    odd: Odd

    @property
    def placed(self) -> tuple[npt.NDArray[np.float64], ...]:
        """What depends on response parameters, error scales and people's factors."""
        return self.own.factor, self.own.shift, self.own.contrasts.part, self.own.contrasts.constant

    def copy_placed(self) -> Blocks:
        """The same with ``placed`` of its own."""
        factor, shift, part, constant = (array.copy() for array in self.placed)
        contrasts = self.own.contrasts._replace(part=part, constant=constant)
        return self._replace(own=self.own._replace(factor=factor, shift=shift, contrasts=contrasts))

    def take_placed(self, other: Blocks) -> None:
        """Overwrite ``placed`` by that of ``other``."""
        for mine, theirs in zip(self.placed, other.placed, strict=True):
            mine[...] = theirs
