"""Pooled fits of real studies against published numbers, those in the studies' READMEs, and a second computation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.choices import Choices
from cvmstats.utilities.pooled import fit_pooled
from tests import direct, studies
from tests.published import load, means

# what the files hold


@pytest.mark.parametrize(("name", "people", "tasks", "answers", "size", "parameters"), [
    ("issues", 350, 13, 4550, 4, 12), ("fruit", 100, 7, 700, 4, 6), ("rice", 90, 7, 630, 4, 6),
    ("sets_of_unequal_size", 100, 12, 1200, 54 / 12, 8), ("drug_choice:best", 1000, 10, 10_000, 4, 13),
    ("electricity", 361, 12, 4308, 4, 6), ("train", 235, 19, 2929, 2, 4), ("cars", 384, 15, 5760, 3, 16),
    ("yogurt", 100, 185, 2412, 4, 5), ("margarine", 516, 43, 4470, 10, 10), ("eggs", 380, 8, 3040, 3, 14),
    ("fast_food", 403, 12, 4836, 4, 31), ("bank_cards", 946, 17, 14_799, 2, 14), ("game_platforms", 91, 1, 91, 6, 16),
    ("car_modules", 435, 1, 435, 6, 5), ("top_models", 192, 15, 2880, 2, 5), ("parties", 192, 15, 2880, 2, 5),
    ("first_names", 192, 15, 2880, 2, 5), ("sound_quality", 40, 20 * 28, 21_924, 2, 7), ("ice_hockey", 1083, 1, 1083, 2, 57),
    ("baseball_1987", 2, 42, 84, 2, 6), ("journal_citations", 2, 6, 12, 2, 3),
])  # fmt: skip
def test_sizes(shared_data: Path, name: str, people: int, tasks: int, answers: int, size: float, parameters: int) -> None:
    choices = load(shared_data, name)
    assert (choices.n_respondents, choices.design.n_tasks) == (people, tasks)
    assert choices.answered.sum() == answers
    assert choices.design.set_size == pytest.approx(size)
    assert np.asarray(choices.design.coding).shape[1] == parameters


def test_ragged_people_ties_and_counts(shared_data: Path) -> None:
    """348 people have all 12 tasks of electricity; 14 to 17 pairs of bank cards; 125 ties and 69 neutral games of hockey."""
    assert (studies.electricity(shared_data).answered.sum(axis=1) == 12).sum() == 348
    assert np.unique(studies.bank_cards(shared_data).answered.sum(axis=1)).tolist() == [14, 15, 16, 17]
    hockey = studies.ice_hockey(shared_data)
    assert (hockey.place == 1).all(axis=2).sum() == 125
    assert studies.ice_hockey(shared_data, at_home=True).n_respondents == 1083 - 69
    graded = studies.ice_hockey(shared_data, "graded")
    assert np.array_equal(np.asarray(graded.strength) == 0, (hockey.place == 1).all(axis=2))
    assert np.asarray(studies.baseball_1987(shared_data).count).sum() == 273
    assert len(studies.electricity(shared_data).design.objects) == 35
    assert len(studies.electricity(shared_data, distinct=False).design.objects) == 4308 * 4


def test_covariates_come_along(shared_data: Path) -> None:
    wanted = {"bank_cards": "gender", "eggs": "Q14", "top_models": "q2", "car_modules": "segment", "rice": "chem",
              "game_platforms": "hours", "margarine": "Income", "drug_choice": "over_50"}  # fmt: skip
    for name, column in wanted.items():
        assert load(shared_data, name).respondents.table[column].notna().all(), name


# choices among coded alternatives


@pytest.mark.parametrize(("name", "folder", "value"), [
    ("electricity", "cbc_electricity", -4958.6491), ("cars", "cbc_cars_us", -4616.9518), ("yogurt", "cbc_yogurt", -2656.8879),
    ("eggs", "cbc_eggs", -2973.1855), ("fast_food", "cbc_fast_food", -6071.3023),
    pytest.param("train", "cbc_train", -1724.15, marks=pytest.mark.filterwarnings("ignore:pooled utilities run away")),
])  # fmt: skip
def test_multinomial_logits(shared_data: Path, name: str, folder: str, value: float) -> None:
    """Coefficients and standard errors have six decimals; BFGS stopped within 1e-4 of the largest standard error."""
    fit = fit_pooled(load(shared_data, name))
    expected = pd.read_csv(shared_data / folder / "reference_computed_mnl.csv").set_index("term")
    got = fit.population_frame().set_index("item").loc[expected.index]
    assert fit.log_likelihood == pytest.approx(value, abs=1e-3)
    np.testing.assert_allclose(got["mean"], expected["coef"], atol=1e-4)
    np.testing.assert_allclose(got["se"], expected["se"], rtol=2e-2)


@pytest.mark.parametrize(("kind", "value"), [("best", -11088.61), ("rank", -27409.06), ("best_worst", -20887.68)])
def test_drug_choice_asked_in_three_ways(shared_data: Path, kind: str, value: float) -> None:
    """Two decimals; best-worst in the sequential form."""
    fit = fit_pooled(studies.drug_choice(shared_data, kind))  # type: ignore[arg-type]
    assert fit.log_likelihood == pytest.approx(value, abs=6e-3)
    assert fit.form == {"best": "logit", "rank": "exploded", "best_worst": "sequential"}[kind]


def test_margarine_is_the_logit_written_down(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "cbc_margarine_panel" / "purchases.csv")
    prices = np.log(table.iloc[:, 2:].to_numpy(float))[:, :, None]
    shown = np.concatenate([prices, np.broadcast_to(np.eye(10)[:, 1:], (len(table), 10, 9))], axis=2)
    expected, value = direct.maximum(direct.logits(shown, table["choice"].to_numpy() - 1), 10)
    fit = fit_pooled(studies.margarine(shared_data))
    assert fit.log_likelihood == pytest.approx(value, abs=1e-4)
    np.testing.assert_allclose(means(fit), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["eggs", "fast_food"])
def test_profiles_say_the_same_as_dummies(shared_data: Path, name: str) -> None:
    """Part-worths that sum to zero within an attribute, less that of its first level, are the dummies' coefficients."""
    dummies, profiles = fit_pooled(load(shared_data, name)), fit_pooled(load(shared_data, f"{name}:profiles"))
    assert profiles.log_likelihood == pytest.approx(dummies.log_likelihood)
    ends = np.cumsum(profiles.design.objects.attributes.n_levels)[:-1]  # type: ignore[union-attr]
    parts = np.split(profiles.population_frame()["mean"].to_numpy(), ends)
    ours = np.concatenate([part[1:] - part[0] for part in parts])
    np.testing.assert_allclose(ours, means(dummies), atol=1e-6)


