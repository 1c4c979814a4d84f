"""Files: every type comes back as it was, without pickle."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.findings import Findings
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.data.store import fingerprint, load, read_only, save
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import InputError

ITEMS = Items(table=pd.DataFrame({"id": ["007", "é ü", "NA"], "label": ["7", "", "None"], "fr": ["x", "y", "z"]}))
DESIGN = Design(objects=ITEMS, shown=np.array([[[0, 1, 2], [2, 1, -1]]]), grades=((1, "un peu"),))
PEOPLE = Respondents(table=pd.DataFrame({"id": ["007", " é", "7"], "account": ["", "Ä", "nan"], "weight": [1, 2, 3]}),
                     weight_kind="frequency")  # fmt: skip
RNG = np.random.default_rng(0)
POPULATION = Population(mean=np.ones(2), mean_cov=np.eye(2), cov=np.eye(2), mean_draws=RNG.normal(size=(2, 4, 2)))
UTILITIES = Utilities(design=DESIGN, respondents=PEOPLE, mean=RNG.normal(size=(3, 2)), sd=np.ones((3, 2)), method="m",
                      form="sequential", population=POPULATION, draws=RNG.normal(size=(2, 4, 3, 2)).astype(np.float32),
                      settings={"seed": 1, "x": {"y": (1, 2)}, "none": None})  # fmt: skip
CHOICES = Choices(design=DESIGN, respondents=PEOPLE, version=np.zeros(3, int),
                  place=np.tile([[1, 0, -1], [1, -1, -128]], (3, 1, 1)), seconds=np.full((3, 2), np.nan))  # fmt: skip
SEGMENTS = Segments(design=DESIGN, unit="respondent", ids=PEOPLE.ids, membership=[[1, 0], [0.25, 0.75], [0.5, 0.5]], bic=3.5,
                    model=SegmentModel(route="choices", sizes=np.array([0.5, 0.5]), means=np.eye(2)))  # fmt: skip
FINDINGS = Findings(table=pd.DataFrame({"severity": ["note"], "what": ["é"], "count": [1]}))
ATTRIBUTES = Attributes.from_dict({"prix": [10, 20.5], "NA": ["007", "é"]}, linear=("prix",))
PROFILES = Profiles(attributes=ATTRIBUTES, levels=np.array([[0, 1], [1, 0], [-1, -1]]), none_label="rien")
CONJOINT = Design(objects=PROFILES, shown=np.array([[[0, 1, 2]]]), kind="best", block=("conjoint",))
ALL = [ATTRIBUTES, PROFILES, CONJOINT, ITEMS, DESIGN, PEOPLE, CHOICES, POPULATION, UTILITIES, SEGMENTS, FINDINGS]


def assert_same(a: Any, b: Any) -> None:
    if dataclasses.is_dataclass(a):
        assert type(a) is type(b)
        for f in dataclasses.fields(a):
            assert_same(getattr(a, f.name), getattr(b, f.name))
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        assert not b.flags.writeable
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_dtype=False)
    else:
        assert a == b


@pytest.mark.parametrize("thing", ALL, ids=lambda t: type(t).__name__)
def test_round_trip_without_pickle(thing: Any, tmp_path: Path) -> None:
    path = save(thing, tmp_path / "new folder" / "é.cvm")
    assert [p.name for p in path.parent.iterdir()] == ["é.cvm"]
    assert_same(thing, load(path))
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            assert Path(name).suffix in {".json", ".npy", ".parquet"}
            if name.endswith(".npy"):
                np.load(io.BytesIO(z.read(name)), allow_pickle=False)


def test_fingerprints_survive(tmp_path: Path) -> None:
    assert load(save(DESIGN, tmp_path / "d")).fingerprint == DESIGN.fingerprint


def test_fingerprints_tell_shapes_and_parts_apart() -> None:
    assert fingerprint(np.zeros((2, 3))) != fingerprint(np.zeros((3, 2)))
    assert fingerprint("a", "b") != fingerprint("b", "a")
    assert fingerprint(np.arange(3, dtype=np.int32)) == fingerprint(np.arange(3))


def test_read_only_never_locks_the_callers_array() -> None:
    given = np.zeros(3)
    got = read_only(given)
    given[0] = 1
    assert got[0] == 0
    assert read_only(got) is got


def test_messages(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"save\(\) got a dict\n.*Choices"):
        save({}, tmp_path / "x")
    assert not list(tmp_path.iterdir())
    (tmp_path / "text").write_text("no zip")
    for name, meta in (("other", None), ("broken", "{"), ("list", "[1]"), ("later", '{"cvmstats": 99, "root": null}')):
        with zipfile.ZipFile(tmp_path / name, "w") as z:
            z.writestr("meta.json" if meta else "a.txt", meta or "")
    for name in ("text", "other", "broken", "list"):
        with pytest.raises(InputError, match=r"is not a file that cvmstats.save\(\) wrote"):
            load(tmp_path / name)
    with pytest.raises(InputError, match="later cvmstats .format 99.; update"):
        load(tmp_path / "later")
    for name, why in (("none", "No such file"), ("", "Is a directory")):
        with pytest.raises(InputError, match=f"cannot be read: {why}"):
            load(tmp_path / name)
    mixed = Respondents(table=pd.DataFrame({"id": ["a", "b"], "size": [1, "big"]}))
    with pytest.raises(InputError, match="1 columns of root.table hold values of several types\n.*'size: int and str'"):
        save(mixed, tmp_path / "mixed")
    assert not (tmp_path / "mixed").exists()
