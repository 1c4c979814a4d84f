"""Independent readers of designs, and of scores by respondent."""

from __future__ import annotations

import re

from tests.evidence.oracle_cells import BLANK, RESPONDENT, column, item_named, loose, nth, rows_of


def design_long(content, items):
    head, rows = rows_of(content)
    version, position = column(head, "version", needed=False), column(head, "position", needed=False)
    task = column(head, "task")
    item = column(head, "item", "itemid")
    tasks = {}
    for n, row in enumerate(rows):
        at = float(row[position]) if position is not None else n
        slots = tasks.setdefault((row[version] if version is not None else "1", row[task]), {})
        assert at not in slots
        slots[at] = item_named(row[item], items)
    return {k: [v[p] for p in sorted(v)] for k, v in tasks.items()}


def _design_by_number(content, items, delimiter):
    head, rows = rows_of(content, delimiter)
    version, task = column(head, "version", needed=False), column(head, "set", "task")
    slots = sorted((int(loose(h)[4:]), i) for i, h in enumerate(head) if re.fullmatch(r"item\d+", loose(h)))
    result = {}
    for row in rows:
        key = row[version] if version is not None else "1", row[task]
        assert key not in result
        cells = [row[i].strip() for _, i in slots]
        while cells and cells[-1] in {*BLANK, "0", "-1"}:
            cells.pop()
        result[key] = [nth(items.ids, text) for text in cells if text not in ("", "0")]
    return result


def design_sawtooth(content, items):
    return _design_by_number(content, items, ",")


def design_decipher(content, items):
    return _design_by_number(content, items, "\t")


def scores(content, items):
    head, rows = rows_of(content)
    who = column(head, "respondentid", *RESPONDENT)
    result = {}
    assert len({r[who] for r in rows}) == len(rows)
    for row in rows:
        values = {label: float(row[head.index(label)]) for label in items.labels}
        mean = sum(values.values()) / len(values)
        result |= {(row[who], label): v - mean for label, v in values.items()}
    return result
