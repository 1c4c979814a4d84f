"""From surveyed accounts to a scorer, and from the scorer to every account of the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.accounts import Accounts
from cvmstats.data.encoding import Encoding, clean, require_columns
from cvmstats.data.projection import Projection, probability_columns
from cvmstats.data.scorer import Scorer
from cvmstats.data.segments import Segments
from cvmstats.errors import AccountsError, SegmentsError, examples
from cvmstats.projection.shift import correct_sizes

Floats = npt.NDArray[np.float64]
_LIST_ROWS = 4000


def fit_classifier(
    segments: Segments,
    accounts: Accounts,
    *,
    columns: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    labels: Literal["latent", "soft"] = "latent",
    penalty: float | None = None,
    n_folds: int = 5,
    n_draws: int = 40,
    seed: int | np.random.Generator = 0,
) -> Scorer:
    """Learn the segment of an account from the columns of the list.

    Parameters
    ----------
    segments : Segments
        Of G accounts, with memberships from their answers only.
    accounts : Accounts
        The list; each surveyed account is on it.
    columns : sequence of str, optional
        Which to use; by default all but the id, columns of one value, and texts that hardly ever repeat.
    categorical : sequence of str
        Columns that are categories although they look like numbers.
    labels : {"latent", "soft"}
        Labels refitted as latent, the default: maximum likelihood given the answers. Or the memberships as they are
        (each account as weighted copies, one per segment), which gives too flat a model.
    penalty : float, optional
        Chosen by cross-validation by default.
    n_folds : int
        Folds of the cross-validation.
    n_draws : int
        Bootstrap draws over the surveyed accounts for the intervals of sizes (score bootstrap: a Newton step each).
    seed : int or Generator
        Of folds and draws.

    Raises
    ------
    AccountsError
        Where surveyed accounts are not on the list, or stand on it with rows that contradict each other.
    SegmentsError
        Where the segments are not of accounts, or one of them is empty.
    """
    from cvmstats.projection.classifier import assign_folds, fit_calibrated, responsibilities, softmax

    rng = np.random.default_rng(seed)
    sample, used = join_sample(segments, accounts, columns)
    target = likelihoods(segments) if labels == "latent" else np.array(segments.membership)
    encoding = Encoding.fit(sample, used, categorical=categorical)
    x = encoding.encode(sample)
    folds = assign_folds(np.arange(len(x)), segments.membership.argmax(axis=1), n_folds, rng)
    fit = fit_calibrated(x, target, folds, penalty=penalty, latent=labels == "latent")
    seen = responsibilities(fit.unseen, target) if labels == "latent" else target
    confusion = (seen.T @ fit.unseen) / seen.sum(axis=0)[:, None]
    weight = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=n_draws)
    change = np.linalg.solve(fit.information, fit.score.T @ (weight - 1.0).T).T
    # the calibration is not drawn anew: with it, 95% intervals held 120 of 120 true sizes, without it 115
    draws = fit.coefficients + change.reshape(n_draws, *fit.coefficients.shape[::-1]).transpose(0, 2, 1)
    extended = np.column_stack([x, np.ones(len(x))])
    fitted = [w @ softmax(extended @ d / fit.temperature) / len(x) for w, d in zip(weight, draws, strict=True)]
    left_out = [c for c in accounts.columns if c not in used]
    return Scorer(
        encoding=encoding, coefficients=fit.coefficients[:-1], intercepts=fit.coefficients[-1],
        temperature=fit.temperature, segments=segments.names, sizes=fit.probabilities(x).mean(axis=0),
        confusion=confusion, draws=draws if n_draws else None, draw_sizes=np.array(fitted) if n_draws else None,
        details={"accounts": len(x), "penalty": fit.penalty, "labels": labels, "left_out": ", ".join(left_out)},
    )  # fmt: skip


def project(
    scorer: Scorer,
    accounts: Accounts,
    *,
    segments: Segments | None = None,
    correct: bool = True,
    interval: bool = True,
    seed: int | np.random.Generator = 0,
) -> Projection:
    """Score every account of a list; none is lost, none moves, its columns stay as they are.

    Parameters
    ----------
    scorer : Scorer
        From :func:`fit_classifier`.
    accounts : Accounts
        N rows with the scorer's columns.
    segments : Segments, optional
        Surveyed accounts take their membership from here instead of the scorer's probabilities. The sizes do not.
    correct : bool
        Correct sizes and probabilities for a mix of the list that differs from the sample's.
    interval : bool
        Bootstrap interval of the corrected sizes, over survey and list.
    seed : int or Generator
        Of the bootstrap.

    Raises
    ------
    AccountsError
        Where a column of the scorer is missing, or a column that is to be written exists already.
    ScorerError
        Where sizes cannot be corrected because the classifier hardly tells the segments apart.
    """
    added = [*probability_columns(scorer.segments), "segment", "probability", "caution"]
    taken = [c for c in added if c in accounts.table]
    if taken:
        raise AccountsError(f"{len(taken)} columns that are to be written are on the list already\n"
                            f"  for example {examples(taken)}\n"
                            "  rename them, or leave them out: accounts.without([...])")  # fmt: skip
    raw = scorer.probabilities(accounts)
    probabilities, naive = raw, raw.mean(axis=0)
    cautions = scorer.encoding.cautions(accounts.table)
    notes = _notes(cautions)
    corrected = bounds = condition = None
    if correct:
        rng = np.random.default_rng(seed)
        draws = []
        if interval and scorer.draws is not None and scorer.draw_sizes is not None:
            some = rng.choice(len(accounts), min(len(accounts), _LIST_ROWS), replace=False)
            part = accounts.table.iloc[some]
            draws = [(scorer.probabilities(part, draw=b), s) for b, s in enumerate(scorer.draw_sizes)]
        result = correct_sizes(
            raw, scorer.sizes, confusion=scorer.confusion, draws=draws, segments=scorer.segments, seed=rng
        )
        probabilities, corrected, bounds = result.probabilities, result.sizes, result.interval
        condition = result.condition
    if segments is not None:
        probabilities, cautions = _take_known(probabilities, cautions, segments, scorer, accounts)
    best = probabilities.argmax(axis=1)
    names = np.array(scorer.segments, dtype=object)
    new = pd.DataFrame(probabilities, columns=added[: len(names)])
    new["segment"] = names[best]
    new["probability"] = probabilities[np.arange(len(best)), best]
    new["caution"] = cautions
    return Projection(
        table=pd.concat([accounts.table, new], axis=1), id=accounts.id, segments=scorer.segments, naive=naive,
        corrected=corrected, interval=bounds, condition=condition, cautions=tuple(notes),
    )  # fmt: skip


def join_sample(
    segments: Segments, accounts: Accounts, columns: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """The list's rows of the surveyed accounts (G), in the order of ``segments``, and the columns to use."""
    if segments.unit != "account":
        raise SegmentsError(f"the segments are of {segments.unit}s\n  expected accounts: segment_accounts(...) first")
    positions: dict[str, list[int]] = {}
    wanted = set(segments.ids)
    for row, name in enumerate(accounts.ids):
        if name in wanted:
            positions.setdefault(name, []).append(row)
    absent = [name for name in segments.ids if name not in positions or not name]
    if absent:
        raise AccountsError(
            f"{len(absent):,} of {len(segments.ids):,} surveyed accounts are not on the list\n"
            f"  for example {examples(absent)}; the list has ids like {examples(accounts.ids[:2])}\n"
            "  expected the same ids, byte by byte: leading zeros and capitals count\n"
            "  add these accounts to the list, or leave them out of the segments"
        )
    sample = accounts.table.iloc[[positions[name][0] for name in segments.ids]].reset_index(drop=True)
    used = list(columns) if columns is not None else _usable(sample, accounts.columns)
    require_columns(sample, used)
    if not used:
        raise AccountsError(f"none of the {len(accounts.columns)} columns of the list can be used\n"
                            "  expected columns whose values repeat; name them: columns=[...]")  # fmt: skip
    twice = {name: rows for name, rows in positions.items() if len(rows) > 1}
    conflicts = []
    for name, rows in twice.items():
        values = accounts.table[used].iloc[rows]
        differing = [c for c in used if len({clean(v) for v in values[c]}) > 1]
        if differing:
            conflicts.append(f"{name} differs in {', '.join(differing[:3])}")
    if conflicts:
        raise AccountsError(f"{len(conflicts):,} surveyed accounts have rows on the list that contradict each other\n"
                            f"  for example {examples(conflicts)}\n"
                            "  expected one row per account, or rows that agree in the columns used\n"
                            "  keep the right row, or name other columns: columns=[...]")  # fmt: skip
    return sample, used


