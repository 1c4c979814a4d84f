"""Pooled fits of real pairs, plain, tied, graded and counted, against published numbers and a second computation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from cvmstats.data.choices import Choices
from cvmstats.data.utilities import Utilities
from cvmstats.utilities.counts import score_counts
from cvmstats.utilities.pooled import fit_pooled
from tests import direct, studies
from tests.build_choices import one_by_one, with_home_column
from tests.published import load, means, response, worths


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("top_models", -1912.0548, {"Barbara": 0.2216, "Anni": 0.1441, "Hana": 0.2307, "Fiona": 0.1903, "Mandy": 0.1009,
                                "Anja": 0.1124}),
    ("parties", -1716.8073, {"Gruene": 0.3658, "SPD": 0.2520, "CDU/CSU": 0.1332, "FDP": 0.1118, "none": 0.0768,
                             "Linke": 0.0604}),
    ("first_names", -1888.8833, {"Lucas": 0.2538, "Tim": 0.2124, "Michael": 0.1728, "Julius": 0.1460, "Robin": 0.1349,
                                 "Benedikt": 0.0801}),
    ("sound_quality", -11840.8463, {"Stereo": 0.1977, "Matrix": 0.1733, "Original": 0.1726, "Upmix1": 0.1528,
                                    "WideStereo": 0.1433, "Upmix2": 0.1197, "PhantomMono": 0.0260, "Mono": 0.0145}),
])  # fmt: skip
def test_worths(shared_data: Path, name: str, value: float, expected: dict[str, float]) -> None:
    """Four decimals."""
    fit = fit_pooled(load(shared_data, name))
    assert fit.log_likelihood == pytest.approx(value, abs=1e-4)
    np.testing.assert_allclose(worths(fit)[list(expected)], list(expected.values()), atol=6e-5)


@pytest.mark.parametrize(("people", "size", "expected"), [
    ("age <= 52 and q2 == 'yes'", 35, [0.1889, 0.1699, 0.3851, 0.1142, 0.0923, 0.0496]),
    ("age <= 52 and q2 == 'no' and gender == 'male'", 71, [0.1746, 0.1231, 0.2625, 0.2254, 0.1019, 0.1126]),
    ("age <= 52 and q2 == 'no' and gender == 'female'", 56, [0.2659, 0.2128, 0.1609, 0.1945, 0.0628, 0.1031]),
    ("age > 52", 30, [0.2585, 0.0557, 0.1531, 0.1605, 0.1643, 0.2079]),
])  # fmt: skip
def test_top_models_in_the_leaves_of_the_published_tree(shared_data: Path, people: str, size: int,
                                                         expected: list[float]) -> None:  # fmt: skip
    """Strobl, Wickelmaier & Zeileis 2011 (psychotree's output); its optimiser is off by one in the fourth decimal."""
    choices = studies.top_models(shared_data)
    rows = choices.respondents.table.query(people).index
    assert len(rows) == size
    worth = worths(fit_pooled(choices.take(rows)))[["Barbara", "Anni", "Hana", "Fiona", "Mandy", "Anja"]]
    np.testing.assert_allclose(worth, expected, atol=1.6e-4)


def test_top_models_have_the_published_counts(shared_data: Path) -> None:
    choices = studies.top_models(shared_data)
    labels = np.array(choices.design.objects.labels)
    pair, first = labels[choices.design.shown[choices.version]], choices.place[:, :, 0] == 1
    for one, other, wins in (("Barbara", "Anni", 121), ("Mandy", "Anja", 92)):
        here = (pair == [one, other]).all(axis=2)
        assert (here.sum(), (here & first).sum()) == (192, wins)


BESIDE_BALTIMORE = {"Boston": 1.1077, "Cleveland": 0.6839, "Detroit": 1.4364, "Milwaukee": 1.5814, "New York": 1.2476,
                    "Toronto": 1.2945}  # fmt: skip
WITH_HOME = {"Boston": 1.1438, "Cleveland": 0.7047, "Detroit": 1.4754, "Milwaukee": 1.6196, "New York": 1.2813,
             "Toronto": 1.3271}  # fmt: skip
BESIDE_BIOMETRIKA = {"Comm Statist": -2.9491, "JASA": -0.4796, "JRSS-B": 0.2690}


def beside(fit: Utilities, base: str, names: dict[str, float]) -> pd.Series:
    """Utilities less that of one object."""
    mean = means(fit)
    return mean[list(names)] - mean[base]


def probability(choices: Choices, fit: Utilities) -> np.ndarray:
    """Of the first to win, pair by pair (T)."""
    utility = np.asarray(fit.design.coding) @ fit.mean[0]
    first, second = utility[choices.design.shown[0]].T
    return 1 / (1 + np.exp(second - first))


def test_baseball(shared_data: Path) -> None:
    """Agresti 2002, p. 438, without advantage at home; four decimals."""
    fit = fit_pooled(one_by_one(studies.baseball_1987(shared_data)))
    np.testing.assert_allclose(beside(fit, "Baltimore", BESIDE_BALTIMORE), list(BESIDE_BALTIMORE.values()), atol=6e-5)


def test_baseball_with_an_object_for_each_team_at_home(shared_data: Path) -> None:
    """BradleyTerry2: at home .3023 (.1309), residual deviance 38.643, AIC 137.11."""
    choices = with_home_column(studies.baseball_1987(shared_data))
    fit = fit_pooled(one_by_one(choices))
    home = fit.population_frame().set_index("item").loc["at home"]
    np.testing.assert_allclose(beside(fit, "Baltimore", WITH_HOME), list(WITH_HOME.values()), atol=6e-5)
    assert home["mean"] == pytest.approx(0.3023, abs=6e-5)
    assert home["se"] == pytest.approx(0.1309, abs=6e-5)
    wins, p = np.asarray(choices.count).T, probability(choices, fit)
    assert direct.deviance(wins, p) == pytest.approx(38.643, abs=6e-4)
    assert -2 * binom.logpmf(wins[:, 0], wins.sum(axis=1), p).sum() + 2 * 7 == pytest.approx(137.11, abs=6e-3)


def test_citations_one_by_one(shared_data: Path) -> None:
    """BradleyTerry2: residual deviance 4.293 on 3 degrees of freedom, AIC 46.39."""
    choices = studies.journal_citations(shared_data)
    fit = fit_pooled(one_by_one(choices))
    np.testing.assert_allclose(beside(fit, "Biometrika", BESIDE_BIOMETRIKA), list(BESIDE_BIOMETRIKA.values()), atol=6e-5)
    wins, p = np.asarray(choices.count).T, probability(choices, fit)
    assert direct.deviance(wins, p) == pytest.approx(4.293, abs=6e-4)
    assert -2 * binom.logpmf(wins[:, 0], wins.sum(axis=1), p).sum() + 2 * 3 == pytest.approx(46.39, abs=6e-3)


@pytest.mark.parametrize("name", ["baseball_1987", "journal_citations"])
def test_counts_repeat_a_task(shared_data: Path, name: str) -> None:
    choices = load(shared_data, name)
    fit, repeated = fit_pooled(choices), fit_pooled(one_by_one(choices))
    assert fit.log_likelihood == pytest.approx(repeated.log_likelihood)
    pd.testing.assert_frame_equal(fit.population_frame(), repeated.population_frame())


def test_counts_are_counted(shared_data: Path) -> None:
    choices = studies.baseball_1987(shared_data)
    columns = ["item", "shown", "best", "worst"]
    pd.testing.assert_frame_equal(score_counts(choices)[columns], score_counts(one_by_one(choices))[columns],
                                  check_dtype=False)  # fmt: skip


def test_position_is_the_advantage_at_home(shared_data: Path) -> None:
    choices = one_by_one(studies.baseball_1987(shared_data))
    fit = fit_pooled(choices, position=True)
    assert response(fit, "position") == pytest.approx(0.3023, abs=6e-5)
    np.testing.assert_allclose(beside(fit, "Baltimore", WITH_HOME), list(WITH_HOME.values()), atol=6e-5)
    assert fit.log_likelihood == pytest.approx(fit_pooled(with_home_column(choices)).log_likelihood)


def test_position_of_counted_pairs(shared_data: Path) -> None:
    fit = fit_pooled(studies.baseball_1987(shared_data), position=True)
    assert response(fit, "position") == pytest.approx(0.3023, abs=6e-5)
    np.testing.assert_allclose(beside(fit, "Baltimore", WITH_HOME), list(WITH_HOME.values()), atol=6e-5)


@pytest.mark.parametrize("name", ["top_models", "parties", "first_names"])
def test_position_of_asked_pairs_is_the_logit_written_down(shared_data: Path, name: str) -> None:
    """Every pair of these surveys is shown in one order, so that a position is told from utilities by transitivity alone."""
    choices = load(shared_data, name)
    shown = np.eye(6)[choices.design.shown[choices.version].reshape(-1, 2)][:, :, 1:]
    rows = np.concatenate([shown, np.broadcast_to([[1.0], [0.0]], (len(shown), 2, 1))], axis=2)
    theta, value = direct.maximum(direct.logits(rows, choices.place.reshape(-1, 2).argmax(axis=1)), 6)
    fit = fit_pooled(choices, position=True)
    assert fit.log_likelihood == pytest.approx(value, abs=1e-5)
    assert response(fit, "position") == pytest.approx(theta[-1], abs=1e-4)
    np.testing.assert_allclose(means(fit), direct.centred(direct.beside_first(theta[:-1])), atol=1e-4)


# ties and grades


def hockey(data: Path, most: int, *, at_home: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """From the file: pairs with the team at home first, differences of goals in its favour cut at ``most``, teams."""
    table = pd.read_csv(data / "pc_icehockey2010" / "games.csv")
    table = table[table["home.ice"]] if at_home else table
    teams = pd.Index(sorted({*table["visitor"], *table["opponent"]}))
    pairs = np.stack([teams.get_indexer(table[side]) for side in ("opponent", "visitor")], axis=1)
    return pairs, np.clip(table["o_goals"] - table["v_goals"], -most, most).to_numpy(), len(teams)


@pytest.mark.parametrize("position", [False, True])
def test_ties_of_ice_hockey(shared_data: Path, position: bool) -> None:
    """Davidson's model: P(tie) : P(i) is nu sqrt(pi_j / pi_i); with a position, pi of who stands first times e^position."""
    pairs, outcome, n = hockey(shared_data, 1, at_home=position)
    model = direct.adjacent_categories(pairs, outcome, n, step=0.5, position=position)
    theta, value = direct.maximum(model, n + position)
    choices = studies.ice_hockey(shared_data, at_home=position)
    options = {"position": True} if position else {}
    fit = fit_pooled(choices, form={"pair": "davidson"}, **options)  # type: ignore[arg-type]
    assert fit.form == "davidson"
    assert fit.log_likelihood == pytest.approx(value, abs=1e-4)
    np.testing.assert_allclose(means(fit), direct.centred(direct.beside_first(theta[: n - 1])), atol=2e-3)
    if position:
        assert response(fit, "position") == pytest.approx(theta[-1], abs=1e-3)


@pytest.mark.parametrize("position", [False, True])
def test_grades_of_ice_hockey(shared_data: Path, position: bool) -> None:
    """Adjacent categories; the unit of utilities depends on what a step is worth, so these are compared up to a factor."""
    pairs, outcome, n = hockey(shared_data, 3, at_home=position)
    model = direct.adjacent_categories(pairs, outcome, n, step=1, position=position)
    theta, value = direct.maximum(model, n + 2 + position)
    choices = studies.ice_hockey(shared_data, "graded", at_home=position)
    options = {"position": True} if position else {}
    fit = fit_pooled(choices, **options)  # type: ignore[arg-type]
    assert fit.log_likelihood == pytest.approx(value, abs=1e-4)
    got, expected = means(fit).to_numpy(), direct.centred(direct.beside_first(theta[: n - 1]))
    factor = got @ expected / (expected @ expected)
    assert factor > 0
    np.testing.assert_allclose(got, factor * expected, atol=2e-3 * factor)
    if position:
        assert response(fit, "position") == pytest.approx(factor * theta[-1], abs=1e-3 * factor)


def test_one_grade_and_a_tie_are_davidson(shared_data: Path) -> None:
    tied = studies.ice_hockey(shared_data)
    graded = studies.ice_hockey(shared_data, "graded", most=1)
    one, other = fit_pooled(graded), fit_pooled(tied, form={"pair": "davidson"})
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-5)
