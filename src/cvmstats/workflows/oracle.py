"""What could be known at best: the posterior of each account's segment for one who knows the simulation.

The oracle knows the segments' means, the role effects, both variances and the mix, sees the same answers, and no hooks.
The answers' probability under a segment is an integral over the deviations of the account and of its people,

    p(y | s) = int prod_p L_p(mean[s] + role[p] + e[p]) N(e; 0, V (x) I) de,   V = person_sd^2 I + account_sd^2 11',

found by importance sampling around its Laplace approximation (normal at the mode with the curvature there), with the
same scrambled Sobol points for every account.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.logit import log_likelihood
from cvmstats._numerics.tasks import Tasks, flatten
from cvmstats.data.choices import Choices
from cvmstats.errors import InputError
from cvmstats.workflows.example import ROLES, Study, Truth

Floats = npt.NDArray[np.float64]


def oracle_membership(study: Study, *, n_draws: int = 64, seed: int = 0) -> Floats:
    """Posterior segment probabilities (G, S) of the sample's accounts, in the order of ``study.truth.accounts``.

    Parameters
    ----------
    study : Study
        From :func:`make_study`: two people of each account, one after the other, all tasks answered.
    n_draws : int
        Points of the importance sampling per account and segment, a power of two; 0 gives the Laplace approximation.

    Raises
    ------
    InputError
        Where the respondents are not in the order in which the study was simulated.
    """
    truth, choices = study.truth, study.choices
    if [a for a in truth.accounts for _ in ROLES] != list(choices.respondents.accounts):
        raise InputError("the oracle expects two respondents of each account, in the order of the truth")
    answers = _Answers(choices)
    columns = [_log_evidence(answers, truth, s, n_draws, seed) for s in range(len(truth.segments))]
    score = np.stack(columns, axis=1) + np.log(truth.sample_shares)
    score -= score.max(axis=1, keepdims=True)
    return np.asarray(np.exp(score) / np.exp(score).sum(axis=1, keepdims=True))


class _Answers:
    """The answers as dense arrays, for curvatures, and as flat tasks, for likelihoods."""

    def __init__(self, choices: Choices) -> None:
        design = choices.design
        self.n_items = len(design.objects)
        self.shown = design.shown[choices.version]
        self.best, self.worst = choices.place == 1, choices.place == -1
        self.tasks: Tasks = flatten(design.shown, choices.version, choices.place, design.kind, self.n_items)

    def derivatives(self, utilities: Floats) -> tuple[Floats, Floats]:
        """Gradient (R, J) and minus the Hessian (R, J, J) of each person's log-likelihood."""
        n_people = len(self.shown)
        v = np.take_along_axis(utilities[:, None, :], self.shown, axis=2)
        p = np.exp(v - v.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        q = np.where(self.best, 0.0, np.exp(v.min(axis=2, keepdims=True) - v))
        q /= q.sum(axis=2, keepdims=True)
        slope = (self.best - p) - (self.worst - q)
        block = -p[..., :, None] * p[..., None, :] - q[..., :, None] * q[..., None, :]
        diagonal = np.arange(v.shape[2])
        block[..., diagonal, diagonal] += p + q
        gradient = np.zeros((n_people, self.n_items))
        curvature = np.zeros((n_people, self.n_items, self.n_items))
        people = np.arange(n_people)
        for t in range(self.shown.shape[1]):
            seen = self.shown[:, t]
            gradient[people[:, None], seen] += slope[:, t]
            curvature[people[:, None, None], seen[:, :, None], seen[:, None, :]] += block[:, t]
        return gradient, curvature


def _log_evidence(answers: _Answers, truth: Truth, s: int, n_draws: int, seed: int) -> Floats:
    """log p(y | s) of each account (G), up to a constant that all segments share."""
    n, n_items, n_roles = len(truth.accounts), answers.n_items, len(ROLES)
    spread = truth.person_sd**2 * np.eye(n_roles) + truth.account_sd**2
    precision: Floats = np.kron(np.linalg.inv(spread), np.eye(n_items)).astype(np.float64)
    base = np.tile(truth.means[s] + truth.role_effects, (n, 1))
    mode, root = _laplace(answers, base, precision, n)

    def joint(e: Floats) -> Floats:
        people = log_likelihood(answers.tasks, base + e.reshape(-1, n_items))
        return np.asarray(people.reshape(n, n_roles).sum(axis=1) - 0.5 * np.einsum("gi,ij,gj->g", e, precision, e))

    scale = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    if n_draws == 0:
        return np.asarray(joint(mode) - scale)
    from scipy.special import logsumexp
    from scipy.stats import norm, qmc

    points = qmc.Sobol(n_roles * n_items, rng=np.random.default_rng(seed)).random(n_draws)
    z = norm.ppf(np.clip(points, 1e-9, 1 - 1e-9))
    steps = np.linalg.solve(np.swapaxes(root, 1, 2), np.broadcast_to(z.T, (n, *z.T.shape)))
    weights = [joint(mode + steps[:, :, m]) + 0.5 * z[m] @ z[m] for m in range(n_draws)]
    return np.asarray(logsumexp(weights, axis=0) - np.log(n_draws) - scale)


def _laplace(answers: _Answers, base: Floats, precision: Floats, n: int) -> tuple[Floats, Floats]:
    """Mode (G, 2 J) of the deviations and Cholesky factor (G, 2 J, 2 J) of the curvature there, by Newton steps."""
    n_items = answers.n_items
    mode = np.zeros((n, len(precision)))
    for _ in range(12):
        slope, bend = answers.derivatives(base + mode.reshape(-1, n_items))
        curvature = np.broadcast_to(precision, (n, *precision.shape)).copy()
        for r in range(len(ROLES)):
            block = slice(r * n_items, (r + 1) * n_items)
            curvature[:, block, block] += bend[r :: len(ROLES)]
        step = np.linalg.solve(curvature, (slope.reshape(n, -1) - mode @ precision)[..., None])[..., 0]
        mode += step
        if np.abs(step).max() < 1e-6:
            break
    return mode, np.linalg.cholesky(curvature)
