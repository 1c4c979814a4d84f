"""Independent readers of every format, by the csv module: what stands in the bytes, task by task.

Each answers ``{(respondent, task): {item id: 1, -1 or 0}}`` for the tasks that are answered, with all items of the set, and
None for a task in which something does not make sense. They raise where the file as a whole makes none. In the latter case the
library must refuse the file, in the former refuse it or name the task among those left out.
"""

from __future__ import annotations

import csv
import io
import re
import struct

from tests.evidence.oracle_cells import (
    BLANK,
    RESPONDENT,
    as_known,
    column,
    finish,
    item_named,
    loose,
    nth,
    number,
    pick,
    put,
    rows_of,
    sets_of,
    sign_of,
    task_named,
    text_of,
)


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


def long(content, design, items):
    return _long(content, design, items, [RESPONDENT, ("task",), ("item", "itemid"), ("choice",)],
                 lambda t: item_named(t, items))  # fmt: skip


def long_of_kinds(content, design, items):
    """Tasks 1, 2, 3: a ranking, best and worst, a pair with a grade of 1 or 2 that may be a tie; strength and seconds."""
    head, rows = rows_of(content)
    at = [column(head, *n) for n in (RESPONDENT, ("task",), ("item", "itemid"), ("choice",))]
    more = {name: column(head, name, needed=False) for name in ("strength", "seconds")}
    tasks, numbers = {}, {}
    for row in rows:
        who, task, thing, choice = (row[i] for i in at)
        assert who != ""
        assert task != ""
        key = who, task_named(task, design)
        put(tasks, key, item_named(thing, items), sign_of(choice, 100 if key[1] == "1" else 1))
        for name, i in more.items():
            if i is not None and row[i].strip() not in BLANK:
                value = float(row[i])
                assert 0 <= value < float("inf")
                numbers.setdefault((*key, name), set()).add(value)
    result = {}
    for key, said in tasks.items():
        if said is None or not any(version.get(key[1]) == set(said) for version in sets_of(design)):
            result[key] = None
            continue
        own = {name: numbers.get((*key, name), set()) for name in more}
        signs = sorted(said.values())
        first, ranks = signs.count(1), [s for s in signs if s != 0]
        fits = {"1": ranks == list(range(1, len(ranks) + 1)), "2": first <= 1 and signs.count(-1) <= 1,
                "3": -1 not in signs and (first != 1 or own["strength"] in ({1.0}, {2.0}))}  # fmt: skip
        if not fits[key[1]] or any(len(values) > 1 for values in own.values()):
            result[key] = None
        elif any(signs):
            result[key] = said | {name: min(values) for name, values in own.items() if values}
    return result


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
