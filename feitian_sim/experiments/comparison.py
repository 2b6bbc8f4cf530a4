"""A comparison: every metric of every variant, and its paired difference to the baseline, from the records of runs."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from feitian_sim.experiments.goals import GOALS, Goal
from feitian_sim.experiments.manifest import SCHEMA_VERSION, RunRecord
from feitian_sim.experiments.paired import Difference, difference, interval_of
from feitian_sim.experiments.statistics import Estimate, mean, wilson
from feitian_sim.experiments.summary import plain

#: Of what it is counted in how many runs it happened at all.
_LOST = "pangu.chunks_lost"


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric of one variant; ``difference`` is None for the baseline, and where no run is paired."""

    estimate: Estimate
    difference: Difference | None


@dataclass(frozen=True)
class Comparison:
    """Variants by label, in order, the baseline among them, each with the metrics of its runs by number."""

    labels: tuple[str, ...]
    baseline: str
    runs: Mapping[str, Mapping[int, Mapping[str, float]]]
    units: Mapping[str, str]

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that any run has."""
        return tuple(dict.fromkeys(name for label in self.labels for run in self.runs[label].values() for name in run))

    @cached_property
    def goals(self) -> tuple[Goal, ...]:
        """The goals of which something is known, and on which the variants may differ."""
        return tuple(goal for goal in GOALS if any(self.cell(goal.metric, label) for label in self.labels))

    def cell(self, metric: str, label: str) -> Cell | None:
        """A metric of a variant; None where no run of it has any."""
        if (metric, label) not in self._cells:
            self._cells[metric, label] = self._found(metric, label)
        return self._cells[metric, label]

    @cached_property
    def _cells(self) -> dict[tuple[str, str], Cell | None]:
        return {}

    def _found(self, metric: str, label: str) -> Cell | None:
        ours = {run: values[metric] for run, values in self.runs[label].items() if metric in values}
        if not ours:
            return None
        values = list(ours.values())
        estimate = Estimate(metric, self.units.get(metric, ""), mean(values), interval_of(metric, values), len(values))
        if label == self.baseline:
            return Cell(estimate, None)
        theirs = {run: values[metric] for run, values in self.runs[self.baseline].items() if metric in values}
        both = [run for run in ours if run in theirs]
        if not both:
            return Cell(estimate, None)
        pairs = [ours[run] for run in both], [theirs[run] for run in both]
        return Cell(estimate, difference(metric, *pairs, len(self.labels) - 1))

    def best(self, goal: Goal) -> tuple[str, ...]:
        """The variants whose mean is best, several where they are equal; none where all are."""
        means = {label: cell.estimate.value for label in self.labels if (cell := self.cell(goal.metric, label))}
        edge = (min if goal.better == "lower" else max)(means.values())
        chosen = tuple(label for label, value in means.items() if value == edge)
        return chosen if len(chosen) < len(means) else ()

    def lost(self, label: str) -> tuple[int, int, float, float] | None:
        """In how many runs anything was lost, of how many, and the 95 % interval of that share (Wilson)."""
        lost = [values[_LOST] > 0 for values in self.runs[label].values() if _LOST in values]
        return (sum(lost), len(lost), *wilson(sum(lost), len(lost))) if lost else None

    def document(self, definitions: Mapping[str, str]) -> dict[str, Any]:
        """For comparison.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "baseline": self.baseline,
            "variants": list(self.labels),
            "pairing": "run n of every variant draws the same chance (common random numbers)",
            "intervals": "95 %; of differences simultaneous over the variants (Dunnett on pairs, or BCa for quantiles)",
            "runs_with_loss": {label: self._lost_row(label) for label in self.labels},
            "metrics": [self._row(metric, definitions) for metric in self.metrics],
        }

    def _lost_row(self, label: str) -> dict[str, Any] | None:
        found = self.lost(label)
        return None if found is None else {"hits": found[0], "runs": found[1], "interval": [found[2], found[3]]}

    def _row(self, metric: str, definitions: Mapping[str, str]) -> dict[str, Any]:
        goal = next((goal for goal in GOALS if goal.metric == metric), None)
        cells = {label: cell for label in self.labels if (cell := self.cell(metric, label))}
        return {
            "name": metric,
            "unit": self.units.get(metric, ""),
            "definition": definitions.get(metric, ""),
            "better": None if goal is None else goal.better,
            "best": [] if goal is None else list(self.best(goal)),
            "variants": {label: _cell_row(cell) for label, cell in cells.items()},
        }

    def write_csv(self, path: Path) -> None:
        """The table with every metric, a row for each variant."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(
                ("metric", "unit", "variant", "value", "low", "high", "difference", "difference_low", "difference_high",
                 "pairs", "method")
            )  # fmt: skip
            for metric in self.metrics:
                for label in self.labels:
                    cell = self.cell(metric, label)
                    if cell is not None:
                        writer.writerow((metric, self.units.get(metric, ""), label, *_csv_row(cell)))


def comparison_of(
    records: Sequence[tuple[str, RunRecord]], labels: Sequence[str], baseline: str, units: Mapping[str, str]
) -> Comparison:
    """The comparison of finished runs, each with the label of its variant."""
    runs: dict[str, dict[int, Mapping[str, float]]] = {label: {} for label in labels}
    for label, record in records:
        runs[label][record.run] = record.metrics
    return Comparison(tuple(labels), baseline, runs, units)


def _cell_row(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {
        "value": plain(cell.estimate.value),
        "interval": None if cell.estimate.interval is None else [plain(one) for one in cell.estimate.interval],
        "runs": cell.estimate.runs,
    }
    if cell.difference is not None:
        found = cell.difference
        low_high = None if found.low is None or found.high is None else [plain(found.low), plain(found.high)]
        row["difference"] = {
            "value": plain(found.value),
            "interval": low_high,
            "pairs": found.pairs,
            "method": found.method,
        }
    return row


def _csv_row(cell: Cell) -> tuple[Any, ...]:
    low, high = cell.estimate.interval or (None, None)
    found = cell.difference
    if found is None:
        return (cell.estimate.value, low, high, None, None, None, None, None)
    return (cell.estimate.value, low, high, found.value, found.low, found.high, found.pairs, found.method)
