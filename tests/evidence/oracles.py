"""Independent readers of every format, by the csv module: what stands in the bytes, task by task.

Each answers ``{(respondent, task): {item id: 1, -1 or 0}}`` for the tasks that are answered, with all items of the set, and
None
for a task in which something does not make sense. They raise where the file as a whole makes none. In the latter case the
library
must refuse the file, in the former refuse it or name the task among those left out.
"""

from __future__ import annotations

import csv
import io
import re
import struct

BLANK = {"", "NA", "NaN", "nan"}


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


def sign_of(text):
    if text.strip() in BLANK:
        return 0
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value in (1, 0, -1) else None


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


def _long(content, design, items, names, item):
    head, rows = rows_of(content)
    at = [column(head, *n) for n in names]
    tasks = {}
    for row in rows:
        who, task, thing, choice = (row[i] for i in at)
        assert who != ""
        assert task != ""
        put(tasks, (who, task_named(task, design)), item(thing), sign_of(choice))
    return finish(tasks, design)


def sets_of(design):
    ids = design.objects.ids
    return [{task: {ids[j] for j in row if j >= 0} for task, row in zip(design.task_ids, version, strict=True)}
            for version in design.shown.tolist()]  # fmt: skip


RESPONDENT = ("respondent", "id", "resp", "respid", "respondentid", "responseid", "participant", "person", "subject")


def long(content, design, items):
    return _long(content, design, items, [RESPONDENT, ("task",), ("item", "itemid"), ("choice",)],
                 lambda t: item_named(t, items))  # fmt: skip


def bws_long(content, design, items):
    return _long(content, design, items, [("id",), ("block",), ("label",), ("value",)], lambda t: item_named(t, items))


def conjointly(content, design, items):
    return _long(content, design, items, [("participant",), ("qes",), ("a1",), ("choice",)],
                 lambda t: nth(items.ids, t))  # fmt: skip


