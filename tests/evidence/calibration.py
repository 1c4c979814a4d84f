"""Simulation-based calibration of the Gibbs engine (Talts et al. 2018, arXiv 1804.06788), with simultaneous ECDF bands
(Saeilynoja, Buerkner & Vehtari 2022, doi 10.1007/s11222-022-10090-6).

    uv run python tests/evidence/calibration.py --replications 1000

Truth is drawn from the prior, answers of 40 people (5 items, 8 sets of 3) from the truth; the rank of each true quantity
among thinned draws is uniform if, and only if, prior, likelihood and sampler agree. Three sabotages must be noticed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from scipy import stats

from cvmstats._numerics.logit import log_likelihood
from cvmstats._numerics.simulate import simulate_places
from cvmstats._numerics.tasks import flatten
from cvmstats.data.design import sum_to_zero_basis
from cvmstats.utilities.chains import sample_gibbs
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior, Sampler

R, J, T, A = 40, 5, 8, 3
DRAWS = 99
BASIS = sum_to_zero_basis(J)
PRIORS = {
    "huang-wand": Prior("huang-wand", nu=2, scale=0.5, mean_sd=1.0),
    "inverse-wishart": Prior("inverse-wishart", degrees_of_freedom=J + 3, expected_cov=0.5, mean_sd=1.0),
}
SABOTAGES = ("degrees", "metropolis", "mean")
NAMES = (
    [f"mean {j + 1}" for j in range(J)] + [f"sd {j + 1}" for j in range(J)] + ["correlation 1-2", "correlation 3-5"]
    + [f"person {i + 1} item {j + 1}" for i in range(3) for j in range(J)] + ["log-likelihood", "length of the mean"]
)  # fmt: skip


def draw_truth(prior: Prior, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (K), covariance (K, K), people (R, K) from the prior."""
    k = J - 1
    upper = prior.resolve(k, None)
    scale = upper.iw_scale
    if prior.name == "huang-wand":
        scale = 2 * prior.nu * np.eye(k) / stats.invgamma(0.5, scale=1 / prior.scale**2).rvs(random_state=rng)
    cov = np.atleast_2d(stats.invwishart(upper.iw_df, scale).rvs(random_state=rng))
    mean = prior.mean_sd * rng.standard_normal(k)
    return mean, cov, rng.multivariate_normal(mean, cov, size=R, method="cholesky")


def quantities(mean: np.ndarray, cov: np.ndarray, people: np.ndarray, value: np.ndarray) -> np.ndarray:
    """All ranked quantities (D, Q) of draws of mean (D, K), cov (D, K, K), people (D, R, K) and log-likelihood (D)."""
    full = np.einsum("lk,dkm,nm->dln", BASIS, cov, BASIS, optimize=True)
    sd = np.sqrt(np.diagonal(full, axis1=1, axis2=2))
    pairs = [full[:, a, b] / (sd[:, a] * sd[:, b]) for a, b in ((0, 1), (2, 4))]
    first = (people[:, :3] @ BASIS.T).reshape(len(mean), -1)
    # signed means hardly notice a prior that is left out; the length, which it shrinks, does
    # (Modrak et al. 2023, doi 10.1214/23-BA1404)
    return np.column_stack([mean @ BASIS.T, sd, *pairs, first, value, np.linalg.norm(mean, axis=1)])


