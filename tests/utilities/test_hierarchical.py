"""The hierarchical fit: reproducible on any number of threads, the same posterior as NUTS, honest about trouble."""

from __future__ import annotations

import importlib.util
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cvmstats._numerics.ess import chain_diagnostics
from cvmstats._numerics.simulate import simulate_places
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, ConvergenceWarning, InterruptedWarning
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.convergence import reported_draws
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.options import Sampler
from cvmstats.workflows.sets import balanced_sets

EVIDENCE = Path(__file__).parents[1] / "evidence"
QUICK = Sampler(chains=2, draws=60, warmup=60, thin=1)


def evidence(name: str) -> ModuleType:
    """A script of tests/evidence as a module."""
    sys.path.insert(0, str(EVIDENCE))
    try:
        spec = importlib.util.spec_from_file_location(name, EVIDENCE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def study(n: int = 60, n_items: int = 6, n_tasks: int = 9, size: int = 3, seed: int = 3) -> tuple[Choices, np.ndarray]:
    rng = np.random.default_rng(seed)
    shown = balanced_sets(n_items, 3, n_tasks, size, rng)
    which = np.arange(n) % 3
    truth = np.linspace(-1.5, 1.5, n_items) + rng.normal(size=(n, n_items))
    place = simulate_places(truth, shown, which, rng.random((n, n_tasks, 2)))
    choices = Choices(
        design=Design(objects=Items.from_labels(f"item {j}" for j in range(n_items)), shown=shown),
        respondents=Respondents.from_ids(f"r{i}" for i in range(n)), version=which, place=place,
    )  # fmt: skip
    return choices, truth - truth.mean(axis=1, keepdims=True)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_draws_are_bit_identical_on_any_number_of_threads() -> None:
    choices, _ = study()
    on = [Sampler(chains=2, draws=60, warmup=60, threads=t) for t in (1, 2)]
    fits = [fit_hierarchical(choices, sampler=sampler, seed=5) for sampler in on]
    assert np.array_equal(fits[0].draws, fits[1].draws)
    assert np.array_equal(fits[0].population.cov_draws, fits[1].population.cov_draws)
    other = fit_hierarchical(choices, sampler=QUICK, seed=6)
    assert not np.array_equal(fits[0].draws, other.draws)


def test_recovers_the_people() -> None:
    choices, truth = study(n=200, n_tasks=18)
    fit = fit_hierarchical(choices, seed=1, progress=False)
    assert fit.diagnostics is not None
    assert np.corrcoef(fit.reported().ravel(), truth.ravel())[0, 1] > 0.9
    assert fit.draws is not None
    error = np.abs(fit.reported() - truth) / (fit.draws @ fit.report.T).std(axis=(0, 1))
    assert 0.6 < np.median(error) < 0.75  # .674 where posterior sds are right; 1,200 errors: standard error about .02


@pytest.mark.parametrize(("kind", "size", "n_tasks"), [("pair", 2, 30), ("rank", 4, 12)])
def test_recovers_the_people_from_pairs_and_rankings(kind: str, size: int, n_tasks: int) -> None:
    rng = np.random.default_rng(8)
    design = Design(objects=Items.from_labels("abcdef"), kind=kind, shown=balanced_sets(6, 3, n_tasks, size, rng))
    truth = np.linspace(-1.5, 1.5, 6) + rng.normal(size=(150, 6))
    truth -= truth.mean(axis=1, keepdims=True)
    fit = fit_hierarchical(simulate_choices(truth, design, seed=2), seed=1, progress=False)
    assert fit.form == {"pair": "bradley_terry", "rank": "exploded"}[kind]
    error = np.abs(fit.reported() - truth) / (fit.draws @ fit.report.T).std(axis=(0, 1))
    assert 0.6 < np.median(error) < 0.75  # as above, 900 errors


def test_recovers_the_people_from_joint_answers() -> None:
    choices, truth = study(n=200, n_tasks=18)
    joint = simulate_choices(truth, choices.design, version=choices.version, form="maxdiff", seed=2)
    fit = fit_hierarchical(joint, form="maxdiff", seed=1, progress=False)
    assert fit.form == "maxdiff"
    error = np.abs(fit.reported() - truth) / (fit.draws @ fit.report.T).std(axis=(0, 1))
    assert 0.6 < np.median(error) < 0.75  # as above
    wrong = fit_hierarchical(joint, seed=1, progress=False)  # another form: another scale
    assert np.polyfit(fit.reported().ravel(), wrong.reported().ravel(), 1)[0] > 1.08


def test_a_chain_stopped_early_warns() -> None:
    choices, _ = study()
    with pytest.warns(ConvergenceWarning, match="R-hat"):
        fit_hierarchical(choices, sampler=Sampler(chains=4, draws=10, warmup=2, thin=1), seed=1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal")
@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_ctrl_c_returns_the_draws_so_far() -> None:
    choices, _ = study()
    fit_hierarchical(choices, sampler=QUICK)  # compiled before the clock runs
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        time.sleep(5)  # a busy machine is past warm-up then
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.warns(InterruptedWarning, match="stopped early"):
        fit = fit_hierarchical(choices, sampler=Sampler(chains=2, draws=60_000, warmup=100, thin=1), seed=1)
    assert fit.interrupted
    assert fit.draws is not None
    assert 0 < fit.draws.shape[1] < 60_000
    assert "STOPPED EARLY" in repr(fit)


def other_worsts(choices: Choices) -> Choices:
    """The same answers, the worst drawn anew among what was not the best."""
    place = np.array(choices.place)
    rng = np.random.default_rng(1)
    for r, t in np.ndindex(place.shape[:2]):
        free = np.flatnonzero((place[r, t] == 0) | (place[r, t] == -1))
        place[r, t, free] = rng.permutation(place[r, t, free])
    return Choices(design=choices.design, respondents=choices.respondents, version=choices.version, place=place)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_worst_answers_count() -> None:
    choices, _ = study()
    a, b = (fit_hierarchical(c, sampler=QUICK, seed=1).reported() for c in (choices, other_worsts(choices)))
    assert np.abs(a - b).mean() > 0.2


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_worst_answers_count_in_the_issues_study(shared_data: Path) -> None:
    choices = evidence("nuts_reference").read_issues(shared_data / "bws1_issues_white2021")
    a, b = (fit_hierarchical(c, sampler=QUICK, seed=1).reported() for c in (choices, other_worsts(choices)))
    assert np.abs(a - b).mean() > 0.2  # two fits of the same answers differ by .03


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
@pytest.mark.parametrize("form", ["sequential", "maxdiff"])
def test_the_same_posterior_as_nuts_on_a_small_study(form: str) -> None:
    """60 people x 6 items, live: population within 4 combined Monte Carlo errors, utilities r > .999."""
    choices, _ = study()
    ours = fit_hierarchical(choices, sampler=Sampler(thin=4), form=form, seed=1)
    nuts = fit_hierarchical(choices, sampler=Sampler(engine="nuts", draws=1000, warmup=600), form=form, seed=1)
    frames = []
    for fit in (ours, nuts):
        assert fit.population is not None
        table = fit.diagnostics.query("quantity != 'utility'")
        parts = reported_draws(fit.report, fit.population.mean_draws, fit.population.cov_draws)
        draws = np.concatenate(parts)
        assert len(draws) == len(table) == 6 + 6 + 15  # means, sds, correlations
        frames.append((draws.mean(axis=(1, 2)), draws.std(axis=(1, 2)) / np.sqrt(table["ess_bulk"].to_numpy())))
    (a, ea), (b, eb) = frames
    assert np.abs((a - b) / np.hypot(ea, eb)).max() < 4
    x, y = ours.reported(), nuts.reported()
    assert np.corrcoef(x.ravel(), y.ravel())[0, 1] > 0.999
    assert np.abs(x - y).mean() < 0.05


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_the_stored_nuts_posterior_of_the_issues_study(shared_data: Path) -> None:
    figures = evidence("engine_agreement").compare(shared_data / "bws1_issues_white2021", Sampler(thin=3), seed=4)
    assert figures["population ESS, least"] >= 400
    assert figures["utilities ESS, median"] >= 1000
    assert figures["R-hat of the population, largest"] < 1.01
    assert figures["population z, largest"] <= 4
    assert figures["utilities r"] > 0.999
    assert figures["utilities mean absolute difference"] < 0.05
    assert figures["mean |sd ratio - 1|"] < 0.05


def test_an_item_that_nobody_saw_is_named() -> None:
    choices, _ = study()
    design = Design(objects=Items.from_labels([*choices.design.objects.labels, "ghost"]), shown=choices.design.shown)
    ghost = Choices(design=design, respondents=choices.respondents, version=choices.version, place=choices.place)
    with pytest.raises(ChoicesError, match="ghost"):
        fit_hierarchical(ghost)


@pytest.mark.filterwarnings("ignore::cvmstats.errors.ConvergenceWarning")
def test_weights_of_one_are_bit_identical_to_none() -> None:
    choices, _ = study()
    table = choices.respondents.to_frame().assign(weight=1.0)
    short = Sampler(chains=2, draws=20)
    plain = fit_hierarchical(choices, sampler=short, seed=3)
    for kind in ("frequency", "sampling"):
        weighted = fit_hierarchical(choices.with_respondents(Respondents(table=table, weight_kind=kind)), sampler=short, seed=3)
        np.testing.assert_array_equal(weighted.draws, plain.draws)


def test_frequency_weights_are_that_many_people() -> None:
    """Means, sds and correlations of the population as from copies, within four Monte Carlo errors; utilities likewise."""
    choices, _ = study(n=40)
    often = 1 + np.arange(40) % 3
    table = choices.respondents.to_frame().assign(weight=often.astype(float))
    rows = np.repeat(np.arange(40), often)
    copies = Choices(design=choices.design, respondents=Respondents.from_ids(f"copy {i}" for i in range(len(rows))),
                     version=choices.version[rows], place=choices.place[rows])  # fmt: skip
    counted = choices.with_respondents(Respondents(table=table, weight_kind="frequency"))
    sampler = Sampler(chains=4, draws=400, thin=3)
    first = np.unique(rows, return_index=True)[1]

    def summary(answers: Choices, people: np.ndarray, seed: int) -> np.ndarray:
        fit = fit_hierarchical(answers, sampler=sampler, seed=seed, progress=False)
        own = np.moveaxis(fit.draws[:, :, people] @ fit.report.T, (2, 3), (0, 1))
        found = reported_draws(fit.report, fit.population.mean_draws, fit.population.cov_draws)
        return np.concatenate([*found, own.reshape(-1, 4, 400)])

    ours, theirs, other = summary(counted, np.arange(40), 1), summary(copies, first, 2), summary(choices, np.arange(40), 3)
    error = np.sqrt(sum(x.var(axis=(1, 2)) / chain_diagnostics(x)[:, 1] for x in (ours, theirs)))
    assert (np.abs(ours.mean(axis=(1, 2)) - theirs.mean(axis=(1, 2))) / error).max() < 4
    assert (np.abs(other.mean(axis=(1, 2)) - theirs.mean(axis=(1, 2))) / error).max() > 10  # weights matter here
