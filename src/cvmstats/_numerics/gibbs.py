"""Blocked Gibbs sampler for hierarchical best-worst utilities, beta_i ~ N(m, Sigma), one chain.

A sweep draws, in turn,

1. each person's utilities by a Hamiltonian trajectory (Neal 2011, doi 10.1201/b10905) in a space whitened by
   Sigma^-1 + H, H the average curvature of the likelihood, with a step size of each person's own;
2. m | beta, Sigma: normal; Sigma | beta, m, a: inverse Wishart; a | Sigma: inverse gamma, one per block of parameters
   (Huang & Wand 2013, doi 10.1214/13-BA815);
3. m and the Cholesky factor of Sigma once more, jointly, given z_i = Sigma^-1/2 (beta_i - m) (the non-centred
   parametrisation; interweaving, Yu & Meng 2011, doi 10.1198/jcgs.2011.203main), by a Hamiltonian trajectory with mass
   R H, which does not depend on the state;
4. the common scale of each block: deviations from m, Sigma and a together, (beta_i - m, Sigma, a) to
   (D (beta_i - m), D Sigma D, a / s^2) with D = s on the block. Prior densities and Jacobian cancel but for a's own, so
   the target of log s is the likelihood plus log s - s^2/(A^2 a) (generalised Gibbs, Liu & Sabatti 2000,
   doi 10.1093/biomet/87.2.353). Without it small standard deviations are reached by a slow walk of a and Sigma.

Shapes: K parameters, J objects, B blocks of LANES people.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import block_gradient
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import LANES, fill_normals, uniform

Floats = npt.NDArray[np.float64]


class Upper(NamedTuple):
    """The prior as the sampler needs it.

    Attributes
    ----------
    mean_precision : array (K)
        Prior precision of the mean; its prior mean is 0.
    degrees : float
        Degrees of freedom of the inverse Wishart.
    scale : array (K, K)
        Its scale matrix; with ``n_scales`` > 0 only the start, then 2 nu diag(1/a).
    block : array (K), int
        Block of each parameter.
    n_scales : int
        Number of blocks under the Huang-Wand prior, 0 under an inverse Wishart.
    nu, spread : float
        Huang-Wand's nu and A.
    """

    mean_precision: Floats
    degrees: float
    scale: Floats
    block: npt.NDArray[np.int64]
    n_scales: int
    nu: float
    spread: float


class State(NamedTuple):
    """Where a chain stands; arrays are changed in place.

    Attributes
    ----------
    beta, slope : arrays (B, K, LANES), (B, J, LANES)
        Utilities in parameters, and the likelihood's gradient in objects.
    value : array (B, LANES)
        Log-likelihood of each person.
    mean, factor : arrays (K), (K, K)
        m, and the lower Cholesky factor of Sigma.
    scales : array (number of blocks)
        Huang-Wand's a.
    step, rate : arrays (B, LANES)
        Step sizes, and the running share of accepted trajectories.
    curvature : array (K, K)
        H.
    upper_step : array (2)
        Step size of move 3 and its running share accepted.
    keys : array (B, LANES), uint64; key : array (2), uint64
        Random streams of the people; of the upper level with its counter.
    """

    beta: Floats
    slope: Floats
    value: Floats
    mean: Floats
    factor: Floats
    scales: Floats
    step: Floats
    rate: Floats
    curvature: Floats
    upper_step: Floats
    keys: npt.NDArray[np.uint64]
    key: npt.NDArray[np.uint64]


@compiled
def cholesky(a, out):  # type: ignore[no-untyped-def]
    """Lower factor of ``a``; False where it is not positive definite."""
    n = a.shape[0]
    out[:] = 0.0
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= out[i, k] * out[j, k]
            if i == j:
                if not s > 0.0:
                    return False
                out[i, i] = np.sqrt(s)
            else:
                out[i, j] = s / out[j, j]
    return True


@compiled
def invert_lower(a, out):  # type: ignore[no-untyped-def]
    """Inverse of a lower triangular matrix."""
    n = a.shape[0]
    out[:] = 0.0
    for i in range(n):
        out[i, i] = 1.0 / a[i, i]
        for j in range(i):
            s = 0.0
            for k in range(j, i):
                s += a[i, k] * out[k, j]
            out[i, j] = -s * out[i, i]


@compiled(fast=True)
def _multiply(a, x, out):  # type: ignore[no-untyped-def]
    """``out`` (M, LANES) = ``a`` (M, N) times ``x`` (N, LANES), four terms at a time."""
    n = a.shape[1]
    for i in range(a.shape[0]):
        for lane in range(LANES):
            out[i, lane] = 0.0
        for k in range(0, n - n % 4, 4):
            c0, c1, c2, c3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
            for lane in range(LANES):
                out[i, lane] += c0 * x[k, lane] + c1 * x[k + 1, lane] + c2 * x[k + 2, lane] + c3 * x[k + 3, lane]
        for k in range(n - n % 4, n):
            c0 = a[i, k]
            for lane in range(LANES):
                out[i, lane] += c0 * x[k, lane]


@compiled(fast=True)
def _add_products(x, y, single, outer):  # type: ignore[no-untyped-def]
    """Add sums over lanes: of ``x`` to ``single`` (K), of ``x`` times ``y`` to the lower half of ``outer`` (K, K)."""
    for k in range(x.shape[0]):
        total = 0.0
        for lane in range(LANES):
            total += x[k, lane]
        single[k] += total
        for q in range(k + 1):
            total = 0.0
            for lane in range(LANES):
                total += x[k, lane] * y[q, lane]
            outer[k, q] += total


@compiled
def _uniform(key):  # type: ignore[no-untyped-def]
    key[1] += np.uint64(1)
    return uniform(key[0], key[1])


@compiled
def _normal(key):  # type: ignore[no-untyped-def]
    return np.sqrt(-2.0 * np.log(_uniform(key))) * np.cos(2.0 * np.pi * _uniform(key))


@compiled
def _gamma(shape, key):  # type: ignore[no-untyped-def]
    """Gamma(shape, 1), shape >= 1: Marsaglia & Tsang 2000, doi 10.1145/358407.358414."""
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        x = _normal(key)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and np.log(_uniform(key)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return d * v


@compiled
def refresh(blocks, coding, beta, slope, value):  # type: ignore[no-untyped-def]
    """Likelihood and gradient where the people stand."""
    n_objects, n_tasks = coding.shape[0], blocks.member.shape[1]
    e, f = np.zeros((n_objects + 1, LANES)), np.zeros((n_objects + 1, LANES))
    inv_b, inv_w = np.zeros((n_tasks + 1, LANES)), np.zeros((n_tasks + 1, LANES))
    u = np.empty((n_objects, LANES))
    for b in range(beta.shape[0]):
        _multiply(coding, beta[b], u)
        block_gradient(blocks, b, u, e, f, inv_b, inv_w, slope[b], value[b], True)


@compiled(fast=True)
def _people(blocks, coding, state, sweep, steps, metropolis, adapt, first, second):  # type: ignore[no-untyped-def]
    """Move 1 for all people; ``first`` (K) and ``second`` (K, K) receive sums of beta and of beta beta'."""
    n_blocks, n_par, n_obj = state.beta.shape[0], state.beta.shape[1], coding.shape[0]
    n_tasks = blocks.member.shape[1]
    inverse_factor = np.empty((n_par, n_par))
    invert_lower(state.factor, inverse_factor)
    precision = inverse_factor.T.copy() @ inverse_factor
    root, root_inverse = np.empty((n_par, n_par)), np.empty((n_par, n_par))
    cholesky(precision + state.curvature, root)
    invert_lower(root, root_inverse)
    to_beta = root_inverse.T.copy()
    to_x = root.T.copy()
    to_u = coding @ to_beta
    to_slope = to_u.T.copy()
    spring = root_inverse @ precision @ to_beta
    base = coding @ state.mean
    x, x0, p = np.empty((n_par, LANES)), np.empty((n_par, LANES)), np.empty((n_par, LANES))
    force, pull = np.empty((n_par, LANES)), np.empty((n_par, LANES))
    u, slope = np.empty((n_obj, LANES)), np.empty((n_obj, LANES))
    e, f = np.zeros((n_obj + 1, LANES)), np.zeros((n_obj + 1, LANES))
    inv_b, inv_w = np.zeros((n_tasks + 1, LANES)), np.zeros((n_tasks + 1, LANES))
    value, energy, size = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    first[:] = 0.0
    second[:] = 0.0
    counter0 = np.uint64(sweep) * np.uint64(n_par + 4)
    for b in range(n_blocks):
        counter = fill_normals(state.keys[b], counter0, p)
        for k in range(n_par):
            for lane in range(LANES):
                pull[k, lane] = state.beta[b, k, lane] - state.mean[k]
        _multiply(to_x, pull, x0)
        x[:] = x0
        _multiply(to_slope, state.slope[b], force)
        _multiply(spring, x, pull)
        for lane in range(LANES):
            size[lane] = state.step[b, lane] * (0.85 + 0.3 * uniform(state.keys[b, lane], counter))
            energy[lane] = -state.value[b, lane]
        for k in range(n_par):
            for lane in range(LANES):
                energy[lane] += 0.5 * (p[k, lane] * p[k, lane] + x[k, lane] * pull[k, lane])
        for s in range(steps):
            for k in range(n_par):
                for lane in range(LANES):
                    half = size[lane] if s > 0 else 0.5 * size[lane]
                    p[k, lane] += half * (force[k, lane] - pull[k, lane])
                    x[k, lane] += size[lane] * p[k, lane]
            _multiply(to_u, x, u)
            for j in range(n_obj):
                for lane in range(LANES):
                    u[j, lane] += base[j]
            block_gradient(blocks, b, u, e, f, inv_b, inv_w, slope, value, s == steps - 1)
            _multiply(to_slope, slope, force)
            _multiply(spring, x, pull)
        for lane in range(LANES):
            energy[lane] += value[lane]
        for k in range(n_par):
            for lane in range(LANES):
                p[k, lane] += 0.5 * size[lane] * (force[k, lane] - pull[k, lane])
                energy[lane] -= 0.5 * (p[k, lane] * p[k, lane] + x[k, lane] * pull[k, lane])
        for lane in range(LANES):
            ratio = np.exp(min(0.0, energy[lane])) if energy[lane] > -np.inf else 0.0  # not a number: no
            taken = ratio >= uniform(state.keys[b, lane], counter + np.uint64(1)) or not metropolis
            if not taken:
                for k in range(n_par):
                    x[k, lane] = x0[k, lane]
            else:
                state.value[b, lane] = value[lane]
                for j in range(n_obj):
                    state.slope[b, j, lane] = slope[j, lane]
            state.rate[b, lane] += (ratio - state.rate[b, lane]) * 0.02
            if adapt > 0.0:
                state.step[b, lane] = min(0.8, max(0.02, state.step[b, lane] * np.exp(adapt * (ratio - 0.8))))
        _multiply(to_beta, x, pull)
        for k in range(n_par):
            for lane in range(LANES):
                state.beta[b, k, lane] = pull[k, lane] + state.mean[k]
        for lane in range(LANES):
            size[lane] = 1.0 if blocks.row[b, lane] >= 0 else 0.0
        for k in range(n_par):
            for lane in range(LANES):
                pull[k, lane] = size[lane] * state.beta[b, k, lane]
        _add_products(pull, pull, first, second)
    for k in range(n_par):
        for q in range(k):
            second[q, k] = second[k, q]


