"""The house: who may import whom, and which packages have their door where (docs/explanation/architecture.md)."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "cvmstats"

ROOMS = {"design", "survey", "utilities", "segments", "projection", "strategy"}
SHARED = {"data", "_numerics", "errors", "progress"}
ANYWHERE = {"numpy", "scipy", "pandas"}  # pandas anywhere but in the cellar

# part: (what it may import of ours, the packages it is the door to)
TABLE = {
    "errors": (set(), set()),
    "progress": (set(), {"tqdm"}),
    "data": ({"errors"}, {"narwhals", "xarray", "zarr", "pyarrow"}),
    "_numerics": (set(), {"numba", "llvmlite"}),
    "design": (SHARED, set()),
    "survey": (SHARED, {"pyreadstat", "openpyxl", "jinja2"}),
    "utilities": (SHARED, {"pymc", "pytensor", "nutpie", "arviz"}),
    "segments": (SHARED, {"stepmix", "sklearn", "threadpoolctl"}),
    "projection": (
        SHARED,
        {"sklearn", "threadpoolctl", "narwhals", "duckdb", "pyspark", "polars", "sqlglot", "openpyxl"},
    ),
    "strategy": (SHARED, set()),
    "report": ({"data"} | ROOMS, {"matplotlib", "jinja2"}),  # of a room: only its types and constants
    "workflows": (ROOMS | SHARED | {"report"}, set()),
    "cli": ({"workflows", "errors"}, {"typer"}),
    "__init__": (ROOMS | SHARED | {"report", "workflows"}, set()),
}
# Packages that a module may import at its top; every other one is imported inside the function that needs it.
AT_THE_TOP = {
    "_numerics": {"numba"},
    "_numerics.lanes": {"llvmlite"},
    "data": {"narwhals"},
    "cli": {"typer"},
    "utilities._pymc_model": {"pymc", "pytensor"},
    "utilities._pymc_answers": {"pymc", "pytensor"},
    "utilities._pymc_population": {"pymc", "pytensor"},
    "projection.classifier": {"sklearn", "threadpoolctl"},
}
# Modules that only functions, and one another, load.
LATE = {"utilities._pymc_model", "utilities._pymc_answers", "utilities._pymc_population", "utilities.nuts",
        "projection.classifier", "projection.evaluate"}  # fmt: skip
# They come with numba and pymc, which pin their version.
BROUGHT_ALONG = {"llvmlite", "pytensor"}


class Import(NamedTuple):
    """One imported name: by which module, from where, and whether it runs when the module is loaded."""

    by: str
    module: str
    name: str
    top: bool
    typing_only: bool

    @property
    def part(self):
        return self.by.split(".")[0]

    @property
    def package(self):
        return self.module.split(".")[0]

    @property
    def ours(self):
        """Dotted path inside cvmstats, or None."""
        head, _, rest = self.module.partition(".")
        return None if head != "cvmstats" else rest or self.name

    def __str__(self):
        return f"{self.by} imports {self.module}{f'.{self.name}' if self.name else ''}"


def imports_of(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    by = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    found = []

    def walk(node, top, typing_only):
        if isinstance(node, ast.Import):
            found.extend(Import(by, a.name, "", top, typing_only) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{by}:{node.lineno} imports relatively"
            found.extend(Import(by, node.module, a.name, top, typing_only) for a in node.names)
        typing_only = typing_only or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        top = top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            walk(child, top, typing_only)

    walk(ast.parse(path.read_text(encoding="utf-8")), True, False)
    return found


FILES = sorted(SOURCE.rglob("*.py"))
IMPORTS = [i for path in FILES for i in imports_of(path)]
OURS = [i for i in IMPORTS if i.ours]
OTHERS = [i for i in IMPORTS if not i.ours and i.package not in sys.stdlib_module_names | {"__future__"}]


def listed(imports):
    return [str(i) for i in imports]


def test_the_table_names_every_part():
    parts = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in FILES}
    assert parts <= set(TABLE)


def test_every_folder_is_a_package():
    assert [str(f.relative_to(SOURCE)) for f in {p.parent for p in FILES} if not (f / "__init__.py").exists()] == []


def test_parts_import_only_what_the_table_allows():
    wrong = [i for i in OURS if (p := i.ours.split(".")[0]) != i.part and p not in TABLE[i.part][0]]
    assert listed(wrong) == []


def test_rooms_never_import_one_another():
    assert listed([i for i in OURS if i.part in ROOMS and i.ours.split(".")[0] in ROOMS - {i.part}]) == []


def test_report_takes_only_types_and_constants_from_rooms():
    taken = [i for i in OURS if i.part == "report" and i.ours.split(".")[0] in ROOMS]
    assert listed([i for i in taken if not i.name[:1].isupper()]) == []


def test_each_package_has_its_door():
    wrong = [i for i in OTHERS if i.package not in TABLE[i.part][1] | ANYWHERE and not i.typing_only]
    assert listed(wrong) == []


def test_the_cellar_knows_no_pandas():
    assert listed([i for i in OTHERS if i.part == "_numerics" and i.package == "pandas"]) == []


def test_heavy_packages_are_imported_inside_functions():
    top = [i for i in OTHERS if i.top and not i.typing_only and i.package not in ANYWHERE]
    wrong = [i for i in top if i.package not in AT_THE_TOP.get(i.by, set()) | AT_THE_TOP.get(i.part, set())]
    assert listed(wrong) == []


def test_late_modules_are_loaded_only_by_functions():
    top = [i for i in OURS if i.top and not i.typing_only and i.by not in LATE]
    assert listed([i for i in top if i.ours in LATE or f"{i.ours}.{i.name}" in LATE]) == []


def test_no_pickle():
    assert listed([i for i in IMPORTS if i.package in {"pickle", "cloudpickle", "joblib", "dill"}]) == []


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="runs in the project's folder only")
def test_what_is_imported_is_declared_with_a_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(w for extra in project["optional-dependencies"].values() for w in extra)]
    assert [w for w in wanted if ">=" not in w] == []
    declared = {re.split(r"[\[><=~! ;]", w)[0].replace("-", "_") for w in wanted}
    used = {{"sklearn": "scikit_learn"}.get(i.package, i.package) for i in OTHERS} - BROUGHT_ALONG
    assert used <= declared
