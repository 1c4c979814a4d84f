"""Pictures: one function per question, ``ax=None``, the Axes comes back, nothing is shown."""

from cvmstats.report.plots.canvas import write_png
from cvmstats.report.plots.design import plot_design
from cvmstats.report.plots.power import plot_power
from cvmstats.report.plots.priorities import plot_priorities
from cvmstats.report.plots.segments import plot_segments
from cvmstats.report.plots.utilities import plot_utilities

__all__ = ["plot_design", "plot_power", "plot_priorities", "plot_segments", "plot_utilities", "write_png"]
