"""Choice sets of profiles by coordinate exchange, beside the best there is.

    uv run python tests/evidence/profile_designs.py

Writes docs/evidence/profile_designs.md. 20 small cases in which all designs can be tried: pairs and triples of profiles, with
and without a none option, at zero utilities, at a point prior, and over draws of a prior. D efficiency is
det(information)^(1 / K), in the Bayesian cases exp(mean log det / K), since the mean of log det is the criterion. Every
case is searched twice: over all designs, in which a set may stand twice (``repeats=True``), and over those in which none does
(the default). Then designs of usual sizes, beside the bound for equal utilities, and their time.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import combinations, combinations_with_replacement, islice, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.design import assess_design, design_conjoint
from cvmstats.design.prior_utilities import prior_draws

CHUNK = 100_000


class Case(NamedTuple):
    """Levels of the attributes, T, A, none option, and the prior: utilities from -w to w over the levels, and a deviation."""

    levels: tuple[int, ...]
    n_tasks: int
    alternatives: int
    none: bool = False
    w: float = 0.0
    sd: float = 0.0


CASES = [
    Case((2, 2), 3, 2), Case((2, 2), 5, 2, w=1.0), Case((2, 2), 6, 3), Case((2, 2), 4, 2, none=True),
    Case((2, 2, 2), 3, 2), Case((2, 2, 2), 4, 2, w=0.8), Case((2, 2, 2), 5, 2, w=0.5), Case((2, 2, 2), 4, 2, w=0.5, sd=0.5),
    Case((2, 2, 2), 3, 3), Case((2, 2, 2), 3, 3, w=1.0), Case((2, 2, 2), 4, 2, none=True),
    Case((3, 2), 3, 2), Case((3, 2), 6, 2), Case((3, 2), 5, 2, w=1.0), Case((3, 2), 4, 3), Case((3, 2), 4, 3, w=0.7, sd=0.4),
    Case((3, 3), 4, 2), Case((3, 3), 4, 2, w=1.0), Case((3, 3), 3, 3), Case((3, 3), 3, 3, w=0.6),
]  # fmt: skip
USUAL = [((4,) * 6, 12, 3, 1), ((4,) * 6, 12, 3, 10), ((3, 3, 3, 3, 2), 12, 2, 10), ((5, 4, 3, 3, 2), 10, 4, 10),
         ((3,) * 4, 9, 3, 1), ((2,) * 7, 8, 2, 1), ((4, 4, 4, 2, 2), 16, 4, 1)]  # fmt: skip


def attributes_of(levels: tuple[int, ...]) -> Attributes:
    return Attributes.from_dict({f"a{i + 1}": [f"l{j + 1}" for j in range(n)] for i, n in enumerate(levels)})


def options_of(case: Case) -> dict[str, Any]:
    """What ``design_conjoint`` is given."""
    parts = attributes_of(case.levels)
    prior = {name: dict(zip(levels, np.linspace(-case.w, case.w, len(levels)), strict=True))
             for name, levels in zip(parts.names, parts.levels, strict=True)}  # fmt: skip
    return {"attributes": parts, "alternatives": case.alternatives, "n_tasks": case.n_tasks, "none": case.none,
            "prior": prior if case.w else None, "prior_sd": case.sd or None}  # fmt: skip


def set_tables(case: Case, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All sets (N, A) as indices of profiles, and the information of each at each draw (N, D, K, K); written on its own."""
    parts = attributes_of(case.levels)
    rows = np.array([sum(parts.coding[f + x] for f, x in zip(parts.first, one, strict=True))
                     for one in product(*map(range, case.levels))])  # fmt: skip
    if case.none:
        rows = np.vstack([np.hstack([rows, np.ones((len(rows), 1))]), np.zeros(rows.shape[1] + 1)])
    n_profiles = len(rows) - case.none
    sets = np.array(list(combinations(range(n_profiles), case.alternatives)))
    x = rows[np.hstack([sets, np.full((len(sets), 1), n_profiles)]) if case.none else sets]
    out = []
    for beta in draws:
        p = np.exp(x @ beta)
        p /= p.sum(axis=1, keepdims=True)
        inside = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
        out.append(np.einsum("nik,nij,njl->nkl", x, inside, x))
    return sets, np.stack(out, axis=1)


