"""What to ask: designs, and what they are worth."""

from cvmstats.design.adaptive import next_tasks, start_adaptive, update
from cvmstats.design.assess import DesignAssessment, assess_design
from cvmstats.design.best_worst import design_best_worst
from cvmstats.design.cases import design_cases
from cvmstats.design.conjoint import design_conjoint
from cvmstats.design.holdouts import add_holdouts
from cvmstats.design.mixed import combine_designs
from cvmstats.design.pairs import design_pairs
from cvmstats.design.precision import expected_precision

__all__ = ["DesignAssessment", "add_holdouts", "assess_design", "combine_designs", "design_best_worst", "design_cases",
           "design_conjoint", "design_pairs", "expected_precision", "next_tasks", "start_adaptive", "update"]  # fmt: skip
