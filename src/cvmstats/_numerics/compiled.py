"""The one door to numba: functions compiled at first use, without the interpreter's lock, cached where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
FAST = {"reassoc", "contract", "nsz", "arcp"}
"""Relaxations that keep NaN and infinity meaningful."""
FUSED = {"contract"}
"""Only multiply-and-add in one rounding: for sums whose order carries their accuracy."""


def compiled(function: Callable[..., Any] | None = None, *, fast: bool = False, fused: bool = False,
             inside: bool = False) -> Any:  # fmt: skip
    """Compile to machine code; where neither package folder nor home is writable, without a cache on disk.

    ``inside`` makes a function part of those that call it: for short ones that choose who gets which of many arrays.
    """

    def decorate(plain: Callable[..., Any]) -> Any:
        options = {**_OPTIONS, "forceinline": True} if inside else dict(_OPTIONS)
        if fast or fused:
            options["fastmath"] = FAST if fast else FUSED
        try:
            return numba.njit(cache=True, **options)(plain)
        except RuntimeError:  # numba finds no folder for its cache
            return numba.njit(**options)(plain)

    return decorate if function is None else decorate(function)
