"""Scales on which utilities are reported, by name (methods and pages: Chrzan & Orme 2019, Applied MaxDiff)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.errors import UtilitiesError

Floats = npt.NDArray[np.float64]

SCALES = ("zero_centered", "sawtooth_probability", "sawtooth_rescaled", "anchored_100", "interval_100", "share",
          "zero_centered_diffs")  # fmt: skip
VERSIONS = ("per_draw", "at_means")
"""Scaled in each draw and then averaged; or scaled once, at the posterior means (Sawtooth's practice)."""
_OF_OBJECTS = ("sawtooth_probability", "sawtooth_rescaled", "anchored_100", "interval_100", "share")
"""Scales that compare objects with one another, which levels of different attributes in profiles cannot be."""


class Rows(NamedTuple):
    """What the reported rows are, as far as a scale needs to know.

    Attributes
    ----------
    set_size : float
        a, items per set; the mean for sets of different sizes.
    anchor : int or None
        Row of the anchor.
    attributes : tuple of str (L) or None
        Attribute of each row, empty for a none option; None where rows are items without attributes.
    compete : bool
        Whether rows stand in sets beside one another: items and levels of case 2 do, levels of profiles and parameters of a
        coding that the caller made do not.
    """

    set_size: float
    anchor: int | None = None
    attributes: tuple[str, ...] | None = None
    compete: bool = True

    def core(self, n_rows: int) -> npt.NDArray[np.bool_]:
        """Rows (L) over which means and sums run: all but an anchor and a none option."""
        inside = np.array([a != "" for a in self.attributes]) if self.attributes is not None else np.ones(n_rows, bool)
        if self.anchor is not None:
            inside[self.anchor] = False
        return inside


def rows_of(design: Design) -> Rows:
    """What the rows of ``design.report`` are.

    The anchor is the item whose utility is zero by definition: its rows of ``coding`` and ``report`` are all zero. Items per
    set do not count it, nor the questions that only ask for it.

    Examples
    --------
    >>> from cvmstats.data.items import Items
    >>> rows_of(Design(objects=Items.from_labels("abcde"), shown=np.array([[[0, 1, 2, 3], [1, 2, 3, 4]]])))
    Rows(set_size=4.0, anchor=None, attributes=None, compete=True)
    """
    labels, blocks, things = tuple(design.report_labels or ()), tuple(design.parameter_block or ()), design.objects
    zero = ~np.asarray(design.coding).any(axis=1)
    still = {things.labels[j] for j in np.flatnonzero(zero)} if not isinstance(things, Profiles) else set()
    empty = ~np.asarray(design.report).any(axis=1)
    anchors = [i for i, label in enumerate(labels) if empty[i] and label in still]
    attributes: tuple[str, ...] | None = None
    if isinstance(things, Profiles):
        attributes = (*things.attributes.table["attribute"],)
        attributes += ("",) * (len(labels) - len(attributes))
    elif "constants" in blocks:  # levels as objects, and where profiles are asked about too perhaps a none option
        group = dict(zip(things.labels, things.groups, strict=True))
        attributes = tuple(group.get(label, "") for label in labels)
    shown = design.shown[:, design.estimated] if design.estimated.any() else design.shown
    size = ((shown >= 0) & ~(np.append(zero, False)[shown] if anchors else np.zeros(shown.shape, bool))).sum(axis=2)
    mean_size = float(size[size > 1].mean()) if (size > 1).any() else 2.0
    # what competes are the objects, measured from wherever, not parameters of some coding that the caller made
    report, coding = np.asarray(design.report), np.asarray(design.coding)
    objects = report.shape == coding.shape and bool(np.ptp(report - coding, axis=0).max(initial=0.0) < 1e-9)
    return Rows(mean_size, anchors[0] if len(anchors) == 1 else None, attributes,
                objects and not isinstance(things, Profiles) and "none" not in blocks)  # fmt: skip


def check_scale(scale: str, rows: Rows) -> None:
    """Refuse a scale that is unknown, or that these rows do not have.

    Raises
    ------
    UtilitiesError
        See :func:`rescale`.
    """
    if scale not in SCALES:
        hint = "\n  Sawtooth means sawtooth_probability, others mean share" if scale == "probability" else ""
        raise UtilitiesError(f"unknown scale {scale!r}{hint}\n  expected one of {', '.join(SCALES)}")
    if scale == "anchored_100" and rows.compete and rows.anchor is None:
        raise UtilitiesError("scale 'anchored_100' measures items from an anchor, and these utilities have none\n"
                             "  ask for one: design_best_worst(..., anchor='direct')\n"
                             "  without one use sawtooth_probability or sawtooth_rescaled")  # fmt: skip
    if scale in _OF_OBJECTS and not rows.compete:
        raise UtilitiesError(f"scale {scale!r} compares items with one another, and these utilities are of levels of several "
                             "attributes\n  use zero_centered or zero_centered_diffs")  # fmt: skip
    if scale == "zero_centered_diffs" and rows.attributes is None:
        raise UtilitiesError("scale 'zero_centered_diffs' is of levels of attributes, and these utilities are of items\n"
                             "  use zero_centered or interval_100")  # fmt: skip


def check_version(version: str) -> None:
    """Refuse a version that is not one of ``VERSIONS``.

    Raises
    ------
    UtilitiesError
    """
    if version not in VERSIONS:
        raise UtilitiesError(f"unknown version {version!r} of a scale\n  expected one of {', '.join(VERSIONS)}")


def rescale(utilities: npt.ArrayLike, scale: str, *, set_size: float, anchor: int | None = None,
            attributes: tuple[str, ...] | None = None, compete: bool = True) -> Floats:  # fmt: skip
    """Utilities in logits to a named scale, over the last axis; the options are those of :class:`Rows`.

    Means and sums run over the items without the anchor, or the levels without the none option; the anchor's own value
    stands on the same scale. u is zero-centred in this sense, a the size of a set.

    Parameters
    ----------
    utilities : array (..., L)
        Utilities in logits; of items their origin does not matter.
    scale : str
        ``zero_centered``: u.
        ``sawtooth_probability``: 100 e^u / (e^u + a - 1), the chance of an item beside a - 1 average ones.
        ``sawtooth_rescaled``: the former, summing to 100 (p. 56).
        ``anchored_100``: 100 a e^d / (e^d + a - 1), d = u less the anchor's, which so has 100; at most 100 a (pp. 59-60).
        ``interval_100``: 100 (u - min) / (max - min), less its mean; with an anchor minimum and maximum run over the items and
        the anchor, and the anchor's value is subtracted, so that it has 0 (p. 64). Where all is equal, all is 0.
        ``share``: softmax(u), summing to 1.
        ``zero_centered_diffs``: levels zero-centred within their attribute, times 100 x attributes / sum of the attributes'
        ranges; the none option times the same (Sawtooth's CBC; Orme 2014, Getting Started with Conjoint Analysis, ch. 9).
    set_size : float
        a.
    anchor, attributes, compete
        See :class:`Rows`.

    Examples
    --------
    >>> rescale([0.0, 0.0, 0.0, 0.0], "sawtooth_probability", set_size=4).tolist()
    [25.0, 25.0, 25.0, 25.0]

    Raises
    ------
    UtilitiesError
        An unknown scale, one that needs an anchor or attributes where there are none, or that compares items where there are
        levels of profiles. "probability" alone is refused: programs mean two different things by it.
    """
    rows = Rows(set_size, anchor, attributes, compete)
    check_scale(scale, rows)
    u = np.asarray(utilities, float)
    core = rows.core(u.shape[-1])
    if scale == "zero_centered_diffs":
        return _diffs(u, rows)
    u = u - np.where(_moves(rows, core), u[..., core].mean(axis=-1, keepdims=True), 0.0)
    if scale == "zero_centered":
        return np.asarray(u)
    if scale in ("sawtooth_probability", "sawtooth_rescaled"):
        p = _chance(u, set_size)
        return 100 * (p if scale == "sawtooth_probability" else p / p[..., core].sum(axis=-1, keepdims=True))
    if scale == "anchored_100" and anchor is not None:
        p = 100 * set_size * _chance(u - u[..., [anchor]], set_size)
        p[..., anchor] = 100.0
        return p
    if scale == "interval_100":
        low, high = u.min(axis=-1, keepdims=True), u.max(axis=-1, keepdims=True)
        v = 100 * (u - low) / np.where(high > low, high - low, 1.0)
        return np.asarray(v - (v.mean(axis=-1, keepdims=True) if anchor is None else v[..., [anchor]]))
    e = np.exp(u - u.max(axis=-1, keepdims=True))
    return np.asarray(e / e[..., core].sum(axis=-1, keepdims=True))


def centring(rows: Rows, n_rows: int) -> Floats:
    """The matrix (L, L) that zero-centres utilities: the one scale that is linear."""
    core = rows.core(n_rows)
    return np.eye(n_rows) - np.outer(_moves(rows, core), core / core.sum())


def _moves(rows: Rows, core: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Rows that the mean is taken from: an anchor moves with the items, a none option is worth what it is.

    So is each parameter of a coding that the caller made, where rows are not the objects.
    """
    if not rows.compete and rows.attributes is None:
        return np.zeros_like(core)
    return core if rows.anchor is None else np.ones_like(core)


def _chance(u: Floats, set_size: float) -> Floats:
    """e^u / (e^u + a - 1)."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + (set_size - 1) * np.exp(-u)))


def _diffs(u: Floats, rows: Rows) -> Floats:
    of = np.array(rows.attributes, dtype=object)
    names = [name for name in dict.fromkeys(of.tolist()) if name]
    out, total = np.array(u), np.zeros((*u.shape[:-1], 1))
    for name in names:
        mine = out[..., of == name]
        out[..., of == name] = mine - mine.mean(axis=-1, keepdims=True)
        total += np.ptp(mine, axis=-1, keepdims=True)
    return np.asarray(100 * len(names) * (out / np.where(total > 0, total, 1.0)))  # where all is equal, all is 0
