"""What the independent readers of ``oracles.py`` and ``oracle_designs.py`` have in common: cells, and tasks put together."""

from __future__ import annotations

import csv
import io
import re

BLANK = {"", "NA", "NaN", "nan"}
RESPONDENT = ("respondent", "id", "resp", "respid", "respondentid", "responseid", "participant", "person", "subject")


def text_of(content):
    """UTF-8, or UTF-16 where the first bytes are its mark."""
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


def rows_of(content, delimiter=","):
    """Heading and rows; empty lines are none."""
    text = text_of(content)
    rows = [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if r]
    assert all(len(r) == len(rows[0]) for r in rows), "ragged"
    head = [h.strip() for h in rows[0]]
    assert len(set(head)) == len(head), "a name twice"
    return head, rows[1:]


def loose(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def column(head, *names, needed=True):
    hits = [i for i, h in enumerate(head) if loose(h) in names]
    if not hits and not needed:
        return None
    (hit,) = hits
    return hit


def number(text):
    """A whole number, or None: 3, 3.0, with blanks around it."""
    m = re.fullmatch(r"\s*\+?(\d{1,9})(?:\.0*)?\s*", text)
    return int(m[1]) if m else None


def item_named(text, items):
    """An id, or else a label."""
    table = {**dict(zip(items.labels, items.ids, strict=True)), **{i: i for i in items.ids}}
    return table.get(text)


def nth(things, text):
    """The thing of this number from 1, None where there is none."""
    n = number(text)
    return things[n - 1] if n is not None and 1 <= n <= len(things) else None


def task_named(text, design):
    return text if design is None else as_known(text, design.task_ids)


def as_known(text, names):
    """The name itself, or else the one that is the same number."""
    hit = [t for t in names if number(t) is not None and number(t) == number(text)]
    return hit[0] if hit and text not in names else text


def sign_of(text, most=1):
    """What a choice says: a whole number up to ``most`` either way, 0 where nothing stands; None where it makes no sense."""
    if text.strip() in BLANK:
        return 0
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if abs(value) <= most and value % 1 == 0 else None


def put(tasks, key, name, sign):
    """One item of a set, and what was said of it; the task is None from then on where that makes no sense."""
    said = tasks.setdefault(key, {})
    if said is None or name is None or sign is None or name in said:
        tasks[key] = None
    else:
        said[name] = sign


def pick(tasks, key, name, sign):
    """What was picked of a set that is known already."""
    said = tasks[key]
    if said is None or said.get(name) != 0:
        tasks[key] = None
    else:
        said[name] = sign


def finish(tasks, design=None):
    """Answered tasks; None where there are two bests or worsts, one item only, or a set that the design does not have there."""
    result = {}
    for (who, task), said in tasks.items():
        if said is not None:
            signs = list(said.values())
            known = design is None or any(version.get(task) == set(said) for version in sets_of(design))
            if len(said) < 2 or signs.count(1) > 1 or signs.count(-1) > 1 or not known:
                said = None
        if said is None or any(said.values()):
            result[who, task] = said
    return result


def sets_of(design):
    ids = design.objects.ids
    return [{task: {ids[j] for j in row if j >= 0} for task, row in zip(design.task_ids, version, strict=True)}
            for version in design.shown.tolist()]  # fmt: skip
