"""Adaptive best-worst surveys: how often each policy finds the top items, beside the published rates.

    uv run python tests/evidence/adaptive_designs.py

Writes docs/evidence/adaptive_designs.md. Populations: the means of K items are drawn from N(0, 1) (K = 120) or uniformly from
-2 to 2 (K = 100); a person's utilities are the means plus N(0, 1) for each item, and answers follow the sequential form. In the
misinformed scenario the first 50 people have the means negated, with noise of their own; their answers stay in the data.
Every person sees 20 items in 12 sets of 5; fits after each 20 people. In a replication all policies meet the same people with
the same random numbers. The defaults of epsilon and delta were chosen from the grid at the end, of another seed.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

SCENARIOS: dict[str, dict[str, Any]] = {
    "K = 120, normal means": {"n_items": 120},
    "K = 120, normal means, misinformed by the first 50": {"n_items": 120, "misinformed": 50},
    "K = 100, uniform means": {"n_items": 100, "means": "uniform"},
}
PLAIN, MISINFORMED, UNIFORM = SCENARIOS
# scenario, n, k: express, thompson, diffuse as published (Schwartz, Fairchild, Orme & Zaitzeff), other populations than these
PUBLISHED = {
    (PLAIN, 260, 3): (.65, .86, .87), (PLAIN, 260, 10): (.83, .92, .91), (PLAIN, 500, 10): (.88, .93, .95),
    (MISINFORMED, 500, 3): (.25, .13, .54), (UNIFORM, 260, 10): (.77, None, .89), (UNIFORM, 500, 10): (.85, None, .94),
}  # fmt: skip
POLICIES = ("express", "thompson", "diffuse")
WANTED = [(PLAIN, 260, 10, "thompson", "express"), (PLAIN, 260, 10, "diffuse", "express"),
          (UNIFORM, 260, 10, "thompson", "express"), (UNIFORM, 260, 10, "diffuse", "express"),
          (MISINFORMED, 500, 3, "diffuse", "express"), (MISINFORMED, 500, 3, "diffuse", "thompson")]  # fmt: skip
GRID = [(epsilon, delta) for epsilon in (.1, .25, .5) for delta in (4.0, 10.0, 50.0)]
SEED, GRID_SEED = 2026, 99


def run(job: dict[str, Any]) -> pd.DataFrame:
    """One call of compare_policies."""
    from cvmstats.workflows.policies import compare_policies

    return compare_policies(progress=False, **job)


def row_of(table: pd.DataFrame, n: int, top: int, policy: str, versus: str = "") -> pd.Series:
    """The figures of one policy, or of one difference."""
    found = table[(table["n"] == n) & (table["top"] == top) & (table["policy"] == policy) & (table["versus"] == versus)]
    return found.iloc[0]


def rates(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Hit rates with intervals, published ones beside them."""
    lines = ["| population | n | k | " + " | ".join(f"{p} | published" for p in POLICIES) + " |", "|" + "---|" * 9]
    for name, table in tables.items():
        for n, top in sorted(set(zip(table["n"], table["top"], strict=True))):
            said = PUBLISHED.get((name, n, top), (None,) * 3)
            cells = []
            for policy, known in zip(POLICIES, said, strict=True):
                r = row_of(table, n, top, policy)
                cells += [f"{r['value']:.3f} ({r['lower']:.3f} to {r['upper']:.3f})", "" if known is None else f"{known:.2f}"]
            lines.append(f"| {name} | {n} | {top} | " + " | ".join(cells) + " |")
    return lines


def differences(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Paired differences that were to be above 0."""
    lines = ["| population | n | k | difference | mean (95% interval) | above 0 |", "|" + "---|" * 6]
    for name, n, top, policy, versus in WANTED:
        r = row_of(tables[name], n, top, policy, versus)
        interval = f"{r['value']:.3f} ({r['lower']:.3f} to {r['upper']:.3f})"
        lines.append(f"| {name} | {n} | {top} | {policy} - {versus} | {interval} | "
                     f"{'yes' if r['lower'] > 0 else '**no**'} |")  # fmt: skip
    return lines


def grid(tables: list[tuple[float, float, str, pd.DataFrame]]) -> list[str]:
    """Hit rates of diffuse by epsilon and delta."""
    cells = [(260, 3), (260, 10), (500, 3), (500, 10)]
    lines = ["| epsilon | delta | population | " + " | ".join(f"n {n}, k {k}" for n, k in cells) + " |", "|" + "---|" * 7]
    for epsilon, delta, name, table in tables:
        values = " | ".join(f"{row_of(table, n, k, 'diffuse')['value']:.3f}" for n, k in cells)
        lines.append(f"| {epsilon:g} | {delta:g} | {name} | {values} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--grid", type=int, default=40, help="replications of each cell of the grid")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/adaptive_designs.md"))
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the matrices are small, and the workers inherit it
    from multiprocessing import get_context

    jobs = [job | {"policies": POLICIES, "n_replications": options.replications, "seed": SEED} for job in SCENARIOS.values()]
    cells = [(e, d, name) for e, d in GRID for name in (PLAIN, MISINFORMED)]
    jobs += [SCENARIOS[name] | {"policies": ("diffuse",), "epsilon": e, "delta": d, "n_replications": options.grid,
                                "seed": GRID_SEED} for e, d, name in cells]  # fmt: skip
    start, found = time.perf_counter(), []
    with get_context("spawn").Pool(options.workers) as pool:
        for i, table in enumerate(pool.imap(run, jobs)):
            found.append(table)
            print(f"{i + 1} of {len(jobs)} done, {time.perf_counter() - start:.0f} s", flush=True)
    tables = dict(zip(SCENARIOS, found, strict=False))
    explored = [(e, d, name, table) for (e, d, name), table in zip(cells, found[len(SCENARIOS) :], strict=True)]
    text = (__doc__ or "").split("\n\n", 2)[2].split(". ", 1)[1].strip().replace("\n", " ")
    command = "uv run python tests/evidence/adaptive_designs.py"
    more = f" --replications {options.replications}" * (options.replications != 200)
    lines = ["# Adaptive best-worst surveys: top items found", "",
             f"Command: `{command}{more}`; seed {SEED}, {options.replications} paired replications; numpy {version('numpy')}, "
             f"scipy {version('scipy')}, numba {version('numba')}, Python {platform.python_version()}.", "",
             text, "",
             "Hit rate: the share of the true top k, by population mean, found in the top k of the logit of all answers. "
             "95% intervals over replications. Published rates are of other populations and stand beside for comparison only.",
             "", *rates(tables), "", "Differences in pairs:", "", *differences(tables), "",
             f"The grid from which the defaults epsilon 0.25 and delta 10 were chosen ({options.grid} replications, seed "
             f"{GRID_SEED}; diffuse alone). A delta of 4 recovers slowly from a misinformed start, a share of 0.5 seems to "
             "cost hits where the start is fair; 0.25 with 10, 0.25 with 50 and 0.1 with 50 do not differ beyond the noise "
             "of the grid (half-widths of 0.02 to 0.04 for k = 10, 0.05 to 0.07 for k = 3).",
             "", *grid(explored), ""]  # fmt: skip
    print("\n".join(lines))
    options.out.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
