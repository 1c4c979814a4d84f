"""Designs of pairs: as efficient as the best circulant or more, left as often as right, dealt evenly."""

from itertools import combinations

import numpy as np
import pytest

import cvmstats as cvm
from cvmstats.design.graphs import a_efficiency, best_circulant, regular_graph
from cvmstats.errors import DesignError


def labels(n: int) -> list[str]:
    return [f"need {j + 1}" for j in range(n)]


def efficiency(matrix: np.ndarray) -> float:
    values = np.linalg.eigvalsh(matrix)[1:]
    return 0.0 if values[0] < 1e-9 else float(1 / (1 / values).mean() / values.mean())


def every_circulant(n: int, degree: int) -> float:
    """The best A efficiency of all sets of steps, by their Laplacians."""
    best = 0.0
    for steps in combinations(range(1, (n - 1) // 2 + 1), degree // 2):
        met = np.zeros((n, n))
        for s in (*steps, *([n // 2] if degree % 2 else [])):
            for i in range(n):
                met[i, (i + s) % n] = met[(i + s) % n, i] = 1
        best = max(best, efficiency(np.diag(met.sum(axis=1)) - met))
    return best


@pytest.mark.parametrize(("n", "degree"), [(8, 3), (8, 4), (9, 4), (11, 6), (12, 5), (14, 3), (16, 4), (20, 4), (30, 3)])
def test_no_circulant_is_better(n: int, degree: int) -> None:
    rng = np.random.default_rng(0)
    best = every_circulant(n, degree)
    assert a_efficiency(best_circulant(n, degree, rng), n) == pytest.approx(best, abs=1e-9)
    edges = regular_graph(n, degree, rng)
    assert a_efficiency(edges, n) >= best - 1e-9
    assert np.bincount(edges.ravel(), minlength=n).tolist() == [degree] * n
    assert len({frozenset(edge) for edge in edges.tolist()}) == n * degree // 2


def test_twenty_items_with_four_partners_reach_the_published_figure() -> None:
    """Circulant .798, random regular .759, ring .537 (the customer's methods page)."""
    a = cvm.assess_design(cvm.design_pairs(labels(20), degree=4))
    assert a["A efficiency over all"] >= 0.798
    assert a["sets repeated within a version"] == 0


@pytest.mark.parametrize(("n", "degree", "n_versions"), [
    (10, 4, 1), (10, 4, 4), (12, 5, 3), (9, None, 4), (7, 2, 7), (2, None, 1),
])  # fmt: skip
def test_items_stand_left_as_often_as_right(n: int, degree: int | None, n_versions: int) -> None:
    design = cvm.design_pairs(labels(n), degree=degree, n_versions=n_versions, seed=3)
    sides = [np.bincount(design.shown[:, :, p][design.shown[:, :, p] >= 0], minlength=n) for p in (0, 1)]
    each = n - 1 if degree is None else degree
    assert np.abs(sides[0] - sides[1]).max() <= each % 2
    assert (sides[0] + sides[1]).tolist() == [each] * n
    asked = (design.shown >= 0).any(axis=2).sum(axis=1)
    assert np.ptp(asked) <= 1
    for version in design.shown:
        here = [np.bincount(version[version[:, p] >= 0, p], minlength=n) for p in (0, 1)]
        assert np.abs(here[0] - here[1]).max() <= 1
        assert np.ptp(here[0] + here[1]) <= 2


def test_graded_pairs_keep_their_scale() -> None:
    scale = ((0, "equal"), (1, "somewhat"), (2, "much"))
    design = cvm.design_pairs(labels(6), degree=3, grades=scale)
    assert design.grades == scale
    assert set(design.kind.ravel().tolist()) == {"graded"}  # type: ignore[union-attr]
    assert cvm.design_pairs(labels(6), degree=3).fingerprint == cvm.design_pairs(labels(6), degree=3).fingerprint


@pytest.mark.parametrize(("n", "more", "message"), [
    (7, {"degree": 3}, "degree=4"), (7, {"degree": 9}, "degree=6"), (8, {"degree": 1}, "degree=2"),
    (1, {}, "two items or more"), (4, {"n_versions": 9}, "n_versions=6"), (4, {"n_versions": 0}, "n_versions=1"),
])  # fmt: skip
def test_impossible_requests_name_the_nearest_possible(n: int, more: dict[str, int], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        cvm.design_pairs(labels(n), **more)  # type: ignore[arg-type]
