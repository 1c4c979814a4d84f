"""AdaptiveState: an adaptive survey in the field, as one value that is kept between two calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import JsonFile, read_only
from cvmstats.errors import ChoicesError, DesignError, RespondentsError, examples

FORMAT = 1
_ARRAYS: Mapping[str, Any] = {"slots": np.int32, "shown": np.int32, "place": np.int8, "order": np.int32, "mean": np.float64,
                              "cov": np.float64}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveState(JsonFile):
    """Who was shown what, what they answered, and what follows from it for the next one.

    ``start_adaptive`` makes it, ``next_tasks`` and ``update`` return the one that follows; nothing in it ever changes. A survey
    program that serves several people at once keeps one state, and lets one call at a time replace it.

    Parameters
    ----------
    items : Items
        The J items of the study.
    kind : "best_worst" or "pair"
    policy : str
        How items or pairs are chosen, see ``start_adaptive``.
    slots : array (B, T, A), int
        Good designs of the items that one person sees, before items are named; respondents take them in turn. Empty for pairs.
    batch : int
        Answers of so many people between two fits.
    epsilon, delta, prior_sd : float
        See ``start_adaptive``.
    seed : int
        Respondent r draws from a stream of this seed and r, whenever that is.
    respondents : tuple of str (R)
        In the order in which they first asked for tasks.
    shown : array (R, T, A), int
        Item indices.
    place : array (R, T, A), int8
        As in ``Choices``: best 1, worst -1, a pair's winner 1, else 0.
    order : array (R), int
        Place in the order in which answers came, from 0; -1 where they have not come.
    n_fitted : int
        The first so many answers are in the posterior.
    n_asked : int
        People asked when it was fitted.
    mean : array (J)
        Posterior mean of the utilities (log-odds) of all people together.
    cov : array (J, J)
        Its covariance.

    Raises
    ------
    DesignError
        Shapes that do not fit.
    """

    items: Items
    kind: str
    policy: str
    slots: npt.NDArray[np.int32]
    batch: int
    epsilon: float
    delta: float
    prior_sd: float
    seed: int
    respondents: tuple[str, ...]
    shown: npt.NDArray[np.int32]
    place: npt.NDArray[np.int8]
    order: npt.NDArray[np.int32]
    n_fitted: int
    n_asked: int
    mean: npt.NDArray[np.float64]
    cov: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, dtype in _ARRAYS.items():
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))
        n_items, n = len(self.items), len(self.respondents)
        _, n_tasks, size = self.slots.shape
        expected = {"shown": (n, n_tasks, size), "place": (n, n_tasks, size), "order": (n,), "mean": (n_items,),
                    "cov": (n_items, n_items)}  # fmt: skip
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise DesignError(f"{name} of an adaptive state has shape {getattr(self, name).shape}\n  expected {shape}")

    @property
    def n_respondents(self) -> int:
        """R, people who were given tasks."""
        return len(self.respondents)

    @property
    def n_answered(self) -> int:
        """People whose answers came."""
        return int((self.order >= 0).sum())

    @property
    def n_tasks(self) -> int:
        """T."""
        return int(self.slots.shape[1])

    @property
    def items_per_task(self) -> int:
        """A."""
        return int(self.slots.shape[2])

    @property
    def design(self) -> Design:
        """What was shown, a version for each respondent, marked as adaptive.

        Raises
        ------
        DesignError
            Before anybody was given tasks.
        """
        if not self.respondents:
            raise DesignError("nobody was given tasks yet: there is no design\n  begin with next_tasks(state, respondent)")
        block = "MaxDiff" if self.kind == "best_worst" else "pairs"
        return Design(objects=self.items, shown=self.shown, kind=self.kind, adaptive=True, source="cvmstats",
                      block=(block,) * self.n_tasks, version_ids=self.respondents)  # fmt: skip

    @property
    def choices(self) -> Choices:
        """All answers so far, respondents in the order in which they were asked.

        Raises
        ------
        ChoicesError
            Before anybody answered.
        """
        rows = np.flatnonzero(self.order >= 0).astype(np.int32)
        if not len(rows):
            raise ChoicesError(f"none of {self.n_respondents:,} respondents has answered yet\n  add answers with update()")
        people = Respondents.from_ids([self.respondents[r] for r in rows])
        return Choices(design=self.design, respondents=people, version=rows, place=self.place[rows], source="cvmstats")

    def tasks(self, respondent: str) -> pd.DataFrame:
        """The tasks of somebody who was given some: respondent, task, position, item (id), label, text; a row per position.

        Raises
        ------
        RespondentsError
            Where nobody of this id was given tasks.
        """
        if str(respondent) not in self.respondents:
            raise RespondentsError(f"respondent {str(respondent)!r} was given no tasks\n  expected one of "
                                   f"{self.n_respondents:,}, for example {examples(self.respondents)}\n"
                                   "  give tasks with next_tasks(state, respondent)")  # fmt: skip
        seen = self.shown[self.respondents.index(str(respondent))]
        t, a = np.indices(seen.shape).reshape(2, -1)
        rows = self.items.table.iloc[seen.ravel()]
        return pd.DataFrame({"respondent": str(respondent), "task": [str(x + 1) for x in t], "position": a + 1,
                             "item": rows["id"].tolist(), "label": rows["label"].tolist(),
                             "text": rows["text"].tolist()})  # fmt: skip

    def to_json(self) -> str:
        """As JSON; read back it goes on as if it had never been written, to the last bit."""
        table = self.items.table
        content: dict[str, Any] = {"cvmstats_adaptive": FORMAT}
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            content[name] = value.tolist() if isinstance(value, np.ndarray) else value
        content["items"] = {c: [None if pd.isna(v) else v for v in table[c].tolist()] for c in table}
        content["size"] = [self.n_tasks, self.items_per_task]
        return json.dumps(content, ensure_ascii=False, allow_nan=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> AdaptiveState:
        """From what :meth:`to_json` gave.

        Raises
        ------
        DesignError
            Where the text is no adaptive state, or one of a later format.
        """
        try:
            content = json.loads(text)
            version = content.pop("cvmstats_adaptive")
            if version > FORMAT:
                raise DesignError(f"the adaptive state is of format {version}, this library reads up to {FORMAT}\n"
                                  "  update cvmstats to read it")  # fmt: skip
            size = content.pop("size")
            for name in ("slots", "shown", "place"):
                content[name] = np.array(content[name], _ARRAYS[name]).reshape(-1, *size)
            content["items"] = Items(table=pd.DataFrame(content["items"]))
            content["respondents"] = tuple(content["respondents"])
            return cls(**content)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, DesignError):
                raise
            raise DesignError(f"the text is no adaptive state: {error}\n"
                              "  expected what AdaptiveState.to_json() gives") from error  # fmt: skip

    def __repr__(self) -> str:
        seen = f", {self.slots.max() + 1} per person" if self.kind == "best_worst" else ""
        fitted = f"fitted after {self.n_fitted:,}" if self.n_fitted else "not fitted yet"
        best = " · ".join(self.items.labels[j] for j in np.argsort(-self.mean, kind="stable")[:3])
        lines = [f"AdaptiveState  {self.kind}, policy {self.policy}: {len(self.items)} items{seen}, {self.n_tasks} tasks of "
                 f"{self.items_per_task}", f"  {self.n_respondents:,} asked, {self.n_answered:,} answered, {fitted} "
                 f"(every {self.batch})"]  # fmt: skip
        return "\n".join([*lines, f"  highest so far: {best}"] if self.n_fitted else lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"
