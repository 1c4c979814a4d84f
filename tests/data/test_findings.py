"""Findings: columns, copies, what a person sees."""

from __future__ import annotations

import pandas as pd
import pytest

from cvmstats.data.findings import Findings
from cvmstats.errors import InputError

ROW = {"severity": "error", "what": "<b>twice</b>", "count": 2, "examples": "'1', '2'", "remedy": "leave one out", "more": 1}


def test_what_a_person_sees() -> None:
    found = Findings(table=pd.DataFrame([ROW]), source="<file>.csv")
    assert len(found) == 1
    assert list(found.to_frame()) == ["severity", "what", "count", "examples", "remedy"]
    assert repr(found) == "Findings  1 in <file>.csv\n  error: <b>twice</b> ('1', '2')"
    html = found._repr_html_()
    assert "<b>twice" not in html
    assert "&lt;file&gt;" in html


def test_nothing_found_and_copies() -> None:
    assert repr(Findings(table=pd.DataFrame())) == "Findings  0 in the data"
    found = Findings(table=pd.DataFrame([ROW]))
    copy = found.to_frame()
    copy.columns = [f"other {i}" for i in range(copy.shape[1])]
    assert found.table.loc[0, "what"] == "<b>twice</b>"


def test_whom_the_checks_concern() -> None:
    people = pd.DataFrame({"check": ["fast", "few", "fast"], "respondent": list("aab"), "detail": list("xyz"), "more": 1})
    table = pd.DataFrame([{**ROW, "check": "fast"}, {**ROW, "check": "few", "severity": "note"}])
    found = Findings(table=table, people=people)
    assert list(found.to_frame()) == ["check", "severity", "what", "count", "examples", "remedy"]
    assert found.checks == ("fast", "few")
    assert found.has_errors
    assert not Findings(table=table[1:]).has_errors
    assert found.respondents() == ("a", "b")
    assert found.respondents("few") == ("a",)
    assert found.respondents(["fast", "few"]) == ("a", "b")
    assert list(found.people_frame()) == ["check", "respondent", "detail"]
    assert Findings(table=table).respondents() == ()
    assert Findings(table=table).people_frame().empty
    with pytest.raises(InputError, match="1 checks found nothing here\n  for example 'random'\n  expected some of fast, few"):
        found.respondents("random")
