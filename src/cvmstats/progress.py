"""Progress bars on long work, and quiet when asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Bar(Protocol):
    """What a piece of long work tells: how many steps are done."""

    def update(self, n: int = 1) -> object: ...


class _Silent:
    def update(self, n: int = 1) -> None:
        return None


def wanted(progress: bool | None) -> bool:
    """Whether to show a bar: as asked, else on a terminal or in a notebook, never with ``CVMSTATS_QUIET`` set."""
    if progress is not None:
        return progress
    if os.environ.get("CVMSTATS_QUIET"):
        return False
    return "ipykernel" in sys.modules or sys.stderr.isatty()


@contextmanager
def progress_bar(total: int, label: str, *, progress: bool | None = None) -> Iterator[Bar]:
    """A bar over ``total`` steps on stderr (in a notebook: a widget), or a silent stand-in."""
    if not wanted(progress):
        yield _Silent()
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=label, leave=False) as bar:
        yield bar
