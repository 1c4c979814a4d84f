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
    except KeyboardInterrupt:
        typer.echo("stopped; a former result is untouched", err=True)
        raise typer.Exit(130) from None


def main() -> None:
    """Entry point of the command."""
    app()
