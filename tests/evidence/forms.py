"""Every form of response, fitted to answers simulated from it: do intervals hold the truth as often as they say.

    uv run python tests/evidence/forms.py

Writes docs/evidence/forms.md. The studies are those of ``form_cases.py``, the same truth in all replications. Pooled: all
people are alike, intervals are estimate -+ 1.645 model-based standard errors. Hierarchical fits: parameters of people are
drawn anew from N(truth, .7^2) each time, intervals are the 5% and 95% quantiles of the draws.

Coverage is the share of 90% intervals that hold the truth, over replications and parameters: reported levels of the
population's mean, parameters of the answer. Bias is the average error of posterior means (estimates) in average posterior
standard deviations (standard errors). Over n replications that of a parameter that is not biased has a sampling error of 1 /
sqrt(n) itself, .1 at n = 100; so what is judged is the root mean square over the parameters, less what sampling puts there:
sqrt(max(0, mean of (z^2 - s^2 / n))), s the standard deviation over replications. ``outward`` beside it is the mean of
sign(truth) z over the levels, with its sampling error: the scale of utilities is where a bias of logits would show.

Of 100 replications without any bias, one in thirteen shows a bias of .1 or more so computed (five free parameters: chi^2_5 / 5
above 2); a form that misses is therefore repeated with four times as many seeds, the first ones among them, and those decide.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from form_cases import CASES, SPREAD
from form_checks import gradient_error, sum_error
from threadpoolctl import threadpool_limits

from cvmstats.data.utilities import Utilities
from cvmstats.errors import ConvergenceWarning
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.utilities.pooled import fit_pooled

SAMPLER = Sampler(chains=2, draws=200, warmup=200, thin=2, threads=1)
QUANTILE = 1.6449
HELD, BIAS = (0.86, 0.94), 0.1
"""Required."""
FEW = 200
"""Studies of more people are shown with so many too."""
MORE = 4
"""How many times as many replications decide where a form misses."""


class Result(NamedTuple):
    """One fit: whether intervals hold the truth, mean - truth, and sds of P parameters, of which the first L are levels; the
    share of people's intervals that hold theirs; the least effective number of draws; CPU seconds."""

    held: np.ndarray
    error: np.ndarray
    sd: np.ndarray
    people: float
    ess: float
    seconds: float


def replicate(name: str, hierarchical: bool, seed: int, people: int | None = None) -> Result:
    case = CASES[name] if people is None else replace(CASES[name], people=people)
    rng = np.random.default_rng([seed, list(CASES).index(name), hierarchical])
    choices, beta = case.simulate(rng, SPREAD if hierarchical else 0.0)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # short runs, and what may run away in one of many studies
        if hierarchical:
            sampler = replace(SAMPLER, thin=case.thin)
            fit = fit_hierarchical(choices, form=case.form, sampler=sampler, seed=seed, progress=False, **case.options)
        else:
            fit = fit_pooled(choices, form=case.form, **case.options)
    seconds = time.process_time() - start
    report = fit.report[np.abs(fit.report).sum(axis=1) > 0]
    truth = np.append(report @ case.truth(), [case.response[n] for n in (fit.response.names if fit.response else ())])
    if not hierarchical:
        mean, sd = estimates(fit, report)
        return Result(np.abs(mean - truth) < QUANTILE * sd, mean - truth, sd, np.nan, np.nan, seconds)
    assert fit.population is not None and fit.diagnostics is not None  # noqa: PT018
    draws = fit.population.mean_draws @ report.T
    if fit.response is not None:
        draws = np.concatenate([draws, fit.response.draws], axis=2)
    flat = draws.reshape(-1, draws.shape[2])
    low, high = np.quantile(flat, (0.05, 0.95), axis=0)
    below, above = np.quantile((fit.draws @ report.T).reshape(len(flat), len(beta), -1), (0.05, 0.95), axis=0)
    own = beta @ report.T
    ess = fit.diagnostics[fit.diagnostics["quantity"].isin(["mean", "response"])]["ess_bulk"].min()
    return Result((low < truth) & (truth < high), flat.mean(axis=0) - truth, flat.std(axis=0),
                  float(((below < own) & (own < above)).mean()), float(ess), seconds)  # fmt: skip


