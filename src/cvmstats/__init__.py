"""cvmstats: from best-worst answers to segments, priorities and a scored account list.

``import cvmstats as cvm`` gives every public name; each is loaded when it is first asked for (PEP 562), so that the
import itself is quick. Errors and warnings are in :mod:`cvmstats.errors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cvmstats import errors

if TYPE_CHECKING:
    from cvmstats.data.accounts import Accounts
    from cvmstats.data.adaptive import AdaptiveState
    from cvmstats.data.attributes import Attributes
    from cvmstats.data.choices import Choices
    from cvmstats.data.design import Design
    from cvmstats.data.findings import Findings
    from cvmstats.data.items import Items
    from cvmstats.data.merge import concat_choices
    from cvmstats.data.profiles import Profiles
    from cvmstats.data.projection import Projection
    from cvmstats.data.respondents import Respondents
    from cvmstats.data.scorer import Scorer
    from cvmstats.data.segments import Segments
    from cvmstats.data.store import load, save
    from cvmstats.data.utilities import Utilities
    from cvmstats.design import (
        add_holdouts,
        assess_design,
        combine_designs,
        design_best_worst,
        design_cases,
        design_conjoint,
        design_pairs,
        expected_precision,
        next_tasks,
        start_adaptive,
        update,
    )
    from cvmstats.projection import correct_sizes, fit_classifier, project, read_accounts, write_accounts
    from cvmstats.projection.classifier import SegmentClassifier
    from cvmstats.projection.evaluate import evaluate_classifier
    from cvmstats.report import plot_design, plot_power, plot_priorities, plot_segments, plot_utilities, write_png
    from cvmstats.segments import (
        assign_segments,
        choose_segments,
        fit_latent_class,
        fit_mixture,
        segment_accounts,
    )
    from cvmstats.strategy import grade_priorities
    from cvmstats.survey import (
        read_attributes,
        read_choices,
        read_design,
        read_items,
        read_respondents,
        read_utilities,
        write_choices,
        write_design,
    )
    from cvmstats.survey.join import join_respondents
    from cvmstats.survey.quality import check_choices
    from cvmstats.survey.questionnaire import write_questionnaire
    from cvmstats.survey.simulate import simulate_choices
    from cvmstats.survey.styles import ResponseStyles
    from cvmstats.survey.weights import rake
    from cvmstats.utilities._pymc_model import to_pymc
    from cvmstats.utilities.accounts import aggregate_accounts
    from cvmstats.utilities.counts import score_counts
    from cvmstats.utilities.hierarchical import fit_hierarchical
    from cvmstats.utilities.options import Prior, Sampler
    from cvmstats.utilities.pooled import fit_pooled
    from cvmstats.utilities.predict import predict_utilities
    from cvmstats.utilities.prior_predictive import check_prior
    from cvmstats.utilities.upper_level import UpperLevel
    from cvmstats.workflows.example import make_study
    from cvmstats.workflows.pipeline import run_study
    from cvmstats.workflows.policies import compare_policies
    from cvmstats.workflows.power import simulate_power
    from cvmstats.workflows.questions import RatingStyle, compare_questions

__version__ = "0.1.0"

_HOMES = {
    "data.accounts": ("Accounts",),
    "data.adaptive": ("AdaptiveState",),
    "data.attributes": ("Attributes",),
    "data.choices": ("Choices",),
    "data.design": ("Design",),
    "data.findings": ("Findings",),
    "data.items": ("Items",),
    "data.merge": ("concat_choices",),
    "data.profiles": ("Profiles",),
    "data.projection": ("Projection",),
    "data.respondents": ("Respondents",),
    "data.scorer": ("Scorer",),
    "data.segments": ("Segments",),
    "data.store": ("load", "save"),
    "data.utilities": ("Utilities",),
    "design": ("add_holdouts", "assess_design", "combine_designs", "design_best_worst", "design_cases", "design_conjoint",
               "design_pairs", "expected_precision", "next_tasks", "start_adaptive", "update"),
    "projection": ("correct_sizes", "fit_classifier", "project", "read_accounts", "write_accounts"),
    "projection.classifier": ("SegmentClassifier",),
    "projection.evaluate": ("evaluate_classifier",),
    "report": ("plot_design", "plot_power", "plot_priorities", "plot_segments", "plot_utilities", "write_png"),
    "segments": ("assign_segments", "choose_segments", "fit_latent_class", "fit_mixture", "segment_accounts"),
    "strategy": ("grade_priorities",),
    "survey": ("read_attributes", "read_choices", "read_design", "read_items", "read_respondents", "read_utilities",
               "write_choices", "write_design"),
    "survey.join": ("join_respondents",),
    "survey.quality": ("check_choices",),
    "survey.questionnaire": ("write_questionnaire",),
    "survey.simulate": ("simulate_choices",),
    "survey.styles": ("ResponseStyles",),
    "survey.weights": ("rake",),
    "utilities._pymc_model": ("to_pymc",),
    "utilities.accounts": ("aggregate_accounts",),
    "utilities.counts": ("score_counts",),
    "utilities.hierarchical": ("fit_hierarchical",),
    "utilities.options": ("Prior", "Sampler"),
    "utilities.pooled": ("fit_pooled",),
    "utilities.predict": ("predict_utilities",),
    "utilities.prior_predictive": ("check_prior",),
    "utilities.upper_level": ("UpperLevel",),
    "workflows.example": ("make_study",),
    "workflows.pipeline": ("run_study",),
    "workflows.policies": ("compare_policies",),
    "workflows.power": ("simulate_power",),
    "workflows.questions": ("RatingStyle", "compare_questions"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Accounts", "AdaptiveState", "Attributes", "Choices", "Design", "Findings", "Items", "Prior", "Profiles",
    "Projection", "RatingStyle", "Respondents", "ResponseStyles", "Sampler", "Scorer", "SegmentClassifier",
    "Segments", "UpperLevel", "Utilities", "__version__", "add_holdouts", "aggregate_accounts", "assess_design",
    "assign_segments", "check_choices", "check_prior", "choose_segments", "combine_designs", "compare_policies",
    "compare_questions", "concat_choices", "correct_sizes", "design_best_worst", "design_cases",
    "design_conjoint", "design_pairs", "errors", "evaluate_classifier", "expected_precision", "fit_classifier",
    "fit_hierarchical", "fit_latent_class", "fit_mixture", "fit_pooled", "grade_priorities", "join_respondents",
    "load", "make_study", "next_tasks", "plot_design", "plot_power", "plot_priorities", "plot_segments",
    "plot_utilities", "predict_utilities", "project", "rake", "read_accounts", "read_attributes",
    "read_choices", "read_design", "read_items", "read_respondents", "read_utilities", "run_study", "save",
    "score_counts", "segment_accounts", "simulate_choices", "simulate_power", "start_adaptive", "to_pymc",
    "update", "write_accounts", "write_choices", "write_design", "write_png", "write_questionnaire",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
