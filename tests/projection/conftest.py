"""A simulated survey and list: five segments, hooks that predict them, firmographics that do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.accounts import Accounts
from cvmstats.data.segments import Segments

HOOKS = ["process", "contract", "service", "buyer"]
FIRMOGRAPHICS = ["industry", "staff"]


@dataclass(frozen=True, kw_only=True)
class World:
    """A study with its truth; ``bayes`` is the accuracy of a classifier that knows the hooks' distributions."""

    segments: Segments
    accounts: Accounts
    truth: np.ndarray
    sample_truth: np.ndarray
    sizes: np.ndarray
    bayes: float


def simulate(seed, n_sample=400, n_list=6000):
    """Sample first on the list, then the others, whose mix is another; ids with leading zeros, duplicates, gaps."""
    rng = np.random.default_rng(seed)
    levels = np.array(["alpha", "beta", "gamma", "delta", "epsilon"])
    profile = np.full((5, 5), 0.105) + 0.475 * np.eye(5)
    mix, other = np.array([0.30, 0.22, 0.18, 0.16, 0.14]), np.array([0.14, 0.16, 0.28, 0.14, 0.28])

    def draw(n, shares):
        z = rng.choice(5, n, p=shares)
        codes = {h: np.array([rng.choice(5, p=profile[(s + j) % 5]) for s in z]) for j, h in enumerate(HOOKS)}
        logs = np.log(shares) + sum(np.log(profile[(np.arange(5)[None] + j) % 5, codes[h][:, None]])
                                    for j, h in enumerate(HOOKS))  # fmt: skip
        table = pd.DataFrame({h: levels[c] for h, c in codes.items()})
        table["industry"] = rng.choice(["steel", "pharma", "food", "retail"], n)
        table["staff"] = np.round(np.exp(rng.normal(5, 1, n)))
        return z, table, float((logs.argmax(axis=1) == z).mean())

    z, sample, bayes = draw(n_sample, mix)
    zl, others, _ = draw(n_list, other)
    sample.insert(0, "id", [f"00{i}" for i in range(n_sample)])
    others.insert(0, "id", [f"B{i:05d}" for i in range(n_list)])
    others.loc[3, "id"] = others.loc[4, "id"]
    others.loc[5, "id"] = ""
    others.loc[6, "id"] = "NA"
    others["process"] = [f" {v.upper()} " if i % 7 == 0 else v for i, v in enumerate(others["process"])]
    others.loc[10, "process"] = "auction"
    others.loc[11, "staff"] = np.nan
    answers = rng.normal(size=(n_sample, 5)) + 2.2 * np.eye(5)[z]
    joint = mix * np.exp(2.2 * (answers - answers.max(axis=1, keepdims=True)))
    membership = joint / joint.sum(axis=1, keepdims=True)
    segments = Segments(
        design=None, unit="account", ids=tuple(sample["id"]), membership=membership, names=tuple("ABCDE")
    )
    accounts = Accounts(table=pd.concat([sample, others], ignore_index=True))
    truth = np.concatenate([z, zl])
    return World(segments=segments, accounts=accounts, truth=truth, sample_truth=z,
                 sizes=np.bincount(truth, minlength=5) / len(truth), bayes=bayes)  # fmt: skip


@pytest.fixture(scope="session")
def world():
    return simulate(0)


@pytest.fixture(scope="session")
def worlds():
    return [simulate(seed) for seed in range(1, 5)]
