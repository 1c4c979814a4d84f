"""What to ask: designs, and what they are worth."""

from cvmstats.design.assess import DesignAssessment, assess_design
from cvmstats.design.best_worst import design_best_worst
from cvmstats.design.pairs import design_pairs
from cvmstats.design.precision import expected_precision

__all__ = ["DesignAssessment", "assess_design", "design_best_worst", "design_pairs", "expected_precision"]
