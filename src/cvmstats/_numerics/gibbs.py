"""Blocked Gibbs sampler for hierarchical best-worst utilities, beta_i ~ N(m, Sigma), one chain.

A sweep draws each person's utilities given the population (``people.py``), then the population given the utilities
(``population.py``). Without more, the population would walk in small steps; so every few sweeps its common scale
(``rescale.py``) and the whole of it (``together.py``) move together with everybody's utilities. In warm-up the sampler
learns, in windows of growing length, the normal distribution that each person's likelihood resembles, and the frame in
which the joint move is made.

Shapes: R people, K parameters, J objects, B blocks of WIDTH people.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lane_algebra import multiply
from cvmstats._numerics.lanes import REAL, WIDTH
from cvmstats._numerics.link import Link
from cvmstats._numerics.people import FULL, Memory, People, draw_people, guide, log_likelihood, moments, remember
from cvmstats._numerics.population import Population, Upper, draw_population
from cvmstats._numerics.rescale import rescale
from cvmstats._numerics.square import product, transposed
from cvmstats._numerics.together import Frame, move_together, no_frame

Floats = npt.NDArray[np.float64]


class Pace(NamedTuple):
    """How the population moves.

    Attributes
    ----------
    joint, rescale : int
        Sweeps from one joint move to the next, and from one proposal of a common scale to the next.
    steps : int
        Gradients of a joint trajectory, even.
    """

    joint: int
    rescale: int
    steps: int


_KNOWN, _LEAST_KNOWN = 20.0, 10.0
"""People whose worth of knowledge makes a variance well known: the median one, and the one that is known least."""


def pace(n_par: int, known: float = np.inf, least: float = np.inf) -> Pace:
    """More and longer moves where parameters are many, and where moves cost next to nothing (tried with K from 4 to 25).

    Where the answers say little of how people differ, the population has far to go: it moves with every sweep, and farther.

    Parameters
    ----------
    known, least : float
        What the answers say of a typical variance, and of the one of which they say least: as much as if so many people's
        utilities were known exactly.
    """
    steps = max(4, 2 * round(n_par / 8))
    if known < _KNOWN or least < _LEAST_KNOWN:
        return Pace(joint=1, rescale=1, steps=3 * steps)
    seldom = 2 if n_par < 8 else 4
    return Pace(joint=max(1, min(seldom, int((40 / n_par) ** 2))), rescale=seldom, steps=steps)


class Chain(NamedTuple):
    """Where a chain stands, and what it has learnt.

    Attributes
    ----------
    blocks, link, prior
        What is the same for all chains.
    n_people : int
        R.
    people, population : People, Population
        The state.
    memory : Memory
        Of the present window of warm-up.
    mean_sum, cov_sum : arrays (K), (K, K)
        The same of the population.
    frame : Frame
        Of no use before the first window has ended.
    framed : bool
        Whether it has.
    pace : Pace
    scale_step : array (1)
        Step of ``rescale``; changed in place.
    nothing : arrays
        Room for no draws.
    """

    blocks: Blocks
    link: Link
    prior: Upper
    n_people: int
    people: People
    population: Population
    memory: Memory
    mean_sum: Floats
    cov_sum: Floats
    frame: Frame
    framed: bool
    pace: Pace
    scale_step: Floats
    nothing: tuple[Any, ...]


def start(blocks: Blocks, link: Link, prior: Upper, pooled: Floats, n_people: int, stream: np.random.SeedSequence) -> Chain:
    """Overdispersed start: the mean near the pooled one (K), standard deviations between .3 and 1.5."""
    n_blocks, n_par = len(blocks.row), link.coding.shape[1]
    across = n_par if blocks.own.rows.shape[1] else len(link.coding)
    words = stream.generate_state(n_people + 1, np.uint64)
    rng = np.random.Generator(np.random.Philox(stream))
    mean = pooled + 0.3 * rng.standard_normal(n_par)
    sd = rng.uniform(0.3, 1.5, n_par)
    beta = mean + sd * rng.standard_normal((n_people, n_par))
    shape = (n_blocks, n_par, WIDTH)
    people = People(
        gamma=np.zeros(shape, REAL), value=np.zeros((n_blocks, WIDTH), REAL), pull=np.zeros(shape, REAL),
        stiffness=np.zeros((n_blocks, n_par * (n_par + 1) // 2, WIDTH), REAL),
        turn=np.full((n_blocks, WIDTH), np.cos(FULL), REAL), keys=np.zeros((n_blocks, WIDTH), np.uint64),
        offset=np.zeros((0, n_par, WIDTH), REAL),
    )  # fmt: skip
    memory = Memory(np.zeros(shape, REAL), np.zeros(shape, REAL),
                    np.zeros((n_blocks, across * (across + 1) // 2, WIDTH), REAL))  # fmt: skip
    people.gamma[...] = (link.inverse @ pooled)[:, None]
    remember(blocks, link, people, memory)
    guide(people, memory, blocks, link, 1)
    b, lane = np.nonzero(blocks.row >= 0)
    people.keys[b, lane] = words[blocks.row[b, lane]]
    people.gamma[b, :, lane] = beta[blocks.row[b, lane]] @ link.inverse.T
    people.value[...] = -np.inf  # the first trajectory is always taken
    population = Population(mean=mean, cov=np.diag(sd**2), precision=np.diag(sd**-2.0), scales=np.ones(n_par),
                            key=np.array([words[-1], 0], np.uint64))  # fmt: skip
    nothing = (np.zeros((0, n_par)), np.zeros((0, n_par, n_par)), np.zeros((0, n_people, n_par), np.float32), np.zeros(0))
    return Chain(blocks, link, prior, n_people, people, population, memory, np.zeros(n_par), np.zeros((n_par, n_par)),
                 no_frame(shape), False, pace(n_par), np.full(1, 0.1), nothing)  # fmt: skip


def learn(chain: Chain, n: int) -> Chain:
    """The chain with what ``n`` sweeps of warm-up have shown."""
    guide(chain.people, chain.memory, chain.blocks, chain.link, n)
    return frame_from(chain, n)


def frame_from(chain: Chain, n: int) -> Chain:
    """The chain with a frame from ``n`` sweeps, and the pace that goes with it.

    A covariance that has all but vanished gives no frame: the former one stays.
    """
    mean, cov = chain.mean_sum / n, chain.cov_sum / n
    chain.mean_sum[...] = 0.0
    chain.cov_sum[...] = 0.0
    try:
        frame = _frame(chain, mean, cov)
    except np.linalg.LinAlgError:
        return chain
    known = chain.n_people * (frame.stiff / (1.0 + frame.stiff)) ** 2
    return chain._replace(frame=frame, framed=True, pace=pace(len(known), float(np.median(known)), float(known.min())))


def _frame(chain: Chain, mean: Floats, cov: Floats) -> Frame:
    """Coordinates in which the present covariance is one and the average curvature diagonal."""
    n_par = len(mean)
    people, link, rows = chain.people, chain.link, np.tril_indices(n_par)
    own = np.zeros((len(people.gamma), WIDTH, n_par, n_par))
    own[:, :, rows[0], rows[1]] = own[:, :, rows[1], rows[0]] = people.stiffness.transpose(0, 2, 1)
    live = chain.blocks.row >= 0
    curvature = link.inverse.T @ own[live].mean(axis=0) @ link.inverse
    root = np.linalg.cholesky(cov)
    stiff, vectors = np.linalg.eigh(root.T @ curvature @ root)
    stiff = np.maximum(stiff, 1e-6)
    basis = root @ vectors
    inverse = np.linalg.inv(basis)
    precision = link.basis.T @ np.linalg.inv(cov) @ link.basis
    pull = people.pull.transpose(0, 2, 1) + precision @ (link.inverse @ mean)
    middle = np.linalg.solve(precision + own, pull[..., None])[..., 0] @ (inverse @ link.basis).T
    anchor = np.where(live[..., None], (1.0 + stiff) * middle - inverse @ mean, 0.0)
    t = stiff / (1.0 + stiff)
    shapes, tight = _prior_in(chain.prior, inverse)
    mass = np.ones((n_par, n_par + 1))
    mass[:, :n_par] = (chain.n_people * np.outer(t, t) + tight) * (1.0 + np.eye(n_par))
    mass[:, n_par] = chain.n_people * t + np.diagonal(basis.T @ chain.prior.mean_precision @ basis)
    return Frame(basis=basis, inverse=inverse, decode=link.inverse @ basis, encode=inverse @ link.basis, stiff=stiff,
                 shapes=shapes, anchor=np.ascontiguousarray(anchor.transpose(0, 2, 1), REAL), sum_h=anchor.sum(axis=(0, 1)),
                 hh=np.einsum("bwk,bwj->kj", anchor, anchor), mass=mass, step=chain.frame.step)  # fmt: skip


def _prior_in(prior: Upper, inverse: Floats) -> tuple[Floats, Floats]:
    """Shapes of the prior of Sigma in a frame in which Sigma is about 1, and by how much it holds each column of M."""
    if prior.n_scales == 0:
        shape = inverse @ prior.scale @ inverse.T
        return shape[None], np.diagonal(shape)
    shapes = np.stack([(inverse * (prior.block == g)) @ inverse.T for g in range(prior.n_scales)])
    members = np.bincount(prior.block, minlength=prior.n_scales)
    rate = prior.spread**-2 + prior.nu * np.trace(shapes, axis1=1, axis2=2)
    scale = np.tensordot(prior.nu * (1.0 + members * prior.degrees) / rate, shapes, 1)
    return shapes, np.diagonal(scale)


def double_steps(chain: Chain) -> None:
    """Twice the angle and step size (for the test of calibration that leaves the Metropolis correction out)."""
    chain.people.turn[...] = 2.0 * chain.people.turn**2 - 1.0
    chain.frame.step[...] *= 2.0


def advance(chain: Chain, begin: int, end: int, *, origin: int = 0, thin: int = 1, learning: bool = False,
            adapt: float = 0.0, metropolis: bool = True, kept: tuple[Any, ...] = ()) -> None:  # fmt: skip
    """Sweeps ``begin`` to ``end``; every ``thin``-th after ``origin`` goes into ``kept``.

    Parameters
    ----------
    learning : bool
        Whether to remember these sweeps for ``learn``.
    adapt : float
        Rate at which angles and step sizes adapt; 0 after warm-up.
    metropolis : bool
        False leaves the corrections of trajectories out (wrong on purpose: a test shows that calibration notices).
    kept : arrays (D, K), (D, K, K), (D, R, K), (D)
        Means, covariances, people's parameters and log-likelihood; empty in warm-up.
    """
    _sweeps(chain, begin, end, origin, thin, learning, adapt, metropolis, kept or chain.nothing)


@compiled
def _sweeps(chain, begin, end, origin, thin, learning, adapt, metropolis, kept):  # type: ignore[no-untyped-def]
    blocks, link, people, population, prior = chain.blocks, chain.link, chain.people, chain.population, chain.prior
    mean, cov, beta, value = kept
    pace = chain.pace
    n_par = people.gamma.shape[1]
    first, second = np.empty(n_par), np.empty((n_par, n_par))
    basis_t = transposed(link.basis)
    for sweep in range(begin, end):
        precision = product(product(basis_t, population.precision), link.basis)
        mean_pull = precision @ (link.inverse @ population.mean)
        draw_people(blocks, link, people, precision, mean_pull, sweep, adapt, metropolis)
        if sweep % pace.rescale == pace.rescale - 1:
            rescale(blocks, link, people, population, prior, chain.n_people, chain.scale_step, adapt)
        moments(blocks, people, first, second)
        second[:] = product(product(link.basis, second), basis_t)
        draw_population(population, prior, chain.n_people, link.basis @ first, second)
        if chain.framed and sweep % pace.joint == 0:
            move_together(blocks, link, people, population, prior, chain.frame, chain.n_people, pace.steps, adapt, metropolis)
        if learning:
            remember(blocks, link, people, chain.memory)
            chain.mean_sum[:] += population.mean
            chain.cov_sum[:] += population.cov
        if len(mean) > 0 and (sweep + 1 - origin) % thin == 0:
            d = (sweep + 1 - origin) // thin - 1
            mean[d] = population.mean
            cov[d] = population.cov
            value[d] = log_likelihood(blocks, people.value)
            _read(blocks, people, link.basis, beta[d])


@compiled
def _read(blocks, people, basis, out):  # type: ignore[no-untyped-def]
    """Parameters beta by person (R, K)."""
    n_par = people.gamma.shape[1]
    beta = np.empty((n_par, WIDTH), REAL)
    for b in range(people.gamma.shape[0]):
        multiply(basis, people.gamma[b], beta)
        for lane in range(WIDTH):
            i = blocks.row[b, lane]
            if i >= 0:
                for k in range(n_par):
                    out[i, k] = beta[k, lane]