@compiled
def _upper(state, prior, n_people, first, second, work):  # type: ignore[no-untyped-def]
    """Move 2: mean, covariance and scales given everybody's utilities, all conjugate."""
    n_par = len(first)
    inverse_factor, root, inverse = work[0], work[1], work[2]
    invert_lower(state.factor, inverse_factor)
    precision = inverse_factor.T.copy() @ inverse_factor
    posterior = n_people * precision + np.diag(prior.mean_precision)
    cholesky(posterior, root)
    invert_lower(root, inverse)
    noise = np.empty(n_par)
    for k in range(n_par):
        noise[k] = _normal(state.key)
    state.mean[:] = inverse.T.copy() @ (inverse @ (precision @ first) + noise)
    outer = np.outer(state.mean, first)
    scatter = second - outer - outer.T + n_people * np.outer(state.mean, state.mean) + _scale(state, prior)
    cholesky(scatter, root)
    bartlett = np.zeros((n_par, n_par))
    for i in range(n_par):
        bartlett[i, i] = np.sqrt(2.0 * _gamma(0.5 * (prior.degrees + n_people - i), state.key))
        for j in range(i):
            bartlett[i, j] = _normal(state.key)
    # Sigma^-1 = C^-T A A' C^-1, so Sigma = (C A^-T)(C A^-T)'
    invert_lower(bartlett, inverse)
    half = root @ inverse.T.copy()
    cholesky(half @ half.T.copy(), state.factor)
    _draw_scales(state, prior)


