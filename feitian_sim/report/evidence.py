"""Evidence: the facts and numbers of a results folder, as figures and page need them.

The report knows files and facts, never a model. What it reads are the tables of each run, the twin (the same
scenario without its faults, where it was run), the summary with its verdicts, and the resolved scenario.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from feitian_sim.kernel import EnvironmentRefusal
from feitian_sim.kernel.metric import Column, Tables
from feitian_sim.kernel.tables import read_columns
from feitian_sim.kernel.units import SECOND, parse_duration


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of the summary: a metric with its unit, definition and interval over runs."""

    metric: str
    value: float | None
    unit: str
    definition: str
    interval: tuple[float, float] | None
    runs: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of ``expect:``, whether it held, and what was found."""

    text: str
    held: bool
    found: float | None
    unit: str
    runs_held: int
    runs: int


class Evidence:
    """A results folder, opened for the report. Raises EnvironmentRefusal for a folder that is none."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        #: Who made these results, from what, with which versions.
        self.manifest = _document(self.folder / "manifest.json")
        self._summary = _document(self.folder / "summary.json")

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """The rows of the summary, one per metric and statistic."""
        return tuple(_quantity(row) for row in self._summary.get("metrics", ()))

    @cached_property
    def expectations(self) -> tuple[Expectation, ...]:
        """What the scenario expected, with the verdict."""
        return tuple(_expectation(row) for row in self._summary.get("expectations", ()))

    @cached_property
    def scenario_text(self) -> str:
        """The resolved scenario as it can be run again."""
        path = self.folder / "scenario.resolved.yaml"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @cached_property
    def scenario(self) -> Mapping[str, Any]:
        """The resolved scenario as data."""
        from ruamel.yaml import YAML

        loaded = YAML(typ="safe", pure=True).load(self.scenario_text)
        return loaded if isinstance(loaded, dict) else {}

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.manifest.get("name", self.folder.name))

    @property
    def question(self) -> str:
        """The question that the scenario asks; empty when it asks none."""
        return str(self.scenario.get("question") or self.scenario.get("description") or "")

    @property
    def seed(self) -> int:
        """The seed of the runs."""
        return int(self.manifest.get("seed", 0))

    @property
    def digest(self) -> str:
        """The digest of the canonical facts, of all runs in order."""
        return str(self.manifest.get("digest", ""))

    @property
    def is_sweep(self) -> bool:
        """Whether the folder holds many points of a sweep; their figures are of another kind."""
        return bool(self.manifest.get("axes"))

    @property
    def interrupted(self) -> bool:
        """Whether runs are missing because somebody stopped them."""
        return bool(self.manifest.get("status") != "finished")

    @cached_property
    def duration_s(self) -> float:
        """Simulated duration of each run."""
        return _seconds(self.scenario["duration"])

    @cached_property
    def warmup_s(self) -> float:
        """The first part of each run, which metrics leave out; of run 0 where it was found run by run."""
        found = self.folder / "runs" / "base" / "run=0000" / "summary.json"
        if self.scenario.get("warmup_rule") == "mser-5" and found.is_file():
            return float(_document(found)["warmup_s"])
        return _seconds(self.scenario.get("warmup", "0s"))

    @cached_property
    def runs(self) -> tuple[Tables, ...]:
        """The finished runs."""
        return self._finished("base")

    @cached_property
    def twin(self) -> Tables | None:
        """The first run again without its faults, if it was run."""
        finished = self._finished("twin")
        return finished[0] if finished else None

    def _finished(self, axes: str) -> tuple[Tables, ...]:
        done = sorted(self.folder.glob(f"runs/{axes}/run=*/DONE"))
        return tuple(self._tables(path.parent) for path in done)

    def _tables(self, folder: Path) -> Tables:
        def read(kind: str) -> dict[str, Column]:
            path = folder / "facts" / f"{kind}.parquet"
            return read_columns(path) if path.is_file() else {}

        return Tables(read, duration_s=self.duration_s, warmup_s=self.warmup_s)


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EnvironmentRefusal(f"{path.parent} is not a whole results folder: {path.name}: {error}") from error
    if not isinstance(document, dict):
        raise EnvironmentRefusal(f"{path} is not a JSON object: it was not written by feitian")
    return document


def _quantity(row: Mapping[str, Any]) -> Quantity:
    interval = row.get("interval")
    return Quantity(
        metric=str(row["name"]),
        value=row["value"],
        unit=str(row["unit"]),
        definition=str(row.get("definition", "")),
        interval=(interval[0], interval[1]) if interval else None,
        runs=int(row["runs"]),
    )


def _expectation(row: Mapping[str, Any]) -> Expectation:
    names = ("text", "unit", "runs_held", "runs")
    return Expectation(held=row["ok"], found=row["value"], **{name: row[name] for name in names})


def _seconds(text: str) -> float:
    return parse_duration(text) / SECOND
