"""Power: what studies of different sizes would find out, by simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Power:
    """Simulated studies of several sizes, and which one suffices.

    Parameters
    ----------
    table : DataFrame
        A row per size: ``respondents``, ``tasks``, ``versions``, ``answers`` (respondents x tasks), ``expected_se`` (of a
        mean utility, by formula, logits), ``error`` (root mean square error of mean utilities, brought to the scale of the
        truth, logits), ``order`` (share of pairs of items in their right order), ``decision`` (probability that the top
        items found are the true ones, averaged over segments), ``decision_se`` (its simulation error), ``overlap`` (share
        of the true top items found), ``recovery`` (adjusted Rand index of the people's segments; missing for one segment).
    items : DataFrame
        At the recommended size, else the largest: ``item``, ``label``, ``top_true`` and ``top_found``, the probabilities
        that it is, and is found to be, among the top items of a segment or more.
    dropping : DataFrame
        Leaving out the m items least likely to matter: ``dropped``, ``label`` (of the m-th), ``loss`` (probability that a
        true top item of some segment is among them) and ``error_ratio``, by which standard errors of the others shrink at
        the same burden.
    top : int
        How many items a decision is about.
    target : float
        Probability of the right decision that is asked for.
    n_replications : int
    settings : mapping
        What was assumed.
    """

    table: pd.DataFrame
    items: pd.DataFrame
    dropping: pd.DataFrame
    top: int
    target: float
    n_replications: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recommended(self) -> pd.Series | None:
        """The row with the fewest answers that reaches the target by a simulation error or more, or None."""
        enough = self.table[self.table["decision"] - self.table["decision_se"] >= self.target]
        return None if enough.empty else enough.sort_values(["answers", "respondents"]).iloc[0]

    @property
    def verdict(self) -> str:
        """The recommendation as a sentence."""
        what = f"the top {self.top} right with a probability of {self.target:.0%}"
        row = self.recommended
        if row is None:
            best = self.table.sort_values("decision").iloc[-1]
            return (f"no size gets {what}; the best, {best['respondents']:,.0f} respondents x {best['tasks']:.0f} tasks, "
                    f"has {best['decision']:.0%} and finds {best['overlap']:.0%} of the top items")  # fmt: skip
        return (f"{row['respondents']:,.0f} respondents x {row['tasks']:.0f} tasks x {row['versions']:.0f} versions get {what} "
                f"({row['decision']:.0%} +- {row['decision_se']:.0%})")  # fmt: skip

    def __repr__(self) -> str:
        shown = self.table.drop(columns="answers")
        if shown["recovery"].isna().all():
            shown = shown.drop(columns="recovery")
        lines = shown.to_string(index=False, float_format=lambda x: f"{x:.3f}").splitlines()
        head = f"Power  {len(self.table)} sizes, {self.n_replications} simulated studies each"
        return "\n".join([head, *(f"  {line}" for line in lines), f"  {self.verdict}"])

    def _repr_html_(self) -> str:
        table: str = self.table.round(3).to_html(index=False)
        return f"<b>{escape(repr(self).splitlines()[0])}</b>{table}<p>{escape(self.verdict)}</p>"
