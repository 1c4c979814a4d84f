"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real studies: ``CVMSTATS_DATA``, else ``shared/data`` beside the project."""
    named = os.environ.get("CVMSTATS_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real studies at {folder} (CVMSTATS_DATA names another folder)")
    return folder
