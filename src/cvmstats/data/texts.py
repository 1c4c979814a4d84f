"""Cells of tables as text: ids, labels and levels are texts, whatever they came as."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def plain_text(value: Any) -> str:
    """A cell as text, empty where nothing stands; 10 and 10.0 are the same.

    >>> plain_text(10.0), plain_text(2.5), plain_text("007"), plain_text(None)
    ('10', '2.5', '007', '')
    """
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(float(value)) < 2**53:
        return str(int(value))
    return str(value)


def text_or(value: Any, default: str) -> str:
    """A cell as text, ``default`` where it is missing or blank."""
    text = plain_text(value)
    return text if text.strip() else default
