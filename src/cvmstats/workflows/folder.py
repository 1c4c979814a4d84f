"""A folder of results that appears whole or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cvmstats.data.store import umask
from cvmstats.errors import StudyError

MARK = "settings.json"
"""A folder that holds this file was written by us and may be replaced."""


def check_target(out: str | Path) -> Path:
    """The folder as an absolute path, checked before any long work.

    Raises
    ------
    StudyError
        Where it is a file, a folder with something in it that is not a former result (that is never replaced), or in a
        place where nothing can be written.
    """
    target = Path(out).expanduser().resolve()
    former = _former(target)
    if not target.exists() and former.is_dir():  # a swap of two steps was cut in the middle
        former.rename(target)
    if target.exists() and not target.is_dir():
        raise StudyError(f"{target} is a file\n  expected the name of a folder for the results")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise StudyError(f"the folder {target} holds files that are no results of a run (no {MARK})\n"
                         "  they would be replaced; name another folder, or empty this one")  # fmt: skip
    above = next(place for place in target.parents if place.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise StudyError(f"nothing can be written into {above}\n  name a folder for the results elsewhere")
    return target


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside ``target`` to write into; it takes the place of ``target`` when the block ends well.

    Where the block fails, the temporary folder goes and ``target`` stays as it was; where the process is killed, the
    temporary folder, hidden, is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield temporary
        temporary.chmod(0o777 & ~umask())
        _put(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put(new: Path, target: Path) -> None:
    """Move ``new`` to ``target``; what was there is then called ``new``."""
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        former = _former(target)
        shutil.rmtree(former, ignore_errors=True)
        target.rename(former)
        new.rename(target)
        shutil.rmtree(former, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step of the kernel; False where the system cannot."""
    names = os.fsencode(first), os.fsencode(second)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            here = -100  # AT_FDCWD; 2 is RENAME_EXCHANGE
            return bool(library.renameat2(here, names[0], here, names[1], 2) == 0)
        if sys.platform == "darwin":
            return bool(library.renamex_np(names[0], names[1], 2) == 0)  # RENAME_SWAP
    except (OSError, AttributeError, TypeError):
        return False
    return False


def _former(target: Path) -> Path:
    return target.with_name(f".{target.name}.former")
