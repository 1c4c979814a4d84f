"""The `cvmstats` command: thin, it calls the same public functions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="From best-worst answers to a scored account list.", no_args_is_help=True,
                  add_completion=False, pretty_exceptions_enable=False)  # fmt: skip

Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")]
From = Annotated[str | None, typer.Option("--from", help="Format of the file that is read; found where nothing is said.")]
Items = Annotated[Path | None, typer.Option(help="Table of the items.")]
Attributes = Annotated[Path | None, typer.Option(help="Table of the attributes, where profiles or levels were shown.")]
Columns = Annotated[list[str] | None, typer.Option(help="Our name of a column and the file's, such as respondent=ID; give "
                                                        "several.")]  # fmt: skip
Kind = Annotated[str | None, typer.Option(help="What the tasks ask for: best_worst, best, worst, rank, pair, graded; else what "
                                               "was answered.")]  # fmt: skip
Picks = Annotated[str | None, typer.Option(help="What picks are: names, numbers, positions.")]
BestCode = Annotated[str | None, typer.Option(help="Code of best in a Qualtrics export.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of the file that is read; UTF-8 where nothing is said.")]


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="The study file, TOML.", metavar="STUDY.toml")],
    out: Annotated[Path, typer.Option(help="Folder of the results; a former result is replaced.")],
    quiet: Quiet = False,
) -> None:
    """Run a study: utilities, segments, priorities and, with an account list, its scores."""
    with _clean_errors():
        from cvmstats.workflows import run_study

        result = run_study(study, out, progress=False if quiet else None, say=None if quiet else _say)
        typer.echo(repr(result))
        typer.echo(f"\nwritten to {result.out}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the study and its results.")] = Path("cvmstats-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Simulate the study of figure 8b, run it, and print what was recovered of the truth."""
    with _clean_errors():
        from cvmstats.workflows import run_demo

        result, recovery = run_demo(out, seed=seed, progress=False if quiet else None, say=None if quiet else _say)
        typer.echo(f"{result!r}\n\n{recovery!r}\n\nwritten to {result.out}; the picture is priorities.png")


@app.command()
def design(
    items: Annotated[Path, typer.Argument(help="Table of the items: id or label, and text and group if you like.")],
    out: Annotated[Path, typer.Option(help="Where the design goes: .csv or .parquet, or .cvm for all of it.")],
    items_per_task: Annotated[int, typer.Option(min=2, help="Items in a set.")] = 5,
    tasks: Annotated[int | None, typer.Option(min=1, help="Sets per version; by default each item comes 3 times.")] = None,
    versions: Annotated[int, typer.Option(min=1, help="Versions.")] = 10,
    items_per_version: Annotated[int | None, typer.Option(help="Build each version from so many of the items.")] = None,
    anchor: Annotated[str | None, typer.Option(help="'direct' or 'dual': ask for a threshold too (needs .cvm).")] = None,
    wide: Annotated[bool, typer.Option("--wide", help="Version, Set, Item1, ... by number.")] = False,
    picture: Annotated[Path | None, typer.Option(help="PNG of how often pairs meet.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
) -> None:
    """Make a best-worst design, and judge it."""
    with _clean_errors():
        from cvmstats.workflows import write_new_design

        assessment = write_new_design(items, out, items_per_task=items_per_task, n_tasks=tasks, n_versions=versions,
                                      items_per_version=items_per_version, anchor=anchor, wide=wide, picture=picture,
                                      seed=seed)  # fmt: skip
        typer.echo(f"{assessment.design!r}\n\n{assessment!r}\n\nwritten to {out}")


@app.command()
def check(
    answers: Annotated[Path, typer.Argument(help="Answers: long or wide table, or .cvm.", metavar="FILE")],
    design: Annotated[Path | None, typer.Option(help="What was shown; wide answers need it.")] = None,
    items: Items = None,
    attributes: Attributes = None,
    from_: From = None,
    columns: Columns = None,
    kind: Kind = None,
    picks: Picks = None,
    best_code: BestCode = None,
    encoding: Encoding = None,
    best: Annotated[list[str] | None, typer.Option(help="An item known to be good, the best first; give several.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV of whom the findings concern.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the chance answers to compare with.")] = 0,
) -> None:
    """Look through answers: copies, straight lines, chance, codes exchanged. Exit code 1 where there is an error."""
    with _clean_errors():
        from cvmstats.workflows import check_file

        findings = check_file(answers, design=design, items=items, attributes=attributes, format=from_,
                              columns=_named(columns), kind=kind, picks=picks, best_code=best_code, encoding=encoding,
                              known=best, out=out, seed=seed)  # fmt: skip
        typer.echo(repr(findings))
        for remedy in findings.to_frame()["remedy"]:
            typer.echo(f"  -> {remedy}")
        if out is not None:
            typer.echo(f"\nwritten to {out}")
        if findings.has_errors:
            raise typer.Exit(1)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="The file of answers or of a design.", metavar="IN")],
    out: Annotated[Path, typer.Argument(help="The file to write.", metavar="OUT")],
    to: Annotated[str, typer.Option(help="Format to write, such as long, wide, sawtooth, cho, qualtrics; cvm keeps "
                                         "everything.")],
    from_: From = None,
    items: Items = None,
    attributes: Attributes = None,
    design: Annotated[Path | None, typer.Option(help="What was shown.")] = None,
    kind: Kind = None,
    is_design: Annotated[bool, typer.Option("--is-design", help="IN is a design, not answers.")] = False,
    columns: Columns = None,
    picks: Picks = None,
    best_code: BestCode = None,
    invalid: Annotated[str, typer.Option(help="Tasks that cannot be used: raise or drop.")] = "raise",
    encoding: Encoding = None,
) -> None:
    """Read answers, or a design, in one format and write them in another."""
    with _clean_errors():
        from cvmstats.workflows import convert_file

        result = convert_file(source, out, to=to, format=from_, items=items, attributes=attributes, design=design, kind=kind,
                                what="design" if is_design else "answers", columns=_named(columns), picks=picks,
                                best_code=best_code, invalid=invalid, encoding=encoding)  # fmt: skip
        typer.echo(f"{result!r}\n\nread from {result.source}\nwritten to {out}")


def _named(columns: list[str] | None) -> dict[str, str | None] | None:
    """``--columns`` as a mapping; ``seconds=`` says that there is no such column."""
    from cvmstats.errors import InputError, examples

    strange = [c for c in columns or [] if "=" not in c]
    if strange:
        raise InputError(f"--columns {examples(strange)}\n  expected our name and the file's: --columns respondent=ID")
    return {name: text or None for name, text in (c.split("=", 1) for c in columns)} if columns else None


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Our warnings as plain lines on stderr, without the line of code that raised them."""
    import warnings

    from cvmstats.errors import CvmWarning

    with warnings.catch_warnings():
        former = warnings.showwarning

        def show(message, category, filename, lineno, file=None, line=None):  # type: ignore[no-untyped-def]
            if issubclass(category, CvmWarning):
                _say(f"{category.__name__}: {message}")
            else:
                former(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _say(line: str) -> None:
    typer.echo(line, err=True)


@contextmanager
def _clean_errors() -> Iterator[None]:
    from cvmstats.errors import CvmError

    try:
        with _plain_warnings():
            yield
    except CvmError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{error.filename or 'a file'}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("stopped; a former result is untouched", err=True)
        raise typer.Exit(130) from None


def main() -> None:
    """Entry point of the command."""
    app()
