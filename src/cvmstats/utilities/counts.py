"""Counts: how often each item was best, worst, shown; the oldest analysis of best-worst answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.places import NO_ANSWER
from cvmstats.errors import ChoicesError


def score_counts(choices: Choices) -> pd.DataFrame:
    """Counts and count scores, one row per item.

    Columns: ``item``, ``shown``, ``best``, ``worst``, ``bw`` = best - worst, ``bw_mean`` = bw / shown,
    ``sqrt_ratio`` = sqrt(best / worst), ``logit`` = log p/(1 - p) with p = (n - w + b)/(2n) (Lipovetsky & Conklin 2014,
    doi 10.1016/j.jocm.2014.02.001), its standard error ``se`` = sqrt((b + w)/n - ((b - w)/n)^2)/(4n))/(p(1 - p)) and
    ``share`` = softmax(logit).

    Raises
    ------
    ChoicesError
        For an adaptive design, in which what is shown depends on the answers: counts are biased.
    """
    design = choices.design
    if design.adaptive:
        raise ChoicesError("counts of an adaptive design are biased: what was shown depends on the answers\n"
                           "  use fit_pooled or fit_hierarchical")  # fmt: skip
    shown = design.shown[choices.version]
    place = choices.own_place
    valid = (shown >= 0) & (place != NO_ANSWER) & choices.answered[:, :, None]
    n_objects = len(design.objects)
    weight = choices.respondents.weight[:, None, None] * np.ones(shown.shape)
    if choices.count is not None:  # aggregated answers
        weight = weight * choices.count[:, :, None]

    def count(mask: np.ndarray) -> np.ndarray:
        return np.bincount(shown[mask], weights=weight[mask], minlength=n_objects)

    n, b, w = count(valid), count(valid & (place == 1)), count(valid & (place == -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (n - w + b) / (2 * n)
        logit = np.log(p / (1 - p))
        se = np.sqrt(((b + w) / n - ((b - w) / n) ** 2) / (4 * n)) / (p * (1 - p))
        share = np.exp(logit - np.nanmax(logit))
        table = pd.DataFrame({
            "item": list(design.objects.labels), "shown": n, "best": b, "worst": w, "bw": b - w, "bw_mean": (b - w) / n,
            "sqrt_ratio": np.sqrt(b / w), "logit": logit, "se": se, "share": share / np.nansum(share),
        })  # fmt: skip
    if np.all(weight[valid] == np.round(weight[valid])) and choices.respondents.weight_kind != "sampling":
        table = table.astype({"shown": int, "best": int, "worst": int, "bw": int})
    return table