@compiled
def _scale(state, prior):  # type: ignore[no-untyped-def]
    n_par = len(state.mean)
    if prior.n_scales == 0:
        return prior.scale.copy()
    out = np.zeros((n_par, n_par))
    for k in range(n_par):
        out[k, k] = 2.0 * prior.nu / state.scales[prior.block[k]]
    return out


@compiled
def _draw_scales(state, prior):  # type: ignore[no-untyped-def]
    """a_g | Sigma ~ IG((1 + k_g (nu + K - 1))/2, 1/A^2 + nu sum of (Sigma^-1)_kk over the block)."""
    n_par = len(state.mean)
    inverse = np.empty((n_par, n_par))
    invert_lower(state.factor, inverse)
    for g in range(prior.n_scales):
        members, total = 0, 0.0
        for k in range(n_par):
            if prior.block[k] == g:
                members += 1
                for i in range(k, n_par):
                    total += inverse[i, k] * inverse[i, k]
        shape = 0.5 * (1.0 + members * (prior.nu + n_par - 1.0))
        state.scales[g] = (1.0 / prior.spread**2 + prior.nu * total) / _gamma(shape, state.key)


@compiled
def _upper_prior(mean, factor, prior, scale, d_mean, d_factor):  # type: ignore[no-untyped-def]
    """Log prior of (m, Cholesky factor of Sigma) given the scale matrix, and its gradient; -inf outside."""
    n_par = len(mean)
    d_factor[:] = 0.0
    value = 0.0
    for k in range(n_par):
        if not factor[k, k] > 0.0:
            return -np.inf
        value -= 0.5 * prior.mean_precision[k] * mean[k] * mean[k]
        d_mean[k] = -prior.mean_precision[k] * mean[k]
    inverse = np.empty((n_par, n_par))
    invert_lower(factor, inverse)
    left = inverse @ scale
    middle = inverse.T.copy() @ left @ inverse.T.copy()
    for i in range(n_par):
        power = prior.degrees + i + 1.0
        value -= power * np.log(factor[i, i])
        for j in range(i + 1):
            d_factor[i, j] = middle[i, j]
        d_factor[i, i] -= power / factor[i, i]
        for j in range(n_par):
            value -= 0.5 * left[i, j] * inverse[i, j]
    return value


