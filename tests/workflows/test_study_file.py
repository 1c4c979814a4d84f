"""Study files: what is read, and what is said of a file that cannot be."""

import pytest

from cvmstats.errors import StudyError
from cvmstats.workflows import read_study


@pytest.fixture
def write(tmp_path):
    (tmp_path / "answers.csv").write_text("respondent,task,item,choice\n")

    def put(text):
        path = tmp_path / "STUDY.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return put


def test_defaults_and_relative_paths(write, tmp_path):
    study = read_study(write('[choices]\nfile = "answers.csv"\n'))
    assert study.choices["file"] == tmp_path / "answers.csv"
    assert list(study.n_segments) == [1, 2, 3, 4, 5, 6, 7]
    assert study.unit is None
    assert study.column_sets == {}
    assert study.to_dict() == {"choices": {"file": "answers.csv"}}


def test_numbers_of_segments(write):
    assert list(read_study(write('[choices]\nfile = "answers.csv"\n[segments]\nn = 3\n')).n_segments) == [3]
    assert list(read_study(write('[choices]\nfile = "answers.csv"\n[segments]\nn = [2, 4]\n')).n_segments) == [2, 3, 4]


def test_sets_of_columns(write, tmp_path):
    (tmp_path / "a.csv").write_text("id\n")
    head = '[choices]\nfile = "answers.csv"\n[accounts]\nfile = "a.csv"\n'
    both = read_study(write(head + 'hooks = ["h"]\nfirmographics = ["f", "g"]\n')).column_sets
    assert both == {"hooks": ("h",), "firmographics": ("f", "g"), "both": ("h", "f", "g")}
    assert read_study(write(head + 'hooks = ["h"]\n')).column_sets == {"hooks": ("h",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"the table \[choices\] is missing"),
        ('[choice]\nfile = "answers.csv"', r"unknown table \[choice\], did you mean choices\?"),
        ('[choices]\nfile = "answers.csv"\nformt = "long"', r"unknown key 'formt' in \[choices\], did you mean format"),
        ('[choices]\nfile = "answers.csv"\nzzz = 1', r"unknown key 'zzz' in \[choices\], expected one of file, format"),
        ('[choices]\nfile = "nothing.csv"', r"file in \[choices\]: there is no file at .*nothing.csv"),
        ('[choices]\nformat = "long"', r"\[choices\] names no file"),
        ('[choices]\nfile = "answers.csv"\nformat = "lnog"', "'lnog', expected 'long' or 'wide'"),
        ('[choices]\nfile = "answers.csv"\n[fit]\nchains = 0', r"chains in \[fit\] is 0, expected a whole number of 1"),
        ('[choices]\nfile = "answers.csv"\n[segments]\nn = [4, 2]', r"n in \[segments\] is \[4, 2\], expected a whole"),
        ('[choices]\nfile = "answers.csv"\n[segments]\nunit = "firm"', "'firm', expected 'account' or 'respondent'"),
        ("choices = 3", r"choices must be a table, written \[choices\]"),
        ("[choices", "is no TOML file in UTF-8"),
    ],
)
def test_what_is_wrong_is_said(write, text, message):
    with pytest.raises(StudyError, match=message):
        read_study(write(text))


def test_all_problems_come_in_one_error(write):
    with pytest.raises(StudyError) as caught:
        read_study(write('[choices]\nfile = "answers.csv"\nx = 1\n[fitt]\n[segments]\nunit = 3\n'))
    assert str(caught.value).startswith("3 problems in STUDY.toml")


def test_no_study_file(tmp_path):
    with pytest.raises(StudyError, match="there is no study file at"):
        read_study(tmp_path / "none.toml")
