"""The join of respondents: nobody is lost, and what does not match is said."""

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import RespondentsError
from cvmstats.survey.join import join_respondents
from cvmstats.survey.simulate import simulate_choices

DESIGN = Design(objects=Items.from_labels("ABC"), shown=[[[0, 1, 2]]])
ANSWERS = simulate_choices(np.zeros((5, 3)), DESIGN, Respondents.from_ids(["R-01", "R-02", "R-03", "R-04", "x"]))


def table(**columns):
    return pd.DataFrame({"id": ["R-03", "R-01", "R-02", "r-4 ", "y"], **columns})


def test_everybody_stays_in_order_with_what_is_known_of_them():
    given = table(account=["a", "b", "", "d", "e"], role=["buyer", "user", "user", "", ""], years=[3, 1, 2, 4, 5],
                  process=["tender"] * 5)  # fmt: skip
    joined = join_respondents(ANSWERS, given)
    people = joined.choices.respondents.to_frame()
    assert people["id"].tolist() == list(ANSWERS.respondents.ids)
    assert people["account"].tolist() == ["b", "", "a", "", ""]
    assert people["years"].tolist()[:3] == [1, 2, 3]
    assert people["years"].isna().tolist() == [False, False, False, True, True]
    assert np.array_equal(joined.choices.place, ANSWERS.place)
    found = joined.findings.to_frame().set_index("check")
    assert found["what"].to_dict() == {
        "unknown": "2 of 5 people who answered are not in the table of respondents",
        "silent": "2 of 5 people in the table did not answer",
        "similar": "1 of these ids differ by blanks, capitals or leading zeros only",
        "no account": "1 of 5 people who answered have no account in the table",
    }
    assert found["examples"]["unknown"] == "'R-04', 'x'"
    assert found["examples"]["similar"] == "'R-04' and 'r-4 '"
    assert found["count"].tolist() == [2, 2, 1, 1]
    assert joined.findings.respondents("unknown") == ("R-04", "x")
    assert joined.findings.respondents("silent") == ()
    assert joined.choices.without(joined.findings, "unknown").n_respondents == 3
    assert "Respondents  5 of 2 accounts in 2 roles" in repr(joined)


def test_a_second_table_adds_and_fills():
    once = join_respondents(ANSWERS, table(account=["a", "b", "", "d", "e"])).choices
    twice = join_respondents(once, table(account=["a", "", "c", "", ""], score=[1.5, 2, 3, 4, 5])).choices
    people = twice.respondents.to_frame()
    assert people["account"].tolist() == ["b", "c", "a", "", ""]
    assert people["score"].tolist()[:3] == [2, 3, 1.5]
    with pytest.raises(RespondentsError, match="1 people have another 'account' in the table than what is known already\n"
                                               "  for example 'R-03: a and z'\n  leave the column out"):  # fmt: skip
        join_respondents(once, table(account=["z", "b", "", "", ""]))


def test_weights_are_for_all_or_nobody():
    every = pd.DataFrame({"id": ANSWERS.respondents.ids, "weight": [1, 2, 1, 1, 3]})
    weighted = join_respondents(ANSWERS, every, weight_kind="sampling").choices.respondents
    assert weighted.weight_kind == "sampling"
    assert weighted.weight.tolist() == [1, 2, 1, 1, 3]
    with pytest.raises(RespondentsError, match="2 of 5 people who answered have no weight, the others have\n"
                                               "  for example 'R-04', 'x'\n  expected a weight for each"):  # fmt: skip
        join_respondents(ANSWERS, every.iloc[:3], weight_kind="sampling")
    once = join_respondents(ANSWERS, every, weight_kind="sampling").choices
    with pytest.raises(RespondentsError, match="of different kinds"):
        join_respondents(once, every, weight_kind="frequency")


def test_other_ids_and_options_are_refused():
    with pytest.raises(RespondentsError, match="none of 5 people who answered is in the table of 2 respondents\n"
                                               "  for example 'R-01', 'R-02', 'R-03' and 2 more answered, '1', '2' are in the "
                                               "table\n  expected the same ids"):  # fmt: skip
        join_respondents(ANSWERS, pd.DataFrame({"id": ["1", "2"]}))
    with pytest.raises(RespondentsError, match="beside Respondents\n  give them with a file"):
        join_respondents(ANSWERS, ANSWERS.respondents, weight_kind="sampling")
