"""Answers that are no product of logits, where utilities lie far apart, against arithmetic of many digits."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import pytest

from cvmstats._numerics.ends import bend, ends
from cvmstats._numerics.logit import _per_person
from cvmstats._numerics.tasks import JOINT, LAST, LOGITS, NEITHER, Tasks

ANSWERS = {"neither first nor last": (0, 0, NEITHER), "not first": (0, -1, NEITHER), "last of a middle": (-1, 1, LAST),
           "joint": (0, 2, JOINT), "joint without worst": (0, -1, JOINT), "unseen best": (-1, 2, LOGITS)}  # fmt: skip
WIDE = [[0.3, -0.2, 0.9, 0.1], [50, -50, 0, 1], [-50, 50, 3, 1], [800, -800, 0, 5], [-800, 800, 799, 0], [25, 24, -25, -24]]


def exact(v: list[Decimal], best: int, worst: int, rule: int) -> Decimal:
    """Log probability by its definition."""
    e, f = [x.exp() for x in v], [(-x).exp() for x in v]
    everybody = range(len(v))
    if rule == NEITHER:
        return (1 - e[best] / sum(e) - (f[worst] / sum(f) if worst >= 0 else 0)).ln()
    if rule == LAST:

        @cache
        def chance(left: frozenset[int]) -> Decimal:
            total = e[worst] + sum(e[j] for j in left)
            return sum((e[j] / total * chance(left - {j}) for j in left), Decimal(0)) if left else Decimal(1)

        return chance(frozenset(everybody) - {worst}).ln()
    pairs = {(b, w): e[b] * f[w] for b in everybody for w in everybody if b != w}
    if rule == JOINT:
        hit = [p for (b, w), p in pairs.items() if b == best and worst in (-1, w)]
        return (sum(hit) / sum(pairs.values())).ln()
    return sum(e[b] / sum(e) * f[worst] / (sum(f) - f[b]) for b in everybody if b != worst).ln()


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("utilities", WIDE, ids=str)
def test_far_apart(answer: str, utilities: list[float]) -> None:
    """Value and gradient, the latter by differences of 1e-40; the Hessian by differences of the gradient."""
    best, worst, rule = ANSWERS[answer]
    at = np.array(utilities, float)

    def gradient(v: np.ndarray) -> np.ndarray:
        ends(v, best, worst, rule, g := np.zeros(len(v)))
        return g

    with localcontext(prec=int(120 + np.ptp(at) / 2)):
        v, step = [Decimal(x) for x in utilities], Decimal(10) ** -40
        value = float(exact(v, best, worst, rule))
        slope = []
        for j in range(len(v)):
            up, down = (exact([*v[:j], v[j] + by, *v[j + 1 :]], best, worst, rule) for by in (step, -step))
            slope.append(float((up - down) / (2 * step)))
    assert ends(at, best, worst, rule, np.zeros(len(v))) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(gradient(at), slope, rtol=1e-11, atol=1e-12)
    bend(at, best, worst, rule, h := np.zeros((len(v), len(v))))
    bent = [(gradient(at + d) - gradient(at - d)) / 2e-5 for d in 1e-5 * np.eye(len(v))]
    np.testing.assert_allclose(h, bent, rtol=0, atol=1e-7)


def test_one_impossible_person_spoils_nobody_else() -> None:
    one = np.zeros(3, np.int64)
    tasks = Tasks(np.array([0, 1, 3]), np.array([0, 2, 4, 6]), np.zeros(6, np.int64), one, one, one > 0, 1)
    assert _per_person(tasks, np.array([-np.inf, -1.0, -2.0])).tolist() == [-np.inf, -3.0]