def log_det(matrices: np.ndarray) -> np.ndarray:
    """Mean over draws (..., D, K, K), -inf where a design is singular."""
    sign, value = np.linalg.slogdet(matrices)
    return np.where((sign > 0) & (value > -60), value, -np.inf).mean(axis=-1)


def best_of_all(tables: np.ndarray, n_tasks: int, repeats: bool) -> tuple[float, int]:
    """The largest criterion of all designs, and how many there are."""
    choose = combinations_with_replacement if repeats or n_tasks > len(tables) else combinations
    designs: Iterator[tuple[int, ...]] = choose(range(len(tables)), n_tasks)
    best, n = -np.inf, 0
    while part := list(islice(designs, CHUNK // tables.shape[1])):
        best = max(best, float(log_det(tables[np.array(part)].sum(axis=1)).max()))
        n += len(part)
    return best, n


def value_of(design: Design, draws: np.ndarray) -> float:
    """Criterion of a design, by the sums as they stand."""
    x = np.asarray(design.coding)[design.shown[0]]
    total = []
    for beta in draws:
        p = np.exp(x @ beta)
        p /= p.sum(axis=1, keepdims=True)
        middle = np.einsum("ta,tak->tk", p, x)
        total.append(np.einsum("ta,tak,tal->kl", p, x, x) - middle.T @ middle)
    return float(log_det(np.stack(total)))


def judge(case: Case, repeats: bool, seed: int = 0) -> tuple[float, float, int]:
    """The best D efficiency, ours over it, and how many designs there are."""
    options = options_of(case)
    parts = options["attributes"]
    draws = prior_draws(parts, options["prior"], options["prior_sd"], case.none, np.random.default_rng(seed))
    _, tables = set_tables(case, draws)
    best, n = best_of_all(tables, case.n_tasks, repeats)
    parts = options.pop("attributes")
    ours = value_of(design_conjoint(parts, repeats=repeats, seed=seed, **options), draws)
    k = tables.shape[-1]
    return float(np.exp(best / k)), float(np.exp((ours - best) / k)), n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/profile_designs.md"))
    options = parser.parse_args()
    lines = ["# Choice sets of profiles beside the best there is", "",
             "Command: `uv run python tests/evidence/profile_designs.py`; "
             f"numpy {version('numpy')}, numba {version('numba')}, Python {platform.python_version()}; seed 0.", "",
             "Ratio: D efficiency of `design_conjoint` with default starts over the largest of all designs; sets may stand "
             "twice on the left, and may not on the right (the default).", "",
             "| attributes | T | A | prior | designs (1,000) | best D | ratio | designs (1,000) | best D | ratio |",
             "|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    ratios: list[list[float]] = [[], []]
    for case in CASES:
        prior = "none" if not case.w else f"-{case.w}..{case.w}" + f", sd {case.sd}" * bool(case.sd)
        row = [" x ".join(map(str, case.levels)), str(case.n_tasks), f"{case.alternatives}{' + none' * case.none}", prior]
        for i, repeats in enumerate((True, False)):
            best, ratio, n = judge(case, repeats)
            ratios[i].append(ratio)
            row += [f"{n / 1000:,.1f}", f"{best:.5f}", f"{ratio:.6f}"]
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    for name, values in zip(("Sets may stand twice", "No set stands twice"), ratios, strict=True):
        each = np.array(values)
        lines += ["", f"{name}: {(each >= 0.99).sum()} of {len(each)} reach .99 of the best, {(each >= 0.999).sum()} reach "
                  f".999; the least ratio is {each.min():.6f}."]  # fmt: skip
    lines += ["", "Usual sizes at equal utilities, beside the bound of `assess_design`; time of one call, compiled before.", "",
              "| attributes | T | A | V | D over the bound, all versions | within a version | s |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for levels, n_tasks, size, n_versions in USUAL:
        start = time.perf_counter()
        design = design_conjoint(attributes_of(levels), alternatives=size, n_tasks=n_tasks, n_versions=n_versions)
        seconds = time.perf_counter() - start
        a = assess_design(design)
        lines.append(f"| {' x '.join(map(str, levels))} | {n_tasks} | {size} | {n_versions} | "
                     f"{a['D efficiency over all']:.4f} | {a['D efficiency within a version']:.4f} | "
                     f"{seconds:.1f} |")  # fmt: skip
        print(lines[-1], flush=True)
    print("\n".join(line for line in lines if "reach" in line))
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
