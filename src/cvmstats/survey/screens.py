"""Screens of single respondents: chance, straight lines, copies, speed, gaps, circles. Each gives who, and why.

A screen takes a person for suspect where what was seen would be rare for people who answer as everybody else does (straight
lines, copies), or is common for people who answer by chance (random answers, circular pairs). The probabilities are
constants of this file, with their reasons; one of them, ``ALIKE``, was read off simulated surveys.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.choices import Choices
from cvmstats.survey.group import Group, predict
from cvmstats.survey.picks import Answers, Floats, probabilities, stages_of

PASSED = 0.05
"""Share of people who answer by chance and pass: who scores below their 95th percentile cannot be told from them."""
STRAIGHT = 0.001
"""Probability of as many picks in one position for a person who answers by preference: one in a thousand is flagged wrongly."""
COINCIDENCE = 0.05
"""Share of the identical pairs found that chance alone would give, at most."""
ALIKE = 3.0
"""How many times as many identical pairs there are as predictions of each person give, at most: two people who think alike do
so in every task, and predictions from a few tasks do not know it all. In simulated surveys it was 1 to 3 times as many."""
OPPOSITE = -4.0
"""Standard errors of agreement with the group: of people who answer by chance 1 in 30,000 goes so far against it."""
FAST = 1 / 3
"""Of the usual time, the median person's: below a third of it few can have read the items. A convention, not a probability;
people read at different speeds, so a person who is fast and nothing else is for the analyst to judge."""
FEW = 0.5
"""Share of the asked tasks with all that their kind asks for."""


class Flags(NamedTuple):
    """Whom a screen suspects: indices (m), and a short reason for each."""

    rows: npt.NDArray[np.int64]
    why: list[str]


def straight_lines(choices: Choices, answers: Answers, group: Group) -> Flags:
    """People who take the same position too often, for the best or for the worst.

    Each pick has the probabilities that the group and the person's own other tasks give it, scaled by how much oftener than
    these everybody takes the position. The number of picks in a position is then a sum of unlike trials (Poisson binomial);
    its tail is multiplied by the number of positions and sides (Bonferroni). Where an item always stands in the same place, a
    preference explains the line, and nobody is suspected.
    """
    seen, order = _as_seen(choices)
    utility = predict(group, answers, group.without)
    n, _, width = seen.shape
    smallest, why = np.ones(n), np.full(n, "", dtype=object)
    tests = 0
    stages = stages_of(answers)
    ends = [stages[0], *(s for s in stages[1:] if s.sign < 0)]  # of a ranking the first place only
    for stage in ends:
        p = np.where(seen >= 0, np.take_along_axis(probabilities(utility, stage), order, axis=2), 0.0)
        pick = np.take_along_axis(stage.pick, order, axis=2) & (seen >= 0)
        expected = p.sum(axis=(0, 1))
        p *= np.where(expected > 0, pick.sum(axis=(0, 1)) / np.where(expected > 0, expected, 1), 1.0)
        p /= np.maximum(p.sum(axis=2, keepdims=True), 1e-300)
        count, asked = pick.sum(axis=1), pick.any(axis=2).sum(axis=1)
        for a in range(width):
            tail = _tail(p[:, :, a], count[:, a])
            tests += 1
            better = tail < smallest
            smallest = np.where(better, tail, smallest)
            side = "best" if stage.sign > 0 else "worst"
            for r in np.flatnonzero(better & (tail < STRAIGHT)):
                why[r] = f"{side} in position {a + 1} in {count[r, a]} of {asked[r]} tasks"
    rows = np.flatnonzero(smallest * tests < STRAIGHT)
    return Flags(rows, [str(why[r]) for r in rows])


def _as_seen(choices: Choices) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """What stood in each position of the screen (n, T, A), and the slot of ``shown`` that it has."""
    shown = choices.design.shown[choices.version]
    if choices.displayed is None:
        return shown, np.broadcast_to(np.arange(shown.shape[2]), shown.shape)
    seen = np.asarray(choices.displayed)
    return seen, np.argmax(shown[:, :, None, :] == seen[:, :, :, None], axis=3)


def _tail(p: Floats, count: npt.NDArray[np.int64]) -> Floats:
    """P(number of hits >= ``count`` (n)) of independent trials with probabilities ``p`` (n, T)."""
    n, trials = p.shape
    mass = np.zeros((n, trials + 1))
    mass[:, 0] = 1.0
    for t in range(trials):
        hit = p[:, t : t + 1]
        mass[:, 1:] = mass[:, 1:] * (1 - hit) + mass[:, :-1] * hit
        mass[:, 0] *= 1 - hit[:, 0]
    at = np.arange(trials + 1)
    return np.asarray(np.where(at >= count[:, None], mass, 0.0).sum(axis=1))


class Copies(NamedTuple):
    """Groups of identical answers.

    Attributes
    ----------
    groups : list of arrays
        Indices of each group, the first of the file first.
    pairs : int
        Identical pairs.
    expected : float
        Pairs that chance would give.
    """

    groups: list[npt.NDArray[np.int64]]
    pairs: int
    expected: float


def identical_answers(choices: Choices, answers: Answers, group: Group | None, straight: npt.NDArray[np.int64], *,
                      seed: int = 0) -> Copies:  # fmt: skip
    """People who saw the same sets and answered all of them alike, and how many such pairs chance would give.

    Two straight lines may well be the same: they (indices) are left to their own screen.

    The smaller of two estimates that both tend to be too large. Of pairs of people who saw the same sets, the number of tasks
    answered alike has a mean and a variance larger than that of independent tasks, because some think alike; a beta-binomial
    distribution with these two moments (100,000 pairs at most) gives the probability that all are alike. And what the group and
    their own other tasks say of each person's picks gives the probability of the very picks of another, which is raised by
    ``ALIKE``. Identical pairs themselves are left out of that, lest copies vouch for one another, unless they are most pairs:
    people of one mind are alike because what they think tells their picks.
    """
    # who left out half of the tasks may coincide with others, and has a screen of their own
    answered = np.flatnonzero((choices.complete & choices.asked).sum(axis=1) >= FEW * np.maximum(choices.asked.sum(axis=1), 1))
    answered = np.setdiff1d(answered, straight)
    shown = choices.design.shown[choices.version]
    groups: dict[bytes, list[int]] = {}
    versions: dict[bytes, list[int]] = {}
    for r in answered:
        key = shown[r].tobytes()
        versions.setdefault(key, []).append(int(r))
        groups.setdefault(key + choices.place[r].tobytes(), []).append(int(r))
    same = [np.array(g) for g in groups.values() if len(g) > 1]
    pairs = sum(len(g) * (len(g) - 1) // 2 for g in same)
    if not pairs:
        return Copies([], 0, 0.0)
    possible = sum(len(g) * (len(g) - 1) // 2 for g in versions.values())
    expected = possible * _chance_of_all(choices, list(versions.values()), possible, seed)
    if group is not None and expected > COINCIDENCE * pairs:
        most = 2 * pairs > possible
        predicted = _predicted_pairs(choices, answers, group, list(versions.values()), seed, identical=most)
        expected = min(expected, ALIKE * predicted * (1.0 if most else possible / (possible - pairs)))
    return Copies(same, pairs, expected)


def _chance_of_all(choices: Choices, versions: list[list[int]], possible: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    first, second = [], []
    for people in versions:
        m = len(people)
        if m < 2:
            continue
        a, b = np.triu_indices(m, 1) if m <= 450 else rng.integers(m, size=(2, 100_000))
        wanted = max(1, min(len(a), round(100_000 * (m * (m - 1) / 2) / possible)))
        chosen = rng.permutation(len(a))[:wanted]
        a, b = a[chosen], b[chosen]
        apart = a != b
        first.append(np.array(people)[a[apart]])
        second.append(np.array(people)[b[apart]])
    one, two = np.concatenate(first), np.concatenate(second)
    both = choices.answered[one] | choices.answered[two]
    alike = ((choices.place[one] == choices.place[two]).all(axis=2) & both).sum(axis=1)
    trials = both.sum(axis=1)
    n, p = float(trials.mean()), float(alike.sum() / trials.sum())
    if p in (0.0, 1.0) or n <= 1:
        return p
    # variance n p q (1 + (n - 1) rho), rho = 1 / (a + b + 1)
    rho = (float(np.mean((alike - trials * p) ** 2)) / (n * p * (1 - p)) - 1) / (n - 1)
    rho = min(max(rho, 1e-6), 0.999)
    strength = 1 / rho - 1
    a = p * strength
    steps = np.arange(round(n))
    return float(np.exp(np.log((a + steps) / (strength + steps)).sum()))


def _predicted_pairs(choices: Choices, answers: Answers, group: Group, versions: list[list[int]], seed: int, *,
                     identical: bool) -> float:  # fmt: skip
    """Pairs that answer alike if everybody picks as predicted, of all or of those that are not identical; from 300 people of a
    version at most."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for people in versions:
        some = np.sort(rng.permutation(people)[:300])
        m = len(some)
        if m < 2:
            continue
        part = answers.take(some)
        utility = predict(group, part, group.without[some])
        place = choices.place[some].reshape(m, -1)
        mine = 0.0
        for i in range(m):
            one = Answers(*(np.broadcast_to(x[i], x.shape) for x in part))
            log_p = np.zeros(m)
            for s in stages_of(one):
                log_p += np.log(np.where(s.pick, probabilities(utility, s), 1.0)).sum(axis=(1, 2))
            others = np.arange(m) != i if identical else (place != place[i]).any(axis=1)
            mine += float(np.exp(log_p[others]).sum())
        total += mine / (m * (m - 1)) * len(people) * (len(people) - 1) / 2
    return total


