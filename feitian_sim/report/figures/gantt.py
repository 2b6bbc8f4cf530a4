"""One job over time: what ran where, from when to when, with retries, backups and kills marked."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter

from feitian_sim.kernel.tables import Column
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.jobs import attempts_of, most_eventful_job, natural
from feitian_sim.report.scale import Scale, run_time
from feitian_sim.report.series import Floats, Series
from feitian_sim.report.sheet import Drawing, Omitted, Panel, Sheet
from feitian_sim.report.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, TWIN_GREY, VERMILLION, paper_style
from feitian_sim.report.timeline import draw_span

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
#: Names of machines are written up to this many.
_NAMED = 24
#: More attempts than that are a carpet, and megabytes: some machines stand for all.
_DRAWN = 6_000
#: An attempt that was ended from outside did not fail of itself.
KILLED = ("raced", "revoked", "taken back", "machine lost", "stopped")


def draw(evidence: Evidence, width_in: float, with_twin: bool = True) -> Drawing | Omitted:
    """The most eventful job of run 0: a row for each worker that a machine had at a time."""
    run = evidence.runs[0]
    job = most_eventful_job(run)
    if job is None:
        return Omitted("no instance was told: there is no fuxi.instance_ended")
    attempts, step = some_machines(attempts_of(run, job), _DRAWN)
    began_s, ended_s = attempts["began_s"].astype(np.float64), attempts["time_s"].astype(np.float64)
    machines = [str(name) for name in attempts["machine"].tolist()]
    rows, starts = lanes(machines, began_s, ended_s)
    first_s, last_s = float(began_s.min()), float(ended_s.max())
    scale = run_time(last_s)
    sheet = Sheet([min(5.0, max(1.8, 1.0 + 0.07 * sum(count for _, _, count in starts)))], width_in)
    with paper_style():
        panel = sheet.panel("machines", scale, Scale(1.0, ""), "machine")
        panel.least_named = 1
        _bars(sheet, panel, attempts, rows, len(rows) and int(rows.max()) + 1)
        _marks(panel, attempts, rows)
        _machine_names(panel, starts)
        draw_span(sheet, evidence, first_s, last_s)
    return sheet.finish("job-gantt", f"Instances of {job}", _caption(job, len(rows), len(starts), step))


def some_machines(attempts: dict[str, Column], most: int) -> tuple[dict[str, Column], int]:
    """The attempts on every n-th machine, so that there are about ``most``, and n; 1 is all."""
    step = max(1, -(-len(attempts["machine"]) // most))
    if step == 1:
        return attempts, 1
    machines = attempts["machine"].astype(str)
    kept = sorted(np.unique(machines).tolist(), key=natural)[::step]
    chosen = np.isin(machines, kept)
    return {name: column[chosen] for name, column in attempts.items()}, step


def lanes(machines: list[str], began_s: Floats, ended_s: Floats) -> tuple[Floats, list[tuple[str, int, int]]]:
    """The row of each attempt, and of each machine its first row and number of rows.

    What runs on a machine at the same time lies in rows of its own, as few as there can be.
    """
    order = sorted(range(len(machines)), key=lambda one: (natural(machines[one]), began_s[one], ended_s[one], one))
    rows = np.zeros(len(machines))
    starts: list[tuple[str, int, int]] = []
    first = 0
    free_s: list[float] = []
    for one in order:
        if not starts or machines[one] != starts[-1][0]:
            first += len(free_s)
            free_s = []
            starts.append((machines[one], first, 0))
        lane = next((number for number, until_s in enumerate(free_s) if until_s <= began_s[one]), len(free_s))
        if lane == len(free_s):
            free_s.append(0.0)
            starts[-1] = (machines[one], first, len(free_s))
        free_s[lane] = float(ended_s[one])
        rows[one] = first + lane
    return rows, starts


def _bars(sheet: Sheet, panel: Panel, attempts: dict[str, Column], rows: Floats, count: int) -> None:
    scale = panel.x_scale
    tasks = [str(task) for task in attempts["task"].tolist()]
    # In the order in which they began.
    began_s = attempts["began_s"]
    names = list(dict.fromkeys(tasks[one] for one in np.argsort(began_s, kind="stable").tolist()))
    width = max(0.5, min(4.0, 0.55 * 72 * sheet.heights_in[0] / max(1, count)))
    for number, name in enumerate(names):
        own = number < len(_COLOURS)
        colour = _COLOURS[number] if own else TWIN_GREY
        label = name if own else "other tasks"
        chosen = [index for index, task in enumerate(tasks) if task == name]
        began, ended = attempts["began_s"][chosen], attempts["time_s"][chosen]
        lines = [
            [(start / scale.factor, row), (end / scale.factor, row)]
            for start, end, row in zip(began, ended, rows[chosen], strict=True)
        ]
        panel.axes.add_collection(
            LineCollection(lines, colors=colour, linewidths=width, capstyle="butt", zorder=3, alpha=0.9)
        )
        panel.entries.setdefault(label, Line2D([], [], color=colour, linewidth=4))
        sheet.note(panel, label, Series(began, rows[chosen], began, ended))
    panel.axes.set_ylim(count - 0.4, -0.6)


def _marks(panel: Panel, attempts: dict[str, Column], rows: Floats) -> None:
    good, backup = attempts["ok"].astype(bool), attempts["backup"].astype(bool)
    killed = ~good & np.isin(attempts["why"].astype(str), KILLED)
    retry = ~backup & (_tries(attempts) > 0)
    marks = (
        ("retry begins", retry, "began_s", "o", "white", BLACK),
        ("backup begins", backup, "began_s", "D", "white", VERMILLION),
        ("failed", ~good & ~killed, "time_s", "x", BLACK, BLACK),
        ("killed", killed, "time_s", "s", VERMILLION, BLACK),
    )
    for label, chosen, column, marker, face, edge in marks:
        if chosen.any():
            x = attempts[column][chosen] / panel.x_scale.factor
            (line,) = panel.axes.plot(
                x, rows[chosen], linestyle="none", marker=marker, markersize=3.2, markerfacecolor=face,
                markeredgecolor=edge, markeredgewidth=0.8, zorder=5, clip_on=False,
            )  # fmt: skip
            panel.entries[label] = line
            panel.sheet.note(panel, label, Series(attempts[column][chosen].astype(np.float64), rows[chosen]))


def _tries(attempts: dict[str, Column]) -> Floats:
    """How many attempts of the same instance, backups aside, began before each."""
    tasks, instances = attempts["task"].tolist(), attempts["instance"].tolist()
    keys = [f"{task}\x1f{one}" for task, one in zip(tasks, instances, strict=True)]
    backup = attempts["backup"].astype(bool)
    order = np.argsort(attempts["began_s"], kind="stable")
    tries, seen = np.zeros(len(keys)), dict[str, int]()
    for one in order.tolist():
        tries[one] = seen.get(keys[one], 0)
        seen[keys[one]] = seen.get(keys[one], 0) + (not backup[one])
    return tries


def _machine_names(panel: Panel, starts: list[tuple[str, int, int]]) -> None:
    axes = panel.axes
    for _, first, _ in starts[1:]:
        axes.axhline(first - 0.5, color="#E4E4E4", linewidth=0.4, zorder=1)
    step = -(-len(starts) // _NAMED)
    shown = starts[::step]
    axes.yaxis.set_major_locator(FixedLocator([first + (count - 1) / 2 for _, first, count in shown]))
    axes.yaxis.set_major_formatter(NullFormatter())
    axes.set_yticks([first + (count - 1) / 2 for _, first, count in shown], [name for name, _, _ in shown], fontsize=5.5)
    axes.grid(visible=False, axis="y")


def _caption(job: str, attempts: int, machines: int, step: int) -> str:
    some = "" if step == 1 else f" (one in {step} of them all)"
    return (
        f"The {attempts:,} attempts of the instances of {job} on {machines:,} machines{some} in run 0; what a machine "
        "ran at the same time lies in rows of its own. A retry is a further attempt of an instance whose earlier one "
        "ended without success; a backup runs beside the first. The job is the one with the most failures and backups."
    )
