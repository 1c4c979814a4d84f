"""Priors of other programs in our coordinates, and the last wave of a study as a prior.

Their "prior variance" is V / nu of Sigma ~ IW(nu, V), not E[Sigma] = V / (nu - K - 1). Sources: Sawtooth Software, CBC/HB
technical paper (2009) and help, MaxDiff; bayesm, rhierMnlRwMixture; ChoiceModelR, choicemodelr (Sermas & Colias).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.coding import anchored_coding, sum_to_zero_basis
from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.data.scales import rows_of
from cvmstats.data.utilities import Utilities
from cvmstats.errors import InputError, UtilitiesError, examples

Floats = npt.NDArray[np.float64]
Matrix = tuple[tuple[float, ...], ...]

AMU = 0.01
"""Precision of the mean relative to Sigma in bayesm and ChoiceModelR: m ~ N(0, Sigma / Amu)."""


class LastWave(NamedTuple):
    """What a new wave takes over from the one before.

    Attributes
    ----------
    labels, report : tuple of str (L), matrix (L, K)
        What its parameters mean.
    mean, mean_cov : K numbers, matrix (K, K)
        Of the population mean: posterior mean and covariance, in logits.
    cov : matrix (K, K)
        Covariance between people.
    strength : float
        How many people this covariance counts as.
    n_people : int
        How many there were.
    """

    labels: tuple[str, ...]
    report: Matrix
    mean: tuple[float, ...]
    mean_cov: Matrix
    cov: Matrix
    strength: float
    n_people: int


def last_wave(last: Utilities, strength: float, inflate: float) -> LastWave:
    """The last wave's population, its mean's covariance times ``inflate``.

    Raises
    ------
    UtilitiesError
        Where there is no population, or none with a covariance between people.
    """
    population = last.population
    if population is None or population.cov is None:
        raise UtilitiesError(f"utilities by {last.method} have no covariance between people, which the next wave would start "
                             "from\n  expected a fit by fit_hierarchical")  # fmt: skip
    cov, mean_cov = np.asarray(population.cov), inflate * np.asarray(population.mean_cov)
    for name, matrix in (("covariance between people", cov), ("covariance of the population mean", mean_cov)):
        if not np.isfinite(matrix).all() or np.linalg.eigvalsh((matrix + matrix.T) / 2)[0] <= 0:
            raise UtilitiesError(f"the {name} of the last wave is not positive definite\n  keep more draws than parameters: "
                                 "Sampler(draws=...)")  # fmt: skip
    return LastWave(last.labels, as_rows(last.report), tuple(map(float, population.mean)), as_rows(mean_cov), as_rows(cov),
                    float(strength), len(last.respondents))  # fmt: skip


def carried_over(wave: LastWave, n_parameters: int, design: Design | None) -> tuple[Floats, Floats, Floats]:
    """Mean (K), its covariance and that between people (K, K), in the parameters of a new design.

    Parameters are matched by what they mean: labels may stand in another order, not differ.

    Raises
    ------
    InputError
        Where the new design has other items or levels, or codes them otherwise.
    """
    mean, mean_cov, cov = np.array(wave.mean), np.array(wave.mean_cov), np.array(wave.cov)
    if design is None:
        if len(mean) != n_parameters:
            raise InputError(f"the last wave has {len(mean)} parameters and this design {n_parameters}\n"
                             "  expected a design of the same items")  # fmt: skip
        return mean, mean_cov, cov
    labels = tuple(design.report_labels or ())
    new, old = ([x for x in one if x not in set(other)] for one, other in ((labels, wave.labels), (wave.labels, labels)))
    if new or old:
        where = [f"{len(names)} of them only in {place}, for example {examples(names)}"
                 for names, place in ((new, "this design"), (old, "the last wave")) if names]  # fmt: skip
        raise InputError("the last wave is of other items or levels than this design\n  " + "\n  ".join(where) + "\n  expected "
                         "the same labels; where items were added or dropped start from another prior, such as Prior(), or "
                         "fit both waves together")  # fmt: skip
    report = np.asarray(design.report)
    target = np.array(wave.report)[[wave.labels.index(label) for label in labels]]
    step = np.linalg.pinv(report) @ target
    if step.shape != (n_parameters, n_parameters) or not np.allclose(report @ step, target, atol=1e-8):
        raise InputError("the last wave codes the same items or levels otherwise than this design\n"
                         "  expected the same linear attributes, none option and anchor in both")  # fmt: skip
    return step @ mean, step @ mean_cov @ step.T, step @ cov @ step.T


def exchangeable(blocks: tuple[str, ...], items: float, others: float) -> Floats:
    """V / nu (K, K) where items, and levels of an attribute, have independent utilities of these variances.

    Independent utilities of variance v, centred, are v times the identity in an orthonormal basis; in dummy coding 2 v on the
    diagonal and v off it; in effects coding of n levels v (1 - 1 / n) and -v / n. An anchor is one more such item: the mean of
    J items above it has variance v (1 + 1 / J). Linear attributes, a none option and constants of attributes have the
    variance of levels, each parameter on its own.
    """
    n_items = blocks.count("items") + 1
    variance = {"items": items, "anchor": items * (1 + 1 / n_items)}
    return np.diag([variance.get(block, others) for block in blocks])


def reference_coded(blocks: tuple[str, ...], design: Design | None, reference: str | None) -> Floats:
    """Our parameters to reference-coded ones (K, K): utilities less that of the reference.

    Items: the others less the reference, by default the anchor where there is one, else the last item. Levels in profiles: less
    the last level of their attribute, or the one named ``attribute: level``; linear attributes and a none option as they are.

    Raises
    ------
    InputError
        An unknown reference, or a design for which there is no such coding.
    """
    if design is None:
        n = blocks.count("items") + 1
        if set(blocks) - {"items", "anchor"} or blocks.count("anchor") > 1:
            raise InputError("the prior 'bayesm' needs the design to know what reference coding is for its parameters\n"
                             "  give it: resolve(..., design=design)")  # fmt: skip
        labels = tuple(str(j + 1) for j in range(n + blocks.count("anchor")))
        report = anchored_coding(labels, labels[-1]).coding if "anchor" in blocks else sum_to_zero_basis(n)
        attributes, anchor = None, len(labels) - 1
    else:
        labels, report, rows = tuple(design.report_labels or ()), np.asarray(design.report), rows_of(design)
        attributes, anchor = rows.attributes, len(labels) - 1 if rows.anchor is None else rows.anchor
    if reference is not None and reference not in labels:
        raise InputError(f"unknown reference {reference!r}\n  expected one of {', '.join(labels)}")
    parts = []
    if design is not None and isinstance(design.objects, Profiles):
        linear = design.objects.attributes.linear
        for name in dict.fromkeys(a for a in attributes or () if a and a not in linear):
            mine = [i for i, a in enumerate(attributes or ()) if a == name]
            parts.append(_less(report, mine, next((i for i in mine if labels[i] == reference), mine[-1])))
        alone = (*linear, "none")
    else:
        mine = [i for i in range(len(labels)) if attributes is None or attributes[i]]
        parts.append(_less(report, mine, labels.index(reference) if reference else min(anchor, mine[-1])))
        alone = ("none",)
    parts.append(np.eye(len(blocks))[[k for k, block in enumerate(blocks) if block in alone]])
    out = np.vstack(parts)
    if out.shape[0] != len(blocks) or np.linalg.matrix_rank(out) < len(blocks):
        raise InputError(f"the prior 'bayesm' has no reference coding for {len(blocks)} parameters of {len(labels)} levels\n"
                         "  of linear attributes as objects use another prior, such as Prior()")  # fmt: skip
    return out


def as_rows(matrix: npt.ArrayLike) -> Matrix:
    """A matrix as rows, which compare by value."""
    return tuple(tuple(float(x) for x in row) for row in np.asarray(matrix))


def _less(report: Floats, rows: list[int], reference: int) -> Floats:
    return np.asarray(report[[i for i in rows if i != reference]] - report[reference])
