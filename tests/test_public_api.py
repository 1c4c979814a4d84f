"""The front door: which names there are, in order, and that each is there."""

import ast
import doctest
import re
from importlib.metadata import version
from pathlib import Path

import pytest

import cvmstats as cvm

ROOMS = ("design", "survey", "segments", "projection", "strategy", "report")
RESULTS = {"CorrectedSizes", "DesignAssessment", "Evaluation", "Priorities", "SegmentChoice"}
"""What functions return and nobody makes: public in their rooms, not at the front door."""


def test_names_are_sorted_and_unique():
    assert cvm.__all__ == sorted(set(cvm.__all__))


@pytest.mark.parametrize("name", cvm.__all__)
def test_each_name_is_there_and_says_what_it_is(name):
    value = getattr(cvm, name)
    assert value.__doc__
    if name not in ("__version__", "errors"):
        assert value.__name__ == name
        assert value.__module__.startswith("cvmstats.")


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(cvm.__file__).read_text(encoding="utf-8"))
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    seen = {(n.module.removeprefix("cvmstats."), a.name) for n in block.body for a in n.names}
    assert seen == {(home, name) for name, home in cvm._HOME_OF.items()}
    assert {name for _, name in seen} == set(cvm.__all__) - {"__version__", "errors"}


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_exports_is_at_the_front_door(room):
    module = __import__(f"cvmstats.{room}", fromlist=["__all__"])
    assert set(module.__all__) - RESULTS <= set(cvm.__all__)


def test_dir_lists_what_is_not_loaded_yet():
    assert set(cvm.__all__) <= set(dir(cvm))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=re.escape("module 'cvmstats' has no attribute 'fit_everything'")):
        cvm.fit_everything  # noqa: B018


def test_version_is_the_distributions():
    assert cvm.__version__ == version("cvmstats")


def test_the_readmes_example_gives_what_it_says():
    readme = Path(__file__).resolve().parents[1] / "README.md"
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    done = doctest.testfile(str(readme), module_relative=False, optionflags=flags)
    assert done.attempted > 5
    assert done.failed == 0
