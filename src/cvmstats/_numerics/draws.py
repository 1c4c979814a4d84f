"""Draws that a hierarchy needs: normal vectors given their precision, a covariance given vectors, steps of a random walk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.population import Upper
from cvmstats._numerics.square import cholesky, invert_lower, product, transposed

Floats = npt.NDArray[np.float64]


@compiled
def draw_vector(precision, pull, z):  # type: ignore[no-untyped-def]
    """N(P^-1 pull, P^-1) from standard normal z."""
    root = np.empty_like(precision)
    cholesky(precision, root)
    inverse = invert_lower(root)
    return transposed(inverse) @ (inverse @ pull + z)


@compiled
def _from_bartlett(scatter, a):  # type: ignore[no-untyped-def]
    """Sigma and its inverse, Sigma^-1 = C^-T A A' C^-1, C C' the scatter."""
    root = np.empty_like(scatter)
    cholesky(scatter, root)
    half = product(root, transposed(invert_lower(a)))
    back = product(transposed(invert_lower(root)), a)
    return product(half, transposed(half)), product(back, transposed(back))


@compiled
def draw_vectors(between, precision, counts, sums, z, out):  # type: ignore[no-untyped-def]
    """Each account's alpha (G, K): precision of between + sum over components of count x precision, pulled by their sums."""
    n_par = out.shape[1]
    for g in range(out.shape[0]):
        whole, pull = between.copy(), np.zeros(n_par)
        for c in range(len(precision)):
            whole += counts[g, c] * precision[c]
            pull += precision[c] @ sums[g, c]
        out[g] = draw_vector(whole, pull, z[g])


def take(gain: Floats, steps: Floats, adapt: float, rng: np.random.Generator) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which of many proposals are taken, by their gain in log density; steps (of the same number) adapt at this rate."""
    ratio = np.exp(np.minimum(0.0, np.nan_to_num(gain, nan=-np.inf)))
    taken = rng.random(len(ratio)) < ratio
    if adapt > 0:
        steps = np.clip(steps * np.exp(adapt * (ratio - 0.44)), 0.01, 3.0)
    return taken, steps


class Walk:
    """A random walk of a few numbers: its covariance is that of the states of the last window."""

    def __init__(self, n: int) -> None:
        self.root, self.size, self.seen = 0.1 * np.eye(n), 1.0, []  # type: ignore[var-annotated]

    def propose(self, point: Floats, rng: np.random.Generator) -> Floats:
        return np.asarray(point + self.size * (self.root @ rng.standard_normal(len(point))))

    def adapt(self, point: Floats, ratio: float, rate: float) -> None:
        if rate > 0:
            self.seen.append(point)
            self.size = float(np.clip(self.size * np.exp(rate * (ratio - 0.3)), 1e-3, 1e3))

    def learn(self) -> None:
        if len(self.seen) >= 10 * max(1, len(self.root)) and len(self.root):
            cov = np.atleast_2d(np.cov(np.array(self.seen).T))
            if np.isfinite(cov).all() and np.linalg.eigvalsh(cov)[0] > 1e-12:
                self.root, self.size = np.linalg.cholesky(cov), 2.4 / np.sqrt(len(self.root))
        self.seen = []


class Covariance:
    """A covariance drawn given the scatter of n vectors around zero, under the prior of ``Upper``."""

    def __init__(self, prior: Upper, n_par: int) -> None:
        self.prior, self.cov, self.precision = prior, 0.1 * np.eye(n_par), 10.0 * np.eye(n_par)
        self.scales = np.ones(max(1, prior.n_scales))

    def gain(self, c: float) -> float:
        """Of the log density of (log c, vectors, Psi), a integrated out, when vectors go to c times and Psi to c^2 times."""
        power = -float(self.prior.degrees) * len(self.cov) * float(np.log(c))
        if self.prior.n_scales == 0:
            return power - 0.5 * float((c**-2.0 - 1) * (self.prior.scale * self.precision).sum())
        (shape, here), (_, there) = self._of_scales(1.0), self._of_scales(c**-2.0)
        return float(power - shape @ np.log(there / here))

    def stretch(self, c: float, rng: np.random.Generator) -> None:
        """Psi to c^2 times what it is, and a anew."""
        self.cov *= c**2
        self.precision /= c**2
        self._draw_scales(rng)

    def _of_scales(self, shrunk: float) -> tuple[Floats, Floats]:
        """Shapes and rates of the inverse gammas a | Psi, with Psi^-1 ``shrunk`` times what it is."""
        prior, n_par = self.prior, len(self.cov)
        members = np.bincount(prior.block, minlength=prior.n_scales)
        held = np.bincount(prior.block, np.diagonal(self.precision), prior.n_scales)
        shape = np.asarray(0.5 * (1 + members * (prior.nu + n_par - 1)), float)
        return shape, np.asarray(prior.spread**-2 + prior.nu * shrunk * held)

    def _draw_scales(self, rng: np.random.Generator) -> None:
        if self.prior.n_scales:
            shape, rate = self._of_scales(1.0)
            self.scales = rate / rng.gamma(shape)

    def draw(self, scatter: Floats, n: int, rng: np.random.Generator) -> None:
        prior, n_par = self.prior, len(self.cov)
        scale = prior.scale if prior.n_scales == 0 else np.diag(2 * prior.nu / self.scales[prior.block])
        bartlett = np.tril(rng.standard_normal((n_par, n_par)), -1)
        bartlett[np.diag_indices(n_par)] = np.sqrt(rng.chisquare(prior.degrees + n - np.arange(n_par)))
        self.cov, self.precision = _from_bartlett(np.ascontiguousarray(scale + scatter), bartlett)
        self._draw_scales(rng)
