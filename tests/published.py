"""What a pooled fit says, in the terms of those who published it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.utilities import Utilities
from tests import studies


def load(data: Path, name: str) -> Choices:
    """A study by the name of its loader, an option after a colon."""
    loader, _, option = name.partition(":")
    return getattr(studies, loader)(data, *[option] * bool(option))


def means(fit: Utilities) -> pd.Series:
    return fit.population_frame().set_index("item")["mean"]


def worths(fit: Utilities) -> pd.Series:
    """Shares that sum to 1, as ``psychotools`` reports them."""
    worth = np.exp(means(fit))
    return worth / worth.sum()


def response(fit: Any, name: str) -> float:
    """A parameter of the answer rather than of an object."""
    return float(fit.response[name])
