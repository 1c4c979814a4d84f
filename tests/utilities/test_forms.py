"""A slice of tests/evidence/forms.py: gradients, sums of probabilities, coverage of pooled fits in every form of response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.utilities.test_hierarchical import evidence

forms = evidence("forms")


@pytest.mark.parametrize("name", forms.CASES)
def test_gradients_and_sums(name: str) -> None:
    """Differences of fourth order are good to 1e-9 or so; probabilities add up but for rounding."""
    case = forms.CASES[name]
    assert forms.gradient_error(case, np.random.default_rng(1)) < 1e-6
    assert forms.sum_error(case, np.random.default_rng(2)) < 1e-12


def test_intervals_of_pooled_fits_hold_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as they say, over all forms: 28 x 8 studies of 160 people, some 1,400 parameters."""
    monkeypatch.setattr(forms, "CASES", {name: replace(case, people=160) for name, case in forms.CASES.items()})
    held = np.concatenate([forms.replicate(name, False, seed).held for name in forms.CASES for seed in range(8)])
    assert len(held) > 1200
    assert 0.86 < held.mean() < 0.94