@compiled(fast=True)
def _pull_back(blocks, b, decode, slope, z, h, d_mean, d_factor):  # type: ignore[no-untyped-def]
    """Add a block's likelihood gradient in m and Lambda, from its gradient in objects."""
    _multiply(decode, slope, h)
    for lane in range(LANES):
        if blocks.row[b, lane] < 0:
            for k in range(h.shape[0]):
                h[k, lane] = 0.0
    _add_products(h, z, d_mean, d_factor)


@compiled(fast=True)
def _all_gradients(blocks, coding, decode, z, mean, factor, beta, slope, values, d_mean, d_factor):  # type: ignore[no-untyped-def]
    """Likelihood at beta_i = m + Lambda z_i; its gradient in m and Lambda is added to both."""
    n_par, n_obj, n_tasks = z.shape[1], coding.shape[0], blocks.member.shape[1]
    e, f = np.zeros((n_obj + 1, LANES)), np.zeros((n_obj + 1, LANES))
    inv_b, inv_w = np.zeros((n_tasks + 1, LANES)), np.zeros((n_tasks + 1, LANES))
    u, h = np.empty((n_obj, LANES)), np.empty((n_par, LANES))
    for b in range(z.shape[0]):
        _multiply(factor, z[b], beta[b])
        for k in range(n_par):
            for lane in range(LANES):
                beta[b, k, lane] += mean[k]
        _multiply(coding, beta[b], u)
        block_gradient(blocks, b, u, e, f, inv_b, inv_w, slope[b], values[b], True)
        _pull_back(blocks, b, decode, slope[b], z[b], h, d_mean, d_factor)
    return _total(blocks, values)


