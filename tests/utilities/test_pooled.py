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
    with pytest.raises(ChoicesError, match="unknown form 'joint'.*\n.*sequential"):
        fit_pooled(small(), form="joint")
    with pytest.raises(ChoicesError, match="no task has an answer"):
        fit_pooled(small(place=np.zeros((3, 1, 3), int)))
    wider = Design(objects=Items.from_labels(["a", "b", "c", "never"]), shown=np.array([[[0, 1, 2]]]))
    with pytest.raises(ChoicesError, match="1 items stand in no answered task\n.*'never'"):
        fit_pooled(small(design=wider))
    ranks = Design(objects=Items.from_labels(["a", "b", "c"]), shown=np.array([[[0, 1, 2]]]), kind="rank")
    with pytest.raises(ChoicesError, match="no likelihood for tasks of kind rank\n.*best_worst"):
        fit_pooled(small(design=ranks))
