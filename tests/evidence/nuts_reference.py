"""The issues study under NUTS: reference summaries of the hierarchical posterior, in tests/reference.

    python tests/evidence/nuts_reference.py --data FOLDER [--draws FILE.npz] [--out tests/reference]

FOLDER holds ``responses_long.csv`` of the issues data of White (2021): 350 people, 13 tasks of 4 of 13 items. nutpie
samples the Bartlett twin under the default prior; with ``--draws`` the draws are kept, or read where they already are.
Written are ``issues_nuts_population.csv`` (means, sds and correlations of the zero-centred items: mean, sd, Monte
Carlo error, ESS, R-hat), ``issues_nuts_respondents.csv`` (mean and sd of each person's utilities) and
``issues_nuts.json`` (command, seed, settings, versions, what was reached).
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cvmstats._numerics.ess import chain_diagnostics
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.utilities.convergence import diagnose, reported_draws
from cvmstats.utilities.nuts import NutsDraws, sample_nuts
from cvmstats.utilities.options import Prior, Sampler

SEED = 20261124
SAMPLER = Sampler(engine="nuts", chains=4, draws=4000, warmup=1500, threads=2)


def read_issues(folder: Path) -> Choices:
    """The issues data, items in alphabetical order; every respondent saw the same 13 tasks of 4."""
    table = pd.read_csv(folder / "responses_long.csv").sort_values(["respondent_id", "task", "position"])
    items = sorted(table["item"].unique())
    shape = (table["respondent_id"].nunique(), table["task"].nunique(), table["position"].nunique())
    shown = table["item"].map({name: i for i, name in enumerate(items)}).to_numpy().reshape(shape)
    versions, which = np.unique(shown.reshape(shape[0], -1), axis=0, return_inverse=True)
    return Choices(
        design=Design(objects=Items.from_labels(items), shown=versions.reshape(-1, *shape[1:])),
        respondents=Respondents.from_ids(str(v) for v in table["respondent_id"].unique()),
        version=which.ravel(), place=table["choice"].to_numpy().astype(np.int8).reshape(shape),
    )  # fmt: skip


def draws_of(choices: Choices, path: Path | None) -> tuple[NutsDraws, float]:
    """Read the draws of a former run, or make them; with the seconds that it took, compilation included."""
    if path is not None and path.exists():
        with np.load(path) as kept:
            parts = {name: kept[name] for name in NutsDraws._fields}
            flags = {"divergences": int(parts["divergences"]), "interrupted": bool(parts["interrupted"])}
            return NutsDraws(**parts | flags), float(kept["seconds"])
    start = time.perf_counter()
    draws = sample_nuts(choices, Prior(), SAMPLER, seed=SEED)
    seconds = time.perf_counter() - start
    if draws.interrupted:
        raise SystemExit("stopped before its end: nothing is written")
    if path is not None:
        np.savez(path, seconds=seconds, **draws._asdict())
    return draws, seconds


def population_table(choices: Choices, draws: NutsDraws, diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Mean, sd, their Monte Carlo errors (ArviZ) and the diagnostics of each population quantity."""
    from arviz_stats.base import array_stats

    values = np.concatenate(reported_draws(choices.design.report, draws.mean_draws, draws.cov_draws))
    table = diagnostics[diagnostics["quantity"] != "utility"].reset_index(drop=True)
    table.insert(2, "mean", values.mean(axis=(1, 2)))
    table.insert(3, "sd", values.std(axis=(1, 2), ddof=1))
    table.insert(4, "mcse_mean", [float(array_stats.mcse(v, method="mean")) for v in values])
    table.insert(5, "mcse_sd", [float(array_stats.mcse(v, method="sd")) for v in values])
    return table


def respondents_table(choices: Choices, draws: NutsDraws) -> pd.DataFrame:
    """Posterior mean and sd of each person's zero-centred utilities, one row per person and item."""
    report = np.asarray(choices.design.report)
    people = [draws.draws[:, :, r].astype(float) @ report.T for r in range(choices.n_respondents)]
    labels = list(choices.design.report_labels or ())
    return pd.DataFrame({
        "respondent": np.repeat(choices.respondents.ids, len(labels)), "item": labels * choices.n_respondents,
        "mean": np.concatenate([u.mean(axis=(0, 1)) for u in people]),
        "sd": np.concatenate([u.std(axis=(0, 1), ddof=1) for u in people]),
    })  # fmt: skip


def about(draws: NutsDraws, seconds: float, diagnostics: pd.DataFrame) -> dict[str, Any]:
    """How the reference was made, and what it reached."""
    ess = diagnostics[["ess_bulk", "ess_tail"]].min(axis=1)
    reached = {name: {"ess_min": round(float(ess[rows].min())), "ess_median": round(float(ess[rows].median())),
                      "r_hat_max": round(float(diagnostics["r_hat"][rows].max()), 5)}
               for name, rows in (("population", diagnostics["quantity"] != "utility"),
                                  ("utilities", diagnostics["quantity"] == "utility"))}  # fmt: skip
    value = draws.log_likelihood
    _, bulk, tail = chain_diagnostics(value[None])[0]
    packages = ("numpy", "pymc", "pytensor", "nutpie", "numba", "arviz")
    return {
        "command": "python tests/evidence/nuts_reference.py --data FOLDER",
        "data": "bws1_issues_white2021/responses_long.csv: 350 people x 13 tasks x 4 of 13 items",
        "prior": repr(Prior()), "seed": SEED, **{n: getattr(SAMPLER, n) for n in ("chains", "draws", "warmup")},
        "seconds": round(seconds, 1), "divergences": draws.divergences, **reached,
        "log_likelihood": {"mean": round(float(value.mean()), 3), "sd": round(float(value.std(ddof=1)), 3),
                           "ess_bulk": round(float(bulk)), "ess_tail": round(float(tail))},
        "python": platform.python_version(), "versions": {name: version(name) for name in packages},
    }  # fmt: skip


def main() -> None:
    """Make or read the draws, write the three files, print what was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with responses_long.csv")
    parser.add_argument("--draws", type=Path, help="where draws are kept, or lie from a former run")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "reference")
    arguments = parser.parse_args()
    choices = read_issues(arguments.data)
    draws, seconds = draws_of(choices, arguments.draws)
    labels = choices.design.report_labels or ()
    diagnostics = diagnose(choices.design.report, labels, draws.mean_draws, draws.cov_draws, draws.draws,
                           ids=choices.respondents.ids)  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    population = population_table(choices, draws, diagnostics)
    population.to_csv(arguments.out / "issues_nuts_population.csv", index=False, float_format="%.6g")
    respondents_table(choices, draws).to_csv(arguments.out / "issues_nuts_respondents.csv", index=False,
                                             float_format="%.5f")  # fmt: skip
    summary = about(draws, seconds, diagnostics)
    (arguments.out / "issues_nuts.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=2))
    print(population.groupby("quantity", sort=False)[["ess_bulk", "ess_tail", "r_hat"]].agg(["min", "max"]))


if __name__ == "__main__":
    main()
