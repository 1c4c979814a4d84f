"""Projection: segments onto the account list. What needs scikit-learn loads when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cvmstats.projection.crm import write_accounts
from cvmstats.projection.project import fit_classifier, project
from cvmstats.projection.read import read_accounts
from cvmstats.projection.shift import CorrectedSizes, correct_sizes

_LATER = {"Evaluation": "evaluate", "evaluate_classifier": "evaluate", "SegmentClassifier": "classifier"}

__all__ = [
    "CorrectedSizes", "Evaluation", "SegmentClassifier", "correct_sizes", "evaluate_classifier", "fit_classifier",
    "project", "read_accounts", "write_accounts",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
