"""Likelihood of answers in the parameters themselves, for one vector of parameters or one per person.

Utilities of alternatives are u = e^(kappa_s) (row of the coding)'theta + (row of the response)'rho, with kappa_0 = 0 for the
reference scale. Derivatives are in phi = (theta, rho, kappa), task by task, so that it does not matter how many alternatives
there are: of 17,000 profiles no matrix of that size is made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.logit import rules, task
from cvmstats._numerics.tasks import Tasks

Floats = npt.NDArray[np.float64]


class Coded(NamedTuple):
    """Answers and how parameters make utilities of them.

    Attributes
    ----------
    tasks : Tasks
    rows : array (M, K)
        Coding of the alternatives.
    response : array (M, E)
        Rows of the response parameters.
    scale : array (M), int
        Error scale of each alternative, 0 for the reference.
    names : tuple of str (E)
        Of the response parameters.
    scales : tuple of str (S)
        Of the error scales 1, 2, ...
    """

    tasks: Tasks
    rows: Floats
    response: Floats
    scale: npt.NDArray[np.int64]
    names: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Length of phi, K + E + S."""
        return int(self.rows.shape[1]) + len(self.names) + len(self.scales)

    def utilities(self, phi: npt.ArrayLike) -> Floats:
        """Utilities of the alternatives (..., M) from phi (..., K + E + S)."""
        point = np.asarray(phi, float)
        k, e = self.rows.shape[1], len(self.names)
        factor = np.exp(np.concatenate([np.zeros((*point.shape[:-1], 1)), point[..., k + e :]], axis=-1))[..., self.scale]
        return np.asarray(factor * (point[..., :k] @ self.rows.T) + point[..., k : k + e] @ self.response.T)


def make_coded(tasks: Tasks, coding: npt.ArrayLike) -> Coded:
    """Flat tasks with the coding (J, K) of the design's objects."""
    objects = np.asarray(coding, float)
    if tasks.alternatives is None:
        return Coded(tasks, np.ascontiguousarray(objects), np.zeros((len(objects), 0)), np.zeros(len(objects), np.int64))
    a = tasks.alternatives
    return Coded(tasks, np.ascontiguousarray(a.rows(objects)), np.ascontiguousarray(a.response), a.scale, a.names, a.scales)


def people_derivatives(coded: Coded, phi: npt.ArrayLike, *, curved: bool = True) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood (R), gradient (R, P) and Hessian (R, P, P) of each person's answers, P = K + E + S.

    Parameters
    ----------
    phi : array (P) or (R, P)
        Of everybody, or of each person.
    curved : bool
        False leaves the Hessian out (R, 0, 0).
    """
    n, size = coded.tasks.n_people, coded.size
    value, slope = np.zeros(n), np.zeros((n, size))
    hessian = np.zeros((n, size, size) if curved else (n, 0, 0))
    _run(coded, phi, np.ones(n), value, slope, hessian)
    return value, slope, hessian


def sum_derivatives(coded: Coded, phi: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[float, Floats, Floats]:
    """Weighted sums over people of the same: a number, (P) and (P, P)."""
    value, slope, hessian = np.zeros(1), np.zeros((1, coded.size)), np.zeros((1, coded.size, coded.size))
    _run(coded, phi, np.ascontiguousarray(weight, dtype=float), value, slope, hessian)
    return float(value[0]), slope[0], hessian[0]


def _run(coded: Coded, phi: npt.ArrayLike, weight: Floats, value: Floats, slope: Floats, hessian: Floats) -> None:
    t = coded.tasks
    _derivatives(t.person, t.start, t.objects, t.best, t.worst, t.worst_only, rules(t), coded.rows, coded.response, coded.scale,
                 np.ascontiguousarray(np.atleast_2d(phi), dtype=float), weight, value, slope, hessian)  # fmt: skip


@compiled
def _derivatives(  # type: ignore[no-untyped-def]
    person, start, objects, best, worst, worst_only, rule, rows, response, scale, phi, weight, value, slope, hessian
):
    n_par, n_response, size = rows.shape[1], response.shape[1], phi.shape[1]
    curved = hessian.shape[1] > 0
    widest = 0
    for t in range(len(start) - 1):
        widest = max(widest, start[t + 1] - start[t])
    jac = np.zeros((widest, size))
    for i in range(len(person) - 1):
        at, point = (i if slope.shape[0] > 1 else 0), phi[i if phi.shape[0] > 1 else 0]
        if weight[i] == 0.0:
            continue
        for t in range(person[i], person[i + 1]):
            lo, a = start[t], start[t + 1] - start[t]
            v, plain = np.zeros(a), np.zeros(a)
            for j in range(a):
                m = objects[lo + j]
                s = scale[m]
                factor = np.exp(point[n_par + n_response + s - 1]) if s > 0 else 1.0
                for k in range(n_par):
                    jac[j, k] = factor * rows[m, k]
                    plain[j] += jac[j, k] * point[k]
                v[j] = plain[j]
                for k in range(n_response):
                    jac[j, n_par + k] = response[m, k]
                    v[j] += response[m, k] * point[n_par + k]
                for k in range(n_par + n_response, size):
                    jac[j, k] = plain[j] if k == n_par + n_response + s - 1 else 0.0
            g, h = np.zeros(a), np.zeros((a if curved else 0, a))
            value[at] += weight[i] * task(v, best[t], worst[t], worst_only[t], rule[t], g, h)
            for j in range(a):
                for k in range(size):
                    slope[at, k] += weight[i] * g[j] * jac[j, k]
            if not curved:
                continue
            for k in range(size):
                for j in range(a):
                    up = 0.0
                    for q in range(a):
                        up += h[j, q] * jac[q, k]
                    for q in range(size):
                        hessian[at, k, q] += weight[i] * up * jac[j, q]
            for j in range(a):  # the scale multiplies what is linear in theta
                s = scale[objects[lo + j]]
                if s > 0:
                    d = n_par + n_response + s - 1
                    for k in range(n_par):
                        hessian[at, d, k] += weight[i] * g[j] * jac[j, k]
                        hessian[at, k, d] += weight[i] * g[j] * jac[j, k]
                    hessian[at, d, d] += weight[i] * g[j] * plain[j]
