"""Screens: known truth is found, honest people and real studies are left alone, each message says what it should."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import load, save
from cvmstats.errors import ChoicesError, InputError
from cvmstats.survey import read_choices, suspicion, write_choices
from cvmstats.survey.group import agreement, fit_group, fit_tasks, pool_tasks, score
from cvmstats.survey.picks import as_answers, random_answers, stages_of
from cvmstats.survey.quality import check_choices
from cvmstats.survey.screens import _tail, circles, identical_answers
from cvmstats.survey.simulate import simulate_choices
from cvmstats.survey.styles import ResponseStyles
from cvmstats.survey.suspicion import ends, mirror
from tests.evidence import quality as evidence
from tests.evidence.form_cases import CASES

ITEMS = Items.from_labels("ABCDEFG")
FANO = [[(j + s) % 7 for j in (0, 1, 3)] for s in range(7)]
UTILITIES = np.random.default_rng(0).normal([3, 2, 1, 0, -1, -2, -3], 0.5, (80, 7))
DESIGN = Design(objects=ITEMS, shown=np.array([FANO * 2]))


def answers(styles=None, seed=1, design=DESIGN, **changes):
    return replace(simulate_choices(UTILITIES, design, seed=seed, styles=styles), **changes)


def row(found, check):
    (line,) = found.to_frame().query("check == @check").to_dict("records")
    return line


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_hidden_in_a_survey_is_found(seed):
    """A slice of tests/evidence/quality.py, with the limits that the whole of it is held to."""
    figures = evidence.judge(evidence.survey(seed, 1.5, 1.0)[0])
    assert figures["straight"] >= 0.98
    assert figures["copies"] >= 0.98
    assert figures["random"] >= 0.9
    assert figures["most"] <= 0.03
    assert figures["any"] <= 0.05
    assert figures["file"] == 0


def test_real_studies(shared_data):
    issues = read_choices(shared_data / "bws1_issues_white2021" / "responses_long.csv")
    found = check_choices(issues)
    assert "duplicate" not in found.checks  # 350 distinct patterns
    assert set(found.to_frame()["severity"]) == {"note"}
    assert "swapped" not in found.checks  # z = -1.3: if anything the people of this study choose the worst first
    twice = np.concatenate([np.arange(350), [3, 4]])
    people = Respondents.from_ids([*issues.respondents.ids, "x", "y"])
    copied = Choices(design=issues.design, respondents=people, version=issues.version[twice], place=issues.place[twice])
    assert check_choices(copied).respondents("duplicate") == ("x", "y")
    # 90 people, 7 sets: 88 distinct patterns, and people who think alike may well coincide in so few
    rice = check_choices(read_choices(shared_data / "bws1_rice_aizaki" / "responses_long.csv"))
    assert row(rice, "duplicate")["severity"] == "note"
    assert rice.respondents("duplicate") == ()
    assert "swapped" not in rice.checks
    # 44 people, 5 sets: the fits of both readings nearly agree
    six = read_choices(shared_data / "format_qualtrics_maxdiff" / "sixfeatures_qualtrics_maxdiff_module.csv")
    assert "swapped" not in check_choices(six).checks


def test_copies_name_whom_they_copy_and_without_remembers():
    choices = answers(ResponseStyles(copies=0.1))
    found = check_choices(choices)
    line = row(found, "duplicate")
    assert line["severity"] == "error"
    assert "respondents gave the very answers of somebody before them" in line["what"]
    going = found.respondents("duplicate")
    rest = choices.without(found, "duplicate")
    assert rest.n_respondents == 80 - len(going)
    assert rest.left_out == tuple((who, "duplicate") for who in choices.respondents.ids if who in going)
    assert repr(rest).endswith(f"{len(going)} people left out")
    details = found.people_frame().query("check == 'duplicate'").set_index("respondent")["detail"]
    assert details.str.startswith("as ").all()
    assert set(details) <= {f"as {v}" for v in rest.respondents.ids}


def test_without_takes_all_or_some_and_refuses_what_is_not_here(tmp_path):
    choices = answers(ResponseStyles(copies=0.1, straight=0.1), seed=2)
    found = check_choices(choices)
    every = choices.without(found)
    assert set(every.respondents.ids) == set(choices.respondents.ids) - set(found.respondents())
    assert {why for _, why in every.left_out} >= {"duplicate", "straight, random"}
    assert every.without(found).left_out == every.left_out  # twice is once
    save(every, tmp_path / "answers.cvm")
    assert load(tmp_path / "answers.cvm").left_out == every.left_out
    save(found, tmp_path / "found.cvm")
    assert load(tmp_path / "found.cvm").respondents("straight") == found.respondents("straight")
    with pytest.raises(InputError, match="1 checks found nothing here\n  for example 'fast'\n  expected some of duplicate"):
        choices.without(found, ["fast"])
    others = replace(choices, respondents=Respondents.from_ids([f"x{i}" for i in range(80)]))
    with pytest.raises(ChoicesError, match="people in the findings are not among those who answered\n.*\n.*of these answers"):
        others.without(found)
    few = choices.take([choices.respondents.ids.index(v) for v in found.respondents("straight")])
    with pytest.raises(ChoicesError, match="all 8 respondents: nobody would be left\n  name the checks to act on"):
        few.without(found, "straight")


def test_straight_lines_say_where():
    found = check_choices(answers(ResponseStyles(straight=0.05), seed=4))
    assert row(found, "straight")["what"] == "4 of 80 respondents took the same position too often to be a preference"
    detail = found.people_frame().query("check == 'straight'")["detail"]
    assert detail.str.fullmatch(r"(best|worst) in position [123] in 14 of 14 tasks").all()


def test_a_preference_for_what_always_stands_in_one_place_is_no_straight_line():
    shown = np.array([[[0, 1, 2], [0, 3, 4], [0, 5, 6]] * 6])
    fixed = Design(objects=ITEMS, shown=shown)
    found = check_choices(answers(design=fixed))  # A is best of all and always first
    assert "straight" not in found.checks


@pytest.mark.parametrize("kind", ["best", "worst", "rank", "pair"])
def test_every_kind_of_task_is_screened(kind):
    shown = np.array([[[i, j] for i in range(7) for j in range(i)]]) if kind == "pair" else DESIGN.shown
    rng = np.random.default_rng(3)
    shown = rng.permuted(np.tile(shown, (1, 1 if kind == "pair" else 2, 1)), axis=2)
    styles = ResponseStyles(random=0.1, straight=0.05, copies=0.05)
    choices = answers(styles, design=Design(objects=ITEMS, shown=shown, kind=kind))
    found, style = check_choices(choices), choices.respondents.to_frame().set_index("id")["style"]
    assert set(style.index[style == "straight"]) <= set(found.respondents("straight"))
    # 8 people; the chance that 3 of them or more pass is 0.006
    assert len(set(style.index[style == "random"]) & set(found.respondents("random"))) >= 6
    assert row(found, "duplicate")["count"] >= 4  # whether chance would give so many depends on the kind
    assert (row(found, "duplicate")["severity"] == "error") == (kind != "pair")  # 21 pairs of items so far apart: 11 coincide
    honest = set(style.index[style == "honest"])
    assert len(honest & set(found.respondents("random"))) <= 4
    if kind == "pair":
        circular = set(found.respondents("circular"))
        assert circular <= set(style.index[style != "honest"])
        assert len(circular) >= 2  # of 8 people half lie above a quarter of their 35 triads
        assert row(found, "circular")["what"].endswith("are no more transitive in their pairs than chance")
        assert found.people_frame().query("check == 'circular'")["detail"].str.fullmatch(r"\d+ of 35 triads circular").all()


def test_positions_of_somebody_with_other_sets():
    other = np.array([FANO * 2, [s[::-1] for s in FANO[::-1]] * 2])
    choices = answers(design=Design(objects=ITEMS, shown=other))
    place = np.array(choices.place)
    place[5] = place[2]
    place[5, 0] = place[2, 0]
    choices = replace(choices, place=place)
    assert choices.version[5] != choices.version[2]
    found = check_choices(choices)
    assert found.respondents("pattern") == ("6",)
    assert row(found, "pattern")["what"] == "1 of 80 respondents gave the sequence of positions of somebody who saw other sets"


def test_speed_gaps_and_nothing_at_all():
    seconds = np.random.default_rng(1).lognormal(2, 0.3, (80, 14))
    seconds[7] *= 0.2
    place = np.array(answers().place)
    place[3, 3:] = 0
    place[4] = 0
    found = check_choices(answers(place=place, seconds=seconds))
    assert found.respondents("fast") == ("8",)
    assert row(found, "fast")["what"] == "1 of 80 respondents took less than a third of the usual time"
    assert found.people_frame().query("check == 'fast'")["detail"].str.contains("of the usual time, 1.5 seconds").all()
    assert found.respondents("few") == ("4",)
    assert row(found, "few")["what"] == "1 of 80 respondents completed less than half of their tasks"
    assert found.people_frame().query("check == 'few'")["detail"].tolist() == ["3 of 14 tasks complete"]
    assert found.respondents("unanswered") == ("5",)
    assert row(found, "unanswered")["what"] == "1 of 80 respondents answered nothing at all"
    assert "fast" not in check_choices(answers(place=place)).checks


def mirrored(place):
    return np.where(np.abs(place.astype(int)) == 1, -place, place)


def test_best_and_worst_swapped_is_suspected():
    right = answers()
    assert "swapped" not in check_choices(right).checks
    assert "swapped" not in check_choices(right, known=["A", "D", "G"]).checks
    whole = answers(place=mirrored(right.place))
    line = row(check_choices(whole, known=["A", "C", "D", "G"]), "swapped")
    assert line["severity"] == "error"
    assert "utilities fall where known= rises" in line["what"]
    one = np.array(right.place)
    one[:, 4] = mirrored(one[:, 4])
    line = row(check_choices(answers(place=one)), "swapped")
    assert line["what"].startswith("best and worst look swapped in 1 of 14 tasks")
    assert line["examples"] == "task '5'"
    some = np.array(right.place)
    some[10:14] = mirrored(some[10:14])
    found = check_choices(answers(place=some))
    assert found.respondents("reversed") == ("11", "12", "13", "14")
    assert row(found, "reversed")["what"] == "4 of 80 respondents answer the opposite of what the group does"
    with pytest.raises(ChoicesError, match="1 of 2 items in known= are not in the design\n  for example 'Z'\n  expected ids"):
        check_choices(right, known={"A": 1, "Z": 0})


def test_a_whole_file_swapped_is_suspected_by_itself_where_people_choose_the_best_first():
    """People who differ, some of them answering by chance: their own utilities tell what a pooled fit does not (z = -.9)."""
    right = evidence.survey(6, 1.0, 1.0)[0]
    assert "swapped" not in check_choices(right).checks
    line = row(check_choices(evidence.swap(right)), "swapped")
    assert line["severity"] == "note"
    assert re.fullmatch(r"best and worst may be swapped: answers fit better with them exchanged, by \d\.\d standard errors; or "
                        "people chose the worst first", line["what"])  # fmt: skip
    group = fit_group(right)
    names = [f"'item {j + 1}'" for j in np.argsort(group.coding @ group.theta)]
    # as the exchanged file is read, the least preferred come out on top
    assert line["examples"].startswith("as it is read, most preferred 'item ")
    most, least = line["examples"].split(", least ")
    assert set(most.removeprefix("as it is read, most preferred ").split(", ")) <= set(names[:5])
    assert set(least.split(", ")) <= set(names[-5:])
    assert line["remedy"] == (
        "look at these names: where they are the wrong way round, exchange the columns of best and worst, or say which code "
        "is best (best_code=); known= makes sure"
    )


def test_ends_are_named_in_order():
    group = fit_group(answers())
    assert ends(group, answers()) == (["A", "B", "C"], ["G", "F", "E"])
    few = Design(objects=Items.from_labels("AB"), shown=np.array([[[0, 1]] * 6]))
    two = simulate_choices(np.tile([2.0, 0], (30, 1)), few, seed=1)
    assert ends(fit_group(two), two) == (["A"], ["B"])


def test_the_mirror_image_has_the_opposite_sign_and_needs_both_ends(monkeypatch):
    choices = evidence.survey(6, 1.0, 1.0)[0].take(np.arange(200))
    z = mirror(choices, np.asarray(choices.place))
    swapped = evidence.swap(choices)
    assert z > 0.3
    assert mirror(swapped, np.asarray(swapped.place)) == pytest.approx(-z, abs=1e-6)
    only = np.maximum(choices.place, 0).astype(np.int8)
    assert mirror(replace(choices, place=only), only) == 0
    monkeypatch.setattr(suspicion, "_PEOPLE", 100)
    half = choices.take(np.linspace(0, 199, 100).astype(int))
    assert mirror(choices, np.asarray(choices.place)) == pytest.approx(mirror(half, np.asarray(half.place)))


def test_fits_that_nearly_agree_are_no_evidence():
    gap = np.full(44, -0.08) + np.linspace(-0.01, 0.01, 44)
    assert suspicion._standard(gap) < -50
    assert suspicion._standard(gap, suspicion.LEAST) == pytest.approx(-44 * 0.08 / 2)


def test_a_file_of_chance_is_no_survey_of_anything():
    line = row(check_choices(answers(ResponseStyles(random=1.0))), "chance")
    assert line["severity"] == "error"
    assert line["what"].startswith("all 2,240 picks together do not differ from chance")
    # people who differ so much that the group has no utilities are no chance: each one says the same again
    apart = simulate_choices(np.random.default_rng(1).normal(0, 3, (80, 7)), DESIGN, seed=1)
    assert "chance" not in check_choices(apart).checks


def test_numbers_read_as_positions():
    """Every set shows all items, in another order: both readings fit every pick, and one of them means something."""
    rng = np.random.default_rng(2)
    design = Design(objects=ITEMS, shown=np.array([[rng.permutation(7) for _ in range(14)]]), kind="best")
    right = simulate_choices(UTILITIES, design, seed=1)
    assert "reading" not in check_choices(right).checks
    picked = np.take_along_axis(design.shown[[0] * 80], right.place.argmax(axis=2)[:, :, None], axis=2)
    numbers = (np.arange(7) == picked).astype(np.int8)  # the item's number, taken for a position
    line = row(check_choices(replace(right, place=numbers)), "reading")
    assert line["what"].startswith("it looks as if item numbers were read as positions: that fits better by")
    at = right.place.argmax(axis=2)[:, :, None]
    positions = (design.shown[[0] * 80] == at).astype(np.int8)  # the position, taken for an item's number
    line = row(check_choices(replace(right, place=positions)), "reading")
    assert line["what"].startswith("it looks as if positions were read as item numbers: that fits better by")


def test_what_was_seen_is_not_what_the_design_shows():
    displayed = np.array(DESIGN.shown[[0] * 80])
    displayed[2, 1, 0] = 0 if displayed[2, 1, 0] != 0 and 0 not in displayed[2, 1] else 6
    line = row(check_choices(answers(displayed=displayed)), "displayed")
    assert line["what"] == "1 tasks were seen with other items than the design shows"
    assert line["examples"] == "respondent '3 task 2'"


def test_a_file_is_read_and_what_cannot_be_used_is_reported(tmp_path):
    table = pd.read_csv(write_choices(answers(), tmp_path / "a.csv"), dtype=str)
    first = (table["respondent"] == "1") & (table["task"] == "1")
    table.loc[first, "choice"] = "1"
    found = check_choices(table, design=DESIGN)
    assert found.respondents("invalid") == ("1",)
    line = row(found, "invalid")
    assert line["severity"] == "error"
    assert line["count"] == 1
    assert "1 of 1,120 tasks" in line["what"]
    with pytest.raises(ChoicesError, match="options of reading beside Choices: 'design'\n  give them with a file"):
        check_choices(answers(), design=DESIGN)
    with pytest.raises(ChoicesError, match="options that there are not: 'desing'\n  expected some of known, .*design"):
        check_choices(table, desing=DESIGN)
    with pytest.raises(ChoicesError, match="1 of 1 values in known= are no numbers\n  for example 'A: x'"):
        check_choices(answers(), known={"A": "x"})  # type: ignore[dict-item]


def test_same_seed_same_findings_and_order_of_people_does_not_matter():
    choices = answers(ResponseStyles(random=0.1, straight=0.05, copies=0.05, missing=0.1))
    found = check_choices(choices, seed=3)
    pd.testing.assert_frame_equal(found.to_frame(), check_choices(choices, seed=3).to_frame())
    turned = check_choices(choices.take(np.arange(80)[::-1]), seed=3)
    for check in ("straight", "few"):
        assert set(turned.respondents(check) if check in turned.checks else ()) == set(
            found.respondents(check) if check in found.checks else ()
        )


def test_leaving_one_out_by_a_newton_step_is_the_fit_without_them():
    choices = simulate_choices(UTILITIES * 0.5, DESIGN, seed=1)
    group = fit_group(choices)
    for i in (0, 40):
        rest = choices.take(np.delete(np.arange(80), i))
        theta, _, _ = fit_tasks(pool_tasks(rest, np.asarray(rest.place)), group.coding)
        # one step of 80 people's fit: its error is of the order of the square of one person's part
        assert np.abs(group.without[i] - theta).max() < 0.1 * np.abs(group.theta - theta).max() + 0.003


@pytest.mark.parametrize("kind", ["best_worst", "rank", "best"])
def test_chance_people_are_chance(kind):
    choices = answers(ResponseStyles(missing=0.1), design=Design(objects=ITEMS, shown=DESIGN.shown, kind=kind))
    every, group = as_answers(choices), fit_group(choices)
    null = random_answers(every.take(slice(0, 1)), 4000, np.random.default_rng(1))
    for mine, theirs in zip(stages_of(every.take(slice(0, 1))), stages_of(null), strict=False):
        assert (theirs.pick.any(axis=2) == mine.pick.any(axis=2)).all()
    share = stages_of(null)[0].pick.mean(axis=0)
    size = stages_of(null)[0].mask.sum(axis=2)[0][:, None]
    expected = np.where(stages_of(null)[0].mask[0], 1 / np.maximum(size, 1), 0)
    assert np.abs(share - expected).max() < 4.5 * 0.5 / np.sqrt(4000)
    theta = np.tile(group.theta, (4000, 1))
    z = agreement(group, null, theta)
    assert abs(z.mean()) < 4 / np.sqrt(4000)
    assert abs(z.std() - 1) < 0.06
    assert score(group, null, theta).mean() < 0  # on average chance is predicted worse than by chance


def test_the_tail_of_a_sum_of_unlike_trials():
    p = np.array([[0.5, 0.2, 0.1]])
    exact = 1 - 0.5 * 0.8 * 0.9
    assert _tail(p, np.array([1]))[0] == pytest.approx(exact)
    assert _tail(p, np.array([3]))[0] == pytest.approx(0.01)
    assert _tail(p, np.array([0]))[0] == pytest.approx(1)


@pytest.mark.parametrize(("kind", "scale"), [("best_worst", 0.5), ("best_worst", 1), ("best", 1), ("best", 2)])
def test_coincidences_of_honest_people_are_no_copies(kind, scale):
    """Seven sets only: many people agree in all of them, and as many pairs are expected, within a factor of 3."""
    design = Design(objects=ITEMS, shown=DESIGN.shown[:, :7], kind=kind)
    utilities = np.random.default_rng(0).normal([3, 2, 1, 0, -1, -2, -3], 0.5, (200, 7)) * scale
    choices = simulate_choices(utilities, design, seed=2)
    copies = identical_answers(choices, as_answers(choices), fit_group(choices), np.array([], int))
    assert copies.pairs > 0
    assert copies.pairs / 3 < copies.expected < 3 * copies.pairs + 3
    assert row(check_choices(choices), "duplicate")["severity"] == "note"


def test_counts_are_not_taken_for_people() -> None:
    """Each distinct answer stands once, so that all of them together look like chance."""
    merged, _ = replace(CASES["pairs, frequency weights"], people=80).simulate(np.random.default_rng(1), 0.7)
    counted, _ = replace(CASES["counted pairs"], people=80).simulate(np.random.default_rng(1), 0.7)
    for choices in (merged, counted):
        found = check_choices(choices)
        assert found.checks == ("aggregated",)
        assert not found.has_errors
    assert row(check_choices(counted), "aggregated")["what"].startswith("1,600 answers stand for 2,400: copies, straight lines")
    alone = replace(counted, count=np.ones(counted.place.shape[:2]))
    assert "aggregated" not in check_choices(alone).checks


def test_a_pair_asked_twice_is_no_circle() -> None:
    """Five items in one order; each pair twice, once the other way round in every second pair."""
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    design = Design(objects=Items.from_labels("abcdef"), shown=np.array([[*pairs, *pairs, *pairs]]), kind="pair")
    first = np.array([1] * 30 + [0, 1] * 7 + [0])
    choices = Choices(design=design, respondents=Respondents.from_ids(["x"]), version=np.zeros(1, int),
                      place=np.stack([first, 1 - first], axis=1)[None])  # fmt: skip
    assert not len(circles(choices).rows)
    assert not len(circles(replace(choices, count=np.arange(45.0)[None, ::-1] + 1)).rows)
