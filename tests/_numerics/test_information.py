"""Information of a set at equal utilities, beside scores of every answer there can be."""

from itertools import permutations

import numpy as np
import pytest

from cvmstats._numerics.information import FORMS, set_information


def by_enumeration(form: str, k: int) -> float:
    """c of c (I - J / k): the mean outer product of the scores of all answers, all equally likely."""
    total = np.zeros((k, k))
    answers = list(permutations(range(k)))
    eye = np.eye(k)
    for order in answers:
        best, worst = order[0], order[-1]
        score = np.zeros(k)
        if form == "best":
            score = eye[best] - 1 / k
        elif form == "worst":
            score = 1 / k - eye[worst]
        elif form == "sequential":
            rest = [j for j in range(k) if j != best]
            score = eye[best] - 1 / k - eye[worst] + eye[rest].sum(axis=0) / (k - 1)
        elif form == "maxdiff":
            score = eye[best] - eye[worst] if k > 2 else eye[best] - 1 / k
        elif form == "exploded":
            for place in range(k - 1):
                score += eye[order[place]] - eye[list(order[place:])].sum(axis=0) / (k - place)
        total += np.outer(score, score) / len(answers)
    np.testing.assert_allclose(total, total[0, 0] * k / (k - 1) * (eye - 1 / k), atol=1e-12)
    return float(total[0, 0] * k / (k - 1))


@pytest.mark.parametrize("k", [2, 3, 4, 5])
@pytest.mark.parametrize("form", [f for f in FORMS if f != "marginal"])
def test_the_formula_is_the_mean_square_of_scores(form: str, k: int) -> None:
    np.testing.assert_allclose(set_information(form, k), by_enumeration(form, k), rtol=1e-12)


@pytest.mark.parametrize("k", [3, 5])
def test_marginal_is_what_its_estimator_really_knows(k: int) -> None:
    """Two independent logits see 2 / k; their score varies by more, as best and worst never agree: 2 / k squared over it."""
    eye = np.eye(k)
    scores = [eye[a] - eye[b] for a in range(k) for b in range(k) if a != b]
    spread = np.mean([np.outer(s, s) for s in scores], axis=0)[0, 0] * k / (k - 1)
    np.testing.assert_allclose(set_information("marginal", k), (2 / k) ** 2 / spread, rtol=1e-12)


def test_sizes_may_differ_and_unknown_forms_are_refused() -> None:
    assert set_information("exploded", np.array([[2, 3], [4, 5]])).shape == (2, 2)
    with pytest.raises(ValueError, match="unknown form 'x'"):
        set_information("x", 3)