def test_bank_cards(shared_data: Path) -> None:
    """Attribute differences against a zero profile are a binary logit; six decimals."""
    fit = fit_pooled(studies.bank_cards(shared_data))
    assert fit.log_likelihood == pytest.approx(-8063.801, abs=1e-3)
    file = shared_data / "pc_bankcard_conjoint" / "reference_computed_pooled_logit.csv"
    expected = pd.read_csv(file).set_index("term")["coef"]
    np.testing.assert_allclose(means(fit)[expected.index], expected, atol=1e-5)
    assert means(fit).sort_values(ascending=False).index[:3].tolist() == ["Low_FInt", "Low_Fee", "Long_Grace"]


def test_thousands_of_objects(shared_data: Path) -> None:
    """Every alternative an object of its own (J = 17,232): the likelihood does not change."""
    fit, many = (fit_pooled(studies.electricity(shared_data, distinct=distinct)) for distinct in (True, False))
    assert many.log_likelihood == pytest.approx(-4958.6491, abs=1e-3)
    pd.testing.assert_frame_equal(many.population_frame(), fit.population_frame())


def test_large_attributes_are_no_runaway_utilities(shared_data: Path) -> None:
    """Trips for 30 hours' worth of utility that differ little from one another; warnings are errors here."""
    fit_pooled(studies.train(shared_data))


# rankings


def test_game_platforms(shared_data: Path) -> None:
    """Published (mlogit, c7.miscmodels), five decimals, standard error of own .19040; and the model written down."""
    fit = fit_pooled(studies.game_platforms(shared_data))
    assert fit.log_likelihood == pytest.approx(-516.552, abs=1e-3)
    expected = {"own": 0.96337, "intercept:GameBoy": 1.57038, "intercept:GameCube": 1.40410, "intercept:PSPortable": 2.58356,
                "intercept:PlayStation": 2.27851, "intercept:Xbox": 2.73377, "hours:GameBoy": -0.23561}  # fmt: skip
    np.testing.assert_allclose(means(fit)[list(expected)], list(expected.values()), atol=6e-6)
    assert fit.population_frame().set_index("item")["se"]["own"] == pytest.approx(0.19040, abs=6e-6)
    table = pd.read_csv(shared_data / "rank_game_platforms" / "rankings_wide.csv")
    names = ["GameBoy", "GameCube", "PSPortable", "PlayStation", "Xbox", "PC"]
    rows = np.zeros((len(table), 6, 16))
    for a, name in enumerate(names):
        rows[:, a, 0] = table[f"own.{name}"]
        if name != "PC":
            rows[:, a, [1 + a, 6 + a, 11 + a]] = np.stack([np.ones(len(table)), table["hours"], table["age"] - 20], axis=1)
    order = np.argsort(table[[f"ch.{name}" for name in names]].to_numpy(), axis=1)
    theta, value = direct.maximum(direct.stages(rows, order), 16)
    assert fit.log_likelihood == pytest.approx(value, abs=1e-4)
    np.testing.assert_allclose(means(fit)[["own", "hours:Xbox", "age:Xbox"]], theta[[0, 10, 15]], atol=1e-4)


