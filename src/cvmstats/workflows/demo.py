"""The simulated study as files, the way a company would hold them, and the run on them."""

from __future__ import annotations

import json
from pathlib import Path

from cvmstats.workflows.example import Study, make_study
from cvmstats.workflows.pipeline import Say, StudyResult, run_study
from cvmstats.workflows.recovery import Recovery, assess_recovery


def write_study(study: Study, folder: str | Path) -> Path:
    """Write a simulated study as answers, items, design, respondents, account list and study file.

    Returns
    -------
    Path
        The study file, ``STUDY.toml``.
    """
    from cvmstats.survey import write_choices

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    write_choices(study.choices, target / "answers.csv")
    tables = {"items": study.items.to_frame(), "design": study.design.to_frame(),
              "respondents": study.respondents.to_frame(), "accounts": study.accounts.to_frame()}  # fmt: skip
    for name, table in tables.items():
        table.to_csv(target / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")
    lines = [
        f"# A simulated study: cvmstats.make_study(seed={study.seed})",
        "[choices]", 'file = "answers.csv"', 'format = "long"', "",
        "[items]", 'file = "items.csv"', "",
        "[design]", 'file = "design.csv"', "",
        "[respondents]", 'file = "respondents.csv"', "",
        "[accounts]", 'file = "accounts.csv"', f"id = {json.dumps(study.accounts.id)}",
        f"hooks = {json.dumps(list(study.hooks))}", f"firmographics = {json.dumps(list(study.firmographics))}", "",
        "[segments]", "n = [1, 7]", "",
        "[fit]", "seed = 1", "",
    ]  # fmt: skip
    path = target / "STUDY.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def run_demo(out: str | Path = "cvmstats-demo", *, seed: int = 0, progress: bool | None = None,
             say: Say | None = None) -> tuple[StudyResult, Recovery]:  # fmt: skip
    """Simulate the study of figure 8b, write it to ``out/study``, run it into ``out/result``, compare with truth."""
    from cvmstats.workflows.folder import check_target

    check_target(Path(out) / "result")
    study = make_study(seed=seed)
    if say is not None:
        say(repr(study))
    path = write_study(study, Path(out) / "study")
    result = run_study(path, Path(out) / "result", progress=progress, say=say)
    if say is not None:
        say("the oracle ...")
    recovery = assess_recovery(study, result)
    (Path(out) / "recovery.txt").write_text(repr(recovery) + "\n", encoding="utf-8")
    return result, recovery
