"""Every notebook runs from top to bottom, and says what it says in the project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def texts(notebook: Any) -> list[str]:
    """What its cells print, a list per cell; pictures and tables drawn for browsers left out."""
    return [re.sub(r"<Figure size [^>]*>", "<Figure>", "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "")
                                                             for o in cell.get("outputs", [])))
            for cell in notebook.cells if cell.cell_type == "code"]  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
@pytest.mark.filterwarnings("default")
def test_notebook_runs_and_shows_what_it_shows(path: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    before = texts(notebook)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert texts(notebook) == before


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