@compiled
def _total(blocks, values):  # type: ignore[no-untyped-def]
    total = 0.0
    for b in range(values.shape[0]):
        for lane in range(LANES):
            if blocks.row[b, lane] >= 0:
                total += values[b, lane]
    return total


@compiled
def _whiten(roots, d_mean, d_factor, out):  # type: ignore[no-untyped-def]
    """Gradient in (m, Lambda) to gradient in the whitened coordinates: C^-1 g, column by column."""
    n_par = len(d_mean)
    out[:, n_par] = roots[0] @ d_mean
    for c in range(n_par):
        out[c:, c] = roots[c][: n_par - c, : n_par - c].copy() @ d_factor[c:, c].copy()


@compiled
def _move(roots, mean, factor, direction, size):  # type: ignore[no-untyped-def]
    """Move (m, Lambda) by C^-T direction, column by column."""
    n_par = len(mean)
    mean += size * (roots[0].T.copy() @ direction[:, n_par].copy())
    for c in range(n_par):
        step = roots[c][: n_par - c, : n_par - c].T.copy() @ direction[c:, c].copy()
        for i in range(n_par - c):
            factor[c + i, c] += size * step[i]


@compiled
def _noncentred(blocks, coding, state, prior, roots, steps, adapt):  # type: ignore[no-untyped-def]
    """Move 3: (m, Lambda) given z, by a Hamiltonian trajectory."""
    n_blocks, n_par = state.beta.shape[0], state.beta.shape[1]
    z = np.empty_like(state.beta)
    inverse = np.empty((n_par, n_par))
    invert_lower(state.factor, inverse)
    gap = np.empty((n_par, LANES))
    for b in range(n_blocks):
        for k in range(n_par):
            for lane in range(LANES):
                gap[k, lane] = state.beta[b, k, lane] - state.mean[k]
        _multiply(inverse, gap, z[b])
    decode = coding.T.copy()
    scale = _scale(state, prior)
    mean, factor = state.mean.copy(), state.factor.copy()
    beta, slope, values = np.empty_like(state.beta), np.empty_like(state.slope), np.empty_like(state.value)
    d_mean, d_factor = np.zeros(n_par), np.zeros((n_par, n_par))
    force, momentum = np.zeros((n_par, n_par + 1)), np.zeros((n_par, n_par + 1))
    for c in range(n_par + 1):
        for k in range(0 if c == n_par else c, n_par):
            momentum[k, c] = _normal(state.key)
    size = state.upper_step[0] * (0.85 + 0.3 * _uniform(state.key))
    value = _upper_prior(mean, factor, prior, scale, d_mean, d_factor)
    for b in range(n_blocks):
        _pull_back(blocks, b, decode, state.slope[b], z[b], gap, d_mean, d_factor)
    value += _total(blocks, state.value)
    energy = 0.5 * (momentum**2).sum() - value
    _whiten(roots, d_mean, d_factor, force)
    value = -np.inf
    for s in range(steps):
        momentum += (0.5 if s == 0 else 1.0) * size * force
        _move(roots, mean, factor, momentum, size)
        value = _upper_prior(mean, factor, prior, scale, d_mean, d_factor)
        if value == -np.inf:
            break
        value += _all_gradients(blocks, coding, decode, z, mean, factor, beta, slope, values, d_mean, d_factor)
        _whiten(roots, d_mean, d_factor, force)
    momentum += 0.5 * size * force
    gain = energy - 0.5 * (momentum**2).sum() + value
    ratio = np.exp(min(0.0, gain)) if gain > -np.inf else 0.0  # not a number: no
    if ratio >= _uniform(state.key):
        state.mean[:] = mean
        state.factor[:] = factor
        state.beta[:] = beta
        state.slope[:] = slope
        state.value[:] = values
    state.upper_step[1] += (ratio - state.upper_step[1]) * 0.02
    if adapt > 0.0:
        state.upper_step[0] = min(0.8, max(0.01, state.upper_step[0] * np.exp(adapt * (ratio - 0.8))))


