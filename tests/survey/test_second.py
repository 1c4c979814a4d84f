"""Simulated ties, grades, advantages of position, second questions and error scales follow the likelihoods that fits use."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.coded import make_coded, people_derivatives
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.errors import ChoicesError
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.answers import to_tasks

PAIR = Design(objects=Items.from_labels("ab"), shown=np.array([[[1, 0]]]), kind="pair")
GRADED = Design(objects=Items.from_labels("ab"), shown=np.array([[[1, 0]]]), kind="graded",
                grades=((0, "equal"), (1, "a little"), (3, "much")))  # fmt: skip
ANCHORED = np.vstack([np.eye(3), np.zeros(3)])
U = np.array([0.9, 0.2, -0.6, 0.0])


def dual(kind: str) -> Design:
    return Design(objects=Items.from_labels(["a", "b", "c", "anchor"]), shown=np.array([[[3, 0, 1, 2]]]), kind=kind,
                  coding=ANCHORED, parameter_block=("items",) * 3, dual=np.array([[True]]))  # fmt: skip


CASES = {
    "ties": (PAIR, {"form": {"pair": "davidson"}}, {"tie": 0.4}),
    "position": (PAIR, {"position": True}, {"position": 0.8}),
    "ties and position": (PAIR, {"form": {"pair": "davidson"}, "position": True}, {"tie": 0.4, "position": -0.7}),
    "grades": (GRADED, {}, {"grade 1": 0.5, "tie": -0.3}),
    "grades and position": (GRADED, {"position": True}, {"grade 1": 0.5, "tie": -0.3, "position": 0.6}),
    "best and worst, then an anchor": (dual("best_worst"), {}, {"scale of dual": 0.5}),
    "best, then take it or leave it": (dual("best"), {}, {"scale of dual": -0.4}),
    "ends of a ranking": (Design(objects=Items.from_labels("abcd"), shown=np.array([[[0, 1, 2, 3]]])),
                          {"form": "rank_unordered_middle"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_frequencies_are_probabilities(name: str) -> None:
    design, options, response = CASES[name]
    n, u = 20_000, U[: len(design.objects)]
    u = u - u.mean() if np.asarray(design.coding).any(axis=1).all() else u  # what the coding can say
    form = options.get("form", "sequential")
    choices = simulate_choices(np.tile(u, (n, 1)), design, form=form, response=response, seed=1)
    strength = np.zeros((n, 1)) if choices.strength is None else np.nan_to_num(choices.strength)
    events, first, counts = np.unique(np.column_stack([choices.place[:, 0], strength]), axis=0, return_index=True,
                                      return_counts=True)  # fmt: skip
    one_each = choices.take(first)
    coded = make_coded(to_tasks(one_each, **options), np.asarray(design.coding))
    theta = np.linalg.lstsq(np.asarray(design.coding), u, rcond=None)[0]
    rest = [response[s] for s in (*coded.names, *(f"scale of {s}" for s in coded.scales))]
    p = np.exp(people_derivatives(coded, np.append(theta, rest), curved=False)[0])
    assert p.sum() == pytest.approx(1, abs=0.01 if len(events) > 8 else 1e-9)  # all events came up, or all but rare ones
    # five binomial standard errors
    assert (np.abs(counts / n - p) < 5 * np.sqrt(p * (1 - p) / n)).all()


def test_a_block_has_its_own_error_scale() -> None:
    design = Design(objects=Items.from_labels("ab"), shown=np.array([[[0, 1], [0, 1]]]), kind="pair", block=("one", "two"))
    u = np.tile([0.6, -0.6], (20_000, 1))
    won = (simulate_choices(u, design, response={"scale of two": np.log(2)}, seed=2).place[:, :, 0] == 1).mean(axis=0)
    np.testing.assert_allclose(won, 1 / (1 + np.exp([-1.2, -2.4])), atol=0.02)


def test_unknown_parameters_are_named() -> None:
    with pytest.raises(ChoicesError, match="no parameter 'tie'\n  expected some of position, scale of MaxDiff"):
        simulate_choices(np.zeros((2, 2)), PAIR, response={"tie": 1.0})


def test_places_of_the_set_without_its_anchor() -> None:
    choices = simulate_choices(np.tile(U, (300, 1)), dual("best_worst"), seed=3)
    assert set(np.unique(choices.place[:, 0, 0])) == {-1, 0, 1}
    own = choices.own_place[:, 0]
    assert (own[:, 0] == -128).all()
    assert ((own == 1).sum(axis=1) == 1).all()
    assert ((own == -1).sum(axis=1) == 1).all()
    assert choices.complete.all()
