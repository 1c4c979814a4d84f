"""Effective draws per second: our Gibbs engine beside nutpie, interleaved in one run.

    uv run python -W ignore tests/evidence/benchmark.py --data FOLDER

ESS = min(bulk, tail), rank-normalised, of 4 chains, at most the number of kept draws: median over all zero-centred
utilities, minimum over all zero-centred population means, sds and correlations. Seconds: wall time of all chains on two
threads, warm-up included, compilation in a column of its own; each program at its documented defaults. Where R and bayesm are
installed, a row shows bayesm's sampler. It wants as many alternatives in every choice, so the worst is chosen from the whole
set there (the independent form); it has no default for iterations: 5,000, every 4th kept, the first fifth left out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from nuts_reference import read_issues

from cvmstats._numerics.simulate import simulate_places
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.chains import sample_gibbs
from cvmstats.utilities.convergence import diagnose
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior, Sampler
from cvmstats.workflows.sets import balanced_sets

Result = tuple[np.ndarray, np.ndarray, np.ndarray]
CHAINS, THREADS = 4, 2


def simulated(n_versions: int = 10) -> Choices:
    """300 people, 20 items, 15 balanced tasks of 5; means and deviations N(0, 1)."""
    rng = np.random.default_rng(1)
    n, n_items, n_tasks, size = 300, 20, 15, 5
    shown = balanced_sets(n_items, n_versions, n_tasks, size, rng)
    which = np.arange(n) % n_versions
    utilities = rng.normal(size=n_items) + rng.normal(size=(n, n_items))
    place = simulate_places(utilities, shown, which, rng.random((n, n_tasks, 2)))
    return Choices(design=Design(objects=Items.from_labels(f"item {j + 1}" for j in range(n_items)), shown=shown),
                   respondents=Respondents.from_ids(str(i) for i in range(n)), version=which, place=place)  # fmt: skip


def gibbs(choices: Choices) -> tuple[float, Callable[[int], Result]]:
    """Compile seconds, and a function from seed to draws."""
    tasks, coding = to_tasks(choices), np.asarray(choices.design.coding)
    upper = to_upper(Prior(), coding.shape[1], choices.design.parameter_block)

    def run(seed: int) -> Result:
        draws = sample_gibbs(tasks, coding, upper, Sampler(chains=CHAINS, threads=THREADS), seed, progress=False)
        return draws.mean, draws.cov, draws.people

    start = time.perf_counter()
    sample_gibbs(tasks, coding, upper, Sampler(chains=1, draws=4, warmup=10), 0, progress=False)
    return time.perf_counter() - start, run


def nutpie_on(model: Any) -> tuple[float, Callable[[int], Result]]:
    """The same for nutpie on a PyMC model with variables mean, root, z."""
    import nutpie

    start = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model, var_names=["mean", "root", "z"])
    spent = time.perf_counter() - start

    def run(seed: int) -> Result:
        trace = nutpie.sample(compiled, chains=CHAINS, cores=THREADS, seed=seed, progress_bar=False)
        post = trace.posterior
        mean, root, z = (np.asarray(post[name].values) for name in ("mean", "root", "z"))
        people = mean[:, :, None, :] + np.einsum("cdrk,cdjk->cdrj", z, root, optimize=True)
        return mean, root @ np.swapaxes(root, -1, -2), people.astype(np.float32)

    return spent, run


def bayesm_on(choices: Choices) -> tuple[float, Callable[[int], Result]] | None:
    """The same for bayesm, None where it is not installed; it has nothing to compile."""
    if shutil.which("Rscript") is None or subprocess.run(["Rscript", "-e", "library(bayesm)"], capture_output=True).returncode:
        return None
    coding = np.asarray(choices.design.coding)
    shown = np.asarray(choices.design.shown)[choices.version]
    place = np.asarray(choices.place)
    complete = ((place == 1).any(axis=2) & (place == -1).any(axis=2)).all(axis=1)  # it takes no gaps
    shown, place = shown[complete], place[complete]
    rows = np.stack([coding[shown], -coding[shown]], axis=2)  # people, tasks, best and worst, alternatives, parameters
    picked = np.stack([place.argmax(axis=2), np.where(place == -1, 1, 0).argmax(axis=2)], axis=2) + 1
    size = np.array([len(shown), coding.shape[1], 2 * shown.shape[1], shown.shape[2]], np.int32)

    def run(seed: int) -> Result:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for part, values in (("size", size), ("x", rows.astype(np.float64)), ("y", picked.astype(np.int32))):
                (folder / part).write_bytes(values.tobytes())
            command = ["Rscript", str(Path(__file__).with_name("bayesm.R")), name, CHAINS, THREADS, 5_000, 4, seed]
            subprocess.run([str(part) for part in command], check=True, capture_output=True)
            k, r = int(size[1]), int(size[0])
            beta, mean, cov = ([np.fromfile(folder / f"{part}{c + 1}") for c in range(CHAINS)]
                               for part in ("beta", "mean", "cov"))  # fmt: skip
            first = len(mean[0]) // k // 5
            return (np.stack([m.reshape(-1, k) for m in mean])[:, first:],
                    np.stack([c.reshape(-1, k, k) for c in cov])[:, first:],
                    np.stack([b.reshape(-1, k, r).transpose(0, 2, 1) for b in beta])[:, first:].astype(np.float32))  # fmt: skip

    return 0.0, run


def measure(choices: Choices, run: Callable[[int], Result], seed: int) -> tuple[float, float, float, float]:
    """Seconds, kept draws, median ESS of utilities, minimum ESS of the population."""
    start = time.perf_counter()
    mean, cov, people = run(seed)
    seconds = time.perf_counter() - start
    table = diagnose(np.asarray(choices.design.report), choices.design.report_labels, mean, cov, people)
    kept = mean.shape[0] * mean.shape[1]
    ess = np.minimum(np.minimum(table["ess_bulk"], table["ess_tail"]), kept)
    utility = (table["quantity"] == "utility").to_numpy()
    return seconds, kept, float(np.median(ess[utility])), float(ess[~utility].min())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/benchmark.md"))
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    from cvmstats.utilities._pymc_model import lkj_model, to_pymc

    packages = ", ".join(f"{p} {version(p)}" for p in ("numba", "nutpie", "pymc", "numpy"))
    lines = ["# Effective draws per second: the Gibbs engine beside nutpie", "",
             f"Command: `uv run python -W ignore tests/evidence/benchmark.py --data FOLDER`; medians of {options.runs} "
             f"interleaved runs; {CHAINS} chains on {THREADS} threads; {packages}. Compilation: the first call; ours is read "
             "from numba's cache on disk where there is one.", "",
             "| study | engine | compile s | seconds | kept | median ESS, utilities | min ESS, population | median / s | "
             "min / s |", "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, choices in (("issues, 350 x 13 items x 13 tasks of 4", read_issues(options.data)),
                          ("simulated, 300 x 20 items x 15 tasks of 5", simulated())):  # fmt: skip
        engines = {"ours": gibbs(choices), "nutpie, twin": nutpie_on(to_pymc(choices)),
                   "nutpie, LKJ": nutpie_on(lkj_model(choices))}  # fmt: skip
        if (bayesm := bayesm_on(choices)) is not None:
            engines["bayesm, independent form"] = bayesm
        seen: dict[str, list[tuple[float, ...]]] = {engine: [] for engine in engines}
        for run in range(options.runs):
            for engine, (_, sample) in engines.items():
                seconds, kept, median, least = measure(choices, sample, 100 + run)
                seen[engine].append((seconds, kept, median, least, median / seconds, least / seconds))
        rate = {}
        for engine, rows in seen.items():
            m = np.median(np.array(rows), axis=0)
            rate[engine] = m[4:]
            lines.append(f"| {name} | {engine} | {engines[engine][0]:.1f} | {m[0]:.2f} | {m[1]:.0f} | {m[2]:.0f} | "
                         f"{m[3]:.0f} | {m[4]:.1f} | {m[5]:.1f} |")
        best = np.maximum(rate["nutpie, twin"], rate["nutpie, LKJ"])
        lines.append(f"| {name} | **ours over the faster of the others** | | | | | | **{rate['ours'][0] / best[0]:.1f}** | "
                     f"**{rate['ours'][1] / best[1]:.1f}** |")
        print("\n".join(lines[-len(engines) - 1 :]), flush=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
