"""A whole simulated study with known truth: the needs of figure 8b, from the choices to the account list.

Per account the truth is its segment. The utilities of person p of account g in segment s are

    u[p] = mean[s] + role[r(p)] + account[g] + person[p],

role effects with sd .4 per need, common to all people of a role and deviations from the account (over the two roles
they sum to zero), account and person effects with sd .35 each. Each table has its own random stream, made of the seed
and the table's name, so that a table added later changes no earlier number.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.accounts import Accounts
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import InputError
from cvmstats.survey.simulate import simulate_choices
from cvmstats.workflows import profiles
from cvmstats.workflows.figure_8b import NEEDS, SEGMENTS, grades, true_means
from cvmstats.workflows.sets import balanced_sets

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROLES = ("owner", "buyer")
ROLE_SD, ACCOUNT_SD, PERSON_SD = 0.4, 0.35, 0.35
SAMPLE_MIX = (0.28, 0.16, 0.22, 0.18, 0.16)
LIST_MIX = (0.16, 0.30, 0.14, 0.14, 0.26)
"""Shares of the segments in the sample and on the list: .24 apart in total variation."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Truth:
    """What the simulation knows.

    Parameters
    ----------
    segments : tuple of str (S)
    means : array (S, J)
        Utilities of each segment in logits, rows sum to zero.
    grades : array (J, S)
        1 very important to 5.
    role_effects : array (2, J)
        In logits, columns sum to zero.
    account_sd, person_sd : float
        Spread per need, logits.
    accounts : tuple of str (G)
        Ids of the sample's accounts, in the order of ``segment``.
    segment : array (G), int
        Segment of each account of the sample.
    list_segment : array (N), int
        Segment of each row of the list.
    utilities : array (R, J)
        Of each respondent, logits.
    """

    segments: tuple[str, ...]
    means: Floats
    grades: Ints
    role_effects: Floats
    account_sd: float
    person_sd: float
    accounts: tuple[str, ...]
    segment: Ints
    list_segment: Ints
    utilities: Floats

    @property
    def sample_shares(self) -> Floats:
        """Shares of the segments among the sample's accounts (S)."""
        return np.asarray(np.bincount(self.segment, minlength=len(self.segments)) / len(self.segment))

    @property
    def list_shares(self) -> Floats:
        """Shares of the segments on the list (S)."""
        return np.asarray(np.bincount(self.list_segment, minlength=len(self.segments)) / len(self.list_segment))


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """A simulated study: what an analyst would hold, and the truth."""

    items: Items
    design: Design
    respondents: Respondents
    choices: Choices
    accounts: Accounts
    truth: Truth
    seed: int
    hooks: tuple[str, ...] = profiles.HOOK_COLUMNS
    firmographics: tuple[str, ...] = profiles.FIRMOGRAPHIC_COLUMNS

    def __repr__(self) -> str:
        truth = self.truth
        moved = np.abs(truth.sample_shares - truth.list_shares).sum() / 2
        return (f"Study  simulated with seed {self.seed}: {len(truth.accounts):,} accounts, "
                f"{self.choices.n_respondents:,} people, {len(self.items)} needs, {len(truth.segments)} segments\n"
                f"  list of {len(self.accounts):,} accounts, its mix {moved:.2f} from the sample's "
                "in total variation")  # fmt: skip


