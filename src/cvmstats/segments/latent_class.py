"""Latent classes straight from the choices: the main road to segments.

Mixture of logits with panel likelihood (Kamakura & Russell 1989, doi:10.1177/002224378902600401), by EM with many
starts; see ``_numerics/em.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.em import ClassFit, Prior, covariance, fit_classes
from cvmstats.data.choices import Choices
from cvmstats.data.forms import Form
from cvmstats.data.segments import SegmentModel, Segments
from cvmstats.errors import ConvergenceWarning, SegmentsError
from cvmstats.progress import progress_bar
from cvmstats.segments.panels import Units, find_unit, unit_panels

SAME = 0.01
"""Starts whose log posteriors are this close reached the same solution."""


def fit_latent_class(choices: Choices, n_segments: int, *, n_starts: int = 20, form: Form = "sequential",
                     unit: Literal["respondent", "account"] | None = None, seed: int | np.random.Generator = 0,
                     progress: bool | None = None, names: Sequence[str] | None = None, prior_sd: float = 3.0,
                     prior_units: float = 1.0, errors: Literal["information", "robust"] = "information",
                     max_iterations: int = 500, threads: int | None = None) -> Segments:  # fmt: skip
    """Latent class multinomial logit: S segments, each with utilities of its own, found from the answers.

    Parameters
    ----------
    choices : Choices
        Answers of R respondents.
    n_segments : int
        S.
    n_starts : int
        Starts, each with a random stream of its own and run to its end. The result says how many of them reached the
        best solution: few means that it may not be the best there is.
    form : str, or mapping {kind: form}
        Likelihood, see :func:`fit_pooled`. Ties and grades have parameters in each segment (``model.response``); blocks of a
        mixed study and second questions share one error scale here.
    unit : {"respondent", "account"}, optional
        What belongs to one segment: a person, or all people of an account together, whose answers are then one panel.
        By default accounts where every respondent has one. Frequency weights count people; sampling weights are scaled
        to Kish's effective number of units.
    seed : int or Generator
    progress : bool, optional
        A bar over the starts; by default on a terminal or in a notebook.
    names : sequence of str (S), optional
        From the largest segment to the smallest, which is the order of the result.
    prior_sd : float
        Normal prior of each parameter about zero, in logits; infinite for none. At 3 it matters only where a segment's
        answers say next to nothing.
    prior_units : float
        Units added to the whole sample, shared equally by the segments (a Dirichlet prior of 1 + prior_units / S):
        no segment gets empty.
    errors : {"information", "robust"}
        Where ``model.mean_cov`` comes from: the observed information, or the sandwich, which holds also where the
        people of a segment differ more than the model says.
    max_iterations : int
        Steps of a start, after which it stops with a warning.
    threads : int, optional
        The answer is the same on any number of them.

    Returns
    -------
    Segments
        ``log_likelihood`` is the plain one, without the prior; ``bic`` has S K + S - 1 parameters and the number of
        units as sample size.

    Raises
    ------
    SegmentsError
        Fewer than one segment or start, or more segments than units.
    ChoicesError, RespondentsError
        Where the answers do not fit the model, or people have no account.

    Warns
    -----
    ConvergenceWarning
        Where starts did not reach their end.
    """
    chosen = find_unit(choices.respondents, unit)
    units = unit_panels(choices, chosen, form)
    if n_segments < 1 or n_segments > len(units.ids):
        raise SegmentsError(f"{n_segments} segments of {len(units.ids):,} {chosen}s\n"
                            f"  expected 1 to {len(units.ids):,}")  # fmt: skip
    if n_starts < 1:
        raise SegmentsError(f"{n_starts} starts\n  expected at least 1")
    prior = Prior(float(prior_sd), prior_units / n_segments)
    with progress_bar(n_starts, f"{n_segments} segments", progress=progress) as bar:
        fits = fit_classes(units.panels, n_segments, _streams(seed, n_starts), prior, max_iterations=max_iterations,
                           threads=threads, report=bar.update)  # fmt: skip
    _warn(fits, max_iterations)
    settings: dict[str, object] = {
        "n_segments": n_segments, "n_starts": n_starts, "form": form if isinstance(form, str) else dict(form), "unit": chosen,
        "seed": seed if isinstance(seed, int) else str(seed), "prior_sd": prior_sd, "prior_units": prior_units,
        "errors": errors, "max_iterations": max_iterations, "n_units": float(units.panels.weight.sum()),
    }  # fmt: skip
    return _result(choices, units, fits, prior, names, settings)


def _streams(seed: int | np.random.Generator, n: int) -> list[np.random.Generator]:
    if isinstance(seed, np.random.Generator):
        return list(seed.spawn(n))
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(n)]


def _warn(fits: list[ClassFit], max_iterations: int) -> None:
    stopped = sum(not f.converged for f in fits)
    if stopped:
        warnings.warn(f"{stopped} of {len(fits)} starts stopped after {max_iterations} iterations without reaching "
                      "their end\n  raise max_iterations, or ask for fewer segments", ConvergenceWarning,
                      stacklevel=3)  # fmt: skip


def _result(choices: Choices, units: Units, fits: list[ClassFit], prior: Prior, names: Sequence[str] | None,
            settings: dict[str, object]) -> Segments:  # fmt: skip
    objective = np.array([f.objective for f in fits])
    best = fits[int(objective.argmax())]
    order: npt.NDArray[np.int64] = np.argsort(-best.sizes, kind="stable")
    sizes, means = best.sizes[order] / best.sizes.sum(), best.means[order]
    spread = covariance(units.panels, sizes, means, prior, robust=settings["errors"] == "robust")
    n_parameters = means.size + len(sizes) - 1
    return Segments(
        design=choices.design, unit=units.unit, ids=units.ids, membership=best.membership[:, order],
        names=tuple(names or ()),
        model=SegmentModel(route="choices", sizes=sizes, means=means, mean_cov=spread, form=settings["form"],  # type: ignore[arg-type]
                           response=units.response),
        log_likelihood=best.log_likelihood,
        bic=-2 * best.log_likelihood + n_parameters * float(np.log(units.panels.weight.sum())),
        n_starts=len(fits), starts_at_best=int((objective > objective.max() - SAME).sum()), settings=settings,
    )  # fmt: skip
