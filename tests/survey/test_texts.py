"""Text files: what stands between the fields, quotation marks, encodings, and files that are no text."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from cvmstats.data.items import Items
from cvmstats.data.store import save
from cvmstats.errors import ChoicesError, ItemsError
from cvmstats.survey import read_choices, read_items

TEXT = "id,label\n01,Price\n02,Speed\n"


def written(folder: Path, content: str | bytes, name: str = "items.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-16"), b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r"),
        "sep=;\r\n" + TEXT.replace(",", ";"), '"sep=,"\n' + TEXT, TEXT.replace("\n", ",,\n"), TEXT.replace("\n", ",\n"),
        '"id";"label"\n01;Price\n02;"Speed"\n',
    ],
)  # fmt: skip
def test_ways_to_write_one_table(tmp_path: Path, content: str | bytes) -> None:
    items = read_items(written(tmp_path, content))
    assert (items.ids, items.labels) == (("01", "02"), ("Price", "Speed"))
    assert list(items.table) == ["id", "label", "text", "group"]


def test_a_mark_at_the_start_is_no_part_of_the_first_heading(tmp_path: Path) -> None:
    text = "de,id,label\nPreis,01,Price\nTempo,02,Speed\n"
    for content, encoding in ((b"\xef\xbb\xbf" + text.encode(), "utf-8"), (text.encode("utf-16"), "utf-16-le")):
        assert list(read_items(written(tmp_path, content), encoding=encoding).table)[-1] == "de"


def test_marks_inside_quotes_of_the_heading_stand_between_no_fields(tmp_path: Path) -> None:
    path = written(tmp_path, 'id;label;"why, or, if any, others,\nin your words"\n01;Price;"a, b"\n02;Speed;\n')
    assert read_items(path).labels == ("Price", "Speed")


def test_columns_without_a_heading_that_hold_something_stay(tmp_path: Path) -> None:
    with pytest.raises(ItemsError, match="1 column names of items.csv stand twice\n  for example ''"):
        read_items(written(tmp_path, "id,label,,\n01,Price,x,y\n"))


@pytest.mark.parametrize(
    ("content", "row"),
    [('id,label\n1,"Price\n2,Speed\n3,"Quality"\n4,Service\n', 2), ('id,label\n1,a\n2,"Speed\n3,Quality\n', 3)],
)
def test_a_quotation_mark_that_is_not_closed_names_its_row(tmp_path: Path, content: str, row: int) -> None:
    with pytest.raises(ItemsError, match=rf"a quotation mark is not closed where its field ends\n  for example in row {row} "):
        read_items(written(tmp_path, content))


def test_a_field_of_any_length_hides_no_short_row(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    with pytest.raises(ItemsError, match="1 rows have fewer fields than the heading\n  for example row '3'"):
        read_items(written(tmp_path, f'id,label\n1,"{"x" * 200_000}"\n2\n'))
    assert csv.field_size_limit() == before
    assert len(read_items(written(tmp_path, f'id,label\n1,"{"x" * 200_000}"\n2,y\n')).labels[0]) == 200_000


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"PK\x03\x04" + b"\x00" * 30, "a.xlsx", "it is a workbook or another zip file\n  expected a table as text (CSV)\n"
                                                 "  save it as CSV (UTF-8) and give that"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 30, "a.xls", "it is an Excel workbook\n"),
        (gzip.compress(TEXT.encode(), mtime=0), "a.csv.gz", "it is compressed (gzip)\n  expected a table as text (CSV)\n"
                                                             "  unpack it first"),
        ("<html><table>\n<tr><td>id</td></tr></table></html>", "a.xls", "it is a web page, whatever its name says\n"),
        (b"PAR1abc\nd", "a.csv", "it is a Parquet file\n  expected a table as text (CSV)\n  name it with .parquet at its end"),
        (TEXT.encode("utf-16-le"), "a.csv", "has 27 zero bytes, which no text has\n  for example in line 1\n"),
        (b"\xff\xfea\x00\x00", "a.csv", "a.csv is not written in UTF-16\n  for example byte 0x00 in line 1\n"),
    ],
)  # fmt: skip
def test_files_that_are_no_text(tmp_path: Path, content: str | bytes, name: str, message: str) -> None:
    with pytest.raises(ItemsError) as caught:
        read_items(written(tmp_path, content, name))
    assert message in str(caught.value)


def test_a_file_of_ours_is_to_be_loaded(tmp_path: Path) -> None:
    path = save(Items.from_labels("ab"), tmp_path / "items.cvm")
    with pytest.raises(ChoicesError, match=r"it is what cvmstats.save wrote\n(?s:.*)load it: cvmstats.load\('items.cvm'\)"):
        read_choices(path)
