"""What needs several rooms: simulated studies, and the whole path from a study file to a scored list."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Study": "example", "Truth": "example", "make_study": "example", "Inputs": "pipeline", "StudyResult": "pipeline",
    "read_inputs": "pipeline", "analyse": "pipeline", "run_study": "pipeline", "StudyFile": "study_file",
    "read_study": "study_file", "run_demo": "demo", "write_study": "demo", "Recovery": "recovery",
    "assess_recovery": "recovery", "oracle_membership": "oracle", "write_new_design": "new_design",
    "check_file": "check", "compare_policies": "policies", "convert_file": "conversion",
}  # fmt: skip

__all__ = [
    "Inputs", "Recovery", "Study", "StudyFile", "StudyResult", "Truth", "analyse", "assess_recovery", "check_file",
    "compare_policies", "convert_file",
    "make_study", "oracle_membership", "read_inputs", "read_study", "run_demo", "run_study", "write_new_design",
    "write_study",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
