"""Pooled fits against the reference fits of the real studies (scipy BFGS, in each study's folder)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats._numerics.logit import pooled_derivatives
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, ConvergenceWarning
from cvmstats.survey import read_choices
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.pooled import fit_pooled

STUDIES = {
    "bws1_issues_white2021": -10284.8283, "bws1_mfa_synthetic_varsets": -2690.4744,
    "bws1_fruit_synthetic": -1520.3701, "bws1_rice_aizaki": -1309.7077,
}  # fmt: skip


def small(**options: object) -> Choices:
    """Three people, one task of three items."""
    design = Design(objects=Items.from_labels(["a", "b", "c"]), shown=np.array([[[0, 1, 2]]]))
    place = np.array([[[1, 0, -1]], [[0, 1, -1]], [[-1, 0, 1]]])
    given = {"design": design, "respondents": Respondents.from_ids(["1", "2", "3"]), "version": np.zeros(3, int),
             "place": place, **options}  # fmt: skip
    return Choices(**given)  # type: ignore[arg-type]


def weighted(weight: list[float], kind: str) -> Choices:
    table = pd.DataFrame({"id": ["1", "2", "3"], "weight": weight})
    return small(respondents=Respondents(table=table, weight_kind=kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("study", STUDIES)
def test_real_studies(shared_data: Path, study: str) -> None:
    """Log-likelihoods have four decimals in the READMEs; BFGS stopped within 1e-4 of the coefficients."""
    choices = read_choices(shared_data / study / "responses_long.csv")
    fit = fit_pooled(choices)
    assert fit.log_likelihood == pytest.approx(STUDIES[study], abs=1e-3)
    expected = pd.read_csv(shared_data / study / "reference_computed.csv").set_index("item")["coef_seq"]
    got = fit.population_frame().set_index("item")["mean"]
    np.testing.assert_allclose(got[expected.index], expected, atol=1e-4)
    np.testing.assert_allclose(fit.reported()[0], got, atol=1e-12)


@pytest.mark.parametrize(("study", "form", "value"), [
    ("bws1_issues_white2021", "maxdiff", -10281.62), ("bws1_issues_white2021", "marginal", -11280.72),
    ("bws1_fruit_synthetic", "maxdiff", -1516.106), ("bws1_fruit_synthetic", "marginal", -1652.007),
])  # fmt: skip
def test_other_forms_on_real_studies(shared_data: Path, study: str, form: str, value: float) -> None:
    """Published to two or three decimals; the coefficients as above."""
    choices = read_choices(shared_data / study / "responses_long.csv")
    fit = fit_pooled(choices, form=form)
    assert fit.log_likelihood == pytest.approx(value, abs=6e-3)
    assert fit.form == form
    column = {"maxdiff": "coef_pair", "marginal": "coef_indep"}[form]
    expected = pd.read_csv(shared_data / study / "reference_computed.csv").set_index("item")[column]
    np.testing.assert_allclose(fit.population_frame().set_index("item")["mean"][expected.index], expected, atol=1e-4)


def test_marginal_at_the_event_of_two_different_picks_is_joint(shared_data: Path) -> None:
    """The joint log-likelihood at the marginal estimate is -10340.731 (issues)."""
    choices = read_choices(shared_data / "bws1_issues_white2021" / "responses_long.csv")
    fit = fit_pooled(choices, form="marginal")
    utilities = np.asarray(choices.design.coding) @ fit.mean[0]
    value, _, _ = pooled_derivatives(to_tasks(choices, form="maxdiff"), utilities, np.ones(choices.n_respondents))
    assert value == pytest.approx(-10340.731, abs=1e-3)


def test_pairs_are_the_published_bradley_terry_model(shared_data: Path) -> None:
    """Baseball 1987 without home advantage (Agresti 2002, p. 438): differences from Baltimore, four decimals."""
    games = pd.read_csv(shared_data / "pc_baseball1987" / "games.csv")
    teams = sorted(set(games["home.team"]))
    rows = [[teams.index(h), teams.index(a), int(won)] for h, a, w, lost in games.itertuples(index=False)
            for won in [1] * w + [0] * lost]  # fmt: skip
    played = np.array(rows)
    design = Design(objects=Items.from_labels(teams), shown=played[:, None, :2], kind="pair")
    place = np.stack([played[:, 2], 1 - played[:, 2]], axis=1)[:, None, :]
    fit = fit_pooled(Choices(design=design, respondents=Respondents.from_ids(str(i) for i in range(len(rows))),
                             version=np.arange(len(rows)), place=place))  # fmt: skip
    assert fit.form == "bradley_terry"
    mean = fit.population_frame().set_index("item")["mean"]
    expected = {"Boston": 1.1077, "Cleveland": 0.6839, "Detroit": 1.4364, "Milwaukee": 1.5814, "New York": 1.2476,
                "Toronto": 1.2945}  # fmt: skip
    for team, value in expected.items():
        assert mean[team] - mean["Baltimore"] == pytest.approx(value, abs=6e-5)


def test_rankings_and_pairs_of_choix() -> None:
    """Maximum likelihood of the small examples in choix's tests (methods of Maystre); rankings 012, 320, 13."""
    def fitted(shown: list[list[int]], place: list[list[int]], kind: str, n: int) -> np.ndarray:
        design = Design(objects=Items.from_labels("abcd"[:n]), shown=np.array(shown)[:, None, :], kind=kind)
        people = Respondents.from_ids(str(i) for i in range(len(shown)))
        choices = Choices(design=design, respondents=people, version=np.arange(len(shown)), place=np.array(place)[:, None, :])
        return fit_pooled(choices).population_frame()["mean"].to_numpy()

    ranked = fitted([[0, 1, 2], [3, 2, 0], [1, 3, -1]], [[1, 2, 3], [1, 2, 3], [1, 2, -128]], "rank", 4)
    np.testing.assert_allclose(ranked, [-0.44330849, 0.69506787, -0.67060957, 0.41885019], atol=3e-5)
    pairs = fitted([[0, 1], [0, 1], [1, 2], [2, 0]], [[1, 0]] * 4, "pair", 3)
    np.testing.assert_allclose(pairs, [0.419617624, -0.419617624, 0], atol=1e-7)


