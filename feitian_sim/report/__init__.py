"""Report: figures and the HTML page of a results folder. It reads files and knows no model.

Facts become series (:mod:`series`), series become panels of a sheet that notes every number it draws
(:mod:`sheet`), and each file of :mod:`figures` is one figure. What figures over time have in common, shaded fault
windows and the phases of a recovery, is in :mod:`timeline` and :mod:`phases`. ``report.html`` (:mod:`html`) puts the
same figures beside the summary, the scenario and how to repeat the run.

``report(folder)`` writes everything, ``render(folder)`` the figures alone, and ``Plots(folder)`` draws one figure
at a time for a notebook.
"""

from feitian_sim.report.comparison import ComparisonPlots
from feitian_sim.report.plots import Plots
from feitian_sim.report.render import render, render_study, report
from feitian_sim.report.sheet import Drawing, Omitted

__all__ = ["ComparisonPlots", "Drawing", "Omitted", "Plots", "render", "render_study", "report"]
