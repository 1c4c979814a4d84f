"""Relabelling: pairs get more even, and parts stay in their groups."""

import numpy as np

from cvmstats._numerics.relabel import add_version, neighbours, settle
from cvmstats._numerics.swaps import as_sets, deal


def test_gains_are_what_they_are_said_to_be() -> None:
    rng = np.random.default_rng(4)
    sets = as_sets(deal(12, 10, 4, rng), 12)
    near = neighbours(sets.met, sets.often)
    total = rng.integers(0, 20, (12, 12))
    total = np.triu(total, 1) + np.triu(total, 1).T
    label = rng.permutation(12)

    def squares() -> int:
        both = total.copy()
        add_version(both, near, label, 1)
        np.testing.assert_array_equal(both, total + sets.met[np.ix_(np.argsort(label), np.argsort(label))])
        return int(np.square(np.triu(both, 1)).sum())

    before, groups = squares(), dict(zip(label.tolist(), near.group.tolist(), strict=True))
    last = before
    for _ in range(20):
        settle(total, near, label, 0.0, np.array([1, 0], np.uint64))
        now = squares()
        assert now <= last
        last = now
    assert last < before
    assert dict(zip(label.tolist(), near.group.tolist(), strict=True)) == groups
    best = last  # no single exchange helps any more
    for a in range(12):
        for b in range(a):
            if near.group[a] == near.group[b]:
                label[[a, b]] = label[[b, a]]
                assert squares() >= best
                label[[a, b]] = label[[b, a]]


def test_taking_a_version_out_undoes_putting_it_in() -> None:
    sets = as_sets(deal(8, 6, 4, np.random.default_rng(0)), 8)
    near, total = neighbours(sets.met, sets.often), np.zeros((8, 8), np.int64)
    label = np.arange(8)[::-1].copy()
    add_version(total, near, label, 1)
    assert total.sum() == 6 * 4 * 3
    add_version(total, near, label, -1)
    assert not total.any()