def _wide(content, design, meaning, ids=True, by_place=False):
    head, rows = rows_of(content)
    who = 0 if by_place else column(head, *RESPONDENT) if ids else None
    version = 1 if by_place else column(head, "version")
    sides = {}
    for i, name in enumerate(head):
        m = re.fullmatch(r"(b|best|w|worst)[ _.\-]?(\d+)|()(?:task|set|q|t)?[ _.\-]?(\d+)[ "
                          r"_.\-]?(b|best|w|worst)", name.lower())
        if by_place and i >= 2:
            sides[design.task_ids[(i - 2) // 2], -1 if i % 2 else 1] = i
        elif m and not by_place:
            side = m[1] or m[5]
            key = task_named(m[2] or m[4], design), 1 if side[0] == "b" else -1
            assert key not in sides
            sides[key] = i
    assert {t for t, _ in sides} == set(design.task_ids)
    tasks, seen = {}, set()
    for n, row in enumerate(rows, start=1):
        person = row[who] if who is not None else str(n)
        assert person not in seen
        assert person != ""
        seen.add(person)
        shown = design.shown[design.version_ids.index(as_known(row[version], design.version_ids))]
        for t, task in enumerate(design.task_ids):
            ids_shown = [design.objects.ids[j] for j in shown[t] if j >= 0]
            tasks[person, task] = dict.fromkeys(ids_shown, 0)
            for sign in (1, -1):
                text = row[sides[task, sign]] if (task, sign) in sides else ""
                if text.strip() not in BLANK:
                    pick(tasks, (person, task), meaning(text, ids_shown), sign)
    return finish(tasks)


def wide(content, design, items):
    return _wide(content, design, lambda t, shown: item_named(t, items))


def support_bws(content, design, items):
    return _wide(content, design, lambda t, shown: nth(shown, t))


def displayr(content, design, items):
    return _wide(content, design, lambda t, shown: nth(shown, t), ids=False)


def sawtooth(content, design, items):
    return _wide(content, design, lambda t, shown: nth(items.ids, t), by_place=True)


def pypi_maxdiff(content, design, items):
    head, rows = rows_of(content)
    who, best, worst = column(head, "responseid"), column(head, "best", "most"), column(head, "worst", "least")
    shown = sorted((int(loose(h)[9:]), i) for i, h in enumerate(head) if re.fullmatch(r"attribute[1-9]\d*", loose(h)))
    count, tasks = {}, {}
    for row in rows:
        count[row[who]] = count.get(row[who], 0) + 1
        names = [row[i] for _, i in shown if row[i] != ""]
        key = row[who], str(count[row[who]])
        for name in names:
            put(tasks, key, item_named(name, items), 0)
        for at, sign in ((best, 1), (worst, -1)):
            if row[at].strip() not in BLANK or row[at] in names:
                pick(tasks, key, item_named(row[at], items) if row[at] in names else None, sign)
    return finish(tasks, design)


def qualtrics(content, design, items):
    head, rows = rows_of(content)
    who = column(head, "responseid", "respondent", "respondentid")
    texts, told, people = rows[0], rows[1], rows[2:]
    assert "ImportId" in told[0]
    assert len({r[who] for r in people}) == len(people)
    tasks = {}
    for at, name in enumerate(head):
        m = re.fullmatch(r"(.+)_DO|DO-Q-(.+)", name)
        if not m:
            continue
        tag = m[1] or m[2]
        columns = {int(h.removeprefix(tag + "_")): i for i, h in enumerate(head)
                   if re.fullmatch(re.escape(tag) + r"_[1-9]\d*", h)}  # fmt: skip
        if not columns:
            continue
        question = texts[at].removesuffix(" - Display Order")
        ids = {}
        for k, i in columns.items():
            label = texts[i].removeprefix(question + " - ")
            ids[k] = item_named(label, items) if label in items.labels + items.ids else items.ids[k - 1]
        task = tag[1:] if re.fullmatch(r"Q(0|[1-9]\d*)", tag) else tag
        for row in people:
            key = row[who], task_named(task, design)
            order = [number(k) for k in row[at].split("|")] if row[at].strip() else []
            for k in order:
                put(tasks, key, ids.get(k), {"": 0, "1": 1, "2": -1}.get(row[columns[k]].strip()) if k in columns else None)
            if not all(row[i].strip() == "" for k, i in columns.items() if k not in order):
                tasks[key] = None
    return finish(tasks, design)


def qualtrics_module(content, design, items):
    head, rows = rows_of(content)
    who = column(head, "responseid", "respondent", "respondentid")
    assert "ImportId" in rows[1][0]
    people, tasks = rows[2:], {}
    assert len({r[who] for r in people}) == len(people)
    for at, name in enumerate(head):
        m = re.fullmatch(r"(\d+)\.([1-9]\d*)_MAXDIFF", name)
        if m:
            other = head.index(f"C{m[1]}_{m[2]}")
            for row in people:
                word = row[other].strip().lower().split(" ")[0]
                sign = {"most": 1, "best": 1, "least": -1, "worst": -1, "": 0}.get(word)
                if row[at] != "" or sign != 0:
                    put(tasks, (row[who], task_named(m[1], design)), item_named(row[at], items), sign)
    return finish(tasks, design)


def cho(content, design, items):
    """Lines of the file, one after the other; a task for worst after its like for best belongs to it."""
    lines = [line.split() for line in text_of(content).splitlines() if line.strip()]
    tasks, at, people = {}, 0, set()
    while at < len(lines):
        who, extra, width, n, none = lines[at]
        assert none == "0"
        assert who not in people
        people.add(who)
        at += 1 + (int(extra) > 0)
        assert int(width) == len(items) - 1
        before, count = None, 0
        for _ in range(int(n)):
            size, one = lines[at]
            assert one == "1"
            levels = [[int(v) for v in row] for row in lines[at + 1 : at + 1 + int(size)]]
            chosen, _seconds = lines[at + 1 + int(size)]
            at += 2 + int(size)
            values = {v for row in levels for v in row}
            sign = -1 if -1 in values else 1
            assert values <= {0, sign}
            assert all(len(row) == int(width) and sum(map(abs, row)) <= 1 for row in levels)
            names = [items.ids[row.index(sign)] if sign in row else items.ids[-1] for row in levels]
            assert 0 <= int(chosen) <= len(names)
            again = sign < 0 and before == names
            before = names if sign > 0 else None
            count += not again
            if not again:
                for name in names:
                    put(tasks, (who, str(count)), name, 0)
            if int(chosen):
                pick(tasks, (who, str(count)), names[int(chosen) - 1], sign)
    return finish(tasks, design)


def spss(content, design, items):
    """An uncompressed .sav file, by its records, as a table of wide answers (PSPP developer's guide, System File Format)."""
    assert content[:4] == b"$FL2"
    compressed, _, cases, _ = struct.unpack("<iiii", content[72:88])
    at, variables, labels, names = 176, [], {}, {}
    encoding = "utf-8"
    while True:
        (kind,) = struct.unpack_from("<i", content, at)
        at += 4
        if kind == 2:
            size, has_label, missing, _, _ = struct.unpack_from("<iiiii", content, at)
            name = content[at + 20 : at + 28].split(b"\0")[0].decode("ascii", errors="replace").rstrip()
            at += 28
            if has_label:
                (length,) = struct.unpack_from("<i", content, at)
                at += 4 + (length + 3) // 4 * 4
            at += 8 * abs(missing)
            variables.append((name, size))
        elif kind == 3:
            (n,) = struct.unpack_from("<i", content, at)
            at += 4
            table = {}
            for _ in range(n):
                (value,), length = struct.unpack_from("<d", content, at), content[at + 8]
                table[value] = content[at + 9 : at + 9 + length].decode("utf-8", errors="replace").rstrip(" ")
                at += 8 + (length + 1 + 7) // 8 * 8
            _, n = struct.unpack_from("<ii", content, at)
            for index in struct.unpack_from(f"<{n}i", content, at + 8):
                labels[index - 1] = table
            at += 8 + 4 * n
        elif kind == 7:
            sub, size, n = struct.unpack_from("<iii", content, at)
            data = content[at + 12 : at + 12 + size * n]
            at += 12 + size * n
            if sub == 13:
                names = dict(p.split("=", 1) for p in data.decode("utf-8", errors="replace").split("\t") if "=" in p)
            elif sub == 20:
                encoding = data.decode("ascii")
        elif kind == 999:
            at += 4
            break
        else:
            raise ValueError(kind)
    assert compressed == 0
    rows, head = [], [names.get(n, n) for n, size in variables if size >= 0]
    while at + 8 * len(variables) <= len(content):
        row, i = [], 0
        while i < len(variables):
            size = variables[i][1]
            if size == 0:
                (value,) = struct.unpack_from("<d", content, at + 8 * i)
                missing = value == -1.7976931348623157e308
                row.append("" if missing else labels.get(i, {}).get(value, str(value)))
                i += 1
            else:
                wide_by = (size + 7) // 8
                row.append(content[at + 8 * i : at + 8 * i + size].decode(encoding).rstrip(" "))
                i += wide_by
        rows.append(row)
        at += 8 * len(variables)
    assert cases in (-1, len(rows))
    assert at == len(content)
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return wide(text.getvalue().encode(), design, items)


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