@compiled
def _rescale(blocks, coding, state, prior, g):  # type: ignore[no-untyped-def]
    """Move 4 for block ``g``: one Metropolis step of a random size on the log scale."""
    n_par = len(state.mean)
    move = np.exp(-3.0 * _uniform(state.key)) * _normal(state.key)
    s = np.exp(move)
    by = np.ones(n_par)
    for k in range(n_par):
        if prior.block[k] == g:
            by[k] = s
    gain = move - (s * s - 1.0) / (prior.spread**2 * state.scales[g])
    beta, slope, values = np.empty_like(state.beta), np.empty_like(state.slope), np.empty_like(state.value)
    for b in range(beta.shape[0]):
        for k in range(n_par):
            for lane in range(LANES):
                beta[b, k, lane] = state.mean[k] + by[k] * (state.beta[b, k, lane] - state.mean[k])
    refresh(blocks, coding, beta, slope, values)
    gain += _total(blocks, values) - _total(blocks, state.value)
    if np.log(_uniform(state.key)) < gain:
        state.beta[:] = beta
        state.slope[:] = slope
        state.value[:] = values
        state.scales[g] /= s * s
        for k in range(n_par):
            state.factor[k, :] *= by[k]


@compiled
def run(  # type: ignore[no-untyped-def]
    blocks, coding, state, prior, n_people, begin, end, origin, thin, steps, upper_steps, every, metropolis, adapt,
    keep_mean, keep_cov, keep_beta, keep_value,
):  # fmt: skip
    """Sweeps ``begin`` to ``end`` of one chain; every ``thin``-th after ``origin`` is kept, where there is room for it.

    Parameters
    ----------
    steps, upper_steps : int
        Leapfrog steps of a trajectory of moves 1 and 3.
    every : int
        Moves 3 and 4 come with every so many sweeps.
    metropolis : bool
        False leaves the correction out (wrong on purpose: a test shows that calibration notices).
    adapt : float
        Rate at which step sizes adapt; 0 after warm-up.
    keep_mean, keep_cov, keep_beta, keep_value : arrays (D, K), (D, K, K), (D, R, K), (D)
        Kept draws, with D = 0 in warm-up; the last is the log-likelihood of all people.
    """
    n_par = state.beta.shape[1]
    first, second = np.zeros(n_par), np.zeros((n_par, n_par))
    work = np.empty((3, n_par, n_par))
    roots = np.zeros((n_par, n_par, n_par))
    mass = n_people * state.curvature + np.diag(prior.mean_precision + 1e-3)
    for c in range(n_par):
        root, inverse = np.empty((n_par - c, n_par - c)), np.empty((n_par - c, n_par - c))
        cholesky(mass[c:, c:].copy(), root)
        invert_lower(root, inverse)
        roots[c, : n_par - c, : n_par - c] = inverse
    for sweep in range(begin, end):
        _people(blocks, coding, state, sweep, steps, metropolis, adapt, first, second)
        _upper(state, prior, n_people, first, second, work)
        if sweep % every == 0:
            _noncentred(blocks, coding, state, prior, roots, upper_steps, adapt)
            for g in range(prior.n_scales):
                _rescale(blocks, coding, state, prior, g)
        if keep_mean.shape[0] > 0 and (sweep + 1 - origin) % thin == 0:
            d = (sweep + 1 - origin) // thin - 1
            keep_mean[d] = state.mean
            keep_cov[d] = state.factor @ state.factor.T.copy()
            keep_value[d] = _total(blocks, state.value)
            for b in range(state.beta.shape[0]):
                for lane in range(LANES):
                    i = blocks.row[b, lane]
                    if i >= 0:
                        for k in range(n_par):
                            keep_beta[d, i, k] = state.beta[b, k, lane]
