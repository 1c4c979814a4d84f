"""Windows on the results: they look at everything and change nothing."""

from cvmstats.report.plots import plot_design, plot_power, plot_priorities, plot_segments, plot_utilities, write_png

__all__ = ["plot_design", "plot_power", "plot_priorities", "plot_segments", "plot_utilities", "write_png"]