def test_standard_errors_of_the_marginal_form_are_robust() -> None:
    """Its information is 2 / k per set; as best and worst never agree, standard errors follow 2 (k - 1) / k^2 (k = 3)."""
    from cvmstats.design import design_best_worst
    from cvmstats.survey.simulate import simulate_choices

    design = design_best_worst(list("abcdefg"), items_per_task=3, n_tasks=7)
    choices = simulate_choices(np.zeros((2000, 7)), design, seed=1)
    se = fit_pooled(choices, form="marginal").population_frame()["se"]
    least = (7 - 1) ** 2 / (7 * 2000 * 7 * (3 - 1) * 2 * (3 - 1) / 9)
    np.testing.assert_allclose(se, np.sqrt(least), rtol=0.08)  # a variance from 2,000 people: 3% each, largest of 7


def test_standard_errors_are_those_of_the_numerical_hessian(shared_data: Path) -> None:
    choices = read_choices(shared_data / "bws1_rice_aizaki" / "responses_long.csv")
    fit = fit_pooled(choices)
    assert fit.population is not None
    tasks, coding = to_tasks(choices), np.asarray(choices.design.coding)
    ones, theta = np.ones(choices.n_respondents), fit.population.mean

    def value(x: np.ndarray) -> float:
        return pooled_derivatives(tasks, coding @ x, ones)[0]

    k, h = len(theta), 1e-3
    steps = h * np.eye(k)
    hessian = np.array([
        [(value(theta + a + b) - value(theta + a - b) - value(theta - a + b) + value(theta - a - b)) / (4 * h * h)
         for b in steps] for a in steps
    ])  # fmt: skip
    cov = coding @ np.linalg.inv(-hessian) @ coding.T
    np.testing.assert_allclose(fit.population_frame()["se"], np.sqrt(np.diag(cov)), rtol=1e-4)


def test_frequency_weights_are_that_many_people() -> None:
    design, place = small().design, small().place[[0, 0, 1, 2, 2, 2]]
    repeated = fit_pooled(Choices(design=design, respondents=Respondents.from_ids(list("abcdef")),
                                  version=np.zeros(6, int), place=place))  # fmt: skip
    fit = fit_pooled(weighted([2, 1, 3], "frequency"))
    assert fit.log_likelihood == pytest.approx(repeated.log_likelihood)
    pd.testing.assert_frame_equal(fit.population_frame(), repeated.population_frame())


