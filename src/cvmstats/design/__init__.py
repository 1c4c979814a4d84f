"""What to ask: designs, and what they are worth."""

from cvmstats.design.adaptive import next_tasks, start_adaptive, update
from cvmstats.design.assess import DesignAssessment, assess_design, expected_precision
from cvmstats.design.best_worst import design_best_worst
from cvmstats.design.pairs import design_pairs

__all__ = [
    "DesignAssessment", "assess_design", "design_best_worst", "design_pairs", "expected_precision", "next_tasks",
    "start_adaptive", "update",
]  # fmt: skip