def repeated_positions(choices: Choices, straight: npt.NDArray[np.int64]) -> Flags:
    """People who saw something else and picked in the same positions of the screen in all tasks, but the first of each group.

    With T tasks of A positions the same sequence has a probability of about (A (A - 1))^-T; where a sequence has more than
    ``COINCIDENCE`` chances among all pairs of people, this says nothing and nobody is suspected. Straight lines are left to
    their own screen.
    """
    seen, order = _as_seen(choices)
    place = np.take_along_axis(choices.place, order, axis=2)
    out = np.ones(len(place), bool)
    out[straight] = False
    size = (seen >= 0).sum(axis=2)
    picks = (place != 0).sum(axis=2, where=place != -128)
    options = np.where(picks >= 2, size * (size - 1), np.maximum(size, 1))
    chance = -np.where(choices.complete, np.log(np.maximum(options, 1)), 0).sum(axis=1)
    groups: dict[bytes, list[int]] = {}
    for r in np.flatnonzero(out & choices.answered.any(axis=1)):
        groups.setdefault(place[r].tobytes(), []).append(int(r))
    rows, why = [], []
    pairs = np.log(max(len(place) * (len(place) - 1) / 2, 1.0))
    for g in groups.values():
        if len(g) < 2 or chance[g[0]] + pairs > np.log(COINCIDENCE):
            continue
        sets = {seen[r].tobytes() for r in g}
        if len(sets) > 1:
            rows += g[1:]
            why += [f"the positions of {choices.respondents.ids[g[0]]!r} in other sets"] * (len(g) - 1)
    order = np.argsort(rows, kind="stable")
    return Flags(np.array(rows, dtype=np.int64)[order], [why[i] for i in order])


