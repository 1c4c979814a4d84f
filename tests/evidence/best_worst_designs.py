"""Best-worst designs beside their bounds, beside long anneals, and beside the time pandas takes to write them.

    uv run python tests/evidence/best_worst_designs.py

Writes docs/evidence/best_worst_designs.md. 50 cases: the ten named ones, and 40 drawn with a fixed seed (v 6 to 60, k 3 to 6,
T from 2 v / k to 4 v / k, a third of them with places that cannot be shared out evenly; 1, 10 or 300 versions). Each is made
by ``design_best_worst`` as it comes, and its pairs within a version are compared with the best of 20 anneals ten times as long.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from importlib.metadata import version
from math import comb
from pathlib import Path

import numpy as np

from cvmstats._numerics.swaps import anneal, as_sets, deal
from cvmstats.design import assess_design, design_best_worst
from cvmstats.design.base import COLD, EVEN, HOT
from cvmstats.design.criteria import least_pair_squares

NAMED = [(7, 4, 7, 10), (12, 4, 9, 10), (15, 4, 15, 10), (20, 5, 12, 500), (30, 5, 18, 10), (40, 5, 24, 300), (26, 5, 16, 10),
         (13, 4, 10, 10), (16, 4, 12, 10), (25, 5, 15, 10)]  # fmt: skip
LONG = 30_000


def drawn(n: int = 40, seed: int = 2026) -> list[tuple[int, int, int, int]]:
    """Cases (v, k, T, V)."""
    rng = np.random.default_rng(seed)
    out: list[tuple[int, int, int, int]] = []
    while len(out) < n:
        v, k = int(rng.integers(6, 61)), int(rng.integers(3, 7))
        if k >= v:
            continue
        n_tasks = int(rng.integers(-(-2 * v // k), -(-4 * v // k) + 1))
        uneven = len(out) % 3 == 0
        if (n_tasks * k % v != 0) == uneven:
            out.append((v, k, n_tasks, (1, 10, 300)[len(out) % 3 if not uneven else len(out) // 3 % 3]))
    return out


def long_anneals(v: int, k: int, n_tasks: int, bound: int, n: int = 20) -> int:
    """The least sum of squares of pairs that ``n`` long anneals find."""
    best = np.inf
    for attempt in range(n):
        sets = as_sets(deal(v, n_tasks, k, np.random.default_rng(attempt)), v)
        key = np.array([attempt, 1], np.uint64)
        best = min(best, anneal(sets, np.zeros((v, v)), EVEN, HOT, COLD, LONG * n_tasks * k, float(bound), key))
        if best <= bound:
            break
    return int(best)


def judge(v: int, k: int, n_tasks: int, n_versions: int) -> dict[str, float]:
    """Figures of the design as it comes, second call in the process."""
    labels = [f"item {j + 1}" for j in range(v)]
    start = time.perf_counter()
    design = design_best_worst(labels, items_per_task=k, n_tasks=n_tasks, n_versions=n_versions)
    seconds = time.perf_counter() - start
    a = assess_design(design)
    each, more = divmod(n_tasks * k, v)
    bound = least_pair_squares([each + 1] * more + [each] * (v - more), [k] * n_tasks)
    best = long_anneals(v, k, n_tasks, bound)
    at = a.table.set_index("figure")
    return {
        "bound": bound, "long": best, "ours": bound + a["pairs within a version, excess squares"],
        "counts": bool(at["at_bound"]["times shown, sum of squares"]),
        "positions": bool(at["at_bound"]["positions, sum of squares"]) and a["versions with uneven positions"] == 0,
        "repeats": a["sets repeated within a version"] if n_tasks <= comb(v, k) else 0.0,
        "connected": a["groups of items that never meet"] == 1
        and (n_tasks * (k - 1) < v - 1 or a["versions that fall apart"] == 0),
        "sd": a["pairs over all, SD"], "sd_bound": at["bound"]["pairs over all, SD"],
        "d": a["D efficiency within a version"], "adjacent": a["items repeated in adjacent sets, per version"],
        "seconds": seconds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/best_worst_designs.md"))
    options = parser.parse_args()
    design_best_worst(["a", "b", "c", "d", "e", "f"], items_per_task=3)  # compiled
    lines = ["# Best-worst designs beside their bounds", "",
             f"Command: `uv run python tests/evidence/best_worst_designs.py`; numpy {version('numpy')}, pandas "
             f"{version('pandas')}, Python {platform.python_version()}.", "",
             "Pairs: sum of squares within a version, bound, best of 20 anneals ten times as long, and ours (mean of all "
             "versions). Counts, positions: whether their sums of squares are at the bound, positions within every version "
             "too. SD: of how often pairs meet over all versions. Time: of one call.", "",
             "| v | k | T | V | pairs: bound | long anneals | ours | counts | positions | repeated sets | connected | "
             "SD (bound) | D | adjacent repeats | s |", "|" + "---|" * 15]  # fmt: skip
    worse = 0
    for v, k, n_tasks, n_versions in NAMED + drawn():
        r = judge(v, k, n_tasks, n_versions)
        worse += r["ours"] > r["long"]
        lines.append(f"| {v} | {k} | {n_tasks} | {n_versions} | {r['bound']:.0f} | {r['long']:.0f} | {r['ours']:g} | "
                     f"{'yes' if r['counts'] else '**no**'} | {'yes' if r['positions'] else '**no**'} | {r['repeats']:.0f} | "
                     f"{'yes' if r['connected'] else '**no**'} | {r['sd']:.3f} ({r['sd_bound']:.3f}) | {r['d']:.4f} | "
                     f"{r['adjacent']:.1f} | {r['seconds']:.2f} |")  # fmt: skip
        print(lines[-1], flush=True)
    lines += ["", f"Worse than the long anneals: {worse} of {len(NAMED) + len(drawn())}."]
    big = [judge_time(*case) for case in ((40, 5, 24, 300), (200, 5, 120, 300))]
    lines += ["", "Time over that of pandas writing the wide CSV, medians of 5: " + "; ".join(big) + "."]
    print("\n".join(lines[-3:]))
    options.out.write_text("\n".join(lines) + "\n")


def judge_time(v: int, k: int, n_tasks: int, n_versions: int) -> str:
    """Median ratio of five calls, each beside a writing of its own."""
    labels, ratios = [f"item {j + 1}" for j in range(v)], []
    for seed in range(5):
        start = time.perf_counter()
        design = design_best_worst(labels, items_per_task=k, n_tasks=n_tasks, n_versions=n_versions, seed=seed)
        seconds = time.perf_counter() - start
        table = design.to_frame().pivot(index=["version", "task"], columns="position", values="item").reset_index()
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            table.to_csv(Path(folder) / "design.csv", index=False)
            ratios.append(seconds / (time.perf_counter() - start))
    return f"{v} x {k} x {n_tasks} x {n_versions}: {np.median(ratios):.0f}"


if __name__ == "__main__":
    main()
