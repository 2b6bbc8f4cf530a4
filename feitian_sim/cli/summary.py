"""The answer of `feitian run` for people: metrics, verdicts, where everything is, and what to type next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feitian_sim.cli.output import LINES_MOST, number, print_table, quantity

if TYPE_CHECKING:
    from feitian_sim.experiments.run import Experiment
    from feitian_sim.experiments.statistics import Estimate
    from feitian_sim.experiments.summary import Summary, Verdict

#: Lines besides the rows: title, heading with its rule, and the last lines.
_FRAME = 8
_SPREAD = ("p50", "p95", "max")
#: What users feel comes first, what was done to the cluster last.
_PARTS = ("fuxi", "pangu", "workloads", "nuwa", "zhongkui", "kuafu", "hardware", "faults")
Row = tuple[str, str, str, str, str]


def print_summary(done: Experiment) -> None:
    """Print it; at most 25 lines."""
    click.echo(_title(done))
    rows = _rows(done.summary)
    room = LINES_MOST - _FRAME
    # One run has no interval, and not every scenario expects something.
    columns = ["metric", "value", "95 % interval", "spread", "expected"]
    kept = [at for at in range(5) if (at != 2 or done.summary.runs > 1) and (at != 4 or done.summary.verdicts)]
    print_table([columns[at] for at in kept], [[row[at] for at in kept] for row in rows[:room]], right=(1,), fold=False)
    for line in _last_lines(done, max(0, len(rows) - room)):
        click.echo(line)


def _title(done: Experiment) -> str:
    runs = "1 run" if done.summary.runs == 1 else f"{done.summary.runs} runs"
    warmups = [record.warmup_s for record in done.records]
    warmup = f" (warm-up {quantity(max(warmups), 's')})" if max(warmups, default=0.0) > 0 else ""
    return (
        f"{done.summary.name}: seed {done.summary.seed}, {runs} of {quantity(done.duration_s, 's')}{warmup} simulated, "
        f"{number(done.events)} events in {done.wall_seconds:.1f} s, digest {done.summary.digest[:12]}"
    )


def _rows(summary: Summary) -> list[Row]:
    """One row per metric: first those of which something is expected, last those that are zero."""
    by_metric: dict[str, dict[str, Estimate]] = {}
    for estimate in summary.metrics:
        name, statistic = _split(estimate.name)
        by_metric.setdefault(name, {})[statistic] = estimate
    expected: dict[str, list[Verdict]] = {}
    for verdict in summary.verdicts:
        expected.setdefault(_split(verdict.metric)[0], []).append(verdict)
    shown = [name for name, parts in by_metric.items() if "" in parts or "mean" in parts]
    names = dict.fromkeys([*expected, *shown])
    order = sorted(names, key=lambda name: _rank(name, by_metric.get(name, {}), expected.get(name, [])))
    return [_row(name, by_metric.get(name, {}), expected.get(name, [])) for name in order]


def _split(name: str) -> tuple[str, str]:
    """``pangu.recovery_s.p95`` as its metric and ``p95``."""
    head, _, tail = name.rpartition(".")
    return (head, tail) if "." in head else (name, "")


def _rank(name: str, parts: dict[str, Estimate], verdicts: list[Verdict]) -> tuple[int, bool, int]:
    failed = any(not verdict.held for verdict in verdicts)
    zero = not any(estimate.value for key, estimate in parts.items() if key != "count")
    part = name.partition(".")[0]
    # A failed expectation stands in the first line.
    return 0 if failed else 1 if verdicts else 2, zero, _PARTS.index(part) if part in _PARTS else len(_PARTS)


def _row(name: str, parts: dict[str, Estimate], verdicts: list[Verdict]) -> Row:
    words = "  ".join(map(_words, verdicts))
    main = parts.get("") or parts.get("mean")
    if main is None:
        return (name, "-", "", "nothing to measure", words)
    shown = "" if main.interval is None else " .. ".join(quantity(bound, main.unit) for bound in main.interval)
    spread = "  ".join(f"{key} {quantity(parts[key].value, parts[key].unit)}" for key in _SPREAD if key in parts)
    return (name, quantity(main.value, main.unit), shown, spread, words)


def _words(verdict: Verdict) -> str:
    """``held p95 < 30m``; over several runs, in how many it failed."""
    statistic = _split(verdict.metric)[1]
    condition = verdict.text.strip().removeprefix(verdict.metric).strip()
    text = f"{statistic} {condition}" if statistic else condition
    if verdict.held:
        return f"held {text}"
    missed = verdict.runs - verdict.runs_held
    return f"FAILED {text}" + (f" in {missed} of {verdict.runs} runs" if verdict.runs > 1 else "")


def _last_lines(done: Experiment, left_out: int) -> list[str]:
    directory = shown_path(done.directory)
    lines = [f"... {left_out} more metrics in {directory}/summary.csv"] if left_out else []
    lines.append(f"Results  {directory}")
    figures = sorted({path.stem for path in done.figures if path.parent.name == "figures"})
    if figures:
        lines.append(f"Figures  {directory}/figures/{{{','.join(figures)}}}.{{svg,pdf,png}}")
    if any(path.name == "report.html" for path in done.figures):
        lines.append(f"Report   {directory}/report.html")
    lines.append(f"Next     feitian verify {directory}")
    return lines


def shown_path(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return os.fspath(path)
