"""Adaptive pairs: the gain is that of the determinant, trees reach all items, and errors are smaller than of random pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

import cvmstats as cvm
from cvmstats.data.adaptive import AdaptiveState
from cvmstats.design.adaptive import _stream, ask, estimate, next_tasks, record, start_adaptive, update
from cvmstats.design.pair_gain import choose_pairs, pair_gain
from cvmstats.errors import ChoicesError


def test_gain_is_the_fall_of_the_log_determinant() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    cov, mean = root @ root.T + np.eye(6), rng.normal(size=6)
    gain = pair_gain(mean, cov)
    for i, j in ((0, 1), (5, 2), (3, 4)):
        x = np.eye(6)[i] - np.eye(6)[j]
        p = 1 / (1 + np.exp(mean[j] - mean[i]))
        after = np.linalg.inv(np.linalg.inv(cov) + p * (1 - p) * np.outer(x, x))
        assert gain[i, j] == pytest.approx(np.linalg.slogdet(cov)[1] - np.linalg.slogdet(after)[1])
        assert gain[i, j] == gain[j, i]


def test_far_apart_items_give_no_gain_and_no_overflow() -> None:
    assert pair_gain(np.array([-1e6, 1e6]), np.eye(2))[0, 1] == pytest.approx(0, abs=1e-12)


def components(pairs: np.ndarray, n: int) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n)))[0])


def test_a_batch_of_v_less_one_is_a_spanning_tree_and_more_repeat_no_pair() -> None:
    none = np.empty((0, 2), np.int64)
    for n, n_items in ((9, 10), (20, 10), (45, 10)):
        pairs = choose_pairs(np.linspace(-1, 1, n_items), np.eye(n_items), none, n, np.random.default_rng(1))
        assert components(pairs[:9], n_items) == 1
        assert len({frozenset(p) for p in pairs.tolist()}) == n


def test_the_tree_is_the_one_of_largest_gain() -> None:
    """Compared with every spanning tree of five items."""
    from itertools import combinations

    rng = np.random.default_rng(3)
    root = rng.normal(size=(5, 5))
    mean, cov = rng.normal(size=5), root @ root.T + np.eye(5)
    gain = pair_gain(mean, cov)
    every = [np.array(t) for t in combinations(list(combinations(range(5), 2)), 4) if components(np.array(t), 5) == 1]
    assert len(every) == 125  # Cayley: 5^3
    best = max(gain[t[:, 0], t[:, 1]].sum() for t in every)
    mine = choose_pairs(mean, cov, np.empty((0, 2), np.int64), 4, rng)
    assert gain[mine[:, 0], mine[:, 1]].sum() == pytest.approx(best, rel=1e-4)
    assert (np.diff(gain[mine[:, 0], mine[:, 1]]) <= 0).all()


def test_what_others_were_just_asked_is_not_asked_again() -> None:
    state = ask(start_adaptive([f"i{j}" for j in range(8)], kind="pair", n_tasks=7), ["a", "b", "c"])
    first, second, third = ({frozenset(p) for p in seen.tolist()} for seen in state.shown)
    assert not first & second
    assert len(first | second | third) >= 19


def test_people_who_never_answer_are_forgotten_at_the_next_fit() -> None:
    state = ask(start_adaptive([f"i{j}" for j in range(6)], kind="pair", n_tasks=5, batch=1), ["lost"])
    state, tasks = next_tasks(state, "r1")
    state = update(state, [{"respondent": "r1", "task": 1, "winner": tasks["item"][0]}])
    assert state.n_asked == 2
    given = {frozenset(p) for p in ask(state, ["r2"]).shown[2].tolist()}
    alone, aware = (choose_pairs(state.mean, state.cov, pending, 5, _stream(state.seed, 3))
                    for pending in (np.empty((0, 2), np.int64), state.shown[0].astype(np.int64)))  # fmt: skip
    assert given == {frozenset(p) for p in alone.tolist()} != {frozenset(p) for p in aware.tolist()}


def test_a_winner_must_be_of_the_pair() -> None:
    state, tasks = next_tasks(start_adaptive(["a", "b", "c"], kind="pair", n_tasks=2), "r1")
    seen = tasks["item"].tolist()[:2]
    (other,) = {"a", "b", "c"} - set(seen)
    with pytest.raises(ChoicesError, match=f"'r1' task 1: winner '{other}'"):
        update(state, [{"respondent": "r1", "task": 1, "winner": other}])
    with pytest.raises(ChoicesError, match="have no column 'winner'\n  expected a row per task with respondent, task, winner"):
        update(state, [{"respondent": "r1", "task": 1, "best": seen[0]}])
    after = update(state, [{"respondent": "r1", "task": 1, "winner": seen[1]}])
    assert after.place[0].tolist() == [[0, 1], [0, 0]]
    assert after.choices.design.kind[0, 0] == "pair"  # type: ignore[index]
    assert after.choices.answered[0].tolist() == [True, False]


def asked(start: AdaptiveState, policy: str, truth: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    state = replace(start, policy=policy)
    for b in range(0, len(uniforms), state.batch):
        rows = np.arange(b, min(b + state.batch, len(uniforms)))
        state = ask(state, [str(r) for r in rows])
        first = truth[state.shown[rows, :, 0]] - truth[state.shown[rows, :, 1]]
        wins = uniforms[rows] < 1 / (1 + np.exp(-first))
        state = record(state, rows, np.stack([wins, ~wins], axis=2).astype(np.int8))
    return estimate(state)[0]


def test_errors_are_smaller_than_with_random_pairs() -> None:
    """20 items, N(0, 2^2), 40 people x 8 pairs, 60 paired replications: squared error and rank correlation, beyond chance.

    The prior has the variance of the utilities. Under a much wider one the adaptive scale runs away (next test) and the order
    alone is better.
    """
    error, rank = compared(truth_sd=2.0, prior_sd=2.0, n=60)
    for better in (error[:, 1] - error[:, 0], rank[:, 0] - rank[:, 1]):
        assert better.mean() > 2.5 * better.std(ddof=1) / np.sqrt(60)


def test_under_a_wide_prior_the_order_is_better_and_the_scale_is_not() -> None:
    """What ``start_adaptive`` says of pairs: with the prior's sd twice that of the utilities."""
    error, rank = compared(truth_sd=1.0, prior_sd=2.0, n=60)
    better = rank[:, 0] - rank[:, 1]
    assert better.mean() > 1.96 * better.std(ddof=1) / np.sqrt(60)
    assert error[:, 0].mean() > error[:, 1].mean()


