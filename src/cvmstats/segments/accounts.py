"""Memberships of accounts, and of people who were not in the fit.

The membership of an account is the posterior given *all* answers of its people, sizes times the product of the class
likelihoods, and not the mean of its people's posteriors, which is too soft and biases shares towards equality.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from cvmstats._numerics.em import panel_log_likelihood
from cvmstats.data.choices import Choices
from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.data.utilities import Utilities
from cvmstats.errors import SegmentsError, examples
from cvmstats.segments.mixtures import normal_membership
from cvmstats.segments.panels import Unit, find_unit, unit_panels


def segment_accounts(segments: Segments, choices: Choices) -> Segments:
    """Soft membership of accounts from all answers of their people.

    Parameters
    ----------
    segments : Segments
        With a model from the choices, fitted on respondents or on accounts.
    choices : Choices
        Answers, with the account of each respondent. Frequency weights count people.

    Returns
    -------
    Segments
        ``unit="account"``, G rows in the order in which accounts appear; names and model as they were.

    Raises
    ------
    SegmentsError
        Where there is no model from the choices, or the items differ.
    RespondentsError
        Where people have no account; they are named.
    """
    return _by_answers(segments, choices, "account")


def assign_segments(segments: Segments, answers: Choices | Utilities, *,
                    unit: Literal["respondent", "account"] | None = None) -> Segments:  # fmt: skip
    """Soft membership of new respondents (or accounts) in segments found before.

    Parameters
    ----------
    segments : Segments
        With a model.
    answers : Choices or Utilities
        What the model was fitted to: choices for latent classes, utilities for mixtures. The design may be another
        one over the same items.
    unit : {"respondent", "account"}, optional
        By default that of ``segments``.

    Raises
    ------
    SegmentsError
        Where there is no model, its route needs other data, or the items differ.
    RespondentsError
        Where accounts are asked for and people have none.
    """
    model = _need_model(segments)
    if isinstance(answers, Choices):
        return _by_answers(segments, answers, find_unit(answers.respondents, unit or segments.unit))
    if model.route != "utilities":
        raise SegmentsError("these segments were found from choices and cannot be assigned from utilities\n"
                            "  give the Choices of the new respondents")  # fmt: skip
    if (unit or "respondent") != "respondent":
        raise SegmentsError("segments from utilities are of respondents\n  fit_latent_class knows accounts")
    _check_items(segments, answers)
    return replace(segments, unit="respondent", ids=answers.ids,
                   membership=normal_membership(np.asarray(answers.mean), model), log_likelihood=None, bic=None,
                   n_starts=0, starts_at_best=0)  # fmt: skip


def _by_answers(segments: Segments, choices: Choices, unit: Unit) -> Segments:
    model = _need_model(segments)
    if model.route != "choices":
        raise SegmentsError("these segments were found from utilities: their model cannot read choices\n"
                            "  fit_latent_class(choices, ...), or assign_segments(segments, utilities)")  # fmt: skip
    _check_items(segments, choices)
    units = unit_panels(choices, unit, model.form or "sequential")
    if units.response != model.response:
        raise SegmentsError(f"the segments know {examples(model.response) or 'no parameters'} of the answer, and these answers "
                            f"need {examples(units.response) or 'none'}\n"
                            "  expected answers of the same kind and grades")  # fmt: skip
    logs = panel_log_likelihood(units.panels, model.means) + np.log(model.sizes)
    p = np.exp(logs - logs.max(axis=1, keepdims=True))
    kept = unit == segments.unit and units.ids == segments.ids
    return replace(
        segments, design=choices.design, unit=unit, ids=units.ids, membership=p / p.sum(axis=1, keepdims=True),
        log_likelihood=segments.log_likelihood if kept else None, bic=segments.bic if kept else None,
        n_starts=segments.n_starts if kept else 0, starts_at_best=segments.starts_at_best if kept else 0,
    )  # fmt: skip


def _need_model(segments: Segments) -> SegmentModel:
    if segments.model is None:
        raise SegmentsError("these segments carry no model, only memberships\n"
                            "  fit_latent_class(choices, ...) gives one")  # fmt: skip
    return segments.model


def _check_items(segments: Segments, other: Choices | Utilities) -> None:
    if other.design.objects_fingerprint != segments.design.objects_fingerprint:
        raise SegmentsError(f"the segments speak of {len(segments.design.objects)} items, the new data of "
                            f"{len(other.design.objects)} others or in another order\n"
                            "  expected the same item ids in the same order")  # fmt: skip
