"""What the group, and a person's own other answers, say about each pick: counts only, no model of individuals.

Utilities of the group come from one pooled logit, theta; those without a person from one Newton step away from it,

    theta_(-i) = theta - H^-1 g_i,

with g_i the gradient of the person's own answers and H the information of all. What a person's other tasks say is what they
picked there less what the group would have: the gradient r_i - r_it of all tasks but t, a count observed less expected. In
each task the utilities are then w_1 theta_(-i) + w_2 M (r_i - r_it), M the inverse of the average information per person plus
its own mean diagonal, so that items and levels, whatever their units, are on one scale. The two weights are fitted to
everybody's picks. Each person is scored by sum of log p(pick) - log(1/options), and that score is compared with those of
people who answer the same sets by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.logit import gradient, pooled_derivatives
from cvmstats._numerics.newton import maximise
from cvmstats._numerics.tasks import Tasks, flatten
from cvmstats.data.choices import Choices
from cvmstats.survey.picks import Answers, Floats, as_answers, probabilities, random_answers, stages_of

PENALTY = 0.1
"""Of the pooled fit, a normal prior of sd 3.2 logits: keeps an item finite that always wins."""
_CHUNK = 2000
"""People looked at together."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Group:
    """The pooled fit of a file, and how its people are predicted from it.

    Attributes
    ----------
    coding : array (J, K)
    theta : array (K)
        Utilities of all.
    without : array (R, K)
        Those without each person.
    spread : array (K, K)
        M.
    weights : array (2)
        Of the group's utilities and of the person's own other answers.
    gain : float
        Log-likelihood of the group's utilities less that of chance, in logarithmic units.
    """

    coding: Floats
    theta: Floats
    without: Floats
    spread: Floats
    weights: Floats
    gain: float


def fit_group(choices: Choices) -> Group | None:
    """The group's utilities and the two weights; None where nobody answered a task of a known kind."""
    answers = as_answers(choices)
    tasks = pool_tasks(choices, answers.place)
    if not len(tasks.best):
        return None
    coding = np.asarray(choices.design.coding)
    theta, value, information = fit_tasks(tasks, coding)
    none = pooled_derivatives(tasks, np.zeros(len(coding)), np.ones(tasks.n_people))[0]
    slopes = gradient(tasks, np.tile(coding @ theta, (tasks.n_people, 1)))[1] @ coding
    inverse = np.linalg.inv(information)
    n = tasks.n_people
    per_person = information / n
    spread = np.linalg.inv(per_person + np.trace(per_person) / len(theta) * np.eye(len(theta)))
    spread *= len(theta) / np.trace(spread)
    group = Group(coding=coding, theta=theta, without=theta - slopes @ inverse, spread=spread, weights=np.array([1.0, 0.0]),
                  gain=value - none)  # fmt: skip
    some = np.unique(np.linspace(0, n - 1, min(n, _CHUNK)).astype(np.int64))
    weights = _fit_weights(group, answers.take(some), group.without[some])
    return Group(**{**group.__dict__, "weights": weights})


def pool_tasks(choices: Choices, place: npt.NDArray[np.int8]) -> Tasks:
    """Flat tasks (sequential form) of these places (R, T, A); tasks of other kinds have nothing placed."""
    design = choices.design
    kind = np.asarray(design.kind)
    kind = np.where(kind.astype(str) == "graded", "best", kind)  # nothing is placed in them
    return flatten(design.shown, choices.version, place, kind, len(design.objects))


def fit_tasks(tasks: Tasks, coding: Floats) -> tuple[Floats, float, Floats]:
    """Pooled utilities (K), their log-likelihood, and the information (K, K), with a weak penalty."""
    ones = np.ones(tasks.n_people)
    ridge = PENALTY * np.eye(coding.shape[1])

    def derivatives(theta: Floats) -> tuple[float, Floats, Floats]:
        value, slope, hessian = pooled_derivatives(tasks, coding @ theta, ones)
        return (value - PENALTY / 2 * float(theta @ theta), coding.T @ slope - PENALTY * theta,
                coding.T @ hessian @ coding - ridge)  # fmt: skip

    theta, value, hessian, _ = maximise(derivatives, np.zeros(coding.shape[1]))
    return theta, value + PENALTY / 2 * float(theta @ theta), -hessian


def predict(group: Group, answers: Answers, theta: Floats) -> Floats:
    """Utility (n, T, A) of what stands in each position, from the group's ``theta`` (n, K) and each one's other tasks."""
    x = _covariates(group, answers, theta)
    return np.asarray(x @ group.weights)


def score(group: Group, answers: Answers, theta: Floats) -> Floats:
    """Sum over a person's picks of log p less that of chance (n)."""
    out = []
    for first in range(0, len(answers.shown), _CHUNK):
        part = answers.take(slice(first, first + _CHUNK))
        out.append(_gain(predict(group, part, theta[first : first + _CHUNK]), part))
    return np.concatenate(out)


