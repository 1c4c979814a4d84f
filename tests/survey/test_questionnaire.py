"""Printed questionnaires: what is shown is printed, in its order and language, and no text becomes mark-up."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.design import combine_designs, design_best_worst, design_conjoint
from cvmstats.errors import DesignError
from cvmstats.survey.questionnaire import write_questionnaire
from cvmstats.survey.wordings import ENGLISH

NASTY = '<script>alert("1")</script> & a|b *c* {{ 7 * 7 }} "q" `d`'
ITEMS = Items(table=pd.DataFrame({
    "id": list("abcd"), "text": ["On time", "Price", NASTY, "Advice"], "text_de": ["Pünktlich", "Preis", "Güte", "Rat"],
}))  # fmt: skip
DESIGN = Design(objects=ITEMS, shown=np.array([[[0, 1, 2], [3, 2, 1]], [[2, 3, 0], [0, 3, -1]]]), version_ids=("I", "II"))
PARTS = Attributes(table=pd.DataFrame({
    "attribute": ["price", "price", "brand", "brand"], "level": ["10", "20", "A", "B"], "text_de": ["10 €", "20 €", "A", "B"],
    "attribute_de": ["Preis", "Preis", "Marke", "Marke"],
}))  # fmt: skip


class Table(HTMLParser):
    """Tags, and the texts of cells, of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self.open = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open = tag in ("td", "th")
        if self.open:
            self.cells.append("")

    def handle_endtag(self, tag):
        self.open = False if tag in ("td", "th") else self.open

    def handle_data(self, data):
        if self.open:
            self.cells[-1] += data


def written(design, tmp_path, name="q.html", **options):
    return write_questionnaire(design, tmp_path / name, **options).read_text(encoding="utf-8")


def test_three_columns_as_in_figure_8a(tmp_path):
    text = written(DESIGN, tmp_path, version="I")
    page = Table(text)
    head = ["Value least", "Element", "Value most"]
    first = [cell for item in ("On time", "Price", NASTY) for cell in ("☐", item, "☐")]
    second = [cell for item in ("Advice", NASTY, "Price") for cell in ("☐", item, "☐")]
    assert page.cells == head + first + head + second
    assert "Question 2 of 2" in text
    assert text.count("Mark the ONE that you value most and the ONE that you value least.") == 2
    assert "Version I<" in text
    assert ("html", {"lang": "en"}) in page.tags


def test_no_text_becomes_mark_up(tmp_path):
    design = replace(DESIGN, version_ids=("<b>I</b>", "II"))
    text = written(design, tmp_path, title=NASTY)
    tags = [tag for tag, _ in Table(text).tags]
    assert "script" not in tags
    assert "b" not in tags
    assert "49" not in text
    assert "{{ 7 * 7 }}" in text
    markdown = written(design, tmp_path, "q.md", title=NASTY)
    assert "<" not in markdown
    rows = [line for line in markdown.splitlines() if "alert" in line and line.startswith("|")]
    assert len(rows) == 3
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 4 for line in rows)  # the bar in the text is no column
    assert all(r"a\|b \*c\*" in line and r"\`d\`" in line for line in rows)


def test_versions_and_short_tasks(tmp_path):
    every = written(DESIGN, tmp_path)
    assert every.count('class="version"') == 2
    one = written(DESIGN, tmp_path, version=["II"])
    assert one.count('class="version"') == 1
    assert Table(one).cells.count("☐") == 2 * (3 + 2)
    with pytest.raises(DesignError, match="1 of 2 versions are not in the design\n  for example 'III'\n  expected some of 'I'"):
        written(DESIGN, tmp_path, version=["I", "III"])
    with pytest.raises(DesignError, match="version= is empty\n  expected some of 'I'"):
        written(DESIGN, tmp_path, version=[])
    numbered = Design(objects=ITEMS, shown=DESIGN.shown)
    assert written(numbered, tmp_path, version=2).count('class="version"') == 1


GERMAN = {
    "title": "Fragebogen", "version": "Fassung {version}", "respondent": "Name", "task": "Frage {number} von {total}",
    "best_worst": "Das Wichtigste und das Unwichtigste.", "most": "am wichtigsten", "least": "am unwichtigsten",
    "element": "Was",
}  # fmt: skip


def test_another_language(tmp_path):
    text = written(DESIGN, tmp_path, version="I", language="de", texts={"de": GERMAN})
    assert Table(text).cells[:6] == ["am unwichtigsten", "Was", "am wichtigsten", "☐", "Pünktlich", "☐"]
    assert 'lang="de"' in text
    assert "Frage 1 von 2" in text
    assert not any(word in text for word in ("Question", "Version", "value"))
    message = ("1 of 8 texts that this questionnaire needs are missing in 'de'\n  for example 'least'\n"
               "  give them: texts={'de': {'least': '...'}}; in English it is 'Value least'")  # fmt: skip
    with pytest.raises(DesignError, match=message):
        written(DESIGN, tmp_path, language="de", texts={"de": {k: v for k, v in GERMAN.items() if k != "least"}})
    with pytest.raises(DesignError, match="texts of 'de' have 1 unknown names\n  for example 'lest'\n  expected some of"):
        written(DESIGN, tmp_path, language="de", texts={"de": {**GERMAN, "lest": "x"}})
    with pytest.raises(DesignError, match="the items have no column 'text_fr'\n  its columns are 'id', .*\n  add it"):
        written(DESIGN, tmp_path, language="fr", texts={"fr": GERMAN})
    gap = Items(table=ITEMS.to_frame().assign(text_de=["x", None, "", "y"]))
    with pytest.raises(DesignError, match="2 of 4 items have no text in the column 'text_de'\n  for example 'b', 'c'\n"):
        written(replace(DESIGN, objects=gap), tmp_path, language="de", texts={"de": GERMAN})


