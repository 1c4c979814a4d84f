"""What to do about it: priorities of the segments."""

from cvmstats.strategy.priorities import Priorities, grade_priorities

__all__ = ["Priorities", "grade_priorities"]