def estimates(fit: Utilities, report: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors of levels, then of parameters of the answer."""
    assert fit.population is not None
    mean = report @ fit.population.mean
    sd = np.sqrt(np.einsum("lk,kj,lj->l", report, fit.population.mean_cov, report))
    if fit.response is None:
        return mean, sd
    return np.append(mean, fit.response.mean), np.append(sd, np.sqrt(np.diagonal(fit.response.cov)))


class Cell(NamedTuple):
    """What the replications of one form say together."""

    held: float
    bias: float
    outward: float
    error: float
    people: float
    ess: float
    seconds: float

    @property
    def holds(self) -> bool:
        return HELD[0] <= self.held <= HELD[1] and self.bias < BIAS


def judge(name: str, results: list[Result]) -> Cell:
    case = CASES[name]
    held = np.array([r.held for r in results])
    z = np.array([r.error for r in results]) / np.mean([r.sd for r in results], axis=0)
    square = (z.mean(axis=0) ** 2 - z.var(axis=0, ddof=1) / len(z)).mean()
    report = np.asarray(case.design.report)
    levels = report[np.abs(report).sum(axis=1) > 0] @ case.truth()
    outward = (z[:, : len(levels)] * np.sign(levels)).mean(axis=1)
    return Cell(float(held.mean()), float(np.sqrt(max(0.0, square))), float(outward.mean()),
                float(outward.std(ddof=1) / np.sqrt(len(z))), *(float(np.median([getattr(r, n) for r in results]))
                for n in ("people", "ess", "seconds")))  # fmt: skip


def run(names: list[str], pooled: int, hierarchical: int, workers: int) -> Iterator[tuple[str, int, bool, int, Cell]]:
    """Name, people, whether hierarchical, replications; those that miss with more of them, those of many people with few."""
    many = [name for name in names if CASES[name].people > FEW]
    plan = [(name, None, False, pooled) for name in names] + [(name, None, True, hierarchical) for name in names]
    with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:

        def cell(name: str, people: int | None, level: bool, n: int) -> Cell:
            jobs = [pool.submit(replicate, name, level, seed, people) for seed in range(n)]
            return judge(name, [job.result() for job in jobs])

        missed = []
        for name, people, level, n in plan:
            yield name, CASES[name].people, level, n, (found := cell(name, people, level, n))
            missed += [] if found.holds else [(name, people, level, MORE * n)]
        for name, people, level, n in [*missed, *((name, FEW, True, hierarchical) for name in many)]:
            yield name, people or CASES[name].people, level, n, cell(name, people, level, n)


def report(names: list[str], pooled: int, hierarchical: int, workers: int) -> Iterator[str]:
    start = time.perf_counter()
    head = ("| form | people | fit | coverage of 90% | bias | outward | people's coverage | least ESS | CPU s | holds |",
            "|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    yield from ("# Forms of response: intervals, bias, identities", "",
                f"Command: `uv run python tests/evidence/forms.py --pooled {pooled} --hierarchical {hierarchical}`; "
                f"numpy {version('numpy')}, numba {version('numba')}, Python "
                f"{platform.python_version()}. {pooled} pooled and {hierarchical} hierarchical fits of each form, seeds 0, 1, "
                f"...; {SAMPLER.chains} chains of {SAMPLER.draws} draws. Required: coverage {HELD[0]:.0%} to {HELD[1]:.0%}, "
                f"bias below {BIAS:g}, gradients 1e-6, sums 1e-12.", "", *head)  # fmt: skip
    cells: dict[tuple[str, bool], Cell] = {}
    few, more = [], []
    for name, people, level, n, c in run(names, pooled, hierarchical, workers):
        own = f"{c.people:.1%} | {c.ess:.0f}" if level else "- | -"
        fit = "hierarchical" if level else "pooled"
        line = (f"| {name} | {people} | {fit} | {c.held:.1%} | {c.bias:.2f} | {c.outward:+.2f} ± {c.error:.2f} | {own} | "
                f"{c.seconds:.2f} | {'yes' if c.holds else 'NO'} |")  # fmt: skip
        if people != CASES[name].people:
            few.append(line)
            continue
        if n > (hierarchical if level else pooled):
            more.append(line)
        else:
            yield line
        cells[name, level] = c
    for level, what in ((False, "pooled"), (True, "hierarchical")):
        mine = [c for (_, one), c in cells.items() if one == level]
        bias = np.sqrt(np.mean([c.bias**2 for c in mine]))
        yield (f"| all | | {what} | {np.mean([c.held for c in mine]):.1%} | {bias:.2f} | "
               f"{np.mean([c.outward for c in mine]):+.2f} | | | | {sum(c.holds for c in mine)} of {len(mine)} |")  # fmt: skip
    if more:
        yield from ("", "## More replications", "", f"Forms that miss above, with {MORE} times as many replications, which "
                    "decide and are counted above.", "", *head, *more)  # fmt: skip
    yield from ("", "## Small samples", "", f"Forms with more people above, with {FEW}.", "", *head, *few)
    yield from ("", "## Identities", "", "Largest error of gradients against differences of fourth order, relative to the "
                "largest entry; and by how much probabilities of all answers to a task differ from 1.", "",
                "| form | gradient | sum of probabilities |", "|---|---|---|")  # fmt: skip
    for name in names:
        case = CASES[name]
        yield (f"| {name} | {gradient_error(case, np.random.default_rng(1)):.1e} | "
               f"{sum_error(case, np.random.default_rng(2)):.1e} |")  # fmt: skip
    yield from ("", f"{(time.perf_counter() - start) / 60:.0f} minutes on {workers} cores.")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pooled", type=int, default=400)
    parser.add_argument("--hierarchical", type=int, default=100)
    parser.add_argument("--forms", nargs="*", default=list(CASES))
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/forms.md"))
    options = parser.parse_args()
    lines = []
    for line in report(options.forms, options.pooled, options.hierarchical, options.workers):
        print(line, flush=True)
        lines.append(line)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
