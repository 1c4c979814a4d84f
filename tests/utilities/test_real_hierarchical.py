"""Hierarchical fits of real studies against what was published about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from tests import studies

SHORT = Sampler(chains=2, draws=150)
pytestmark = pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")


def test_electricity_has_the_ratios_of_the_published_mixed_logit(shared_data: Path) -> None:
    """Ratios of means to the price's within 20% of the published ones (mlogit's vignette, a fixed price, LL -3961.7)."""
    published = {"pf": -0.879902, "cl": -0.217059, "loc": 2.092298, "wk": 1.490902, "tod": -8.581835, "seas": -8.583281}
    fit = fit_hierarchical(studies.electricity(shared_data), sampler=SHORT, seed=1, progress=False)
    mean = fit.population_frame().set_index("item")["mean"]
    for name, value in published.items():
        assert mean[name] / mean["pf"] == pytest.approx(value / published["pf"], rel=0.2), name


def test_bank_cards_have_the_order_of_allenby_and_ginter(shared_data: Path) -> None:
    """Low_FInt > Low_Fee > Long_Grace, and the signs of the last and of Out_State by four posterior sds."""
    fit = fit_hierarchical(studies.bank_cards(shared_data), sampler=Sampler(chains=1, draws=150), seed=1, progress=False)
    table = fit.population_frame().set_index("item")
    mean, se = table["mean"], table["se"]
    order = ["Low_FInt", "Low_Fee", "Long_Grace"]
    assert (np.diff(mean[order]) < 0).all()
    assert mean["Long_Grace"] > 4 * se["Long_Grace"]
    assert mean["Out_State"] < -4 * se["Out_State"]
