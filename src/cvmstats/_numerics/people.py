"""Each person's utilities given the population: a Hamiltonian trajectory that is exact but for what is not normal.

A person's likelihood is close to exp(h'g - g'H g / 2) in the coordinates g (``link.py``), with h and H learnt in warm-up as
averages of gradient and curvature over the person's own draws. With the population, N(m, P^-1), that makes the normal
distribution of precision P + H = L L' and mean (P + H)^-1 (P m + h). In x = L'g less its mean a Hamiltonian trajectory of
that distribution is a rotation, done exactly; what the likelihood differs by kicks the momentum twice on the way (a split
Hamiltonian, Shahbaba et al. 2014, doi 10.1007/s11222-012-9373-1).

Places and weights of the kicks: a trajectory of angle 2 phi from -phi to phi, kicks of weight w at -s and s. To first order
in a difference that is linear or quadratic, energy is conserved if w cos s = sin phi and 2 w cos 2s = sin 2 phi (the integrals
of the force along the rotation), which gives cos s = (cos phi + sqrt(cos^2 phi + 8)) / 4. After a quarter turn, draws of a
normal distribution would be independent of the last ones. People turn a little more, by FULL: what the population carries
over from sweep to sweep makes their draws alike, and this makes up for it (over-relaxation, Adler 1981, doi
10.1103/PhysRevD.23.2901). Those whose likelihood is far from normal turn less.

Shapes: K parameters, J objects, B blocks of WIDTH people, N = K (K + 1) / 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.curvature import add_curvature, add_own_curvature
from cvmstats._numerics.lane_algebra import (
    factorise,
    inner,
    multiply,
    solve_lower,
    solve_upper,
    sum_rows,
    sum_square,
    times_upper,
)
from cvmstats._numerics.lanes import (
    REAL,
    WIDTH,
    above,
    choose,
    exponential,
    fill_normals,
    load,
    spread,
    square_root,
    store,
    uniform,
)
from cvmstats._numerics.likelihood import (
    full_gradient,
    full_value,
    is_plain,
    plain_gradient,
    plain_value,
    room_for,
)
from cvmstats._numerics.link import Link, to_parameters

Floats = npt.NDArray[np.float64]
FULL = np.radians(52.0)
"""The largest phi: 104 degrees in all, where utilities have the most effective draws on the studies tried."""
_ACCEPT, _LEAST = 0.8, 0.05


class People(NamedTuple):
    """Where the people stand; arrays are changed in place.

    Attributes
    ----------
    gamma : array (B, K, WIDTH)
        Coordinates.
    value : array (B, WIDTH)
        Log-likelihood.
    pull, stiffness : arrays (B, K, WIDTH), (B, N, WIDTH)
        h and H.
    turn : array (B, WIDTH)
        Cosine of phi.
    keys : array (B, WIDTH), uint64
        Random streams.
    offset : array (B, K, WIDTH), or (0, K, WIDTH) where there is none
        Each person's own addition to the population's mean (covariates, accounts).
    """

    gamma: Floats
    value: Floats
    pull: Floats
    stiffness: Floats
    turn: Floats
    keys: npt.NDArray[np.uint64]
    offset: Floats


class Memory(NamedTuple):
    """Sums over sweeps of warm-up.

    Attributes
    ----------
    gamma, slope : arrays (B, K, WIDTH)
        Coordinates, and the likelihood's gradient.
    curvature : array (B, J (J + 1) / 2, WIDTH), or (B, N, WIDTH)
        Minus its Hessian in utilities, or in coordinates where blocks have rows of their own (``add_own_curvature``); lower
        half by rows.
    """

    gamma: Floats
    slope: Floats
    curvature: Floats


@compiled(fast=True)
def _move_to(factor, inverse, center, x, gamma):  # type: ignore[no-untyped-def]
    """gamma = L^-T (x + L' mean)."""
    for k in range(x.shape[0]):
        store(gamma, k, load(x, k) + load(center, k))
    solve_upper(factor, inverse, gamma)


@compiled(fast=True)
def _rotate(x, p, cosine, sine):  # type: ignore[no-untyped-def]
    for k in range(x.shape[0]):
        a, b = load(x, k), load(p, k)
        store(x, k, cosine * a + sine * b)
        store(p, k, cosine * b - sine * a)


@compiled(fast=True)
def _prior_energy(precision, lift, gamma, scratch):  # type: ignore[no-untyped-def]
    """-log N(gamma; m, P^-1) up to a constant; ``scratch`` becomes P gamma."""
    multiply(precision, gamma, scratch)
    s = spread(0.0)
    for k in range(gamma.shape[0]):
        s += load(gamma, k) * (0.5 * load(scratch, k) - load(lift, k))
    return s


@compiled(fast=True)
def draw_people(blocks, link, people, precision, mean_pull, sweep, adapt, metropolis):  # type: ignore[no-untyped-def]
    """One trajectory of everybody who is live.

    Parameters
    ----------
    precision, mean_pull : arrays (K, K), (K)
        P and P m, in coordinates gamma.
    sweep : int
        Which random numbers to use.
    adapt : float
        Rate at which angles adapt; 0 after warm-up.
    metropolis : bool
        False leaves the correction out (wrong on purpose: a test shows that calibration notices).
    """
    n_par, n_obj = people.gamma.shape[1], blocks.sets.seen.shape[1]
    room = np.empty((8, n_par, WIDTH), REAL)
    _draw(blocks.sets, blocks.own, blocks.odd, blocks.live, link, people, precision, mean_pull, sweep, adapt, metropolis,
          room_for(blocks.sets), np.empty((n_par * (n_par + 1) // 2, WIDTH), REAL), room, np.empty((2, n_obj, WIDTH), REAL),
          np.empty((2, WIDTH), REAL))  # fmt: skip


@compiled(fast=True)
def _draw(  # type: ignore[no-untyped-def]
    sets, own, odd, live, link, people, precision, mean_pull, sweep, adapt, metropolis, work, factor, room, outside, energies
):
    """The same in given room: a loop that allocates nothing counts no references, which would take a tenth of the time."""
    plain = is_plain(own, odd)
    at, at_value, pull, stiffness = people.gamma, people.value, people.pull, people.stiffness
    turn, keys, offset = people.turn, people.keys, people.offset
    n_blocks, n_par = at.shape[0], at.shape[1]
    inverse, center, x, p, gamma, force, back, lift = room[0], room[1], room[2], room[3], room[4], room[5], room[6], room[7]
    u, slope, value, ratio = outside[0], outside[1], energies[0], energies[1]
    moved = offset.shape[0] > 0
    for k in range(n_par):
        store(lift, k, spread(mean_pull[k]))
    first = np.uint64(sweep) * np.uint64(n_par + 2)
    for b in range(n_blocks):
        if live[b] == 0:
            continue
        counter = fill_normals(keys, b, first, p)
        if moved:
            multiply(precision, offset[b], lift)
            for k in range(n_par):
                store(lift, k, load(lift, k) + mean_pull[k])
        factorise(precision, stiffness[b], factor, inverse)
        for k in range(n_par):
            store(center, k, load(pull[b], k) + load(lift, k))
        solve_lower(factor, inverse, center)
        times_upper(factor, at[b], x)
        for k in range(n_par):
            store(x, k, load(x, k) - load(center, k))
        energy = 0.5 * inner(p, p) + _prior_energy(precision, lift, at[b], force) - load(at_value[b], 0)

        cosine = load(turn[b], 0)
        sine = square_root(1.0 - cosine * cosine)
        c = (cosine + square_root(cosine * cosine + 8.0)) * 0.25
        s = square_root(1.0 - c * c)
        weight = sine / c
        _rotate(x, p, cosine * c + sine * s, sine * c - cosine * s)
        for kick in range(2):
            _move_to(factor, inverse, center, x, gamma)
            if not plain or plain_gradient(link, sets, b, gamma, u, work, slope, force):
                full_gradient(link, sets, own, odd, b, gamma, u, work, slope, force)
            multiply(precision, gamma, back)
            for k in range(n_par):
                store(force, k, load(force, k) + load(lift, k) - load(back, k))
            solve_lower(factor, inverse, force)
            for k in range(n_par):
                store(p, k, load(p, k) + weight * (load(force, k) + load(x, k)))
            if kick == 0:
                _rotate(x, p, 2.0 * c * c - 1.0, 2.0 * c * s)
        _rotate(x, p, cosine * c + sine * s, sine * c - cosine * s)

        _move_to(factor, inverse, center, x, gamma)
        if not plain or plain_value(link, sets, b, gamma, u, work, value):
            full_value(link, sets, own, odd, b, gamma, u, work, value)
        energy += load(value, 0) - 0.5 * inner(p, p) - _prior_energy(precision, lift, gamma, force)
        taken = above(exponential(choose(above(energy, 0.0), 0.0, choose(above(energy, -60.0), energy, -60.0))),
                      uniform(keys, b, counter))  # fmt: skip
        taken = np.uint16(taken & live[b]) if metropolis else live[b]
        store(at_value[b], 0, choose(taken, load(value, 0), load(at_value[b], 0)))
        for k in range(n_par):
            store(at[b], k, choose(taken, load(gamma, k), load(at[b], k)))
        if adapt > 0.0:
            store(ratio, 0, energy)
            for lane in range(WIDTH):
                if not (live[b] >> lane) & 1:
                    continue
                rate = np.exp(min(0.0, ratio[lane])) if ratio[lane] > -np.inf else 0.0  # not a number: no
                angle = np.arccos(turn[b, lane]) * np.exp(adapt * (rate - _ACCEPT))
                turn[b, lane] = np.cos(max(_LEAST, min(angle, FULL)))


@compiled
def remember(blocks, link, people, memory):  # type: ignore[no-untyped-def]
    """Add where people stand, and the likelihood's gradient and curvature there, to the memory."""
    sets, own, odd = blocks.sets, blocks.own, blocks.odd
    plain = is_plain(own, odd)
    gamma, sign = people.gamma, link.sign
    gammas, slopes, curvatures = memory.gamma, memory.slope, memory.curvature
    n_par, n_obj = gamma.shape[1], sets.seen.shape[1]
    work = room_for(sets)
    u, slope, force = np.empty((n_obj, WIDTH), REAL), np.empty((n_obj, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    for b in range(gamma.shape[0]):
        if not plain or plain_gradient(link, sets, b, gamma[b], u, work, slope, force):
            full_gradient(link, sets, own, odd, b, gamma[b], u, work, slope, force)
        if own.rows.shape[1] > 0:
            beta = np.empty((n_par, WIDTH), REAL)
            to_parameters(sign, gamma[b], beta)
            add_own_curvature(sets, own, odd, b, u, work, beta, sign, curvatures[b])
        else:
            add_curvature(sets, odd, b, work, curvatures[b])
        gammas[b] += gamma[b]
        slopes[b] += force


@compiled(fast=True)
def moments(blocks, people, first, second):  # type: ignore[no-untyped-def]
    """Sums over people of gamma (K) and of gamma gamma' (K, K), less what is their own."""
    live = np.empty_like(people.gamma)
    for b in range(people.gamma.shape[0]):
        for k in range(people.gamma.shape[1]):
            v = load(people.gamma[b], k)
            if people.offset.shape[0] > 0:
                v = v - load(people.offset[b], k)
            store(live[b], k, choose(blocks.live[b], v, 0.0))
    sum_rows(live, first)
    sum_square(live, second)


@compiled
def log_likelihood(blocks, values):  # type: ignore[no-untyped-def]
    """Sum over people of (B, WIDTH)."""
    total = 0.0
    for b in range(values.shape[0]):
        for lane in range(WIDTH):
            if (blocks.live[b] >> lane) & 1:
                total += values[b, lane]
    return total


@compiled
def all_values(blocks, link, gamma, out):  # type: ignore[no-untyped-def]
    """Log-likelihood (B, WIDTH) at coordinates (B, K, WIDTH)."""
    sets, own, odd = blocks.sets, blocks.own, blocks.odd
    plain = is_plain(own, odd)
    work, u = room_for(sets), np.empty((sets.seen.shape[1], WIDTH), REAL)
    for b in range(gamma.shape[0]):
        if not plain or plain_value(link, sets, b, gamma[b], u, work, out[b]):
            full_value(link, sets, own, odd, b, gamma[b], u, work, out[b])


@compiled(fast=True)
def settle(blocks, people, gamma, value):  # type: ignore[no-untyped-def]
    """Everybody who is live goes to ``gamma``."""
    for b in range(gamma.shape[0]):
        live = blocks.live[b]
        store(people.value[b], 0, choose(live, load(value[b], 0), load(people.value[b], 0)))
        for k in range(gamma.shape[1]):
            store(people.gamma[b], k, choose(live, load(gamma[b], k), load(people.gamma[b], k)))


def guide(people: People, memory: Memory, blocks: Blocks, link: Link, n: int) -> None:
    """Set h and H from the memory of ``n`` sweeps; H that is no curvature, as it may be of odd answers, loses what is wrong."""
    n_par = people.gamma.shape[1]
    ours = np.tril_indices(n_par)
    local, odd = blocks.own.rows.shape[1] > 0, len(blocks.odd.rule) > 0 or bool(blocks.sets.flip.any())
    lower = ours if local else np.tril_indices(len(link.coding))
    size = n_par if local else len(link.coding)
    for b in range(len(people.gamma)):
        own = np.zeros((WIDTH, size, size))
        own[:, lower[0], lower[1]] = memory.curvature[b].T / n
        own[:, lower[1], lower[0]] = memory.curvature[b].T / n
        if not local:
            own = link.coding.T @ own @ link.coding
        if odd:
            value, vector = np.linalg.eigh(own)
            own = (vector * np.maximum(value, 0.0)[:, None, :]) @ vector.transpose(0, 2, 1)
        people.stiffness[b] = own[:, ours[0], ours[1]].T
        people.pull[b] = memory.slope[b] / n + np.einsum("wkq,qw->kw", own, memory.gamma[b] / n)
    for part in memory:
        part[...] = 0.0
