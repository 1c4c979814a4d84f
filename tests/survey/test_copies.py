"""Copies and forged positions: who is of one mind is no copy, and positions are those of the screen."""

from dataclasses import replace

import numpy as np
import pytest

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.survey.quality import check_choices
from cvmstats.survey.simulate import simulate_choices


@pytest.mark.parametrize(("n", "shown", "kind", "means"), [
    (20, [[0, 1], [0, 2], [1, 2]], "pair", [5, 0, -5]), (100, [[0, 1, 2, 3]], "best_worst", [6, 2, -2, -6]),
    (300, [[0, 1], [0, 2], [1, 2]], "pair", [5, 0, -5]),
])  # fmt: skip
def test_people_of_one_mind_are_no_copies(n, shown, kind, means):
    design = Design(objects=Items.from_labels("ABCD"[: len(means)]), shown=np.array([shown]), kind=kind)
    people = np.array(means) + np.random.default_rng(0).normal(0, 0.3, (n, len(means)))
    found = check_choices(simulate_choices(people, design, seed=n))
    (line,) = found.to_frame().query("check == 'duplicate'").to_dict("records")
    assert line["severity"] == "note"
    assert found.respondents("duplicate") == ()


def test_a_file_read_twice_is_found_where_everybody_has_a_version():
    rng = np.random.default_rng(1)
    shown = np.array([[rng.permutation(12)[:4] for _ in range(12)] for _ in range(30)])
    design = Design(objects=Items.from_labels([f"i{k}" for k in range(12)]), shown=shown)
    once = simulate_choices(rng.normal(0, 1.5, (30, 12)), design, version=np.arange(30), seed=2)
    twice = np.tile(np.arange(30), 2)
    people = Respondents.from_ids(f"r{i}" for i in range(60))
    both = Choices(design=design, respondents=people, version=once.version[twice], place=once.place[twice])
    assert check_choices(both).respondents("duplicate") == people.ids[30:]


def test_positions_are_those_of_the_screen():
    rng = np.random.default_rng(0)
    n, n_tasks = 40, 12
    shown = np.array([[rng.permutation(12)[:4] for _ in range(n_tasks)] for _ in range(n)])
    design = Design(objects=Items.from_labels([f"i{k}" for k in range(12)]), shown=shown)
    choices = simulate_choices(rng.normal(0, 1.5, (n, 12)), design, version=np.arange(n), seed=1)
    order = np.array([[rng.permutation(4) for _ in range(n_tasks)] for _ in range(n)])
    displayed = np.take_along_axis(shown, order, axis=2).astype(np.int32)
    on_screen = np.take_along_axis(choices.place, order, axis=2)
    forged = choices.place.copy()
    for r in (1, 2, 3):
        np.put_along_axis(forged[r], order[r], on_screen[0], axis=1)
    found = check_choices(replace(choices, place=forged, displayed=displayed))
    assert found.respondents("pattern") == ("2", "3", "4")
    slots = choices.place.copy()
    slots[1:4] = slots[0]
    assert check_choices(replace(choices, place=slots)).respondents("pattern") == ("2", "3", "4")
    assert "pattern" not in check_choices(replace(choices, place=slots, displayed=displayed)).checks
    same_sets = replace(choices, version=np.zeros(n, int), place=forged)  # the screens differ where the sets do not
    displayed = np.take_along_axis(np.broadcast_to(shown[0], shown.shape), order, axis=2).astype(np.int32)
    assert check_choices(replace(same_sets, displayed=displayed)).respondents("pattern") == ("2", "3", "4")
