"""The command: clean messages, exit codes, the whole path on small files."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cvmstats.cli import app
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.store import load, save
from cvmstats.survey import write_choices
from cvmstats.survey.simulate import simulate_choices
from cvmstats.survey.styles import ResponseStyles
from cvmstats.workflows import make_study, write_study

RESULTS = {
    "utilities.parquet", "utilities.csv", "utilities.png", "population.csv", "segments.csv", "segment_means.csv",
    "segments_bic.csv", "priorities.csv", "priorities.png", "settings.json", "summary.txt",
}  # fmt: skip
OF_LIST = {"scored_accounts.csv", "sizes.csv", "classifier.csv", "classifier_differences.csv", "scorer.json"}
SMALL = '[segments]\nn = [2, 3]\nn_starts = 2\n\n[fit]\nchains = 2\ndraws = 30\nwarmup = 40\nseed = 1\n'
QUICK = pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")


@pytest.fixture(scope="module")
def study():
    return make_study(seed=4, n_accounts=60, n_list=400)


@pytest.fixture
def files(study, tmp_path):
    path = write_study(study, tmp_path / "study")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[segments]")] + SMALL, encoding="utf-8")
    return path


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def names(folder):
    return {p.name for p in folder.iterdir()}


@QUICK
def test_run_writes_everything_and_keeps_ids(study, files, tmp_path):
    out = tmp_path / "result"
    done = invoke("run", files, "--out", out, "--quiet")
    assert done.exit_code == 0, done.output
    assert names(out) == RESULTS | OF_LIST
    scored = pd.read_csv(out / "scored_accounts.csv", dtype=str, keep_default_na=False)
    assert tuple(scored["account_id"]) == study.accounts.ids
    settings = json.loads((out / "settings.json").read_text())
    assert settings["study"]["fit"]["draws"] == 30
    assert settings["fingerprints"]["design"] == study.design.fingerprint
    assert set(settings["fingerprints"]["files_sha256"]) == {"choices", "items", "design", "respondents", "accounts"}
    assert "hooks predict the segment" in (out / "summary.txt").read_text()
    assert (out / "priorities.png").read_bytes().startswith(b"\x89PNG")
    table = pd.read_parquet(out / "utilities.parquet")
    assert list(table.columns[:3]) == ["respondent", "account", "role"]
    assert np.allclose(table.iloc[:, 3:].sum(axis=1), 0)


@QUICK
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_a_run_that_is_killed_leaves_the_former_result(files, tmp_path):
    out = tmp_path / "result"
    assert invoke("run", files, "--out", out, "--quiet").exit_code == 0
    former = {p.name: p.read_bytes() for p in out.iterdir()}
    files.write_text(files.read_text(encoding="utf-8").replace("warmup = 40", "warmup = 1000000"), encoding="utf-8")
    command = [sys.executable, "-c", "from cvmstats.cli import app; app()", "run", str(files), "--out", str(out), "--quiet"]
    with subprocess.Popen(command) as running:
        time.sleep(6)  # in warm-up, which would take minutes and no memory
        assert running.poll() is None
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    assert {p.name: p.read_bytes() for p in out.iterdir()} == former
    files.write_text(files.read_text(encoding="utf-8").replace("warmup = 1000000", "warmup = 41"), encoding="utf-8")
    assert invoke("run", files, "--out", out, "--quiet").exit_code == 0  # and the next one takes its place
    assert json.loads((out / "settings.json").read_text())["study"]["fit"]["warmup"] == 41
    assert names(tmp_path) == {"study", "result"}  # nothing is left behind


@QUICK
def test_run_without_accounts_ends_after_the_segments(files, tmp_path):
    text = files.read_text(encoding="utf-8")
    start, end = text.index("[accounts]"), text.index("[segments]")
    files.write_text(text[:start] + text[end:], encoding="utf-8")
    out = tmp_path / "result"
    done = invoke("run", files, "--out", out)
    assert done.exit_code == 0, done.output
    assert names(out) == RESULTS
    assert "the run ended after the segments" in done.output


@QUICK
def test_answers_alone_segment_respondents(files, tmp_path):
    files.write_text(f'[choices]\nfile = "answers.csv"\n\n{SMALL}', encoding="utf-8")
    out = tmp_path / "result"
    assert invoke("run", files, "--out", out, "--quiet").exit_code == 0
    assert list(pd.read_csv(out / "segments.csv").columns[:1]) == ["respondent"]


def test_errors_are_clean_and_come_before_any_work(files, tmp_path):
    out = tmp_path / "result"
    out.mkdir()
    (out / "settings.json").write_text("former")
    for old, new, message in (
        ("answers.csv", "no.csv", "StudyError: 1 problem in STUDY.toml\n  file in [choices]: there is no file"),
        ("hooks", "hoooks", "unknown key 'hoooks' in [accounts], did you mean hooks?"),
        ("sells online", "sells onlin", "1 columns that [accounts] names are not in accounts.csv\n  for example "),
    ):
        text = files.read_text(encoding="utf-8")
        files.write_text(text.replace(old, new), encoding="utf-8")
        done = invoke("run", files, "--out", out)
        files.write_text(text, encoding="utf-8")
        assert done.exit_code == 1
        assert message in done.output
        assert "Traceback" not in done.output
        assert " ..." not in done.output
    assert (out / "settings.json").read_text() == "former"
    assert names(tmp_path) == {"study", "result"}


def test_accounts_need_an_account_per_respondent(study, files, tmp_path):
    path = files.parent / "respondents.csv"
    table = pd.read_csv(path, dtype=str)
    table.loc[:2, "account"] = ""
    table.to_csv(path, index=False)
    done = invoke("run", files, "--out", tmp_path / "r")
    assert done.exit_code == 1
    assert "3 of 120 respondents have no account" in done.output
    table.drop(columns="account").to_csv(path, index=False)
    assert "no respondent has an account" in invoke("run", files, "--out", tmp_path / "r").output


def test_results_do_not_replace_their_own_inputs(files):
    (files.parent / "settings.json").write_text("{}")
    done = invoke("run", files, "--out", files.parent)
    assert done.exit_code == 1
    assert "6 input files lie in the folder of the results" in done.output


def test_the_command_loads_nothing_heavy():
    code = (
        "import sys, cvmstats.cli\n"
        "heavy = {'pymc', 'arviz', 'sklearn', 'stepmix', 'matplotlib', 'numba', 'pandas', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_design_writes_and_judges(tmp_path):
    pd.DataFrame({"label": [f"need {j}" for j in range(9)]}).to_csv(tmp_path / "items.csv", index=False)
    out, picture = tmp_path / "design.csv", tmp_path / "design.png"
    done = invoke("design", tmp_path / "items.csv", "--out", out, "--items-per-task", 3, "--tasks", 12, "--versions", 4,
                  "--wide", "--picture", picture)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "4 versions x 12 tasks x 3 items" in done.output
    assert "pairs over all, SD                                     0  at its bound" in done.output
    assert list(pd.read_csv(out).columns) == ["Version", "Set", "Item1", "Item2", "Item3"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    for more, message in (([], "ends in '.txt'"), (["--anchor", "dual"], "ends in '.txt'")):
        refused = invoke("design", tmp_path / "items.csv", "--out", tmp_path / "design.txt", *more)
        assert refused.exit_code == 1
        assert message in refused.output
    refused = invoke("design", tmp_path / "items.csv", "--out", out, "--anchor", "dual")
    assert "cannot hold an anchor" in refused.output
    whole = invoke("design", tmp_path / "items.csv", "--out", tmp_path / "d.cvm", "--anchor", "dual", "--items-per-task", 3)
    assert whole.exit_code == 0, whole.output
    assert len(load(tmp_path / "d.cvm").objects) == 10


def answers(**styles):
    sets = [[(j + s) % 7 for j in (0, 1, 3)] for s in range(7)] * 2
    design = Design(objects=Items.from_labels("ABCDEFG"), shown=np.array([sets]))
    utilities = np.random.default_rng(1).normal([3, 2, 1, 0, -1, -2, -3], 1, (60, 7))
    return simulate_choices(utilities, design, seed=1, styles=ResponseStyles(**styles))


def test_check_prints_findings_and_tells_errors_by_its_exit_code(tmp_path):
    fine = write_choices(answers(straight=0.1), tmp_path / "fine.csv")
    done = invoke("check", fine)
    assert done.exit_code == 0, done.output
    assert "note: 6 of 60 respondents took the same position too often to be a preference" in done.output
    assert "-> leave them out: their picks tell where they clicked" in done.output
    copied = answers(copies=0.1)
    out = tmp_path / "people.csv"
    done = invoke("check", write_choices(copied, tmp_path / "copied.csv"), "--out", out)
    assert done.exit_code == 1
    assert "error: 6 of 60 respondents gave the very answers of somebody before them" in done.output
    assert "Traceback" not in done.output
    table = pd.read_csv(out, dtype=str)
    assert list(table) == ["check", "respondent", "detail"]
    assert (table["check"] == "duplicate").sum() == 6
    save(copied, tmp_path / "copied.cvm")
    assert invoke("check", tmp_path / "copied.cvm").output.splitlines()[1:2] == done.output.splitlines()[1:2]
    assert invoke("check", fine, "--best", "G", "--best", "D", "--best", "B", "--best", "A").exit_code == 1


def test_check_says_what_it_cannot_read(tmp_path):
    save(answers().design, tmp_path / "design.cvm")
    save(answers(), tmp_path / "answers.cvm")
    for arguments, message in (
        (["no.csv"], "there is no file of answers"),
        ([tmp_path / "no.cvm"], "there is no file of answers"),
        ([tmp_path / "design.cvm"], "design.cvm holds Design\n  expected Choices"),
        ([tmp_path / "answers.cvm", "--items", "x.csv"], "has its own design and items\n  leave out 'items'"),
        ([tmp_path / "answers.cvm", "--best", "Z"], "items in known= are not in the design"),
        ([tmp_path / "answers.cvm", "--encoding", "utf-16"], "holds all that is to be known of it\n  leave out 'encoding'"),
        (["no.csv", "--design", tmp_path / "no.cvm"], "no.cvm cannot be read: No such file"),
        (["no.csv", "--design", tmp_path / "answers.cvm"], "answers.cvm holds Choices\n  expected a Design"),
        (["no.csv", "--columns", "respondent"], "--columns 'respondent'\n  expected our name and the file's"),
        ([tmp_path / "answers.cvm", "--out", "/proc/x/y.csv"], "/proc/x: No such file or directory"),
    ):
        done = invoke("check", *arguments)
        assert done.exit_code == 1
        assert message in done.output
        assert "Traceback" not in done.output


def test_check_reads_as_convert_does(tmp_path):
    choices = answers()
    save(choices.design, tmp_path / "design.cvm")
    write_choices(choices, tmp_path / "a.csv", "sawtooth")
    table = pd.read_csv(tmp_path / "a.csv", dtype=str)
    table.rename(columns={table.columns[0]: "Wer?"}).to_csv(tmp_path / "b.csv", index=False, encoding="utf-16")
    done = invoke("check", tmp_path / "b.csv", "--from", "sawtooth", "--design", tmp_path / "design.cvm", "--picks", "numbers",
                  "--columns", "respondent=Wer?", "--encoding", "utf-16")  # fmt: skip
    assert "b.csv (sawtooth, picks read as item numbers, design" in done.output


def test_convert_goes_from_format_to_format_and_back(study, tmp_path):
    design, whole = tmp_path / "design.cvm", tmp_path / "whole.cvm"
    save(study.choices.design, design)
    save(study.choices, whole)
    assert invoke("convert", whole, tmp_path / "a.csv", "--to", "sawtooth").exit_code == 0
    done = invoke("convert", tmp_path / "a.csv", tmp_path / "b.csv", "--to", "long", "--from", "sawtooth", "--design", design,
                  "--picks", "numbers")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "read from a.csv (sawtooth, picks read as item numbers, design" in done.output
    assert invoke("convert", tmp_path / "b.csv", tmp_path / "c.cvm", "--to", "cvm", "--design", design).exit_code == 0
    assert np.array_equal(load(tmp_path / "c.cvm").place, study.choices.place)
    items = tmp_path / "items.csv"
    study.choices.design.objects.to_frame().to_csv(items, index=False)
    assert invoke("convert", design, tmp_path / "d.dat", "--to", "decipher").exit_code == 0
    more = ("--is-design", "--items", items)
    assert invoke("convert", tmp_path / "d.dat", tmp_path / "e.cvm", "--to", "cvm", *more).exit_code == 0
    assert load(tmp_path / "e.cvm").fingerprint == study.choices.design.fingerprint


def test_convert_refuses_clearly(study, tmp_path):
    whole = tmp_path / "whole.cvm"
    save(study.choices, whole)
    save(study.choices.design.objects, tmp_path / "items.cvm")
    for arguments, message in (
        ((whole, tmp_path / "a.csv", "--to", "tall"), "ChoicesError: format='tall' is not known"),
        ((whole, tmp_path / "a.csv", "--to", "decipher"), "answers are not written in the format 'decipher'"),
        ((whole, tmp_path / "a.csv", "--to", "cvm"), "a.csv and the format 'cvm' do not fit together"),
        (("i.csv", tmp_path / "a.csv", "--to", "long", "--items", "i.csv", "--attributes", "a.csv"), "items and attributes "
                                                                                                     "are given"),
        ((tmp_path / "items.cvm", tmp_path / "a.csv", "--to", "long"), "items.cvm holds Items"),
        ((tmp_path / "no.csv", tmp_path / "a.csv", "--to", "long"), "there is no file of answers at"),
        ((tmp_path / "no.cvm", tmp_path / "a.csv", "--to", "long"), "there is no file of answers at"),
        ((whole, tmp_path / "a.csv", "--to", "long", "--items", "i.csv"), "own design and items\n  leave out 'items'"),
        ((whole, tmp_path / "a.csv", "--to", "long", "--design", whole), "own design and items\n  leave out 'design'"),
        ((whole, tmp_path / "a.csv", "--to", "long", "--from", "wide"), "leave out 'format'"),
        ((whole, tmp_path / "a.csv", "--to", "long", "--is-design"), "whole.cvm holds Choices\n  expected a design"),
        (("i.csv", tmp_path / "a.csv", "--to", "wide", "--is-design", "--picks", "names"), "as a design, which has no 'picks'"),
        ((whole, "/proc/x/a.csv", "--to", "long"), "/proc/x: No such file or directory"),
    ):
        done = invoke("convert", *arguments)
        assert done.exit_code == 1
        assert message in done.output
        assert "Traceback" not in done.output
    assert not (tmp_path / "a.csv").exists()
