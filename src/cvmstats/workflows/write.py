"""The files of a result: tables as CSV, the scorer as JSON, pictures as PNG, settings and fingerprints as JSON."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cvmstats.data.utilities import Utilities
from cvmstats.workflows.folder import MARK
from cvmstats.workflows.summary import summary

if TYPE_CHECKING:
    from cvmstats.workflows.pipeline import StudyResult

_PACKAGES = ("cvmstats", "numpy", "scipy", "pandas", "numba", "scikit-learn", "narwhals", "matplotlib")


def write_results(result: StudyResult, folder: Path) -> None:
    """Write all that a result holds into an existing folder."""
    from cvmstats.projection import write_accounts
    from cvmstats.report import plot_priorities, plot_utilities, write_png

    if result.utilities is not None:
        table = utilities_table(result.utilities)
        table.to_parquet(folder / "utilities.parquet", index=False)
        _csv(table, folder / "utilities.csv")
        _csv(result.utilities.population_frame(), folder / "population.csv")
        write_png(plot_utilities(result.utilities), folder / "utilities.png")
    _csv(result.segments.to_frame(), folder / "segments.csv")
    if result.segments.model is not None:
        _csv(result.segments.means_frame(), folder / "segment_means.csv")
    _csv(result.bic, folder / "segments_bic.csv")
    _csv(result.priorities.table(), folder / "priorities.csv")
    write_png(plot_priorities(result.priorities), folder / "priorities.png")
    if result.evaluation is not None:
        _csv(result.evaluation.table(), folder / "classifier.csv")
        _csv(result.evaluation.differences, folder / "classifier_differences.csv")
    if result.scorer is not None:
        result.scorer.save(folder / "scorer.json")
    if result.projection is not None:
        write_accounts(result.projection, folder / "scored_accounts.csv")
        _csv(result.projection.size_table(), folder / "sizes.csv")
    (folder / "summary.txt").write_text(summary(result) + "\n", encoding="utf-8")
    text = json.dumps(_settings(result), indent=2, ensure_ascii=False, default=_plain)
    (folder / MARK).write_text(text + "\n", encoding="utf-8")


def utilities_table(utilities: Utilities) -> pd.DataFrame:
    """One row per respondent: respondent, account and role where known, and zero-centred utilities in logits."""
    table = utilities.to_frame()
    people = utilities.respondents
    for place, (name, values) in enumerate((("account", people.accounts), ("role", people.roles)), start=1):
        if any(values) and name not in table:
            table.insert(min(place, table.shape[1]), name, list(values))
    return table


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _settings(result: StudyResult) -> dict[str, Any]:
    """Everything needed to repeat the run and to tell whether it is the same."""
    inputs = result.inputs
    files = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.file.files().items()}
    return {
        "study_file": inputs.file.path.name,
        "study": inputs.file.to_dict(),
        "read_as": inputs.choices.source,
        "unit": inputs.unit,
        "predictors": {name: list(columns) for name, columns in inputs.sets.items()},
        "scored_with": result.predictors,
        "utilities": {} if result.utilities is None else dict(result.utilities.settings),
        "segments": dict(result.segments.settings),
        "fingerprints": {"objects": inputs.choices.design.objects_fingerprint,
                         "design": inputs.choices.design.fingerprint, "files_sha256": files},
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "seconds": dict(result.seconds),
    }  # fmt: skip


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return dict(value) if hasattr(value, "keys") else str(value)