def replicate(prior: Prior, seed: int, sabotage: str = "", thin: int = 20) -> np.ndarray:
    """Ranks (Q) of the truth among DRAWS draws."""
    rng = np.random.default_rng(seed)
    mean, cov, people = draw_truth(prior, rng)
    shown = np.stack([np.sort(rng.permutation(J)[:A]) for _ in range(T)])[None]
    version = np.zeros(R, int)
    place = simulate_places(people @ BASIS.T, shown, version, rng.random((R, T, 2)))
    tasks = flatten(shown, version, place, np.full((1, T), "best_worst", object), J)
    truth = quantities(mean[None], cov[None], people[None], log_likelihood(tasks, people @ BASIS.T).sum(keepdims=True))
    upper = to_upper(prior, J - 1, None)
    if sabotage == "degrees":
        upper = upper._replace(degrees=upper.degrees + J - 1)
    if sabotage == "mean":
        upper = upper._replace(mean_precision=np.zeros((J - 1, J - 1)))
    wrong = sabotage == "metropolis"
    draws = sample_gibbs(tasks, BASIS, upper, Sampler(chains=1, draws=DRAWS, warmup=300, thin=thin, threads=1), seed,
                         progress=False, metropolis=not wrong, step_factor=2.0 if wrong else 1.0)  # fmt: skip
    with np.errstate(all="ignore" if wrong else "warn"):  # what is never corrected runs away, beyond what a double holds
        got = quantities(draws.mean[0], draws.cov[0], draws.people[0].astype(float), draws.log_likelihood[0])
    return np.asarray((got < truth).sum(axis=0))


def ranks_of(prior: Prior, replications: int, *, sabotage: str = "", seed: int = 0, thin: int = 20) -> np.ndarray:
    """Ranks (N, Q), a stream of random numbers for each replication, none dropped."""
    seeds = [seed * 1_000_003 + n for n in range(replications)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(lambda s: replicate(prior, s, sabotage, thin), seeds)))


def tail(counts: np.ndarray, n: int) -> np.ndarray:
    """Smallest two-sided binomial tail over the points of an ECDF; ``counts`` (..., DRAWS) are cumulative."""
    share = np.arange(1, DRAWS + 1) / (DRAWS + 1)
    k = np.arange(n + 1)[:, None]
    table = 2 * np.minimum(stats.binom.cdf(k, n, share), stats.binom.sf(k - 1, n, share))
    return np.asarray(table[counts, np.arange(DRAWS)].min(axis=-1))


@cache
def null_tails(n: int, simulations: int) -> np.ndarray:
    """Tails of ECDFs of ``n`` uniform ranks."""
    rng = np.random.default_rng(1)
    return np.concatenate([
        tail(np.cumsum(rng.multinomial(n, np.full(DRAWS + 1, 1 / (DRAWS + 1)), size=5000), axis=1)[:, :-1], n)
        for _ in range(simulations // 5000)
    ])  # fmt: skip


def outside(ranks: np.ndarray, names: Sequence[str] = NAMES, *, level: float = 0.99,
            simulations: int = 100_000) -> tuple[list[str], np.ndarray, float]:  # fmt: skip
    """Quantities whose rank ECDF leaves the simultaneous band at ``level`` over all, each one's tail, and the limit."""
    n, q = ranks.shape
    limit = float(np.quantile(null_tails(n, simulations), (1 - level) / q))
    counts = (ranks[:, :, None] <= np.arange(DRAWS)).sum(axis=0)
    tails = tail(counts, n)
    return [names[i] for i in np.flatnonzero(tails < limit)], tails, limit


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--out", default="docs/evidence/calibration.md")
    options = parser.parse_args()
    lines = [f"# Calibration: {options.replications:,} replications per row, {len(NAMES)} quantities, {DRAWS} draws each", "",
             "Command: `uv run python tests/evidence/calibration.py --replications "
             f"{options.replications}`; {R} people, {J} items, {T} sets of {A}; none dropped.", "",
             "| prior | sabotage | smallest tail | limit (99% over all) | quantities outside | s |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name, prior in PRIORS.items():
        for sabotage in ("", *SABOTAGES):
            start = time.perf_counter()
            n = options.replications if not sabotage else min(options.replications, 200)
            left, tails, limit = outside(ranks_of(prior, n, sabotage=sabotage, thin=30))
            lines.append(f"| {name} | {sabotage or 'none'} (n = {n}) | {tails.min():.2g} ({NAMES[int(tails.argmin())]}) | "
                         f"{limit:.2g} | {len(left)}: {', '.join(left[:4])} | {time.perf_counter() - start:.0f} |")
            print(lines[-1], flush=True)
    Path(options.out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