def speeders(choices: Choices) -> Flags:
    """People whose median task took less than a third of what the task takes the median person; none where no time is known."""
    if choices.seconds is None:
        return Flags(np.array([], np.int64), [])
    seconds = np.where(choices.answered & (np.asarray(choices.seconds) > 0), choices.seconds, np.nan)
    known = np.isfinite(seconds)
    share = seconds / _medians(seconds.T, known.T)
    own = _medians(share, known)
    rows = np.flatnonzero(own < FAST)
    pace = _medians(seconds, known)
    return Flags(rows, [f"{own[r]:.2f} of the usual time, {pace[r]:.1f} seconds per task" for r in rows])


def _medians(values: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    return np.array([np.median(row[there]) if there.any() else np.nan for row, there in zip(values, known, strict=True)])


def too_few(choices: Choices) -> Flags:
    """People with less than half of their tasks complete."""
    asked, done = choices.asked.sum(axis=1), (choices.complete & choices.asked).sum(axis=1)
    rows = np.flatnonzero(done < FEW * asked)
    return Flags(rows, [f"{done[r]} of {asked[r]} tasks complete" for r in rows])


def circles(choices: Choices) -> Flags:
    """People whose pairs are no more transitive than chance: a quarter of their triads or more are circular (a > b > c > a).

    By chance a quarter is (Kendall & Babington Smith 1940, doi 10.1093/biomet/31.3-4.324). Only people with so many triads
    that chance would hardly give none, 0.75^n < 0.05, n = 11 or more. Of a pair asked more than once the majority counts.
    """
    kind = np.asarray(choices.design.kind)[choices.version]
    rows, why = [], []
    objects = len(choices.design.objects)
    if not (kind == "pair").any() or objects > 500:
        return Flags(np.array([], np.int64), [])
    shown = choices.design.shown[choices.version]
    for r in range(len(kind)):
        t = np.flatnonzero((kind[r] == "pair") & ((choices.place[r] == 1).sum(axis=1) == 1))
        wins = np.zeros((objects, objects))
        winner = (choices.place[r, t] == 1).argmax(axis=1)
        loser = ((shown[r, t] >= 0) & (choices.place[r, t] != 1)).argmax(axis=1)
        times = 1.0 if choices.count is None else choices.count[r, t]
        np.add.at(wins, (shown[r, t, winner], shown[r, t, loser]), times)
        wins = (wins > wins.T).astype(float)
        both = (wins + wins.T > 0).astype(float)
        circular = round(np.trace(wins @ wins @ wins) / 3)
        triads = round(np.trace(both @ both @ both) / 6)
        if 0.75**triads < 0.05 and circular >= triads / 4:
            rows.append(r)
            why.append(f"{circular} of {triads} triads circular")
    return Flags(np.array(rows, dtype=np.int64), why)
