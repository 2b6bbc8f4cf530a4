"""The answer of `feitian run` for people: metrics, verdicts, where everything is, and what to type next."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feitian_sim.cli.output import LINES_MOST, number, print_table, quantity

if TYPE_CHECKING:
    from feitian_sim.experiments.run import Experiment
    from feitian_sim.experiments.statistics import Estimate
    from feitian_sim.experiments.summary import Verdict

#: Expectations shown at most; those that failed come first.
_VERDICTS_MOST = 6
#: Lines around the tables: title, their two headings with a rule each, blank lines, and the last lines.
_FRAME = 11
_SPREAD = ("p50", "p95", "max")


def print_summary(done: Experiment) -> None:
    """Print it; at most 25 lines."""
    click.echo(_title(done))
    verdicts = sorted(done.summary.verdicts, key=lambda verdict: verdict.held)
    room = LINES_MOST - _FRAME - min(len(verdicts), _VERDICTS_MOST)
    rows = _rows(done.summary.metrics, [verdict.text for verdict in verdicts])
    left_out = max(0, len(rows) - room)
    # One run has no interval.
    interval = ["95 % interval"] if done.summary.runs > 1 else []
    shown = [(name, value, *([low_high] if interval else []), spread) for name, value, low_high, spread in rows]
    print_table(("metric", "value", *interval, "spread"), shown[:room] if left_out else shown, right=(1,))
    if verdicts:
        print_table(
            ("expected", "verdict", "found"), [_verdict_row(verdict) for verdict in verdicts[:_VERDICTS_MOST]]
        )
    for line in _last_lines(done, left_out):
        click.echo(line)


def _title(done: Experiment) -> str:
    runs = "1 run" if done.summary.runs == 1 else f"{done.summary.runs} runs"
    return (
        f"{done.summary.name}: seed {done.summary.seed}, {runs} of {quantity(done.duration_s, 's')} simulated, "
        f"{number(done.events)} events in {done.wall_seconds:.1f} s, digest {done.summary.digest[:12]}"
    )


def _rows(estimates: Iterable[Estimate], expected: list[str]) -> list[tuple[str, str, str, str]]:
    """One row per metric: first those of which something is expected, last those that are zero."""
    by_metric: dict[str, dict[str, Estimate]] = {}
    for estimate in estimates:
        head, _, tail = estimate.name.rpartition(".")
        is_statistic = head.count(".") >= 1
        by_metric.setdefault(head if is_statistic else estimate.name, {})[tail if is_statistic else ""] = estimate
    metrics = [(name, parts) for name, parts in by_metric.items() if "" in parts or "mean" in parts]

    def last(pair: tuple[str, dict[str, Estimate]]) -> tuple[bool, bool]:
        name, parts = pair
        zero = not any(estimate.value for key, estimate in parts.items() if key != "count")
        return not any(name in text for text in expected), zero

    metrics.sort(key=last)
    return [_row(name, parts) for name, parts in metrics]


def _row(name: str, parts: dict[str, Estimate]) -> tuple[str, str, str, str]:
    main = parts.get("") or parts["mean"]
    low_high = main.interval
    shown = "" if low_high is None else " .. ".join(quantity(bound, main.unit) for bound in low_high)
    spread = "  ".join(f"{key} {quantity(parts[key].value, parts[key].unit)}" for key in _SPREAD if key in parts)
    return (name, quantity(main.value, main.unit), shown, spread)


def _verdict_row(verdict: Verdict) -> tuple[str, ...]:
    word = "held" if verdict.held else "FAILED"
    if verdict.runs > 1:
        word += f" in {verdict.runs_held} of {verdict.runs} runs"
    found = "nothing to measure" if verdict.found is None else quantity(verdict.found, verdict.unit)
    return (verdict.text, word, found)


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
