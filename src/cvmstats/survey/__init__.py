"""What was answered: reading and writing answers, designs, items and respondents."""

from cvmstats.survey.design_file import read_design
from cvmstats.survey.lists import read_attributes, read_items, read_respondents
from cvmstats.survey.read import read_choices
from cvmstats.survey.scores import read_utilities
from cvmstats.survey.write import write_choices, write_design

__all__ = ["read_attributes", "read_choices", "read_design", "read_items", "read_respondents", "read_utilities",
           "write_choices", "write_design"]  # fmt: skip
