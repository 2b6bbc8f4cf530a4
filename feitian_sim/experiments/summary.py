"""The summary of an experiment: every metric with its interval, every expectation with its verdict.

``summary.csv`` is tidy: one row per (axes, run, metric) with value and unit, which any tool reads. ``summary.json``
holds what stands over all runs. An expectation holds when it holds in each run; what it shows as found is the value
of the first run in which it failed, otherwise the mean.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feitian_sim.experiments.manifest import SCHEMA_VERSION, RunRecord
from feitian_sim.experiments.statistics import Estimate, mean, over_runs
from feitian_sim.kernel.metric import Metric
from feitian_sim.scenario.expectations import Expectation

CSV_COLUMNS = ("run", "metric", "value", "unit")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An expectation over all runs."""

    text: str
    metric: str
    held: bool
    found: float | None
    unit: str
    runs_held: int
    runs: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What an experiment found, over all its runs."""

    name: str
    seed: int
    runs: int
    digest: str
    metrics: tuple[Estimate, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def held(self) -> bool:
        """Whether every expectation held."""
        return all(verdict.held for verdict in self.verdicts)

    def document(self, definitions: Mapping[str, str]) -> dict[str, Any]:
        """As data for summary.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "scenario": self.name,
            "seed": self.seed,
            "runs": self.runs,
            "digest": self.digest,
            "metrics": [metric_row(estimate) | _definition(estimate, definitions) for estimate in self.metrics],
            "expectations": [expectation_row(verdict) for verdict in self.verdicts],
        }


def judged(expectations: Sequence[Expectation], records: Sequence[RunRecord]) -> tuple[Verdict, ...]:
    """Each expectation held against every run."""
    return tuple(_verdict(expectation, records) for expectation in expectations)


def _verdict(expectation: Expectation, records: Sequence[RunRecord]) -> Verdict:
    outcomes = [expectation.check(record.metrics) for record in records]
    failed = [outcome for outcome in outcomes if not outcome.held]
    values = [outcome.found for outcome in outcomes if outcome.found is not None]
    found = failed[0].found if failed else mean(values)
    held = len(outcomes) - len(failed)
    return Verdict(expectation.text, expectation.metric, not failed, found, expectation.unit, held, len(outcomes))


def units_of(metrics: Sequence[Metric]) -> dict[str, str]:
    """Unit of every value that the metrics may have, by name."""
    return {name: metric.unit_of(name) for metric in metrics for name in metric.names()}


def definitions_of(metrics: Sequence[Metric]) -> dict[str, str]:
    """Definition of every value that the metrics may have, by name."""
    return {name: metric.definition for metric in metrics for name in metric.names()}


def estimates(records: Sequence[RunRecord], units: Mapping[str, str]) -> tuple[Estimate, ...]:
    """Every metric over the runs."""
    return tuple(over_runs([record.metrics for record in records], units))


def metric_row(estimate: Estimate) -> dict[str, Any]:
    """One metric for a JSON document."""
    low_high = None if estimate.interval is None else [plain(bound) for bound in estimate.interval]
    return {
        "name": estimate.name,
        "value": plain(estimate.value),
        "unit": estimate.unit,
        "interval": low_high,
        "runs": estimate.runs,
    }


def expectation_row(verdict: Verdict) -> dict[str, Any]:
    """One expectation for a JSON document."""
    return {
        "text": verdict.text,
        "metric": verdict.metric,
        "ok": verdict.held,
        "value": None if verdict.found is None else plain(verdict.found),
        "unit": verdict.unit,
        "runs_held": verdict.runs_held,
        "runs": verdict.runs,
    }


def _definition(estimate: Estimate, definitions: Mapping[str, str]) -> dict[str, str]:
    return {"definition": definitions.get(estimate.name, "")}


def plain(value: float) -> float | int | None:
    """A number as JSON has it: whole numbers without a point, what is not finite as null."""
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def write_csv(
    path: Path,
    records: Sequence[RunRecord],
    units: Mapping[str, str],
    axes: Sequence[str] = (),
    values: Sequence[Sequence[str]] = (),
) -> None:
    """The tidy table: one row per run and metric; of a sweep with its axes, and ``values`` on them for each record."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*axes, *CSV_COLUMNS))
        for number, record in enumerate(records):
            point = values[number] if values else ()
            for name, value in record.metrics.items():
                writer.writerow((*point, record.run, name, plain(value), units.get(name, "")))


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """A JSON document, readable by people."""
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