def test_english_texts_may_be_changed_one_by_one(tmp_path):
    text = written(DESIGN, tmp_path, version="I", texts={"en": {"most": "Best of all {x}"}})
    assert Table(text).cells[:3] == ["Value least", "Element", "Best of all {x}"]


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("best", ["Element", "Value most", "Price", "☐", "Advice", "☐"]),
        ("worst", ["Value least", "Element", "☐", "Price", "☐", "Advice"]),
        ("pair", ["Price", "Advice", "☐", "☐"]),
        ("rank", ["Rank", "Element", "____", "Price", "____", "Advice"]),
    ],
)
def test_other_kinds(tmp_path, kind, cells):
    text = written(Design(objects=ITEMS, shown=np.array([[[1, 3]]]), kind=kind), tmp_path)
    assert Table(text).cells == cells
    assert ENGLISH[kind].replace("{count}", "2") in text
    markdown = written(Design(objects=ITEMS, shown=np.array([[[1, 3]]]), kind=kind), tmp_path, "q.md")
    table = [line for line in markdown.splitlines() if line.startswith("|") and "---" not in line and ":-:" not in line]
    assert [c.strip() for line in table for c in line.strip("|").split("|") if c.strip()] == cells


@pytest.mark.parametrize(
    ("kind", "marks"),
    [("best", ["I choose"]), ("pair", ["I choose"]), ("rank", ["Rank"]), ("best_worst", ["I choose", "I reject"])],
)
def test_profiles_stand_in_columns(tmp_path, kind, marks):
    offers = Profiles(attributes=PARTS, levels=[[0, 1], [-1, -1], [1, 0]], none_label="neither")
    text = written(Design(objects=offers, shown=np.array([[[0, 2, 1]]]), kind=kind), tmp_path)
    mark = "____" if kind == "rank" else "☐"
    assert Table(text).cells == ["", "Offer 1", "Offer 2", "neither", "price", "10", "20", "", "brand", "B", "A", "",
                                 *(c for m in marks for c in (m, mark, mark, mark))]  # fmt: skip


def test_profiles_in_another_language(tmp_path):
    offers = Profiles(attributes=PARTS, levels=[[0, 1], [1, 0]])
    words = {n: n for n in ("title", "version", "respondent", "task", "best", "offer", "choose")}
    design = Design(objects=offers, shown=np.array([[[0, 1]]]), kind="best")
    text = written(design, tmp_path, language="de", texts={"de": words})
    assert Table(text).cells[3:6] == ["Preis", "10 €", "20 €"]
    with pytest.raises(DesignError, match="the levels have no column 'text_fr'"):
        written(design, tmp_path, language="fr", texts={"fr": words})


def test_second_questions_about_anchors_and_none(tmp_path):
    text = written(design_best_worst(ITEMS, items_per_task=3, anchor="dual", anchor_label="worth having", seed=1), tmp_path)
    assert "How many of these are worth having?" in text
    assert all(word in text for word in ("All of them", "Some of them", "None of them"))
    assert "worth having" not in Table(text).cells
    text = written(design_conjoint(PARTS, alternatives=2, n_tasks=4, none="dual", seed=1), tmp_path)
    assert "Would you really choose it, or rather: none?" in text
    assert "Rather none" in text
    assert "none" not in Table(text).cells


def test_blocks_of_a_mixed_study_are_numbered_through(tmp_path):
    mixed = combine_designs({"a": design_best_worst(ITEMS, items_per_task=3, n_tasks=2, n_versions=1, seed=1),
                             "b": Design(objects=ITEMS, shown=np.array([[[0, 1], [2, 3]]]), kind="pair")})  # fmt: skip
    text = written(mixed, tmp_path)
    assert [f"Question {i} of 4" in text for i in range(1, 6)] == [True] * 4 + [False]


def test_what_cannot_be_printed_is_said(tmp_path):
    with pytest.raises(DesignError, match="q.docx ends in '.docx'\n  expected .html or .md"):
        written(DESIGN, tmp_path, "q.docx")
    with pytest.raises(DesignError, match="graded pairs cannot be printed yet\n  expected best_worst"):
        written(Design(objects=ITEMS, shown=np.array([[[0, 1]]]), kind="graded"), tmp_path)
    assert list(tmp_path.iterdir()) == []
