"""No item is a reference: what is reported does not depend on the item that utilities are measured from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvmstats.design.best_worst import design_best_worst
from cvmstats.errors import ConvergenceWarning
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Prior, Sampler

pytestmark = pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")
DESIGN = design_best_worst(list("ABCDEF"), items_per_task=3, n_tasks=10, n_versions=20, seed=1)


@pytest.mark.parametrize("name", ["huang-wand", "sawtooth"])
def test_shares_and_intervals_do_not_depend_on_the_reported_reference(name: str) -> None:
    choices = simulate_choices(np.random.default_rng(1).normal(size=(40, 6)), DESIGN, seed=1)
    fit = fit_hierarchical(choices, prior=Prior(name), sampler=Sampler(chains=2, draws=50), seed=1)
    coding = np.asarray(DESIGN.coding)
    first, last = (replace(fit, design=replace(DESIGN, report=coding - coding[j])) for j in (0, 5))
    assert np.abs(first.report[0]).max() == 0
    np.testing.assert_allclose(first.reported(scale="share"), last.reported(scale="share"), atol=1e-8)
    for scale in ("share", "zero_centered"):
        a, b = (f.intervals(scale=scale)[["mean", "lower", "upper"]].to_numpy() for f in (first, last))
        np.testing.assert_allclose(a, b, atol=1e-8)
        a, b = (f.population_frame(scale=scale, level=0.9)[["mean", "lower", "upper"]].to_numpy() for f in (first, last))
        np.testing.assert_allclose(a, b, atol=1e-8)


@pytest.mark.parametrize("name", ["huang-wand", "sawtooth"])
def test_exchangeable_items_have_equally_wide_intervals(name: str) -> None:
    """20 studies of 500 people, a balanced design: mean widths of 90% intervals of the six means within 5% of each other."""
    widths = []
    for seed in range(20):
        people = np.random.default_rng(seed).normal(size=(500, 6))
        fit = fit_hierarchical(simulate_choices(people, DESIGN, seed=seed), prior=Prior(name), seed=seed, progress=False,
                               sampler=Sampler(chains=2, draws=300))  # fmt: skip
        table = fit.population_frame(level=0.9)
        widths.append((table["upper"] - table["lower"]).to_numpy())
    mean = np.mean(widths, axis=0)
    assert mean.max() / mean.min() < 1.05