def compared(truth_sd: float, prior_sd: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared error and rank correlation (replications, policies information and random)."""
    start = start_adaptive([f"i{j}" for j in range(20)], kind="pair", n_tasks=8, batch=4, prior_sd=prior_sd)
    error, rank = np.empty((n, 2)), np.empty((n, 2))
    for i in range(n):
        rng = np.random.default_rng([2026, i])
        truth, uniforms = rng.normal(0, truth_sd, 20), rng.random((40, 8))
        for p, policy in enumerate(("information", "random")):
            mean = asked(replace(start, seed=i), policy, truth, uniforms)
            error[i, p] = np.mean((mean - mean.mean() - truth + truth.mean()) ** 2)
            rank[i, p] = spearmanr(mean, truth).statistic
    return error, rank


def test_answers_of_an_adaptive_survey_of_pairs_are_fitted_like_others() -> None:
    state = cvm.start_adaptive(list("abcdef"), kind="pair", n_tasks=6, seed=3)
    for r in range(30):
        state, table = cvm.next_tasks(state, f"r{r}")
        pairs = table.groupby("task", sort=False)["item"].agg(list)
        state = cvm.update(state, [{"respondent": f"r{r}", "task": t, "winner": min(p) if (r + int(t)) % 4 else max(p)}
                                   for t, p in pairs.items()])  # fmt: skip
    fit = cvm.fit_pooled(state.choices)
    assert fit.form == "bradley_terry"
    assert fit.reported()[0].argsort().tolist() == [5, 4, 3, 2, 1, 0]  # three of four prefer the earlier letter
