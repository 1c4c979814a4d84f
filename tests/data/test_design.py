"""Design: basis, checks, two fingerprints, read-only arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvmstats.data.design import Design, sum_to_zero_basis
from cvmstats.data.items import Items
from cvmstats.errors import DesignError

ITEMS = Items.from_labels(["a", "b", "c", "<d>"])
SHOWN = np.array([[[0, 1, 2], [3, 2, -1]], [[1, 2, 3], [-1, -1, -1]]])


def design(**options: object) -> Design:
    return Design(**{"objects": ITEMS, "shown": SHOWN, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [2, 3, 17])
def test_basis_is_orthonormal_and_sums_to_zero(n: int) -> None:
    basis = sum_to_zero_basis(n)
    np.testing.assert_allclose(basis.T @ basis, np.eye(n - 1), atol=1e-14)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(basis @ basis.T, np.eye(n) - 1 / n, atol=1e-14)


def test_defaults() -> None:
    d = design()
    assert (d.n_versions, d.n_tasks) == (2, 2)
    assert d.set_size == pytest.approx(8 / 3)
    np.testing.assert_array_equal(d.coding, sum_to_zero_basis(4))
    np.testing.assert_array_equal(d.report, d.coding)
    assert d.report_labels == ITEMS.labels
    assert d.parameter_block == ("items",) * 3
    assert (d.task_ids, d.version_ids, d.block) == (("1", "2"), ("1", "2"), ("MaxDiff", "MaxDiff"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shown": np.zeros((2, 2), int)}, r"shown has shape \(2, 2\)\n.*versions, tasks"),
        ({"shown": np.zeros((0, 2, 2), int)}, "none of them 0"),
        ({"shown": [[[0, 1, 0]]]}, "1 of 1 tasks show an item twice\n.*version 1 task 1"),
        ({"shown": [[[0, 1], [2, -1]]]}, "1 of 2 tasks show one item only\n.*version 1 task 2"),
        ({"shown": [[[0, 4]]]}, "shows object 4.*\n.*0 to 3"),
        ({"shown": [[[0, -2]]]}, "below -1"),
        ({"shown": [[[0, 0.6]]]}, "1 of 2 values of shown are no whole numbers.*\n.*'0.6'"),
        ({"kind": "beste"}, "unknown kinds of task: 'beste'\n.*best_worst"),
        ({"kind": ["best"] * 5}, r"kind has shape \(5,\)\n.*one kind, \(2,\) or"),
        ({"coding": np.eye(3)}, r"coding has shape \(3, 3\)"),
        ({"report": np.eye(4)}, r"report \(4, 4\)"),
        ({"report_labels": ("a",)}, "report_labels has size 1\n.*4"),
        ({"parameter_block": ("a",)}, "parameter_block has size 1\n.*3"),
        ({"dual": np.zeros((1, 2))}, "dual has size"),
        ({"block": ("a",)}, "block has size 1\n.*2"),
        ({"task_ids": ("a",)}, "task_ids has size 1"),
        ({"version_ids": ("a",)}, "version_ids has size 1"),
    ],
)
def test_messages(options: dict[str, object], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        design(**options)


def test_what_was_shown_changes_the_design_only() -> None:
    one = design()
    for other in (design(shown=SHOWN[:1]), design(shown=SHOWN[:, :, [1, 0, 2]]), design(kind="best")):
        assert other.objects_fingerprint == one.objects_fingerprint
        assert other.fingerprint != one.fingerprint
    renamed = replace(ITEMS, table=ITEMS.to_frame().assign(text="other", label=["1", "2", "3", "4"]))
    texts = design(objects=renamed)
    assert (texts.objects_fingerprint, texts.fingerprint) == (one.objects_fingerprint, one.fingerprint)
    moved = design(objects=Items.from_labels(["b", "a", "c", "<d>"]))
    recoded = design(coding=np.eye(4)[:, :3])
    for other in (moved, recoded):
        assert other.objects_fingerprint != one.objects_fingerprint
        assert other.fingerprint != one.fingerprint


@pytest.mark.parametrize("name", ["shown", "kind", "coding", "report", "dual"])
def test_arrays_are_read_only(name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(design(), name)[0] = 0


def test_what_the_caller_does_later_does_not_count() -> None:
    given = SHOWN.astype(np.int32)
    d = design(shown=given)
    given[0, 0, 0] = 3
    assert d.shown[0, 0, 0] == 0


def test_table_and_what_a_person_sees() -> None:
    table = design().to_frame()
    assert len(table) == 8
    assert table.query("version == '1' and task == '2'")["item"].tolist() == ["<d>", "c"]
    assert repr(design()).startswith("Design  2 versions x 2 tasks x 2-3 items\n  4 items · best_worst · ")
    assert "1 version x" in repr(design(shown=SHOWN[:1]))
    assert repr(design(adaptive=True)).endswith(" · adaptive")
    assert design()._repr_html_().startswith("<pre>")
