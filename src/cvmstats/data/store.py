"""Fingerprints, and saving of any type of the hall: one zip of JSON, NPY and Parquet, no pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from cvmstats.errors import InputError, examples

FORMAT = 1
_TYPES = {
    "Items": "items", "Attributes": "attributes", "Profiles": "profiles", "Design": "design",
    "Respondents": "respondents", "Choices": "choices",
    "Utilities": "utilities", "Population": "utilities", "AccountUtilities": "account_utilities",
    "Response": "population", "Latent": "population", "Covariates": "covariates",
    "Segments": "segments", "SegmentModel": "segments",
    "Accounts": "accounts", "Scorer": "scorer", "Power": "power", "Projection": "projection", "Findings": "findings",
    "Encoding": "encoding", "CategoryCode": "encoding", "NumberCode": "encoding", "AdaptiveState": "adaptive",
}  # fmt: skip


def fingerprint(*parts: object) -> str:
    """SHA-256 over arrays and texts, as hexadecimal; equal content gives equal fingerprints on any machine."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            if part.dtype.kind in "OU":
                content = json.dumps([str(v) for v in part.ravel()]).encode()
            else:
                kind = ">f8" if part.dtype.kind == "f" else ">i8"
                content = np.ascontiguousarray(part, dtype=kind).tobytes()
            digest.update(repr(part.shape).encode() + content)
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
        digest.update(b"\x00")
    return digest.hexdigest()


def read_only(array: Any, dtype: Any = None) -> Any:
    """A read-only contiguous array of ``array``, never a view of a writeable one that the caller keeps."""
    given = np.asarray(array)
    result = np.ascontiguousarray(array, dtype=dtype)
    if result is given or np.shares_memory(result, given):
        if not result.flags.writeable:
            return result
        result = result.copy()
    result.setflags(write=False)
    return result


def whole_numbers(name: str, given: Any, dtype: Any, error: type[InputError]) -> Any:
    """A read-only array of whole numbers of this type.

    Raises
    ------
    error
        Where ``given`` has something else, which a cast would cut off or wrap round.
    """
    values = np.asarray(given)
    if values.dtype == dtype:
        return read_only(given, dtype)
    try:
        with np.errstate(invalid="ignore"):
            result = np.ascontiguousarray(values, dtype=dtype)
        wrong = values.ravel()[(result != values).ravel()]
    except (TypeError, ValueError, OverflowError):
        wrong = values.ravel()
    if wrong.size:
        limits = np.iinfo(dtype)
        raise error(f"{wrong.size:,} of {values.size:,} values of {name} are no whole numbers from {limits.min} to "
                    f"{limits.max}\n  for example {examples(wrong.tolist())}")  # fmt: skip
    result.setflags(write=False)
    return result


def umask() -> int:
    """The process's mask of permissions, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary file beside ``path`` to write into; it takes its place when the block ends well, else nothing changes."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


class JsonFile:
    """What one JSON text holds whole, made by ``to_json`` and read by ``from_json``: saved to a file, and loaded."""

    def to_json(self) -> str:
        """All of it as JSON text."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of :meth:`to_json`."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write the JSON to a file, whole or not at all."""
        target = Path(path)
        with whole_file(target) as part:
            part.write_text(self.to_json(), encoding="utf-8")
        return target

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))


def save(result: Any, path: str | Path) -> Path:
    """Save one of the hall's types to one file: a zip of JSON, NPY arrays and Parquet tables.

    The file appears whole or not at all: it is written beside its place and then moved.

    Raises
    ------
    InputError
        Where ``result`` is not a type of the hall, or a column of its tables holds values of several types.
    """
    name = type(result).__name__
    if name not in _TYPES:
        raise InputError(f"save() got a {name}\n  expected one of {', '.join(sorted(_TYPES))}")
    target = Path(path)
    with whole_file(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        meta = {"cvmstats": FORMAT, "root": _pack(result, "root", z)}
        z.writestr("meta.json", json.dumps(meta, indent=1))
    return target


def load(path: str | Path) -> Any:
    """Load what :func:`save` wrote.

    Raises
    ------
    InputError
        Where there is no such file, it is not one of ours, or was written by a later version.
    """
    try:
        with zipfile.ZipFile(path) as z:
            meta = json.loads(z.read("meta.json"))
            if meta["cvmstats"] > FORMAT:
                raise InputError(f"{path} was written by a later cvmstats (format {meta['cvmstats']}); update to read it")
            return _unpack(meta["root"], z)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}\n  expected a file that cvmstats.save() wrote") from error
    except (zipfile.BadZipFile, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not a file that cvmstats.save() wrote") from error


def _pack(value: Any, where: str, z: zipfile.ZipFile) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _pack(getattr(value, f.name), f"{where}.{f.name}", z) for f in dataclasses.fields(value)}
        return {"$type": type(value).__name__, "fields": fields}
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OU":
            return {"$texts": [str(v) for v in value.ravel()], "shape": list(value.shape)}
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        z.writestr(f"{where}.npy", buffer.getvalue())
        return {"$array": f"{where}.npy"}
    if isinstance(value, pd.DataFrame):
        z.writestr(f"{where}.parquet", _parquet(value, where))
        return {"$table": f"{where}.parquet"}
    if isinstance(value, Path):
        return {"$path": str(value)}
    if isinstance(value, tuple | list):
        return {"$tuple": [_pack(v, f"{where}.{i}", z) for i, v in enumerate(value)]}
    if isinstance(value, dict):
        return {"$dict": [[k, _pack(v, f"{where}.{k}", z)] for k, v in value.items()]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _parquet(table: pd.DataFrame, where: str) -> bytes:
    buffer = io.BytesIO()
    try:
        table.to_parquet(buffer)
    except (TypeError, ValueError) as error:
        kinds = {str(c): dict.fromkeys(type(v).__name__ for v in table[c].dropna()) for c in table if table[c].dtype == object}
        mixed = [f"{name}: {' and '.join(of)}" for name, of in kinds.items() if len(of) > 1]
        if not mixed:
            raise
        raise InputError(f"{len(mixed)} columns of {where} hold values of several types\n  for example {examples(mixed)}\n"
                         "  expected one type in each: make them text, or numbers") from error  # fmt: skip
    return buffer.getvalue()


def _unpack(value: Any, z: zipfile.ZipFile) -> Any:
    if not isinstance(value, dict):
        return value
    if "$type" in value:
        module = importlib.import_module(f"cvmstats.data.{_TYPES[value['$type']]}")
        return getattr(module, value["$type"])(**{k: _unpack(v, z) for k, v in value["fields"].items()})
    if "$texts" in value:
        return np.array(value["$texts"], dtype=object).reshape(value["shape"])
    if "$array" in value:
        return np.load(io.BytesIO(z.read(value["$array"])), allow_pickle=False)
    if "$table" in value:
        return pd.read_parquet(io.BytesIO(z.read(value["$table"])))
    if "$path" in value:
        return Path(value["$path"])
    if "$tuple" in value:
        return tuple(_unpack(v, z) for v in value["$tuple"])
    return {k: _unpack(v, z) for k, v in value["$dict"]}
