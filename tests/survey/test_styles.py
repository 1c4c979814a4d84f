"""Response styles: who answers how is on record, and each style does what it says."""

import hashlib

import numpy as np
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError
from cvmstats.survey.simulate import simulate_choices
from cvmstats.survey.styles import ResponseStyles

ITEMS = Items.from_labels(["a", "b", "c", "d"])
SHOWN = np.array([[[0, 1, 2, 3], [0, 1, 2, -1]], [[3, 2, 1, 0], [1, 2, 3, -1]]])
KINDS = ("best_worst", "best", "worst", "rank", "pair")


def design(kind, n_tasks=2):
    shown = np.where(np.arange(4) < 2, SHOWN, -1) if kind == "pair" else SHOWN
    return Design(objects=ITEMS, shown=np.tile(shown, (1, n_tasks // 2, 1)), kind=kind)


@pytest.mark.parametrize(
    ("kind", "digest"),
    [("best_worst", "2a1134bdb718"), ("best", "10ecef05598d"), ("worst", "05c6ec0178b5"), ("rank", "8fbcafe80dee"),
     ("pair", "5058833f2179")],
)  # fmt: skip
def test_without_styles_answers_are_those_of_before_there_were_styles(kind, digest):
    utilities = np.random.default_rng(5).normal(size=(50, 4))
    plain = simulate_choices(utilities, design(kind), seed=11)
    assert hashlib.sha256(plain.place.tobytes()).hexdigest()[:12] == digest
    assert np.array_equal(simulate_choices(utilities, design(kind), seed=11, styles=ResponseStyles()).place, plain.place)


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_what_is_on_record_and_honest_people_are_untouched(kind):
    utilities = np.random.default_rng(5).normal(size=(200, 4))
    styles = ResponseStyles(random=0.1, straight=0.05, copies=0.15)
    plan = design(kind, 20)
    choices = simulate_choices(utilities, plan, seed=3, styles=styles)
    again = simulate_choices(utilities, plan, seed=3, styles=styles)
    assert np.array_equal(choices.place, again.place)
    table = choices.respondents.to_frame()
    assert table["style"].value_counts().to_dict() == {"honest": 140, "copy": 30, "random": 20, "straight": 10}
    honest = (table["style"] == "honest").to_numpy()
    assert np.array_equal(choices.place[honest], simulate_choices(utilities, plan, seed=3).place[honest])
    row = {v: i for i, v in enumerate(table["id"])}
    for i in np.flatnonzero(table["style"] == "copy"):
        source = row[table["copy_of"][i]]
        assert honest[source]
        assert np.array_equal(choices.place[i], choices.place[source])
        assert choices.version[i] == choices.version[source]
    assert (table["copy_of"] != "").sum() == 30
    for i in np.flatnonzero(table["style"] == "straight"):  # tasks of the same length are answered alike
        assert all(len(np.unique(choices.place[i, t::2], axis=0)) == 1 for t in (0, 1))


def test_random_people_pick_every_position_equally_often():
    choices = simulate_choices(np.tile([5.0, 0, 0, -5], (4000, 1)), design("best_worst"), seed=1,
                               styles=ResponseStyles(random=1.0))  # fmt: skip
    best = (choices.place[:, 0] == 1).mean(axis=0)
    assert np.abs(best - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / 4000)  # four standard errors


def test_a_position_effect_is_a_logit_effect():
    n = 20_000
    choices = simulate_choices(np.zeros((n, 4)), design("best"), seed=1, styles=ResponseStyles(position=(1.0,)))
    first = (choices.place[:, 0, 0] == 1).mean()
    assert abs(first - np.e / (np.e + 3)) < 4 * 0.5 / np.sqrt(n)


def test_fatigue_halves_utilities_at_the_end():
    n = 20_000
    choices = simulate_choices(np.tile([2.0, 0, 0, 0], (n, 1)), design("best"), version=np.zeros(n, int), seed=1,
                               styles=ResponseStyles(fatigue=1.0))  # fmt: skip
    hits = (choices.place[:, :, 0] == 1).mean(axis=0)
    expected = [np.exp(2) / (np.exp(2) + 3), np.e / (np.e + 2)]
    assert np.abs(hits - expected).max() < 4 * 0.5 / np.sqrt(n)


@pytest.mark.parametrize("kind", KINDS)
def test_picks_are_left_out_one_by_one(kind):
    n = 5000
    choices = simulate_choices(np.zeros((n, 4)), design(kind), seed=1, styles=ResponseStyles(missing=0.2))
    error = 4 * 0.4 / np.sqrt(2 * n)
    if kind == "best_worst":
        for sign in (1, -1):
            assert abs((choices.place == sign).any(axis=2).mean() - 0.8) < error
        assert abs(choices.complete.mean() - 0.64) < 4 * 0.48 / np.sqrt(2 * n)
    else:
        assert abs(choices.answered.mean() - 0.8) < error


@pytest.mark.parametrize(
    ("styles", "message"),
    [
        ({"random": -0.1, "missing": 1.5}, "2 shares of response styles are not between 0 and 1\n  for example 'random=-0.1', "
                                           "'missing=1.5'"),
        ({"random": 0.6, "copies": 0.6}, "random, straight and copies add to 1.2 of all people\n  expected 1 at most"),
        ({"fatigue": -1}, "fatigue=-1\n  expected 0 or more"),
        ({"position": (np.nan,)}, "position=.*\n  expected log-odds, all of them finite"),
        ({"position": np.zeros(5)}, "position has 5 entries, and tasks show 4 objects at most\n  expected one for each"),
        ({"random": 0.5, "copies": 0.5}, "2 people copy others, and nobody is left who answers honestly"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(styles, message):
    with pytest.raises(ChoicesError, match=message):
        simulate_choices(np.zeros((4, 4)), design("best"), styles=ResponseStyles(**styles))


def test_columns_of_the_truth_are_not_written_over():
    people = Respondents(table=Respondents.from_ids("abcd").to_frame().assign(style="x"))
    with pytest.raises(ChoicesError, match="have a column 'style' already.*\n  rename it"):
        simulate_choices(np.zeros((4, 4)), design("best"), people, styles=ResponseStyles())
