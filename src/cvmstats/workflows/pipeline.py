"""What `cvmstats run` does: a study file in, a folder of results out.

Everything is read and checked before any long work. The stages call the same public functions that an analyst calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cvmstats.data.accounts import Accounts
from cvmstats.data.choices import Choices
from cvmstats.data.projection import Projection
from cvmstats.data.scorer import Scorer
from cvmstats.data.segments import Segments
from cvmstats.data.utilities import Utilities
from cvmstats.errors import AccountsError, StudyError, examples
from cvmstats.workflows.folder import check_target, replaced_folder
from cvmstats.workflows.study_file import StudyFile, read_study

if TYPE_CHECKING:
    import pandas as pd

    from cvmstats.projection import Evaluation
    from cvmstats.strategy import Priorities

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Inputs:
    """All that a study file names, read and found fit for use.

    Parameters
    ----------
    file : StudyFile
    choices : Choices
    unit : {"account", "respondent"}
        What will be segmented.
    accounts : Accounts, optional
    sets : mapping of tuple of str
        Columns of the list to compare as predictors, by name; ``all`` where the file names none.
    """

    file: StudyFile
    choices: Choices
    unit: Literal["account", "respondent"]
    accounts: Accounts | None = None
    sets: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class StudyResult:
    """What a run found; without an account list it ends after the segments.

    Parameters
    ----------
    inputs : Inputs
    utilities : Utilities or None
        None where they were left out.
    bic : DataFrame
        A row per number of segments.
    segments : Segments
        Of accounts where these are known, else of respondents.
    priorities : Priorities
        Grades of each item in each segment.
    evaluation, scorer, projection : optional
        Of the account list.
    predictors : str
        Which set of columns the scorer uses.
    seconds : mapping
        Wall time of each stage.
    out : Path, optional
        Where it was written.
    """

    inputs: Inputs
    utilities: Utilities | None
    bic: pd.DataFrame
    segments: Segments
    priorities: Priorities
    evaluation: Evaluation | None = None
    scorer: Scorer | None = None
    projection: Projection | None = None
    predictors: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    out: Path | None = None

    def __repr__(self) -> str:
        from cvmstats.workflows.summary import summary

        return summary(self)


def run_study(path: str | Path, out: str | Path, *, progress: bool | None = None,
              say: Say | None = None) -> StudyResult:  # fmt: skip
    """Run a study file from the answers to the scored list, and write the folder of results.

    A run that fails or is killed leaves a former result in ``out`` untouched.

    Parameters
    ----------
    path : path
        The study file (TOML).
    out : path
        Folder of the results; a former result is replaced, any other folder that is not empty is refused.
    progress : bool, optional
        Show progress bars.
    say : callable, optional
        Gets one line per stage.

    Raises
    ------
    StudyError
        Where the study file or the folder cannot be used.
    InputError
        Where a file that it names cannot be used.
    """
    from dataclasses import replace

    from cvmstats.workflows.write import write_results

    target = check_target(out)
    inputs = read_inputs(path)
    inside = [str(p) for p in (inputs.file.path, *inputs.file.files().values()) if p.resolve().is_relative_to(target)]
    if inside:
        raise StudyError(f"{len(inside)} input files lie in the folder of the results\n"
                         f"  for example {examples(inside)}\n"
                         "  the folder is replaced as a whole; name another one")  # fmt: skip
    result = analyse(inputs, progress=progress, say=say)
    with _stage("writing the results", result.seconds, say or _mute), replaced_folder(target) as folder:
        write_results(result, folder)
    return replace(result, out=target)


def read_inputs(path: str | Path) -> Inputs:
    """Read a study file and all that it names, and check that the parts fit together.

    Raises
    ------
    InputError
        Where something cannot be used; before any long work.
    """
    from cvmstats.survey import read_choices, read_design, read_items, read_respondents

    file = read_study(path)
    items = read_items(**_call(file.items, "source")) if file.items else None
    design = read_design(**_call(file.design, "source"), items=items) if file.design else None
    people = read_respondents(**_call(file.respondents, "source")) if file.respondents else None
    choices = read_choices(**_call(file.choices, "source"), items=items, design=design, respondents=people)
    if not choices.answered.any():
        raise StudyError(f"{file.choices['file'].name} holds no answered task")
    named = [bool(a) for a in choices.respondents.accounts]
    unit = file.unit or ("account" if all(named) else "respondent")
    if not all(named) and (any(named) or unit == "account"):
        who = [i for i, n in zip(choices.respondents.ids, named, strict=True) if not n]
        raise StudyError(f"{len(who):,} of {len(named):,} respondents have no account\n  for example {examples(who)}\n"
                         "  expected an account for each of them in [respondents], or for none of them")  # fmt: skip
    if not file.accounts:
        return Inputs(file=file, choices=choices, unit=unit)
    if not all(named):
        raise StudyError("the study names an account list, but no respondent has an account\n"
                         "  expected a column 'account' in the file of [respondents]\n"
                         "  add it, or take [accounts] out of the study file")  # fmt: skip
    accounts, sets = _read_list(file, choices)
    return Inputs(file=file, choices=choices, unit=unit, accounts=accounts, sets=sets)


def _read_list(file: StudyFile, choices: Choices) -> tuple[Accounts, dict[str, tuple[str, ...]]]:
    """The account list, and the sets of its columns; each surveyed account is on it."""
    from cvmstats.projection import read_accounts
    from cvmstats.projection.project import join_sample

    options = {k: v for k, v in file.accounts.items() if k in ("id", "columns", "encoding")}
    accounts = read_accounts(file.accounts["file"], **options)
    sets = file.column_sets
    every = list(dict.fromkeys(c for columns in sets.values() for c in columns))
    absent = [c for c in every if c not in accounts.columns]
    if absent:
        raise AccountsError(f"{len(absent)} columns that [accounts] names are not in {file.accounts['file'].name}\n"
                            f"  for example {examples(absent)}\n"
                            f"  its columns are {examples(accounts.columns, 20)}")  # fmt: skip
    surveyed = tuple(dict.fromkeys(choices.respondents.accounts))
    nobody = np.full((len(surveyed), 2), 0.5)
    blank = Segments(design=choices.design, unit="account", ids=surveyed, membership=nobody)
    _, used = join_sample(blank, accounts, every or None)
    return accounts, sets or {"all": tuple(used)}


def analyse(inputs: Inputs, *, utilities: bool = True, progress: bool | None = None,
            say: Say | None = None) -> StudyResult:  # fmt: skip
    """The stages between reading and writing.

    Parameters
    ----------
    inputs : Inputs
        From :func:`read_inputs`.
    utilities : bool
        Fit each respondent's utilities; the segments do not need them.
    progress, say
        As in :func:`run_study`.
    """
    from cvmstats.segments import choose_segments, segment_accounts
    from cvmstats.strategy import grade_priorities

    tell, seconds = say or _mute, dict[str, float]()
    file, choices = inputs.file, inputs.choices
    fitted = None
    if utilities:
        from cvmstats.utilities.hierarchical import fit_hierarchical
        from cvmstats.utilities.options import Sampler

        sampler = Sampler(**{k: v for k, v in file.fit.items() if k != "seed"})
        with _stage(f"utilities of {choices.n_respondents:,} respondents", seconds, tell):
            fitted = fit_hierarchical(choices, sampler=sampler, seed=file.fit.get("seed", 0), progress=progress)
    numbers = file.n_segments
    options = {k: v for k, v in file.segments.items() if k in ("n_starts", "seed")}
    with _stage(f"segments, {numbers.start} to {numbers.stop - 1} tried", seconds, tell):
        choice = choose_segments(choices, n_segments=numbers, unit=inputs.unit, progress=progress, **options)
        segments = choice.best
        if segments.unit == "respondent" and any(choices.respondents.accounts):
            segments = segment_accounts(segments, choices)
    with _stage("priorities", seconds, tell):
        priorities = grade_priorities(segments)
    parts: dict[str, Any] = {}
    if inputs.accounts is not None and segments.n_segments > 1:
        with _stage(f"account list of {len(inputs.accounts):,} rows", seconds, tell):
            parts = _score_list(segments, inputs)
    elif inputs.accounts is None:
        tell("no [accounts] in the study file: the run ends after the segments")
    else:
        tell("one segment only: there is nothing to predict on the account list")
    return StudyResult(inputs=inputs, utilities=fitted, bic=choice.table(), segments=segments, priorities=priorities,
                       seconds=seconds, **parts)  # fmt: skip


def _score_list(segments: Segments, inputs: Inputs) -> dict[str, Any]:
    """Compare the sets of columns on held-out accounts; the best of them scores the list."""
    from cvmstats.projection import evaluate_classifier, fit_classifier, project

    accounts = inputs.accounts
    assert accounts is not None
    evaluation = evaluate_classifier(segments, accounts, columns=inputs.sets)
    best = max(inputs.sets, key=evaluation.log_loss_skill)
    scorer = fit_classifier(segments, accounts, columns=inputs.sets[best])
    projection = project(scorer, accounts, segments=segments)
    return {"evaluation": evaluation, "scorer": scorer, "projection": projection, "predictors": best}


def _call(table: Any, first: str) -> dict[str, Any]:
    return {first if k == "file" else k: v for k, v in table.items()}


def _mute(line: str) -> None:
    return None


@contextmanager
def _stage(name: str, seconds: dict[str, float], say: Say) -> Iterator[None]:
    say(f"{name} ...")
    start = time.perf_counter()
    yield
    seconds[name.split(",")[0].split(" of ")[0]] = round(time.perf_counter() - start, 2)