def test_incomplete_rankings_of_car_modules(shared_data: Path) -> None:
    """Modules without a rank stay in the set to the end."""
    ranks = pd.read_csv(shared_data / "rank_car_configurator" / "rankings_wide.csv").iloc[:, 1:7]
    order = np.where(np.sort(ranks, axis=1) > 0, np.argsort(ranks.fillna(99).to_numpy(), axis=1), -1)
    shown = np.broadcast_to(np.eye(6)[:, 1:], (len(ranks), 6, 5))
    theta, value = direct.maximum(direct.stages(shown, order), 5)
    fit = fit_pooled(studies.car_modules(shared_data))
    assert fit.log_likelihood == pytest.approx(value, abs=1e-5)
    np.testing.assert_allclose(means(fit), direct.centred(direct.beside_first(theta)), atol=1e-4)


def test_small_examples_of_choix() -> None:
    """Maximum likelihood; choix's own test of the rankings has values off by 2.7e-5."""
    pairs, rankings = (means(fit_pooled(choices)) for choices in (studies.choix_pairs(), studies.choix_rankings()))
    np.testing.assert_allclose(pairs, [0.419617624, -0.419617624, 0], atol=1e-7)
    np.testing.assert_allclose(rankings, [-0.44330849, 0.69506787, -0.67060957, 0.41885019], atol=1e-7)


# best-worst


@pytest.mark.parametrize(("name", "folder", "value"), [
    ("issues", "bws1_issues_white2021", -10314.825), ("fruit", "bws1_fruit_synthetic", -1524.484),
])  # fmt: skip
def test_rank_with_an_unordered_middle(shared_data: Path, name: str, folder: str, value: float) -> None:
    """Three decimals; coefficients of the likelihood written down."""
    sets, best, worst, labels = long_file(shared_data / folder / "responses_long.csv")
    theta, expected = direct.maximum(direct.unordered_middle(sets, best, worst), len(labels) - 1)
    assert expected == pytest.approx(value, abs=1e-3)
    fit = fit_pooled(load(shared_data, name), form="rank_unordered_middle")
    assert fit.form == "rank_unordered_middle"
    assert fit.log_likelihood == pytest.approx(value, abs=1e-3)
    np.testing.assert_allclose(means(fit)[labels], direct.centred(direct.beside_first(theta)), atol=1e-4)


def test_an_unordered_middle_of_one_is_a_ranking(shared_data: Path) -> None:
    """Drugs of which the last but one is left out: best and worst of three are a ranking of three."""
    ranked = studies.drug_choice(shared_data, "rank")
    three = np.where(ranked.place == 3, -128, np.where(ranked.place == 4, 3, ranked.place))
    ends = studies.drug_choice(shared_data, "best_worst")
    marks = np.where(ranked.place == 3, -128, ends.place)
    ranking = fit_pooled(with_places(ranked, three))
    fit = fit_pooled(with_places(ends, marks), form="rank_unordered_middle")
    assert fit.log_likelihood == pytest.approx(ranking.log_likelihood)
    np.testing.assert_allclose(means(fit), means(ranking), atol=1e-6)


def test_unordered_middles_of_one_to_seven(shared_data: Path) -> None:
    """Sets of 3 to 9: the likelihood written down has the same value at the estimate, and no slope there; LL -2719.8528."""
    choices = studies.sets_of_unequal_size(shared_data)
    fit = fit_pooled(choices, form="rank_unordered_middle")
    parts = []
    for t, shown in enumerate(choices.design.shown[0]):
        sets = np.tile(shown[shown >= 0], (choices.n_respondents, 1))
        place = choices.place[:, t, : sets.shape[1]]
        parts.append(direct.unordered_middle(sets, place.argmax(axis=1), place.argmin(axis=1)))
    utility = means(fit).to_numpy()
    theta, step = utility[1:] - utility[0], 1e-4 * np.eye(8)
    value = sum(part(theta) for part in parts)
    assert fit.log_likelihood == pytest.approx(value, abs=1e-6)
    assert value == pytest.approx(-2719.8528, abs=1e-3)
    slope = [sum(part(theta + e) - part(theta - e) for part in parts) / 2e-4 for e in step]
    np.testing.assert_allclose(slope, 0, atol=1e-3)


def with_places(choices: Choices, place: np.ndarray) -> Choices:
    return Choices(design=choices.design, respondents=choices.respondents, version=choices.version, place=place)


def long_file(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Sets (n, 4) as indices into the labels, and which of each is best and worst, straight from the file."""
    table = pd.read_csv(path)
    labels = sorted(set(table["item"]))
    sets = pd.Index(labels).get_indexer(table["item"]).reshape(-1, 4)
    choice = table["choice"].to_numpy().reshape(-1, 4)
    return sets, choice.argmax(axis=1), choice.argmin(axis=1), labels
