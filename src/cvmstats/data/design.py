"""Design: what was, or will be, shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.coding import sum_to_zero_basis
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.store import fingerprint, read_only, whole_numbers
from cvmstats.errors import DesignError, examples

KINDS = ("best_worst", "best", "worst", "rank", "pair", "graded")


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """V versions of T tasks that show A of J objects.

    Parameters
    ----------
    objects : Items or Profiles
        The J objects that can be shown.
    shown : array (V, T, A), int
        Object indices, -1 where a task is shorter; a task of nothing but -1 is not asked in this version.
    kind : array (V, T) of str, or one str
        ``best_worst``, ``best``, ``worst``, ``rank``, ``pair``, ``graded``.
    coding : array (J, K), optional
        Objects to free parameters; by default the orthonormal sum-to-zero basis of the items, K = J - 1, or
        what ``Profiles.coded`` gives.
    report : array (L, K), optional
        Parameters to what people read; by default ``coding``, or levels of the attributes for profiles.
    report_labels : tuple of str (L), optional
        Names of the rows of ``report``; by default the labels of the objects.
    parameter_block : tuple of str (K), optional
        The prior block of each parameter; by default one block, ``items``.
    dual : array (V, T) of bool, optional
        True where the anchor in the set is placed by a second question.
    block : tuple of str (T), optional
        Name of each task's block, by default ``MaxDiff``.
    grades : tuple of (int, str)
        Points and labels of a graded answer.
    adaptive : bool
        Whether later tasks depended on earlier answers.
    source : str
        Where the design came from.

    Raises
    ------
    DesignError
        An object shown twice in a task, an unknown index, a task of one object, shapes that do not fit.
    """

    objects: Items | Profiles
    shown: npt.NDArray[np.int32]
    kind: npt.NDArray[np.object_] | str = "best_worst"
    coding: npt.NDArray[np.float64] | None = None
    report: npt.NDArray[np.float64] | None = None
    report_labels: tuple[str, ...] | None = None
    parameter_block: tuple[str, ...] | None = None
    dual: npt.NDArray[np.bool_] | None = None
    block: tuple[str, ...] | None = None
    grades: tuple[tuple[int, str], ...] = ()
    adaptive: bool = False
    source: str = ""
    task_ids: tuple[str, ...] | None = field(default=None)
    version_ids: tuple[str, ...] | None = field(default=None)

    def __post_init__(self) -> None:
        shown = whole_numbers("shown", self.shown, np.int32, DesignError)
        if shown.ndim != 3 or 0 in shown.shape:
            raise DesignError(f"shown has shape {shown.shape}\n  expected (versions, tasks, items per task), none of them 0")
        n_versions, n_tasks, _ = shown.shape
        n_objects = len(self.objects)
        put = object.__setattr__
        put(self, "shown", shown)
        kind = np.asarray(self.kind, dtype=object)
        if kind.shape not in ((), (n_tasks,), (1, n_tasks), (n_versions, 1), (n_versions, n_tasks)):
            raise DesignError(f"kind has shape {kind.shape}\n  expected one kind, ({n_tasks},) or ({n_versions}, {n_tasks})")
        kind = np.broadcast_to(kind, (n_versions, n_tasks))
        unknown = sorted({str(k) for k in kind.ravel()} - set(KINDS))
        if unknown:
            raise DesignError(f"unknown kinds of task: {examples(unknown)}\n  expected one of {', '.join(KINDS)}")
        put(self, "kind", read_only(kind.copy()))
        if self.coding is None and isinstance(self.objects, Profiles):
            for name, part in self.objects.coded()._asdict().items():
                put(self, name, part if getattr(self, name) is None else getattr(self, name))
        coding = sum_to_zero_basis(n_objects) if self.coding is None else self.coding
        put(self, "coding", read_only(coding, np.float64))
        put(self, "report", read_only(self.coding if self.report is None else self.report, np.float64))
        n_parameters = self.coding.shape[1]  # type: ignore[union-attr]
        if self.coding.shape[0] != n_objects or self.report.shape[1] != n_parameters:  # type: ignore[union-attr]
            raise DesignError(f"coding has shape {self.coding.shape}, report {self.report.shape}\n"  # type: ignore[union-attr]
                              f"  expected ({n_objects}, K) and (L, K)")  # fmt: skip
        put(self, "report_labels", tuple(self.report_labels or self.objects.labels))
        put(self, "parameter_block", tuple(self.parameter_block or ("items",) * n_parameters))
        dual = np.zeros((n_versions, n_tasks), bool) if self.dual is None else self.dual
        put(self, "dual", read_only(dual, bool))
        put(self, "block", tuple(self.block or ("MaxDiff",) * n_tasks))
        put(self, "task_ids", tuple(self.task_ids or (str(t + 1) for t in range(n_tasks))))
        put(self, "version_ids", tuple(self.version_ids or (str(v + 1) for v in range(n_versions))))
        put(self, "grades", tuple((int(p), str(label)) for p, label in self.grades))
        self._check_shapes(n_versions, n_tasks, n_parameters)
        self._check_shown(n_objects)

    def _check_shapes(self, n_versions: int, n_tasks: int, n_parameters: int) -> None:
        pairs = (
            ("report_labels", len(self.report_labels or ()), len(self.report)),  # type: ignore[arg-type]
            ("parameter_block", len(self.parameter_block or ()), n_parameters),
            ("dual", self.dual.shape, (n_versions, n_tasks)),  # type: ignore[union-attr]
            ("block", len(self.block or ()), n_tasks),
            ("task_ids", len(self.task_ids or ()), n_tasks),
            ("version_ids", len(self.version_ids or ()), n_versions),
        )
        for name, got, expected in pairs:
            if got != expected:
                raise DesignError(f"{name} has size {got}\n  expected {expected}")

    def _check_shown(self, n_objects: int) -> None:
        shown = self.shown
        if shown.min() < -1 or shown.max() >= n_objects:
            raise DesignError(f"a design shows object {shown.max()} (or below -1)\n  expected 0 to {n_objects - 1}, or -1")
        ordered = np.sort(shown, axis=2)
        twice = np.argwhere(((ordered[:, :, 1:] == ordered[:, :, :-1]) & (ordered[:, :, 1:] >= 0)).any(axis=2))
        size = (shown >= 0).sum(axis=2)
        single = np.argwhere(size == 1)
        for rows, what in ((twice, "show an item twice"), (single, "show one item only")):
            if len(rows):
                where = [f"version {self.version_ids[v]} task {self.task_ids[t]}" for v, t in rows]  # type: ignore[index]
                raise DesignError(f"{len(rows):,} of {size.size:,} tasks {what}\n  for example {examples(where)}")

    @property
    def n_versions(self) -> int:
        """V."""
        return int(self.shown.shape[0])

    @property
    def n_tasks(self) -> int:
        """T."""
        return int(self.shown.shape[1])

    @property
    def set_size(self) -> float:
        """Items per task, the mean over tasks that are asked."""
        size = (self.shown >= 0).sum(axis=2)
        return float(size[size > 0].mean())

    @property
    def estimated(self) -> npt.NDArray[np.bool_]:
        """Which tasks serve estimation (T): all but those of a block ``holdout``."""
        return np.array([name != "holdout" for name in self.block or ()])

    @property
    def objects_fingerprint(self) -> str:
        """Fingerprint of ids and coding: decides whether results may meet.

        Of profiles it is that of their attributes: results speak of levels, and other profiles of the same levels may follow.
        """
        if not isinstance(self.objects, Profiles):
            return fingerprint(np.array(self.objects.ids, dtype=object), np.round(np.asarray(self.coding), 12))
        usual = np.array_equal(np.asarray(self.coding), self.objects.coded().coding)
        own = [] if usual else [self.objects.fingerprint, np.round(np.asarray(self.coding), 12)]
        return fingerprint(self.objects.attributes.fingerprint, np.round(np.asarray(self.report), 12), *own)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of what was shown: decides with which design answers are read."""
        which = [self.objects.fingerprint] if isinstance(self.objects, Profiles) else []
        return fingerprint(self.objects_fingerprint, self.shown, np.asarray(self.kind), np.asarray(self.dual), *which)

    def to_frame(self) -> pd.DataFrame:
        """One row per position: version, task, position, item (id); of profiles also a column per attribute."""
        v, t, a = np.nonzero(self.shown >= 0)
        ids = np.array(self.objects.ids, dtype=object)
        table = pd.DataFrame({
            "version": np.array(self.version_ids, dtype=object)[v], "task": np.array(self.task_ids, dtype=object)[t],
            "position": a + 1, "item": ids[self.shown[v, t, a]],
        })  # fmt: skip
        if isinstance(self.objects, Profiles):
            levels = self.objects.to_frame().drop(columns=["id", "label"])
            table = pd.concat([table, levels.iloc[self.shown[v, t, a]].reset_index(drop=True)], axis=1)
        return table

    @property
    def noun(self) -> str:
        """What the objects are called: items or profiles."""
        return "profiles" if isinstance(self.objects, Profiles) else "items"

    def __repr__(self) -> str:
        size = (self.shown >= 0).sum(axis=2)
        asked = size[size > 0]
        none = self.objects.none if isinstance(self.objects, Profiles) else None
        if none is not None:
            asked = asked - (self.shown == none).any(axis=2)[size > 0]
        each = f"{asked.min()}" if asked.min() == asked.max() else f"{asked.min()}-{asked.max()}"
        kinds = ", ".join(sorted({str(k) for k in np.asarray(self.kind)[size > 0]}))
        beside = "" if none is None else " and none (dual)" if np.asarray(self.dual).any() else " and none"
        more = " · adaptive" if self.adaptive else ""
        return (f"Design  {self.n_versions:,} version{'s' * (self.n_versions != 1)} x {self.n_tasks} tasks x "
                f"{each} {self.noun}{beside}\n"
                f"  {len(self.objects) - (none is not None)} {self.noun} · {kinds} · {self.fingerprint[:6]}{more}")  # fmt: skip

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"
