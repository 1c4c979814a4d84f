"""R-hat and ESS equal ArviZ's, for every shape and kind of chain; warnings say what is worst."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from cvmstats._numerics.ess import chain_diagnostics
from cvmstats.data.design import sum_to_zero_basis
from cvmstats.errors import ConvergenceWarning
from cvmstats.utilities.convergence import diagnose, reported_draws, warn_if_unconverged


def arviz_figures(draws: np.ndarray) -> list[float]:
    """R-hat, bulk and tail ESS of one quantity (C, D); tail at the paper's 5% and 95%, not at ArviZ's ``ci_prob``."""
    from arviz_stats.base import array_stats

    with np.errstate(all="ignore"):
        return [float(array_stats.rhat(draws, method="rank")), float(array_stats.ess(draws, method="bulk")),
                float(array_stats.ess(draws, method="tail", prob=(0.05, 0.95)))]  # fmt: skip


def chains(rho: float, shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Autoregressive chains (6, C, D): plain, heavy-tailed, rounded, apart, sticking, drifting."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    for t in range(1, shape[2]):
        x[:, :, t] = rho * x[:, :, t - 1] + np.sqrt(1 - rho**2) * x[:, :, t]
    x[1] = np.exp(x[1])
    x[2] = np.round(x[2], 1)
    x[3] += 0.3 * np.arange(shape[1])[:, None]
    for t in range(1, shape[2]):
        stuck = rng.random(shape[1]) < 0.4
        x[4, stuck, t] = x[4, stuck, t - 1]
    x[5] += np.linspace(0, 2, shape[2])
    return x


@pytest.mark.parametrize(("n_chains", "n_draws"),
                         [(4, 400), (4, 251), (2, 100), (1, 120), (4, 7), (3, 5), (4, 4), (8, 50)])  # fmt: skip
@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.9, 0.999])
def test_equal_to_arviz(n_chains: int, n_draws: int, rho: float) -> None:
    x = chains(rho, (6, n_chains, n_draws), seed=n_draws)
    np.testing.assert_allclose(chain_diagnostics(x), [arviz_figures(q) for q in x], rtol=1e-6)


def test_degenerate_chains() -> None:
    x = np.zeros((3, 4, 100))
    x[1] = np.random.default_rng(0).normal(size=(4, 100))
    x[1, 2, 3] = np.nan
    x[2] = np.arange(4)[:, None]
    figures = chain_diagnostics(x)
    assert np.isnan(figures[1]).all()
    assert figures[0, 1:].tolist() == [400, 400]
    assert np.isnan(chain_diagnostics(x[:, :, :3])).all()
    assert chain_diagnostics(x[:0]).shape == (0, 3)


def test_threads_and_single_precision_change_nothing() -> None:
    x = np.random.default_rng(3).normal(size=(1100, 2, 50)).astype(np.float32)
    one = chain_diagnostics(x, threads=1)
    np.testing.assert_array_equal(one, chain_diagnostics(x, threads=3))
    np.testing.assert_array_equal(one, chain_diagnostics(x.astype(float), threads=1))


def small_fit(n_chains: int = 4, n_draws: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    report = sum_to_zero_basis(4)
    mean = rng.normal(size=(n_chains, n_draws, 3))
    factor = rng.normal(size=(n_chains, n_draws, 3, 6))
    draws = rng.normal(size=(n_chains, n_draws, 7, 3)).astype(np.float32)
    return report, mean, factor @ factor.swapaxes(-1, -2), draws


def test_diagnose_names_each_reported_quantity() -> None:
    report, mean, cov, draws = small_fit()
    labels, ids = ["a", "b", "c", "d"], [f"r{i}" for i in range(7)]
    table = diagnose(report, labels, mean, cov, draws, ids=ids)
    assert table.columns.tolist() == ["quantity", "name", "r_hat", "ess_bulk", "ess_tail"]
    assert table["quantity"].value_counts(sort=False).to_dict() == {"mean": 4, "sd": 4, "correlation": 6, "utility": 28}
    item_cov = report @ cov @ report.T
    sd = np.sqrt(item_cov[..., 2, 2])
    expected = {
        ("mean", "b"): mean @ report[1],
        ("sd", "c"): sd,
        ("correlation", "b · c"): item_cov[..., 1, 2] / np.sqrt(item_cov[..., 1, 1]) / sd,
        ("utility", "r5 · d"): (draws[:, :, 5] @ report[3].astype(np.float32)).astype(float),
    }
    found = table.set_index(["quantity", "name"])
    for key, values in expected.items():
        np.testing.assert_allclose(found.loc[key].to_numpy(float), arviz_figures(values), rtol=1e-4)
    means, sds, correlations = reported_draws(report, mean, cov)
    assert means.shape == sds.shape == (4, 4, 200)
    np.testing.assert_allclose(correlations[3], expected["correlation", "b · c"])


def test_respondents_are_named_by_number_without_ids() -> None:
    report, mean, cov, draws = small_fit()
    assert diagnose(report, list("abcd"), mean, cov, draws)["name"].iloc[-1] == "7 · d"
    assert len(diagnose(report, list("abcd"), mean, cov)) == 14


def figures(**changes: float) -> pd.DataFrame:
    names = ["a", "a"] + [f"r{i} · a" for i in range(100)]
    table = pd.DataFrame({"quantity": ["mean", "sd"] + ["utility"] * 100, "name": names,
                          "r_hat": 1.0, "ess_bulk": 900.0, "ess_tail": 800.0})  # fmt: skip
    for name, value in changes.items():
        table.loc[1, name] = value
    return table


def test_good_draws_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_unconverged(figures(), n_chains=4, n_draws=1000)
        table = figures()
        table.loc[5:8, ["r_hat", "ess_tail"]] = [1.02, 100.0]  # four of a hundred people
        warn_if_unconverged(table, n_chains=4, n_draws=1000)


def test_warnings_say_what_is_worst_and_what_to_set() -> None:
    with pytest.warns(ConvergenceWarning, match=r"trusted yet\n  R-hat above 1.01 for 1 of .*1.100: sd of a\n  draw"):
        warn_if_unconverged(figures(r_hat=1.1), n_chains=4, n_draws=1000)
    with pytest.warns(ConvergenceWarning, match=r"than 400 .* 1 of 102, fewest 150: sd of a\n.*Sampler\(draws=3000\)"):
        warn_if_unconverged(figures(ess_tail=150.0), n_chains=4, n_draws=1000)
    table = figures()
    table.loc[2:20, "ess_bulk"] = 50.0
    with pytest.warns(ConvergenceWarning, match=r"for 19 .*fewest 50: utility of r0 · a\n.*more: 8 times as many"):
        warn_if_unconverged(table, n_chains=4)
    with pytest.warns(ConvergenceWarning, match=r"one chain cannot show that it converged"):
        warn_if_unconverged(figures(r_hat=float("nan")), n_chains=1, n_draws=1000)
