"""Encoding: new rows are coded as the old ones were."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.encoding import CategoryCode, Encoding, NumberCode, clean
from cvmstats.errors import AccountsError


@pytest.fixture
def table():
    return pd.DataFrame({
        "industry": ["Steel"] * 8 + [" steel ", "STEEL"] + ["Pharma"] * 6 + ["Space", "Toys"] + [""] * 2,
        "staff": [10.0, 20.0, 30.0, 40.0] * 5,
        "revenue": ["1.50", "2", "3.25", "6.0E7"] * 4 + [""] * 4,
        "branch": [1, 2] * 10,
        "listed": [True, False] * 10,
    })  # fmt: skip


def test_kinds_and_names(table):
    encoding = Encoding.fit(table, categorical=["branch"])
    kinds = {c.column: type(c) for c in encoding.codes}
    assert kinds == {"industry": CategoryCode, "staff": NumberCode, "revenue": NumberCode, "branch": CategoryCode,
                     "listed": CategoryCode}  # fmt: skip
    assert encoding.names == ("industry=steel", "industry=pharma", "staff", "revenue", "branch=1", "branch=2",
                              "listed=true", "listed=false")  # fmt: skip
    coded = encoding.encode(table)
    assert coded.shape == (20, 8)
    assert coded[:, 0].sum() == 10
    assert coded[:, 2].mean() == pytest.approx(0)
    assert coded[:, 2].std() == pytest.approx(1)


def test_new_rows_do_not_depend_on_their_company(table):
    encoding = Encoding.fit(table)
    whole = encoding.encode(table)
    for row in (0, 9, 17, 19):
        np.testing.assert_array_equal(encoding.encode(table.iloc[[row]])[0], whole[row])
    shuffled = table.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(encoding.encode(shuffled[table.columns[::-1]]), whole[shuffled.index])


def test_cautions_and_their_codes(table):
    encoding = Encoding.fit(table)
    new = pd.DataFrame({"industry": ["Gold", "Toys", None, "pharma"], "staff": [1000, 10, 20, None],
                        "revenue": ["1,000", "2", "2", "2"], "branch": [1, 1, 1, 1], "listed": ["TRUE"] * 4})
    cautions = encoding.cautions(new)
    assert cautions[0] == "industry: 'Gold' unknown; staff: 1000 outside 10 to 40; revenue: '1,000' is no number"
    assert cautions[1] == "industry: 'Toys' seen too rarely"
    assert cautions[2] == "industry: missing"
    assert cautions[3] == "staff: missing"
    coded = encoding.encode(new)
    assert not coded[:3, :2].any()
    assert coded[3, 1] == 1
    top = encoding.encode(pd.DataFrame(new.iloc[[0]].assign(staff=40)))
    assert coded[0, 2] == top[0, 2]


def test_rare_levels_are_pooled_and_missing_values_have_a_level_when_frequent():
    values = pd.DataFrame({"a": ["x"] * 10 + list("pqrst") + [None] * 6, "n": [1.0, 2.0, 3.0] * 5 + [None] * 6})
    encoding = Encoding.fit(values)
    assert encoding.names == ("a=x", "a=(rare)", "a=(missing)", "n", "n=(missing)")
    coded = encoding.encode(pd.DataFrame({"a": ["q", None, "new"], "n": [None, 2, 2]}))
    assert coded[:, :3].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert coded[:, 4].tolist() == [1, 0, 0]
    assert coded[0, 3] == coded[1, 3] == 0


def test_json_round_trip(table):
    encoding = Encoding.fit(table)
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again.names == encoding.names
    np.testing.assert_array_equal(again.encode(table), encoding.encode(table))
    assert repr(again) == "Encoding  5 columns as 7\n  2 of categories, 3 of numbers"


def test_a_missing_column_is_named_with_one_that_looks_alike(table):
    encoding = Encoding.fit(table)
    message = r"1 of 5 columns are not in the table\n  for example 'industry'\n  did you mean 'industri'"
    with pytest.raises(AccountsError, match=message):
        encoding.encode(table.rename(columns={"industry": "industri"}))


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT, "", "  ", "N/A", "null", "-", "?"])
def test_missing_values(value):
    assert clean(value) == ""


def test_names_that_are_not_missing():
    assert [clean(v) for v in ["NA", "none", "Unknown"]] == ["na", "none", "unknown"]