def agreement(group: Group, answers: Answers, theta: Floats) -> Floats:
    """How far a person's picks lie in the group's direction (n), in standard errors of people who answer by chance.

    The group's utility of each pick less the set's mean, summed; by chance each has mean 0 and the variance within the set.
    """
    out = []
    for first in range(0, len(answers.shown), _CHUNK):
        part = answers.take(slice(first, first + _CHUNK))
        v = _utilities(group, part, theta[first : first + _CHUNK])
        total, variance = np.zeros(len(v)), np.zeros(len(v))
        for s in stages_of(part):
            size = np.maximum(s.mask.sum(axis=2), 1)
            away = np.where(s.mask, v - (np.where(s.mask, v, 0).sum(axis=2) / size)[:, :, None], 0)
            total += s.sign * np.where(s.pick, away, 0).sum(axis=(1, 2))
            variance += ((away**2).sum(axis=2) / size).sum(axis=1)
        out.append(np.where(variance > 0, total / np.sqrt(np.where(variance > 0, variance, 1)), 0.0))
    return np.concatenate(out)


def against_chance(group: Group, answers: Answers, *, seed: int = 0) -> Floats:
    """P-value of each person (n): the share of people answering the same sets, with the same gaps, by chance who score as high.

    The person counts among them, (1 + number) / (1 + draws), so no p-value is 0 (Phipson & Smyth 2010,
    doi 10.2202/1544-6115.1585).
    """
    same = _alike(answers)
    groups = np.unique(same, return_inverse=True)[1]
    n_groups = int(groups.max()) + 1
    draws = int(np.clip(200_000 // n_groups, 99, 1999))  # a test with 99 draws is exact too, only coarser
    own = score(group, answers, group.without)
    better = np.ones(len(own))
    theta = np.broadcast_to(group.theta, (draws, len(group.theta)))
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(n_groups + 1))
    for g in range(n_groups):
        who = order[starts[g] : starts[g + 1]]
        null = random_answers(answers.take(who[:1]), draws, np.random.default_rng((seed, g)))
        high = np.sort(score(group, null, theta))
        better[who] = (1 + draws - np.searchsorted(high, own[who] - 1e-9)) / (1 + draws)
    return better


def _alike(answers: Answers) -> npt.NDArray[np.int64]:
    """A number for each person: the same for people who saw the same sets and answered the same parts of them."""
    place = np.where(answers.place == -128, -128, 0)
    asked = np.stack([(answers.place == 1).any(axis=2), (answers.place == -1).any(axis=2)], axis=2)
    most = np.where(answers.kind == "rank", answers.place.max(axis=2), 0)
    known: dict[bytes, int] = {}
    keys = (a.tobytes() + b.tobytes() + c.tobytes() + d.tobytes()
            for a, b, c, d in zip(answers.shown, place, asked, most, strict=True))  # fmt: skip
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def _utilities(group: Group, answers: Answers, theta: Floats) -> Floats:
    return np.asarray(np.einsum("ntak,nk->nta", group.coding[np.maximum(answers.shown, 0)], theta))


def _covariates(group: Group, answers: Answers, theta: Floats) -> Floats:
    """The group's utility of each position, and what the person's other tasks say of it (n, T, A, 2)."""
    rows = group.coding[np.maximum(answers.shown, 0)]
    common = np.einsum("ntak,nk->nta", rows, theta)
    residual = np.zeros(common.shape)
    for s in stages_of(answers):
        residual += s.sign * (s.pick - probabilities(common, s))
    pull = np.einsum("nta,ntak->ntk", residual, rows)
    rest = (pull.sum(axis=1, keepdims=True) - pull) @ group.spread
    return np.stack([common, np.einsum("ntak,ntk->nta", rows, rest)], axis=3)


def _gain(utility: Floats, answers: Answers) -> Floats:
    total = np.zeros(len(utility))
    for s in stages_of(answers):
        p, options = probabilities(utility, s), s.mask.sum(axis=2)
        total += np.log(np.where(s.pick, p, 1.0)).sum(axis=(1, 2)) + np.log(np.maximum(options, 1)).sum(axis=1)
    return total


def _fit_weights(group: Group, answers: Answers, theta: Floats) -> Floats:
    x = _covariates(group, answers, theta)
    stages = stages_of(answers)

    def derivatives(weights: Floats) -> tuple[float, Floats, Floats]:
        value, slope, hessian = 0.0, np.zeros(2), np.zeros((2, 2))
        for s in stages:
            p = probabilities(x @ weights, s)
            mean = np.einsum("nta,ntak->ntk", p, x)
            away = x - mean[:, :, None, :]
            value += float(np.log(p[s.pick]).sum())
            slope += s.sign * away[s.pick].sum(axis=0)
            hessian -= np.einsum("nta,ntak,ntal->kl", p, away, away)
        # a weak pull to the group's utilities as they are: a file without any answer beside one task has no weight of its own
        start = np.array([1.0, 0.0])
        return value - 0.05 * float(((weights - start) ** 2).sum()), slope - 0.1 * (weights - start), hessian - 0.1 * np.eye(2)

    return maximise(derivatives, np.array([1.0, 0.0]))[0]
