"""Our engine beside NUTS on real studies of other kinds than the issues: conjoint choices, pairs of profiles.

    uv run python tests/evidence/real_agreement.py --data FOLDER [--study electricity ...]

Both engines draw from the same posterior of the same people; differences of population means, sds and correlations are given in
combined Monte Carlo errors, those of people's utilities in logits. FOLDER holds the studies (see tests/studies.py); the issues
are in engine_agreement.py. Bank cards: the first 200 of 946 people, whose answers NUTS gets through in minutes. The default
prior leaves variances of 14 parameters after a dozen answers a person so open that neither engine mixes well; this study is
compared under Sawtooth's.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from cvmstats.data.choices import Choices
from cvmstats.data.utilities import Utilities
from cvmstats.utilities.convergence import reported_draws
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Prior, Sampler
from tests import studies

OUT = Path(__file__).parents[2] / "docs" / "evidence"
STUDIES = {
    "electricity": (lambda data: studies.electricity(data), Prior(), "best of 4, 361 people, 6 attributes"),
    "bank_cards": (lambda data: studies.bank_cards(data).take(np.arange(200)), Prior("sawtooth"),
                   "pairs of profiles, 200 people, 14 parameters"),
}  # fmt: skip
OURS, NUTS = Sampler(thin=10), Sampler(engine="nuts", draws=2000, warmup=1000)


def population(fit: Utilities) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of means, sds and correlations (Q), their Monte Carlo errors, and the least effective draws."""
    assert fit.population is not None
    assert fit.diagnostics is not None
    table = fit.diagnostics.query("quantity in ('mean', 'sd', 'correlation')")
    draws = np.concatenate(reported_draws(fit.report, fit.population.mean_draws, fit.population.cov_draws))
    ess = table[["ess_bulk", "ess_tail"]].min(axis=1).to_numpy()
    return draws.mean(axis=(1, 2)), draws.std(axis=(1, 2)) / np.sqrt(table["ess_bulk"].to_numpy()), ess


def compare(choices: Choices, prior: Prior) -> dict[str, float]:
    """Fit by both, and compare."""
    fits, seconds = [], []
    for sampler in (OURS, NUTS):
        start = time.perf_counter()
        fits.append(fit_hierarchical(choices, prior=prior, sampler=sampler, seed=1, progress=False))
        seconds.append(time.perf_counter() - start)
    (a, ea, na), (b, eb, nb) = (population(fit) for fit in fits)
    z = np.abs(a - b) / np.hypot(ea, eb)
    x, y = (fit.mean @ fit.report.T for fit in fits)
    return {
        "population z, largest": float(z.max()), "z, rms": float(np.sqrt((z**2).mean())), "least ESS, ours": float(na.min()),
        "least ESS, NUTS": float(nb.min()), "utilities r": float(np.corrcoef(x.ravel(), y.ravel())[0, 1]),
        "mean absolute difference": float(np.abs(x - y).mean()), "s, ours": seconds[0], "s, NUTS": seconds[1],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--study", nargs="*", default=list(STUDIES))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = ["# Our engine beside NUTS on further real studies", "",
             "Command: `uv run python tests/evidence/real_agreement.py --data ../shared/data`; the issues study is in "
             "`engine_agreement.md`.", ""]  # fmt: skip
    rows = {name: compare(STUDIES[name][0](options.data), STUDIES[name][1]) for name in options.study}
    keys = list(next(iter(rows.values())))
    lines += ["| study | " + " | ".join(keys) + " |", "|" + "---|" * (len(keys) + 1)]
    for name, row in rows.items():
        _, prior, what = STUDIES[name]
        lines.append(f"| {name}: {what}, {prior.name} | " + " | ".join(f"{row[k]:.4g}" for k in keys) + " |")
        print(lines[-1], flush=True)
    (OUT / "real_agreement.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