def make_study(*, seed: int = 0, n_accounts: int = 400, n_list: int = 8000, n_versions: int = 10, n_tasks: int = 16,
               items_per_task: int = 5) -> Study:  # fmt: skip
    """Simulate the study of figure 8b: two people of each account answer, and a much larger list is to be scored.

    Parameters
    ----------
    seed : int
    n_accounts : int
        G, accounts in the sample, two people each (R = 2 G).
    n_list : int
        N, rows of the account list; the sample's accounts are among them. Some other accounts stand on it twice.
    n_versions, n_tasks, items_per_task : int
        V, T, A of the design.

    Raises
    ------
    InputError
        Where the list is too short to hold the sample and have a mix of its own.

    Examples
    --------
    >>> make_study(n_accounts=50, n_list=500)
    Study  simulated with seed 0: 50 accounts, 100 people, 26 needs, 5 segments
      list of 500 accounts, its mix 0.24 from the sample's in total variation
    """
    if n_list < 3 * n_accounts or n_accounts < 10:
        raise InputError(f"a list of {n_list:,} rows for a sample of {n_accounts:,} accounts\n"
                         "  expected 10 accounts or more, and a list at least three times as long")  # fmt: skip
    means = true_means()
    segment = _shuffled(_counts(SAMPLE_MIX, n_accounts), _stream(seed, "segments"))
    rest = _counts(LIST_MIX, n_list) - np.bincount(segment, minlength=len(means))
    other = _shuffled(rest, _stream(seed, "list segments"))
    accounts, list_segment, ids = _account_list(seed, segment, other)

    items = Items(table=pd.DataFrame({
        "id": [f"need{i + 1:02d}" for i in range(len(NEEDS))], "label": [n for _, n, _ in NEEDS],
        "group": [g for g, _, _ in NEEDS],
    }))  # fmt: skip
    sets = balanced_sets(len(items), n_versions, n_tasks, items_per_task, _stream(seed, "design"))
    design = Design(objects=items, shown=sets, source="simulated")
    people = Respondents(table=pd.DataFrame({
        "id": [f"p{i + 1:04d}" for i in range(2 * n_accounts)], "account": np.repeat(np.array(ids, dtype=object), 2),
        "role": list(ROLES) * n_accounts,
    }))  # fmt: skip
    effect = _stream(seed, "roles").normal(0, ROLE_SD, len(items))
    role = np.stack([effect, -effect])
    of_account = _stream(seed, "account effects").normal(0, ACCOUNT_SD, (n_accounts, len(items)))
    of_person = _stream(seed, "person effects").normal(0, PERSON_SD, (2 * n_accounts, len(items)))
    utilities = np.repeat(means[segment] + of_account, 2, axis=0) + np.tile(role, (n_accounts, 1)) + of_person
    version = _stream(seed, "versions").permutation(np.arange(2 * n_accounts) % n_versions)
    choices = simulate_choices(utilities, design, people, version=version, seed=_stream(seed, "answers"))
    truth = Truth(segments=SEGMENTS, means=means, grades=grades(), role_effects=role, account_sd=ACCOUNT_SD,
                  person_sd=PERSON_SD, accounts=tuple(ids), segment=segment, list_segment=list_segment,
                  utilities=utilities)  # fmt: skip
    return Study(items=items, design=design, respondents=people, choices=choices, accounts=accounts, truth=truth,
                 seed=seed)  # fmt: skip


def _account_list(seed: int, segment: Ints, other: Ints) -> tuple[Accounts, Ints, list[str]]:
    """The list in its order, the segment of each row, and the ids of the sample's accounts."""
    every = np.concatenate([segment, other])
    n, n_sample = len(every), len(segment)
    stream = _stream(seed, "account ids")
    ids = np.array([f"{i:07d}" for i in stream.choice(3_000_000, size=n, replace=False)], dtype=object)
    copies = n_sample + stream.choice(n - n_sample, size=2 * max(1, n // 400), replace=False)
    first, second = copies[: len(copies) // 2], copies[len(copies) // 2 :]
    ids[second] = ids[first]
    table = pd.DataFrame({"account_id": ids, "name": profiles.draw_names(n, _stream(seed, "names"))})
    table = table.join(profiles.draw_hooks(every, _stream(seed, "hooks")))
    table = table.join(profiles.draw_firmographics(every, _stream(seed, "firmographics")))
    table["potential"] = profiles.draw_potential(table["revenue"], _stream(seed, "potential"))
    table = profiles.soil(table, _stream(seed, "dirt"))
    order = _stream(seed, "list order").permutation(n)
    accounts = Accounts(table=table.iloc[order], id="account_id", source="simulated")
    return accounts, every[order], ids[:n_sample].tolist()


def _stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of one table, the same on any machine."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _counts(mix: tuple[float, ...], n: int) -> Ints:
    """Numbers of accounts per segment (S), exactly ``n`` in all: largest remainders."""
    exact = np.array(mix) * n
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(-(exact - counts), kind="stable")[: n - counts.sum()]] += 1
    return counts


def _shuffled(counts: Ints, rng: np.random.Generator) -> Ints:
    return rng.permutation(np.repeat(np.arange(len(counts)), counts))
