"""Means and intervals on named scales: against the draws taken one by one, block by block, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cvmstats.data import intervals
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import rescale
from cvmstats.data.segments import Segments
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import UtilitiesError

R, C, D = 5, 2, 40
DESIGN = Design(objects=Items.from_labels("abcd"), shown=np.array([[[0, 1, 2], [1, 2, 3]]]))
RNG = np.random.default_rng(3)
DRAWS = RNG.normal(size=(C, D, R, 3)).astype(np.float32)
MEAN_DRAWS = RNG.normal(size=(C, D, 3))
COV = np.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.1], [0.0, 0.1, 0.5]])
PEOPLE = pd.DataFrame({"id": list("vwxyz"), "account": ["A", "B", "A", "", "B"]})


def fit(*, draws: bool = True, weight: list[float] | None = None, **more: Any) -> Utilities:
    people = Respondents(table=PEOPLE if weight is None else PEOPLE.assign(weight=weight),
                         weight_kind=None if weight is None else "sampling")  # fmt: skip
    population = Population(mean=MEAN_DRAWS.mean(axis=(0, 1)), mean_cov=COV / 9, cov=COV,
                            mean_draws=MEAN_DRAWS if draws else None)  # fmt: skip
    given = {"design": DESIGN, "respondents": people, "mean": DRAWS.mean(axis=(0, 1)), "sd": DRAWS.std(axis=(0, 1)),
             "method": "test", "form": "sequential", "population": population, "draws": DRAWS if draws else None} | more
    return Utilities(**given)  # fmt: skip


def scaled(scale: str) -> np.ndarray:
    return rescale(DRAWS.reshape(-1, R, 3) @ DESIGN.report.T, scale, set_size=3)


def row(table: pd.DataFrame, **where: str) -> pd.Series:
    return table.loc[np.all([table[k] == v for k, v in where.items()], axis=0)].iloc[0]


@pytest.mark.parametrize("scale", ["zero_centered", "share", "interval_100", "sawtooth_rescaled"])
def test_respondents_by_hand(scale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = fit().intervals(scale=scale, level=0.8)
    assert table.columns.tolist() == ["respondent", "item", "mean", "lower", "upper"]
    assert len(table) == R * 4
    values = scaled(scale)
    for r, j in ((0, 0), (3, 2)):
        got = row(table, respondent="vwxyz"[r], item="abcd"[j])
        np.testing.assert_allclose(got["mean"], values[:, r, j].mean(), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose([got["lower"], got["upper"]], np.quantile(values[:, r, j], [0.1, 0.9]), rtol=1e-5)
    monkeypatch.setattr(intervals, "_NUMBERS", C * D * 4)  # one respondent at a time
    pd.testing.assert_frame_equal(fit().intervals(scale=scale, level=0.8), table)


def test_versions_differ_where_a_scale_is_not_linear() -> None:
    study = fit()
    np.testing.assert_allclose(study.reported(), study.reported(version="at_means"), atol=1e-6)
    per_draw, at_means = (study.to_frame(scale="interval_100", version=v)[list("abcd")] for v in ("per_draw", "at_means"))
    np.testing.assert_allclose(np.ptp(at_means, axis=1), 100)
    assert np.ptp(per_draw, axis=1).max() < 100
    np.testing.assert_allclose(per_draw, scaled("interval_100").mean(axis=0), rtol=1e-5, atol=1e-5)


def test_groups_by_hand() -> None:
    values = scaled("share")
    want = values[:, [0, 2]].mean(axis=1)
    table = fit().group_frame("account", scale="share", level=0.9)
    assert table["group"].drop_duplicates().tolist() == ["A", "B"]  # who has no account is in none
    assert table["people"].tolist() == [2.0] * 8
    got = row(table, group="A", item="b")
    np.testing.assert_allclose(got["mean"], want[:, 1].mean(), rtol=1e-5)
    np.testing.assert_allclose([got["lower"], got["upper"]], np.quantile(want[:, 1], [0.05, 0.95]), rtol=1e-5)
    weighted = fit(weight=[1, 1, 3, 1, 1]).group_frame("account", scale="share")
    mean = (values[:, 0] + 3 * values[:, 2]).mean(axis=0) / 4
    np.testing.assert_allclose(weighted["mean"][:4], mean, rtol=1e-5)
    assert weighted["people"].tolist() == [2.0] * 8  # how many, not their weights


def test_ways_to_say_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    study = fit()
    table = study.group_frame("account", scale="share")
    labels = PEOPLE["account"].tolist()
    hard = np.array([[a == "A", a == "B"] for a in labels], float)
    shuffled = pd.Series(labels, index=list("vwxyz")).iloc[[4, 2, 0, 1, 3]]
    frame = pd.DataFrame(hard, columns=["A", "B"], index=list("vwxyz")).iloc[[4, 2, 0, 1, 3]]
    for by in (labels, np.array(labels), shuffled, frame):
        again = study.group_frame(by, scale="share").set_index(["group", "item"]).loc[table.set_index(["group", "item"]).index]
        np.testing.assert_allclose(again[["mean", "lower", "upper"]], table[["mean", "lower", "upper"]], rtol=1e-6)
    assert study.group_frame(hard)["group"].drop_duplicates().tolist() == ["Group 1", "Group 2"]
    soft = RNG.dirichlet([1, 1], size=R)
    segments = Segments(design=DESIGN, unit="respondent", ids=tuple("zyxwv"), membership=soft[::-1])
    got = study.group_frame(segments, scale="share")
    share = np.einsum("rs,drl->dsl", soft / soft.sum(axis=0), scaled("share"))
    np.testing.assert_allclose(got["mean"], share.mean(axis=0).ravel(), rtol=1e-5)
    np.testing.assert_allclose(got["upper"], np.quantile(share, 0.95, axis=0).ravel(), rtol=1e-5)
    accounts = Segments(design=DESIGN, unit="account", ids=("B", "A"), membership=np.eye(2)[::-1])
    assert study.group_frame(accounts)["people"].tolist() == [2.0] * 8
    monkeypatch.setattr(intervals, "_NUMBERS", C * D * 4)  # one group and one respondent at a time
    pd.testing.assert_frame_equal(study.group_frame("account", scale="share"), table)


def test_a_numbering_of_rows_is_no_index_of_ids() -> None:
    people = Respondents(table=PEOPLE.assign(id=list("41203")))
    study = fit(respondents=people)
    pd.testing.assert_frame_equal(study.group_frame(people.to_frame()["account"]), study.group_frame("account"))
    by_id = people.to_frame().set_index("id")["account"].sort_index()
    for labels in (by_id, by_id.set_axis(by_id.index.astype(float)), pd.concat([by_id, pd.Series(["C"], index=["9"])])):
        got, want = (study.group_frame(by).sort_values(["group", "item"], ignore_index=True) for by in (labels, "account"))
        pd.testing.assert_frame_equal(got, want)


def test_population() -> None:
    study = fit()
    plain = study.population_frame()
    assert plain.columns.tolist() == ["item", "mean", "se", "sd"]
    table = study.population_frame(level=0.9)
    draws = MEAN_DRAWS.reshape(-1, 3) @ DESIGN.report.T
    np.testing.assert_allclose(table[["lower", "upper"]].T, np.quantile(draws, [0.05, 0.95], axis=0))
    np.testing.assert_allclose(table["sd"], np.sqrt(np.diag(DESIGN.report @ COV @ DESIGN.report.T)))
    shares = study.population_frame(scale="share", level=0.9)
    assert shares.columns.tolist() == ["item", "mean", "se", "lower", "upper"]
    mean = scaled("share").mean(axis=1)
    np.testing.assert_allclose(shares["mean"], mean.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(shares["se"], mean.std(axis=0), rtol=1e-5)
    assert shares["mean"].sum() == pytest.approx(1)


def test_without_draws_the_normal_approximation() -> None:
    study = fit(draws=False)
    half = norm.ppf(0.95) * np.sqrt(study.sd**2 @ (DESIGN.report**2).T)
    table = study.intervals(level=0.9)
    np.testing.assert_allclose(table["upper"] - table["mean"], half.ravel())
    np.testing.assert_allclose(table["mean"], study.reported().ravel(), atol=1e-12)
    population = study.population_frame(level=0.9)
    np.testing.assert_allclose(population["upper"] - population["mean"], norm.ppf(0.95) * population["se"])
    everybody = study.group_frame(["all"] * R)
    np.testing.assert_allclose(everybody["mean"], study.reported().mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(everybody["upper"] - everybody["mean"], np.sqrt((half**2).sum(axis=0)) / R)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: fit(draws=False).intervals(scale="share"), "scale 'share' without draws: it is not linear.*\n  use scale="),
    (lambda: fit(draws=False).population_frame(scale="share"), "without draws.*\n  use scale='zero_centered'"),
    (lambda: fit(draws=False, sd=np.zeros((R, 3))).intervals(), "have no standard deviations.*\n  use population_frame"),
    (lambda: fit().intervals(level=95), "level is 95\n  expected a probability"),
    (lambda: fit().reported(version="both"), "unknown version 'both' of a scale\n  expected one of per_draw, at_means"),
    (lambda: fit().group_frame("country"), "no column 'country'\n  expected one of id, account, role"),
    (lambda: fit().group_frame(["a", "b"]), "2 labels or rows of weights for 5 respondents\n  expected one for each"),
    (lambda: fit().group_frame([""] * R), "0 of 0 groups have no respondents"),
    (lambda: fit().group_frame(np.eye(R)[:, :3] * [1, 1, 0]), "1 of 3 groups have no respondents\n.*'Group 3'"),
    (lambda: fit().group_frame(-np.ones((R, 2))), "weights of groups have shape"),
    (lambda: fit().group_frame(Segments(design=DESIGN, unit="respondent", ids=("v",), membership=[[1.0]])),
     "4 of 5 respondents are not in these segments\n.*'w'"),
    (lambda: fit().group_frame(pd.Series(list("aabbb"), index=["v", "w ", "x", "y", "z"])),
     "1 of 5 respondents are not in the index of the groups\n.*'w'\n  'w ' of the index are no.*\n?.*reset_index"),
    (lambda: fit().group_frame(pd.Series(list("aabbbb"), index=list("vwxyzv"))), "1 respondents stand twice.*\n.*'v'\n.*once"),
    (lambda: fit().to_frame(scale="probability"), "others mean share"),
])  # fmt: skip
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(UtilitiesError, match=message):
        call()
