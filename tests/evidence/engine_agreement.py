"""Our engine beside NUTS on the issues data: are both the same posterior?

    uv run python tests/evidence/engine_agreement.py --data FOLDER

Compares fresh Gibbs draws with the stored NUTS summaries of tests/reference (made by nuts_reference.py).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from nuts_reference import read_issues

from cvmstats.utilities.convergence import reported_draws
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler

REFERENCE = Path(__file__).parents[1] / "reference"


def compare(folder: Path, sampler: Sampler, seed: int = 1) -> dict[str, float]:
    """Differences from NUTS: population in combined Monte Carlo errors, respondents in logits."""
    fit = fit_hierarchical(read_issues(folder), sampler=sampler, seed=seed, progress=False)
    assert fit.population is not None
    assert fit.diagnostics is not None
    parts = reported_draws(fit.report, fit.population.mean_draws, fit.population.cov_draws)
    draws = np.moveaxis(np.concatenate(parts), 0, 2)
    own = fit.diagnostics.query("quantity != 'utility'")
    utilities = fit.diagnostics.query("quantity == 'utility'")
    nuts = pd.read_csv(REFERENCE / "issues_nuts_population.csv")
    people = pd.read_csv(REFERENCE / "issues_nuts_respondents.csv")
    error = draws.std(axis=(0, 1)) / np.sqrt(own["ess_bulk"].to_numpy())
    z = np.abs(draws.mean(axis=(0, 1)) - nuts["mean"]) / np.hypot(error, nuts["mcse_mean"])
    shape = (len(fit.ids), len(fit.labels))
    report = fit.report
    spread = np.sqrt(np.mean([np.square(c @ report.T).mean(axis=0) for c in fit.draws], axis=0)  # type: ignore[union-attr]
                     - (fit.mean @ report.T) ** 2)  # fmt: skip
    reference, reference_sd = (people[c].to_numpy().reshape(shape) for c in ("mean", "sd"))
    got = fit.reported()
    return {
        "population ESS, least": float(np.minimum(own["ess_bulk"], own["ess_tail"]).min()),
        "R-hat of the population, largest": float(own["r_hat"].max()),
        "utilities ESS, median": float(np.minimum(utilities["ess_bulk"], utilities["ess_tail"]).median()),
        "population z, largest": float(z.max()),
        "population z, rms": float(np.sqrt((z**2).mean())),
        "utilities r": float(np.corrcoef(got.ravel(), reference.ravel())[0, 1]),
        "utilities mean absolute difference": float(np.abs(got - reference).mean()),
        "mean |sd ratio - 1|": float(np.abs(spread / reference_sd - 1).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/engine_agreement.md"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    columns = {f"seed {s}": compare(options.data, Sampler(thin=3), s) for s in range(1, options.seeds + 1)}
    limits = (">= 400", "< 1.01", ">= 1,000", "<= 4", "about 1", "> .999", "< .05", "< .05")
    table = pd.DataFrame(columns)
    lines = ["# The Gibbs engine and NUTS agree on the issues data (White 2021)", "",
             "Command: `uv run python tests/evidence/engine_agreement.py --data FOLDER`; 4 chains x 1,000 draws, "
             "every 3rd sweep; NUTS: `tests/reference/issues_nuts.json`.", "",
             "| figure | " + " | ".join(columns) + " | asked |", "|---" * (len(columns) + 2) + "|"]  # fmt: skip
    for (name, row), limit in zip(table.iterrows(), limits, strict=True):
        lines.append(f"| {name} | " + " | ".join(f"{v:.5g}" for v in row) + f" | {limit} |")
    options.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
