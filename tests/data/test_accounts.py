"""Accounts: no row lost, ids as they came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.accounts import Accounts
from cvmstats.data.store import load, save
from cvmstats.errors import AccountsError


def test_ids_duplicates_and_gaps_stay():
    accounts = Accounts(table=pd.DataFrame({"id": ["007", None, "007", "NA"], "x": [1, 2, 3, 4]}))
    assert accounts.ids == ("007", "", "007", "NA")
    assert accounts.duplicates == ("007",)
    assert accounts.n_empty == 1
    assert len(accounts) == 4
    assert accounts.columns == ("x",)
    assert "007" in accounts._repr_html_()


def test_tables_are_copies():
    table = pd.DataFrame({"id": ["a", "b"], "x": [1, 2]})
    accounts = Accounts(table=table)
    table.loc[0, "x"] = 9
    handed_out = accounts.to_frame()
    handed_out.loc[0, "x"] = 9
    assert accounts.table["x"].tolist() == [1, 2]
    assert accounts.take([1]).ids == ("b",)
    assert accounts.without(["x", "id", "none"]).to_frame().columns.tolist() == ["id"]


@pytest.mark.parametrize(
    ("table", "id", "message"),
    [
        (pd.DataFrame({"key": ["a"]}), "id", r"has no id column 'id'\n  its columns are 'key'"),
        (pd.DataFrame({"id": []}), "id", "has no rows"),
        (pd.DataFrame([["a", 1, 2]], columns=["id", "x", "x"]), "id", r"1 column names .* stand twice\n  .*'x'"),
        (pd.DataFrame({"id": [1.0, np.nan]}), "id", r"1 ids in column 'id' are decimal numbers\n  for example '1.0'"),
    ],
)
def test_what_is_refused(table, id, message):
    with pytest.raises(AccountsError, match=message):
        Accounts(table=table, id=id)


def test_numbers():
    accounts = Accounts(table=pd.DataFrame({"id": ["a", "b"], "x": ["1.50", ""], "y": [1, 2], "z": ["1,000", "2"]}))
    np.testing.assert_array_equal(accounts.numbers("x"), [1.5, np.nan])
    np.testing.assert_array_equal(accounts.numbers("y"), [1.0, 2.0])
    with pytest.raises(AccountsError, match=r"1 of 2 values of column 'z' are no plain numbers\n  for example '1,000'"):
        accounts.numbers("z")
    with pytest.raises(AccountsError, match="no column 'q'"):
        accounts.numbers("q")


def test_saved_and_loaded(tmp_path):
    accounts = Accounts(table=pd.DataFrame({"key": ["007", "", "NA"], "x": [1.5, None, 2]}), id="key", source="crm.csv")
    back = load(save(accounts, tmp_path / "a.cvm"))
    assert back.ids == accounts.ids
    assert back.source == "crm.csv"
    np.testing.assert_array_equal(back.numbers("x"), accounts.numbers("x"))
