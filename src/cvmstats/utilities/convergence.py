"""Can the draws be trusted: R-hat and effective sample size of everything that is reported.

Rank-normalised split R-hat, bulk and tail ESS of Vehtari et al. (2021, doi 10.1214/20-BA1221), as ArviZ computes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.ess import chain_diagnostics
from cvmstats.errors import ConvergenceWarning

R_HAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
_CELLS = 20_000_000
Floats = npt.NDArray[np.float64]


def diagnose(report: npt.ArrayLike, labels: Sequence[str], mean_draws: npt.ArrayLike, cov_draws: npt.ArrayLike,
             draws: npt.NDArray[np.float32] | None = None, *, ids: Sequence[str] | None = None,
             threads: int | None = None,
             beside: Mapping[str, tuple[Sequence[str], Floats]] | None = None) -> pd.DataFrame:  # fmt: skip
    """R-hat and ESS of population means, sds and correlations, and of each respondent's utilities.

    Parameters
    ----------
    report : array (L, K)
        Parameters to what people read.
    labels : sequence of str (L)
        Names of these.
    mean_draws, cov_draws : arrays (C, D, K) and (C, D, K, K)
        Population.
    draws : array (C, D, R, K), optional
        Respondents.
    ids : sequence of str (R), optional
        Names of the respondents; by default 1, 2, ...
    threads : int, optional
        How many to use; it changes no figure.
    beside : mapping, optional
        Further quantities: names and draws (C, D, number of names).

    Returns
    -------
    DataFrame
        One row per quantity: ``quantity`` (mean, sd, correlation, utility), ``name``, ``r_hat`` (NaN for one chain),
        ``ess_bulk``, ``ess_tail``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> table = diagnose(np.eye(2), ["a", "b"], rng.normal(size=(4, 250, 2)), np.tile(np.eye(2), (4, 250, 1, 1)))
    >>> table[["quantity", "name"]].values.tolist()
    [['mean', 'a'], ['mean', 'b'], ['sd', 'a'], ['sd', 'b'], ['correlation', 'a · b']]
    """
    levels = np.asarray(report, dtype=float)
    names = [str(label) for label in labels]
    mean, sd, correlation = reported_draws(levels, mean_draws, cov_draws)
    first, second = np.triu_indices(len(names), 1)
    tables = [
        _table("mean", names, chain_diagnostics(mean, threads=threads)),
        _table("sd", names, chain_diagnostics(sd, threads=threads)),
        _table("correlation", [f"{names[i]} · {names[j]}" for i, j in zip(first, second, strict=True)],
               chain_diagnostics(correlation, threads=threads)),
    ]  # fmt: skip
    for quantity, (which, given) in (beside or {}).items():
        tables.append(_table(quantity, which, chain_diagnostics(np.ascontiguousarray(np.moveaxis(given, -1, 0)),
                                                                threads=threads)))  # fmt: skip
    if draws is not None:
        people = [str(i) for i in ids] if ids is not None else [str(r + 1) for r in range(draws.shape[2])]
        tables.append(_table("utility", [f"{person} · {name}" for person in people for name in names],
                             _respondents(levels, draws, threads)))  # fmt: skip
    return pd.concat([t for t in tables if len(t)], ignore_index=True)


def reported_draws(report: npt.ArrayLike, mean_draws: npt.ArrayLike,
                   cov_draws: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Draws of means (L, C, D), sds (L, C, D) and correlations (L (L - 1) / 2, C, D; upper triangle by rows)."""
    levels = np.asarray(report, dtype=float)
    mean = np.moveaxis(np.asarray(mean_draws, dtype=float) @ levels.T, -1, 0)
    cov = levels @ np.asarray(cov_draws, dtype=float) @ levels.T
    sd = np.sqrt(np.moveaxis(np.diagonal(cov, axis1=-2, axis2=-1), -1, 0))
    first, second = np.triu_indices(len(levels), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.moveaxis(cov[..., first, second], -1, 0) / (sd[first] * sd[second])
    return np.ascontiguousarray(mean), np.ascontiguousarray(sd), np.ascontiguousarray(correlation)


def warn_if_unconverged(table: pd.DataFrame, *, n_chains: int, n_draws: int | None = None, stacklevel: int = 2) -> None:
    """Warn where the population's R-hat is above 1.01 or its ESS below 100 per chain, and for most utilities likewise.

    Single respondents among hundreds exceed any limit by chance, so of utilities it is the share beyond it that counts:
    more than 5%.

    Parameters
    ----------
    table : DataFrame
        From :func:`diagnose`.
    n_chains, n_draws : int
        C, and D for the advice.

    Warns
    -----
    ConvergenceWarning
        Saying what is worst and what to set.
    """
    if n_chains < 2:
        warnings.warn("one chain cannot show that it converged\n  expected at least 2: Sampler(chains=4)",
                      ConvergenceWarning, stacklevel=stacklevel + 1)  # fmt: skip
    least = ESS_PER_CHAIN * n_chains
    ess = table[["ess_bulk", "ess_tail"]].min(axis=1, skipna=False)
    known = ess.notna() & (table["r_hat"].notna() | (n_chains < 2))
    mixed = ~(table["r_hat"] > R_HAT_LIMIT)
    findings = [finding for bad, kind in ((~mixed, "r_hat"), (known & (ess < least), "ess"))
                if (finding := _finding(table, bad, ess, kind, least))]  # fmt: skip
    if findings:
        lowest = float(ess[known].min()) if known.any() else least
        factor = int(np.clip(np.ceil(least / max(lowest, 1.0)), 2, 10))
        setting = f"{factor} times as many" if n_draws is None else f"Sampler(draws={n_draws * factor})"
        advice = (f"  draw more: {setting}, or as many with a larger thin=\n"
                  "  if that does not help, the answers say little about these: fewer items or more tasks")  # fmt: skip
        warnings.warn("\n".join(["the draws should not be trusted yet", *findings, advice]),
                      ConvergenceWarning, stacklevel=stacklevel + 1)  # fmt: skip


def _finding(table: pd.DataFrame, bad: pd.Series[bool], ess: pd.Series[float], kind: str, least: int) -> str:
    people = table["quantity"] == "utility"
    if bad[people].sum() <= 0.05 * people.sum():
        bad = bad & ~people
    if not bad.any():
        return ""
    values = table["r_hat"] if kind == "r_hat" else -ess
    row = table.iloc[int(np.argmax(values.where(bad, -np.inf)))]
    worst, share = f"{row['quantity']} of {row['name']}", f"{bad.sum():,} of {len(table):,}"
    if kind == "r_hat":
        return f"  R-hat above {R_HAT_LIMIT} for {share} quantities, worst {row['r_hat']:.3f}: {worst}"
    low = min(row["ess_bulk"], row["ess_tail"])
    return f"  fewer than {least:,} effective draws for {share}, fewest {low:,.0f}: {worst}"


def _respondents(report: Floats, draws: npt.NDArray[np.float32], threads: int | None) -> Floats:
    """Figures of each respondent's reported utilities (R L, 3), in blocks that fit memory."""
    n_chains, n_draws, n_people, _ = draws.shape
    levels = report.T.astype(np.float32)
    per_block = max(1, _CELLS // max(1, n_chains * n_draws * len(report)))
    parts = [chain_diagnostics(np.moveaxis(draws[:, :, r : r + per_block] @ levels, (2, 3), (0, 1))
                               .reshape(-1, n_chains, n_draws), threads=threads)
             for r in range(0, n_people, per_block)]  # fmt: skip
    return np.concatenate(parts) if parts else np.empty((0, 3))


def _table(quantity: str, names: Sequence[str], figures: Floats) -> pd.DataFrame:
    table = pd.DataFrame(figures, columns=["r_hat", "ess_bulk", "ess_tail"])
    table.insert(0, "quantity", quantity)
    table.insert(1, "name", list(names))
    return table
