"""The table of formats: ``uv run python tests/evidence/format_table.py`` writes docs/reference/formats.md."""

from __future__ import annotations

from pathlib import Path

from cvmstats.survey.formats import FORMATS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md"
_DESIGNS = {"file": "yes", "answers": "with the answers", "": "no"}


def page() -> str:
    """The page, from the registry."""
    lines = [
        "# Formats",
        "",
        "Written by `uv run python tests/evidence/format_table.py` from the registry, `survey/formats`; a test holds "
        "them together.",
        "",
        "| format | what | design in | design out | questionnaire out | answers in | answers out | files | remark |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for form in FORMATS.values():
        # .sav answers are read by the readers of long and wide tables
        read = form.tidy is not None or form.name == "spss"
        cells = [f"`{form.name}`", form.what, _DESIGNS[form.designs], "yes" if form.write_design else "no",
                 "no", "yes" if read else "no", "yes" if form.write else "no",
                 " ".join(form.endings), form.remark]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "| scores | Sawtooth: `Respondent ID, RLH, <items>` | no | no | no | `read_utilities` | no | .csv .parquet .pq "
        ".sav | logits |",
        "| questionnaire | a version for print | no | no | `write_questionnaire` | no | no | .html .md | in any language "
        "that the items have |",
        "",
        "Answers in and out. Kinds: which tasks; the rest of a line: what can stand in the file. What is not there is "
        "refused by name",
        "when writing (of seconds and of the order seen a warning tells that they are not written).",
        "",
        "| format | layout | kinds | people | versions | tasks | items | ties | objects without an answer | order seen | "
        "second questions | numbers of a task |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    people = {"any": "any text", "numbers": "whole numbers", "order": "1, 2, ..., no column"}
    tasks = {"any": "any text", "numbers": "whole numbers", "order": "1, 2, ..., all asked"}
    for form in FORMATS.values():
        if form.write is None:
            continue
        c = form.carries
        flags = ["yes" if f else "no" for f in (c.ties, c.left_out, c.displayed, c.second)]
        things = "labels" if c.labels else "ids or numbers"
        lines.append("| " + " | ".join([f"`{form.name}`", form.layout, ", ".join(c.kinds), people[c.ids],
                                        "a column" if c.versions else "by their sets", tasks[c.tasks], things,
                                        *flags, ", ".join(c.amounts) or "none"]) + " |")  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