def likelihoods(segments: Segments) -> Floats:
    """Likelihoods of the answers (G, S), each row scaled to a maximum of one: membership over sizes."""
    sizes = np.asarray(segments.sizes, dtype=float)
    most = segments.membership.max(axis=0)
    empty = [n for n, s, m in zip(segments.names, sizes, most, strict=True) if min(s, m) <= 0]
    if empty:
        raise SegmentsError(f"{len(empty)} segments have no accounts\n  for example {examples(empty)}\n"
                            "  fit fewer segments")  # fmt: skip
    ratio = np.asarray(segments.membership) / sizes
    return np.asarray(np.maximum(ratio / ratio.max(axis=1, keepdims=True), 1e-12))


def _usable(sample: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Columns with two or more values that are numbers or that repeat."""
    used = []
    for name in columns:
        keys = [clean(v) for v in sample[name].unique()]
        n_values = len({k for k in keys if k})
        is_count = pd.api.types.is_numeric_dtype(sample[name]) and not pd.api.types.is_bool_dtype(sample[name])
        n_filled = int(sample[name].map(lambda v: clean(v) != "").sum())
        if n_filled < len(sample) and n_values >= 1:
            n_values += 1
        if n_values > 1 and (is_count or n_values <= max(20, 0.3 * n_filled)):
            used.append(name)
    return used


def _notes(cautions: npt.NDArray[np.object_]) -> list[str]:
    which, texts = pd.factorize(cautions)
    counts = np.bincount(which)
    kinds = {"unknown values": ("unknown", "rarely"), "missing values": ("missing",),
             "numbers outside the range seen": ("outside", "no number")}  # fmt: skip
    notes = []
    for kind, words in kinds.items():
        n = int(sum(c for c, t in zip(counts, texts, strict=True) if any(w in t for w in words)))
        if n:
            notes.append(f"{n:,} of {len(cautions):,} accounts have {kind}")
    return notes


def _take_known(
    probabilities: Floats, cautions: npt.NDArray[np.object_], segments: Segments, scorer: Scorer, accounts: Accounts
) -> tuple[Floats, npt.NDArray[np.object_]]:
    if tuple(segments.names) != scorer.segments:
        raise SegmentsError(f"the segments are called {examples(segments.names)} and the scorer's "
                            f"{examples(scorer.segments)}\n  expected those that the scorer was fitted to")  # fmt: skip
    known = {name: i for i, name in enumerate(segments.ids) if name}
    rows = np.array([known.get(name, -1) for name in accounts.ids])
    at = np.flatnonzero(rows >= 0)
    probabilities, cautions = probabilities.copy(), cautions.copy()
    probabilities[at] = segments.membership[rows[at]]
    cautions[at] = "surveyed"
    return probabilities, cautions
