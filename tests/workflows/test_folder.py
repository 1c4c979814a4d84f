"""Results appear whole or not at all, and nothing else is ever replaced."""

import os
import signal
import subprocess
import sys

import pytest

from cvmstats.errors import StudyError
from cvmstats.workflows import folder as module
from cvmstats.workflows.folder import MARK, check_target, replaced_folder


def names(path):
    return sorted(p.name for p in path.iterdir())


@pytest.fixture(params=["one step", "two steps"])
def swap(request, monkeypatch):
    if request.param == "two steps":
        monkeypatch.setattr(module, "_exchange", lambda first, second: False)


def test_a_result_replaces_a_former_one_as_a_whole(tmp_path, swap):
    target = check_target(tmp_path / "result")
    for text in ("first", "second"):
        with replaced_folder(check_target(target)) as new:
            (new / MARK).write_text(text)
            (new / text).write_text(text)
    assert names(target) == sorted([MARK, "second"])
    assert names(tmp_path) == ["result"]


def test_a_run_that_fails_leaves_the_former_result(tmp_path, swap):
    target = tmp_path / "result"
    target.mkdir()
    (target / MARK).write_text("former")

    def fail():
        with replaced_folder(target) as new:
            (new / MARK).write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (target / MARK).read_text() == "former"
    assert names(tmp_path) == ["result"]


def test_a_run_that_is_killed_leaves_the_former_result(tmp_path):
    target = tmp_path / "result"
    target.mkdir()
    (target / MARK).write_text("former")
    code = (
        "import os, signal, sys, pathlib\n"
        "from cvmstats.workflows.folder import replaced_folder\n"
        "with replaced_folder(pathlib.Path(sys.argv[1])) as new:\n"
        "    (new / 'settings.json').write_text('new')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert names(target) == [MARK]
    assert (target / MARK).read_text() == "former"


def test_a_swap_cut_between_its_two_steps_is_mended(tmp_path):
    former = tmp_path / ".result.former"
    former.mkdir()
    (former / MARK).write_text("former")
    target = check_target(tmp_path / "result")
    assert (target / MARK).read_text() == "former"


def test_other_folders_are_refused(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("")
    with pytest.raises(StudyError, match="holds files that are no results of a run"):
        check_target(tmp_path / "letters")
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="is a file"):
        check_target(tmp_path / "file")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StudyError, match="nothing can be written into"):
        check_target(tmp_path / "locked" / "result")
