"""Validate: published experiments, simulated beside published.

Every scenario under ``scenarios/validation`` carries a ``validation:`` section. It is run like any other, without
results on disk, and each of its quantities is held against the published number or the closed form.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feitian_sim.experiments.one_run import Done, run_once
from feitian_sim.experiments.progress import Listener, Teller
from feitian_sim.experiments.statistics import interval, mean
from feitian_sim.experiments.summary import plain
from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.kernel.data_files import find_data_file, open_text
from feitian_sim.kernel.metric import Tables
from feitian_sim.scenario import Loaded, load
from feitian_sim.scenario.expectations import parse_value
from feitian_sim.scenario.metrics import library
from feitian_sim.scenario.validation_config import Published, TableOracle

#: What of a scenario is other than in its file, as ``--set`` would say it.
Variant = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Validated:
    """One quantity: published and simulated in ``unit``; ``tolerance`` is the largest distance allowed.

    Where what is simulated is a ``bound`` ("lower"), it is only to be no more than what was published.
    """

    name: str
    quantity: str
    published: float
    simulated: float | None
    unit: str
    tolerance: float | None
    calibrated: bool
    source: str
    #: Whether it lies within its tolerance.
    ok: bool
    known_gap: str | None
    bound: str | None = None

    @property
    def as_expected(self) -> bool:
        """Within its tolerance, or outside where that is known."""
        return self.ok == (self.known_gap is None)

    def document(self) -> dict[str, Any]:
        """For a JSON document."""
        return {
            "name": self.name,
            "quantity": self.quantity,
            "published": plain(self.published),
            "simulated": None if self.simulated is None else plain(self.simulated),
            "unit": self.unit,
            "tolerance": None if self.tolerance is None else plain(self.tolerance),
            "calibrated": self.calibrated,
            "source": self.source,
            "ok": self.ok,
            **({} if self.bound is None else {"bound": self.bound}),
            **({} if self.known_gap is None else {"known_gap": self.known_gap}),
        }


def validate(path: Path, *, quick: bool, data: tuple[Path, ...], listener: Listener | None) -> list[Validated]:
    """Run one validation scenario; empty when it is left out because it is not quick."""
    loaded = load(path, data=data)
    validation = loaded.scenario.validation
    if validation is None:
        raise ScenarioError(f"{path}: a validation scenario needs a section validation: with its published numbers")
    if quick and not validation.quick:
        return []
    for published in validation.quantities:
        # A number that cannot be read is said before the simulation, not after it.
        _reference(path, published)
    variants = dict.fromkeys(variant for published in validation.quantities for variant in _variants(published))
    experiments = [(given, load(path, overrides=given, data=data)) for given in variants]
    # Of each variant the values of the quantities that want it, by their places.
    values: dict[Variant, dict[int, list[float]]] = {}
    for number, (given, variant) in enumerate(experiments):
        teller = Teller(listener, variant.scenario.runs * len(experiments), variant.scenario.duration / SECOND)
        first = number * variant.scenario.runs
        runs = [run_once(variant, run, teller, first + run) for run in range(variant.scenario.runs)]
        values[given] = {
            place: _simulated(variant, published, runs)
            for place, published in enumerate(validation.quantities)
            if given in _variants(published)
        }
    return [
        _validated(loaded, published, _compared(published, [values[given][place] for given in _variants(published)]))
        for place, published in enumerate(validation.quantities)
    ]


def _variants(published: Published) -> list[Variant]:
    """Of the scenario: the one that is measured, and the one that it is compared with, if it is."""
    compared = () if published.more_than is None else (published.more_than,)
    return [tuple(f"{key}={value}" for key, value in given.items()) for given in (published.given, *compared)]


def _compared(published: Published, values: list[list[float]]) -> list[float]:
    """Run by run, by how much what is measured is more than what it is compared with."""
    measured, *others = values
    if not others:
        return measured
    if len(measured) != len(others[0]):
        # A run has no such value.
        return []
    pairs = zip(measured, others[0], strict=True)
    if published.is_share:
        return [one / other - 1 if other else math.inf for one, other in pairs]
    return [one - other for one, other in pairs]


def _validated(loaded: Loaded, published: Published, values: list[float]) -> Validated:
    unit = _unit(published)
    reference = _reference(loaded.path, published)
    simulated = mean(values) if values else None
    allowed = _allowed(published, reference, unit, values)
    bound = published.tolerance.bound
    ok = simulated is not None and (
        simulated <= reference if bound else allowed is not None and abs(simulated - reference) <= allowed
    )
    return Validated(
        name=loaded.scenario.name,
        quantity=published.quantity,
        published=reference,
        simulated=simulated,
        unit=unit,
        tolerance=allowed,
        calibrated=published.calibrated,
        source=published.source or (loaded.scenario.validation.source if loaded.scenario.validation else ""),
        ok=ok,
        known_gap=published.known_gap,
        bound=bound,
    )


def _reference(path: Path, published: Published) -> float:
    """The published number in the unit of the metric."""
    text = published.published
    try:
        # Nothing is nothing in every unit.
        return 0.0 if text == "0" else parse_value(text, _unit(published), published.quantity)
    except ValueError as error:
        raise ScenarioError(f"{path}: validation: {error}") from None


def _unit(published: Published) -> str:
    if published.is_share:
        return "ratio"
    if published.metric is None:
        assert published.table is not None
        return "s" if published.table.column.endswith("_s") else ""
    metric, _ = library().split(published.metric)
    return metric.unit_of(published.metric)


def _simulated(loaded: Loaded, published: Published, runs: list[Done]) -> list[float]:
    if published.metric is not None:
        return [run.record.metrics[published.metric] for run in runs if published.metric in run.record.metrics]
    assert published.table is not None
    oracle = _oracle(loaded, published.table)
    return [_largest_difference(run.tables, published.table, oracle) for run in runs]


def _allowed(published: Published, reference: float, unit: str, values: list[float]) -> float | None:
    """The largest distance from the published value; None when there is nothing to judge by."""
    tolerance = published.tolerance
    if tolerance.relative is not None:
        return abs(reference) * tolerance.relative
    if tolerance.absolute is not None:
        return parse_value(tolerance.absolute, unit, f"tolerance of {published.quantity}")
    if tolerance.confidence is None:
        return None
    low_high = interval(values, tolerance.confidence)
    return None if low_high is None else (low_high[1] - low_high[0]) / 2


def _oracle(loaded: Loaded, table: TableOracle) -> dict[str, float]:
    path = find_data_file(table.file, loaded.base_dir, loaded.data_dirs, "the published solution of this validation")
    with open_text(path) as text:
        reader = csv.DictReader(text)
        missing = {table.key, table.column} - set(reader.fieldnames or ())
        if missing:
            raise ScenarioError(f"{path}: has no column {', '.join(sorted(missing))}")
        try:
            return {row[table.key]: float(row[table.column]) for row in reader}
        except (TypeError, ValueError) as error:
            raise ScenarioError(f"{path}:{reader.line_num}: {error}") from None


def _largest_difference(tables: Tables, table: TableOracle, oracle: dict[str, float]) -> float:
    """The largest distance between the columns; infinite when a row is missing in either."""
    columns = tables.columns(table.fact)
    if not columns:
        return math.inf
    for name in (table.key, table.column):
        if name not in columns:
            raise ScenarioError(f"facts of kind {table.fact} have no column {name!r} (columns: {', '.join(columns)})")
    keys = [str(key) for key in columns[table.key].tolist()]
    found = dict(zip(keys, columns[table.column].tolist(), strict=True))
    if found.keys() != oracle.keys() or len(keys) != len(found):
        return math.inf
    return max((abs(found[key] - value) for key, value in oracle.items()), default=math.inf)
