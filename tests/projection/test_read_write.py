"""Account lists in and out: nothing is lost, ids stay byte by byte."""

from __future__ import annotations

import csv

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvmstats.data.accounts import Accounts
from cvmstats.errors import AccountsError
from cvmstats.projection.crm import neutralise, undo, write_accounts
from cvmstats.projection.read import read_accounts


def _raw(path, encoding="utf-8"):
    with open(path, encoding=encoding, newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize(("name", "encoding"), [("accounts.csv", "utf-8"), ("accounts_latin1.csv", "cp1252")])
def test_a_real_export_comes_back_unchanged(shared_data, tmp_path, name, encoding):
    path = shared_data / "b2b_salesforce_account_export" / name
    accounts = read_accounts(path)
    rows = _raw(path, encoding)
    assert len(accounts) == 423
    assert accounts.encoding == encoding
    assert list(accounts.ids) == [row[0] for row in rows[1:]]
    again = tmp_path / "again.csv"
    write_accounts(accounts, again)
    assert [row[0] for row in _raw(again)] == [row[0] for row in rows]
    back = read_accounts(again, neutralised=True)
    assert back.ids == accounts.ids
    write_accounts(back, tmp_path / "third.csv")
    assert (tmp_path / "third.csv").read_bytes() == again.read_bytes()
    plain = [[undo(cell) for cell in row] for row in _raw(again)]
    assert plain == rows


def _write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_ids_stay_as_they_are(tmp_path):
    path = _write(tmp_path / "a.csv", "id,x\n007,1\nNA,2\nnull,3\n007,4\n,5\n 1 ,6\n1e5,7\n")
    accounts = read_accounts(path)
    assert accounts.ids == ("007", "NA", "null", "007", "", " 1 ", "1e5")
    assert accounts.duplicates == ("007",)
    assert accounts.n_empty == 1
    assert "1 id stands on more than one row" in repr(accounts)
    assert "1 rows have no id" in repr(accounts)
    write_accounts(accounts, tmp_path / "b.csv")
    assert [row[0] for row in _raw(tmp_path / "b.csv")][1:] == list(accounts.ids)


def test_columns_become_numbers_only_where_that_can_be_undone(tmp_path):
    text = "id,whole,gaps,part,money,zip,mixed\na,1,3,0.5,12.50,08035,1\nb,22,,1.25,3,10115,x\n"
    accounts = read_accounts(_write(tmp_path / "a.csv", text))
    kinds = {c: pd.api.types.is_numeric_dtype(accounts.table[c]) for c in accounts.columns}
    assert kinds == {"whole": True, "gaps": True, "part": True, "money": False, "zip": False, "mixed": False}
    assert accounts.numbers("money").tolist() == [12.5, 3.0]
    with pytest.raises(AccountsError, match=r"1 of 2 values of column 'mixed' are no plain numbers\n  for example 'x'"):
        accounts.numbers("mixed")
    write_accounts(accounts, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == text


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp1252", "cp1252"), ("utf-16", "utf-16")]
)
def test_encodings_are_found_and_named(tmp_path, encoding, said):
    accounts = read_accounts(_write(tmp_path / "a.csv", "Account ID;name\n1;Müller\n2;Café\n", encoding))
    assert accounts.encoding == said
    assert accounts.id == "Account ID"
    assert accounts.table["name"].tolist() == ["Müller", "Café"]
    assert f"read as {said}" in repr(accounts)


def test_latin1_where_windows_1252_has_no_letter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,name\n1,\x81\n")
    assert read_accounts(path).encoding == "latin-1"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("id,account_id\n1,2\n", {}, r"2 columns may hold the ids: 'id', 'account_id'\n  say which: .*id='id'"),
        ("key,x\n1,2\n", {}, "no column is called id, account_id or account"),
        ("id,x\n1,2\n", {"id": "ID"}, "has no id column 'ID'"),
        (
            "id,x\n1,2\n3\n4,5,6\n",
            {},
            r"2 of 3 rows of a.csv do not have 2 fields\n  for example 'row 3 has 1', 'row 4",
        ),
        ("id,x,x\n1,2,3\n", {}, "1 columns of a.csv stand twice"),
        ("", {}, "a.csv has nothing in it"),
        ("id,x\n", {}, "a.csv has a heading, but no rows"),
        ("id,x\n1,é\n", {"encoding": "ascii"}, r"a.csv is not written in ascii\n  for example byte 0xc3 in line 2"),
        ("id,x\n1,2\n", {"encoding": "klingon"}, "no encoding called 'klingon'"),
        ("id,x\n1,2\n", {"columns": {"potential": "pot"}}, "1 columns to rename are not there"),
    ],
)
def test_spoiled_files_are_told(tmp_path, text, options, message):
    with pytest.raises(AccountsError, match=message):
        read_accounts(_write(tmp_path / "a.csv", text), **options)


