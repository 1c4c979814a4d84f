"""A slice of the damaged files, the table of formats, and the speed of reading."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.evidence import oracles
from tests.evidence.damaged_files import FILES, File, judge, run, study
from tests.evidence.format_table import PAGE, page
from tests.evidence.reading_speed import compare, write_rows


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_end_in_an_error_or_as_the_oracle_reads_them(name: str) -> None:
    table = run([name], 24, seed=1)
    wrong = table[~table["outcome"].isin(["error", "same", "left out"])]
    assert wrong[["damage", "outcome", "told"]].to_dict("records") == []
    assert (table["outcome"] == "error").any()


def test_a_silent_difference_would_be_seen(tmp_path: Path) -> None:
    sound = FILES["long"]
    path = tmp_path / "whole.csv"
    sound.write(path)
    content = path.read_bytes()

    def wrong(path: Path, given: bool, invalid: str) -> Any:
        found = sound.read(path, given, invalid)
        first = next(iter(found))
        return {**found, first: dict.fromkeys(found[first], 0)}

    assert judge(sound, content, tmp_path, True, "raise").outcome == "same"
    assert judge(sound._replace(read=wrong), content, tmp_path, True, "raise").outcome == "silent difference"

    def broken(path: Path, given: bool, invalid: str) -> Any:
        raise KeyError("x")

    assert judge(sound._replace(read=broken), content, tmp_path, True, "raise").outcome == "other exception"
    spoiled = content.replace(b"i2,1", b"i9,1")
    assert None in oracles.long(spoiled, study().design, study().design.objects).values()
    assert judge(sound, spoiled, tmp_path, True, "drop").outcome == "left out"


def test_each_file_has_an_oracle_that_reads_it(tmp_path: Path) -> None:
    for file in FILES.values():
        assert isinstance(file, File)
        path = tmp_path / f"whole{file.ending}"
        file.write(path)
        assert len(file.oracle(path.read_bytes(), True)) >= 6


def test_the_table_of_formats_is_that_of_the_registry() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "uv run python tests/evidence/format_table.py writes it again"


def test_reading_takes_a_small_multiple_of_pandas_own_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_rows(path, 150_000)
    ours, theirs = compare(path, 5)
    # on one core in turns about 4; the million rows and their figures are in docs/evidence/reading_speed.md
    assert median(ours) < 12 * median(theirs)
