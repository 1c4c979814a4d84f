"""Pairs with ties, grades and an advantage of the first: the sampler's contrasts against the plain likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives
from cvmstats._numerics.curvature import add_own_curvature
from cvmstats._numerics.lanes import WIDTH
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.likelihood import FARTHEST, full_gradient, full_value, room_for
from cvmstats._numerics.link import plain_link
from cvmstats._numerics.own import place_factors
from cvmstats._numerics.tasks import Given, Reading, flatten

N_OBJECTS, N_PAR = 5, 3
READINGS = {
    "ties": Reading(ties=True),
    "advantage": Reading(position=True),
    "ties, advantage": Reading(ties=True, position=True),
    "grades": Reading(grades=(1, 2.5, 4)),
    "grades, ties, advantage": Reading(grades=(0, 1, 3), ties=True, position=True),
}


def answers(reading: Reading, people: int, seed: int, *, scaled: bool = False, graded_ones: bool = True) -> Coded:
    """Pairs (graded ones where there are grades, every third one not), a best-worst task, counts; some are missing."""
    rng, n_tasks = np.random.default_rng(seed), 9
    shown = np.full((2, n_tasks, 3), -1)
    for v, t in np.ndindex(2, n_tasks - 1):
        shown[v, t, :2] = rng.permutation(N_OBJECTS)[:2]
    shown[:, -1] = [0, 2, 4]
    kind = np.full((2, n_tasks), "pair", object)
    if len(reading.grades) and graded_ones:
        kind[:, np.arange(n_tasks) % 3 > 0] = "graded"
    kind[:, -1] = "best_worst"
    version = rng.integers(0, 2, people)
    place = np.where(shown[version] >= 0, 0, -128)
    strength = np.full((people, n_tasks), np.nan)
    for r, t in np.ndindex(people, n_tasks - 1):
        if rng.random() < 0.2:
            continue
        graded = kind[version[r], t] == "graded"
        place[r, t, rng.integers(2)] = 1
        strength[r, t] = rng.choice([g for g in reading.grades if g > 0]) if graded else np.nan
        if rng.random() < 0.3 and (0 in reading.grades if graded else reading.ties):
            place[r, t, :2], strength[r, t] = 1, np.nan
    place[:, -1, :2] = [1, -1]
    if scaled:
        reading = reading._replace(scale=np.arange(n_tasks) % 2, names=("odd",))
    more = Given(strength=strength, times=rng.integers(0, 4, (people, n_tasks)))
    tasks = flatten(shown, version, place, kind, N_OBJECTS, reading=reading, given=more)
    return make_coded(tasks, rng.normal(size=(N_OBJECTS, N_PAR)))


def by_blocks(coded: Coded, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood (R), gradient (R, K) and minus the Hessian (R, K, K) in people's parameters, phi (R, K + E + S)."""
    blocks, link, lower = lay_out(coded.tasks, coded), plain_link(np.zeros(N_PAR)), np.tril_indices(N_PAR)
    response, scales = phi[0, N_PAR : N_PAR + len(coded.names)], phi[0, N_PAR + len(coded.names) :]
    place_factors(blocks, response, scales)
    values, slopes, full = np.empty(len(phi)), np.empty((len(phi), N_PAR)), np.empty((len(phi), N_PAR, N_PAR))
    n_objects, work = blocks.own.rows.shape[1], room_for(blocks.sets)
    for b in range(len(blocks.row)):
        own = blocks.row[b] >= 0
        gamma, out = np.zeros((2, N_PAR, WIDTH))
        gamma[:, own] = phi[blocks.row[b, own], :N_PAR].T
        (u, slope), value, half = np.empty((2, n_objects, WIDTH)), np.empty(WIDTH), np.zeros((len(lower[0]), WIDTH))
        full_value(link, *blocks[2:], b, gamma, u, work, value)
        full_gradient(link, *blocks[2:], b, gamma, u, work, slope, out)
        add_own_curvature(*blocks[2:], b, u, work, gamma, link.sign, half)
        square = np.empty((WIDTH, N_PAR, N_PAR))
        square[:, lower[0], lower[1]] = square[:, lower[1], lower[0]] = half.T
        who = blocks.row[b, own]
        values[who], slopes[who], full[who] = value[own], out.T[own], square[own]
    return values, slopes, full


def with_common(coded: Coded, people: int, rng: np.random.Generator, sd: float) -> np.ndarray:
    phi = np.tile(rng.normal(0, 0.7, coded.size), (people, 1))
    phi[:, :N_PAR] = rng.normal(0, sd, (people, N_PAR))
    return phi


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(sorted(READINGS)), people=st.integers(1, WIDTH + 5), seed=st.integers(0, 10_000),
       scaled=st.booleans())  # fmt: skip
def test_contrasts_are_the_plain_likelihood(name: str, people: int, seed: int, scaled: bool) -> None:
    coded = answers(READINGS[name], people, seed, scaled=scaled)
    phi = with_common(coded, people, np.random.default_rng(seed + 1), 1.5)
    values, slopes, full = by_blocks(coded, phi)
    expected, slope, hessian = people_derivatives(coded, phi)
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(slopes, slope[:, :N_PAR], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(full, -hessian[:, :N_PAR, :N_PAR], atol=1e-9)


@pytest.mark.parametrize("name", READINGS)
def test_far_contrasts_are_computed_exactly(name: str) -> None:
    coded = answers(READINGS[name], WIDTH, 3)
    phi = with_common(coded, WIDTH, np.random.default_rng(4), 1.5)
    phi[::3, :N_PAR] *= 10 * FARTHEST
    values, slopes, _ = by_blocks(coded, phi)
    expected, slope, _ = people_derivatives(coded, phi, curved=False)
    assert expected.min() < -FARTHEST
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(slopes, slope[:, :N_PAR], rtol=1e-9, atol=1e-9)


def test_grades_that_nobody_was_asked_for_change_nothing() -> None:
    coded = answers(Reading(ties=True, grades=(1, 3)), WIDTH, 6, graded_ones=False)
    phi = with_common(coded, WIDTH, np.random.default_rng(7), 1.5)
    np.testing.assert_allclose(by_blocks(coded, phi)[0], people_derivatives(coded, phi, curved=False)[0], rtol=1e-11)


def test_each_pair_is_one_object_of_a_person() -> None:
    coded = answers(READINGS["grades, ties, advantage"], 2 * WIDTH, 5)
    own = lay_out(coded.tasks, coded).own
    assert own.rows.shape[1] - len(own.contrasts.kind) == 3  # the objects of the best-worst task
    assert len(own.contrasts.kind) <= 8
    assert own.contrasts.times.max() > 1  # answers that are counted are not computed anew
    np.testing.assert_array_equal(own.contrasts.weight, [1 / 3, 1])