def test_missing_file(tmp_path):
    with pytest.raises(AccountsError, match="there is no account list at"):
        read_accounts(tmp_path / "none.csv")


def test_frames_and_parquet(tmp_path):
    table = pd.DataFrame({"id": ["01", "NA"], "x": [1.5, None], "y": ["a", None]})
    for source in (table, pl.DataFrame({"id": ["01", "NA"], "x": [1.5, None], "y": ["a", None]})):
        assert read_accounts(source).ids == ("01", "NA")
    write_accounts(read_accounts(table), tmp_path / "a.parquet")
    assert read_accounts(tmp_path / "a.parquet").ids == ("01", "NA")
    assert read_accounts(table, columns={"potential": "x"}).columns == ("potential", "y")
    assert read_accounts(pd.DataFrame({"id": [7, 8]})).ids == ("7", "8")
    with pytest.raises(AccountsError, match="2 ids in column 'id' are decimal numbers"):
        read_accounts(pd.DataFrame({"id": [7.0, 8.0]}))


def test_formulas_are_neutralised_and_come_back(tmp_path):
    table = pd.DataFrame({"id": ["=1", "-a", "@x"], "text": ["=cmd()", "'=x", "a\r\n\"b\",c"], "n": [-1, -2, 3],
                          "phone": ["+49 30", "-5", "\tx"]})  # fmt: skip
    accounts = Accounts(table=table)
    rows = _raw(write_accounts(accounts, tmp_path / "a.csv"))
    assert rows[1:] == [["=1", "'=cmd()", "-1", "'+49 30"], ["-a", "''=x", "-2", "-5"],
                        ["@x", "a\r\n\"b\",c", "3", "'\tx"]]  # fmt: skip
    assert read_accounts(tmp_path / "a.csv").ids == ("=1", "-a", "@x")
    excel = write_accounts(accounts, tmp_path / "b.csv", for_excel=True)
    assert excel.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [row[0] for row in _raw(excel, "utf-8-sig")][1:] == ["'=1", "'-a", "'@x"]
    back = read_accounts(excel, neutralised=True)
    assert back.to_frame().astype(str).values.tolist() == table.astype(str).values.tolist()


@given(st.text(alphabet="'=+-@\t\ra1.", max_size=6))
def test_neutralising_is_undone_exactly(text):
    guarded = neutralise(text)
    assert undo(guarded) == text
    assert not guarded.startswith(("=", "+", "@", "\t", "\r"))


def test_a_failed_write_leaves_the_former_file(tmp_path, monkeypatch):
    path = _write(tmp_path / "a.csv", "id\nold\n")

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        write_accounts(Accounts(table=pd.DataFrame({"id": ["new"]})), path)
    assert path.read_text() == "id\nold\n"
    assert list(tmp_path.iterdir()) == [path]


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(AccountsError, match=r"cannot write accounts to 'a.xlsx'\n  expected a name ending in .csv"):
        write_accounts(Accounts(table=pd.DataFrame({"id": ["1"]})), tmp_path / "a.xlsx")
