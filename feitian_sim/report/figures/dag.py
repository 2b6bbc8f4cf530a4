"""The graph of one job: its tasks in layers by depth, its critical path marked; readable at two hundred tasks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import networkx as nx
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.jobs import STARTED, ShownTask, critical_path, graph_of, most_eventful_job, tasks_of
from feitian_sim.report.scale import Scale, clock
from feitian_sim.report.series import Series
from feitian_sim.report.sheet import Drawing, Omitted, Sheet
from feitian_sim.report.style import BLUE, VERMILLION, paper_style

#: Names are written at all tasks up to here, above it along the critical path.
_NAMED = 24
_SWEEPS = 8
Places = dict[str, tuple[float, float]]


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """The job with the most tasks in run 0; among several, the one that the Gantt chart shows."""
    run = evidence.runs[0]
    job = _largest_job(run)
    if job is None:
        return Omitted("no job was told task by task: there is no fuxi.task_started")
    tasks = tasks_of(run, job)
    places = layered(tasks)
    took_s = {name: task.took_s for name, task in tasks.items()}
    length_s, path = critical_path({name: task.after for name, task in tasks.items()}, took_s)
    widest = max(np.bincount([int(x) for x, _ in places.values()]).tolist())
    sheet = Sheet([min(6.0, 1.6 + 0.09 * widest)], width_in)
    with paper_style():
        _picture(sheet, tasks, places, path)
    return sheet.finish("job-dag", f"Tasks of {job}", _caption(job, tasks, path, length_s))


def _largest_job(run: Tables) -> str | None:
    columns = run.columns(STARTED)
    if not columns:
        return None
    counts: dict[str, int] = {}
    for job in columns["job"].tolist():
        counts[str(job)] = counts.get(str(job), 0) + 1
    eventful = most_eventful_job(run)
    return min(counts, key=lambda job: (-counts[job], job != eventful, job))


def layered(tasks: Mapping[str, ShownTask]) -> Places:
    """Where each task stands: x is its depth; in a layer tasks stand near the mean of their neighbours."""
    graph = graph_of(tasks)
    layers = [sorted(layer) for layer in nx.topological_generations(graph)]
    order = {name: float(number) for layer in layers for number, name in enumerate(layer)}
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for layer in layers if forth else layers[::-1]:
            neighbours = graph.predecessors if forth else graph.successors
            for name in layer:
                near = [order[other] for other in neighbours(name)]
                order[name] = float(np.mean(near)) if near else order[name]
            layer.sort(key=lambda name: (order[name], name))
            order |= _centred(layer)
    return {name: (float(depth), order[name]) for depth, layer in enumerate(layers) for name in layer}


def _centred(layer: list[str]) -> dict[str, float]:
    """Evenly, around 0, so that layers of different sizes stand beside each other."""
    return {name: number - (len(layer) - 1) / 2 for number, name in enumerate(layer)}


def _picture(sheet: Sheet, tasks: Mapping[str, ShownTask], places: Places, path: list[str]) -> None:
    panel = sheet.panel("tasks", Scale(1.0, "layer"), Scale(1.0, ""), "tasks of a layer")
    axes = panel.axes
    critical = list(pairwise(path))
    edges = [(other, task.name) for task in tasks.values() for other in task.after if other in tasks]
    plain = [edge for edge in edges if edge not in set(critical)]
    for chosen, colour, width, front in ((plain, "#A0A0A0", 0.4, 1), (critical, VERMILLION, 1.3, 2)):
        lines = [[places[start], places[end]] for start, end in chosen]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=front))
    crowded = len(tasks) > _NAMED
    for names, colour, label in (
        ([name for name in tasks if name not in path], BLUE, "task"),
        (path, VERMILLION, "on the critical path"),
    ):
        if names:
            x, y = (np.array([places[name][axis] for name in names]) for axis in (0, 1))
            sizes = [(5 if crowded else 14) * (1 + np.log10(max(1, tasks[name].instances))) for name in names]
            axes.scatter(x, y, s=sizes, color=colour, zorder=3, linewidths=0)
            panel.entries[label] = Line2D([], [], color=colour, linestyle="none", marker="o", markersize=3.5)
            sheet.note(panel, label, Series(x, y))
    for name in path if crowded else tasks:
        text = axes.annotate(
            _short(name), places[name], xytext=(0, 4.5), textcoords="offset points", ha="center", fontsize=5.5, zorder=4
        )
        text.set_path_effects([withStroke(linewidth=1.2, foreground="white")])
    low, high = min(y for _, y in places.values()), max(y for _, y in places.values())
    deepest = max(x for x, _ in places.values())
    axes.set_xlim(-0.5, deepest + 0.5)
    axes.set_ylim(low - 1.0, high + 1.2)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=1))
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.grid(visible=False)
    axes.set_xlabel("tasks that come one after the other before it")


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"


def _caption(job: str, tasks: Mapping[str, ShownTask], path: list[str], length_s: float) -> str:
    return (
        f"The {len(tasks)} tasks of {job}, each right of all that it waits for; a larger dot has more instances. "
        f"Critical path: the chain of {len(path)} tasks that took longest, {clock(length_s)} in all."
    )