def test_sampling_weights_have_no_unit_and_count_as_kish_says() -> None:
    one, ten = fit_pooled(weighted([2, 1, 3], "sampling")), fit_pooled(weighted([20, 10, 30], "sampling"))
    pd.testing.assert_frame_equal(one.population_frame(), ten.population_frame())
    plain = fit_pooled(weighted([2, 1, 3], "frequency"))
    np.testing.assert_allclose(one.population_frame()["mean"], plain.population_frame()["mean"], atol=1e-6)
    kish = 6**2 / (4 + 1 + 9)
    np.testing.assert_allclose(one.population_frame()["se"] ** 2 * kish, plain.population_frame()["se"] ** 2 * 6, rtol=1e-5)


def test_separated_answers_warn() -> None:
    choices = small(place=np.tile([1, 0, -1], (3, 1, 1)))
    with pytest.warns(ConvergenceWarning, match="run away.*fit_hierarchical"):
        fit_pooled(choices)


def test_holdout_blocks_do_not_count() -> None:
    design = small().design
    shown = np.array([[[0, 1, 2], [2, 1, 0]]])
    two = replace(design, shown=shown, kind="best_worst", dual=None, block=("MaxDiff", "holdout"), task_ids=None)
    place = np.concatenate([small().place, small().place], axis=1)
    with_holdout = Choices(design=two, respondents=small().respondents, version=np.zeros(3, int), place=place)
    pd.testing.assert_frame_equal(fit_pooled(with_holdout).population_frame(), fit_pooled(small()).population_frame())


def test_messages() -> None:
    with pytest.raises(ChoicesError, match="unknown form 'joint' of best-worst.*\n.*sequential, maxdiff, marginal"):
        fit_pooled(small(), form="joint")
    with pytest.raises(ChoicesError, match="unknown kind of task 'triple'"):
        fit_pooled(small(), form={"triple": "logit"})
    tied = small(design=Design(objects=Items.from_labels("abc"), shown=np.array([[[0, 1, 2]]]), kind="rank"),
                 place=np.array([[[1, 1, 2]]] * 3))  # fmt: skip
    with pytest.raises(ChoicesError, match="3 rankings with ties"):
        fit_pooled(tied)
    with pytest.raises(ChoicesError, match="no task has an answer"):
        fit_pooled(small(place=np.zeros((3, 1, 3), int)))
    wider = Design(objects=Items.from_labels(["a", "b", "c", "never"]), shown=np.array([[[0, 1, 2]]]))
    with pytest.raises(ChoicesError, match="1 items stand in no answered task\n.*'never'"):
        fit_pooled(small(design=wider))
    graded = Design(objects=Items.from_labels(["a", "b", "c"]), shown=np.array([[[0, 1, 2]]]), kind="graded")
    with pytest.raises(ChoicesError, match="graded answers without strength"):
        fit_pooled(small(design=graded))


def test_frequency_weights_are_copies_with_covariates_too() -> None:
    rng = np.random.default_rng(2)
    design = Design(objects=Items.from_labels("abcd"), shown=np.array([[[0, 1, 2], [1, 2, 3], [0, 2, 3], [0, 1, 3]]]))
    place = np.zeros((30, 4, 3), int)
    for r, t in np.ndindex(30, 4):
        best, worst = rng.permutation(3)[:2]
        place[r, t, best], place[r, t, worst] = 1, -1
    table = pd.DataFrame({"id": [str(i) for i in range(30)], "x": rng.normal(size=30), "weight": rng.integers(1, 4, 30)})
    row = np.repeat(np.arange(30), table["weight"])
    copies = table.drop(columns="weight").iloc[row].assign(id=[str(i) for i in range(len(row))])

    def fit(rows: np.ndarray, known: Respondents) -> pd.DataFrame:
        answers = Choices(design=design, respondents=known, version=np.zeros(len(rows), int), place=place[rows])
        found = fit_pooled(answers, covariates=("x",))
        return pd.concat([found.population_frame(), found.effects_frame()])

    weighted = fit(np.arange(30), Respondents(table=table, weight_kind="frequency"))
    pd.testing.assert_frame_equal(weighted, fit(row, Respondents(table=copies)), rtol=1e-7)
