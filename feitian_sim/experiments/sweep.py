"""Sweep: one scenario over all combinations of the values on its axes, each with all its runs.

Every run is a task of its own, in this process or in others; what it leaves is the same. A run that fails does
not take the others along: it is listed, and the sweep says so in the end. What is finished survives whatever happens
to the sweep, and is taken up by :func:`resume`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from feitian_sim.experiments import summary as summaries
from feitian_sim.experiments.comparison import Comparison, comparison_of
from feitian_sim.experiments.engines import Engine, HereEngine
from feitian_sim.experiments.manifest import SCHEMA_VERSION, Began, RunRecord, document, file_hashes, total_digest
from feitian_sim.experiments.run_folder import read_record, remove_unfinished
from feitian_sim.experiments.store import Building, building, refusing
from feitian_sim.experiments.study import Axes, Point, Study, planned, study_of
from feitian_sim.experiments.summary import write_json
from feitian_sim.experiments.task import Outcome
from feitian_sim.kernel import SECOND, EnvironmentRefusal
from feitian_sim.scenario.metrics import library

#: Draws the figures of a sweep's folder into it; returns what was written. Given from above.
Render = Callable[[Path], list[Path]]


@dataclass(frozen=True, slots=True)
class Told:
    """How far a study is: runs done of all, and the wall seconds that the rest takes at the pace so far."""

    done: int
    runs: int
    left_s: float


Listener = Callable[[Told], None]


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What the user may say of a sweep besides the scenario."""

    overrides: tuple[str, ...] = ()
    axes: Axes = field(default_factory=dict)
    seed: int | None = None
    runs: int | None = None
    engine: Engine = field(default_factory=HereEngine)
    output: Path = Path("results")
    data: Path | None = None
    fail_fast: bool = False
    render: Render | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that came to nothing, and why."""

    point: Point
    run: int
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """An expectation that did not hold in a run."""

    point: Point
    run: int
    expectation: str


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the runs, by point, then by run; the digest is over those that were finished."""

    records: tuple[tuple[Point, RunRecord], ...]
    failed: tuple[Failed, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Swept:
    """A finished sweep."""

    study: Study
    found: Found
    directory: Path
    figures: tuple[Path, ...]
    broken: tuple[Broken, ...]

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.study.base.scenario.name

    @property
    def seed(self) -> int:
        """Seed of all chance."""
        return self.study.base.scenario.seed

    @property
    def axes(self) -> tuple[str, ...]:
        """What is varied."""
        return tuple(self.study.axes)

    @property
    def records(self) -> tuple[tuple[Point, RunRecord], ...]:
        """The finished runs."""
        return self.found.records

    @property
    def failed(self) -> tuple[Failed, ...]:
        """The runs that came to nothing."""
        return self.found.failed

    @property
    def digest(self) -> str:
        """The digest over all finished runs, in order."""
        return self.found.digest


def sweep(path: str | Path, options: SweepOptions, listener: Listener | None = None) -> Swept:
    """Run the scenario at ``path`` over its axes and store what it leaves.

    Raises ScenarioError for what is wrong with the scenario at any point, before anything is run.
    """
    data = (options.data,) if options.data else ()
    study = study_of("sweep", path, options.overrides, options.axes, options.seed, options.runs, data)
    began = Began.now()
    with study_folder(options.output, study) as folder:
        outcomes = carried_out(study, folder, options, began, listener)
        return complete(study, folder, outcomes, began, options.render)


def resume(directory: str | Path, options: SweepOptions, listener: Listener | None = None) -> Swept:
    """Carry out what is missing of the sweep that lies in, or beside, ``directory``.

    Raises EnvironmentRefusal when there is none, or when its scenario has changed.
    """
    root, name, present = unfinished(Path(directory))
    study = planned(present)
    began = Began.now()
    with building(root, name, take_up=True, keeping=True) as folder:
        outcomes = carried_out(study, folder, options, began, listener)
        return complete(study, folder, outcomes, began, options.render)


def unfinished(directory: Path) -> tuple[Path, str, Path]:
    """Root and name of the result that ``directory`` is or will be, and the folder in which most of it lies now."""
    directory = directory.absolute()
    name = directory.name.removesuffix(".interrupted")
    if name.startswith(".") and name.endswith(".partial"):
        name = name.removesuffix(".partial")[1:]
    final = directory.with_name(name)
    made = Building(final)
    for present in (made.path, made.interrupted, final):
        if present.is_dir():
            return directory.parent, name, present
    raise EnvironmentRefusal(f"{directory}: there is no such results folder, nor what a killed sweep left of it")


@contextmanager
def study_folder(output: Path, study: Study) -> Iterator[Building]:
    """The folder in which a study is carried out from the beginning, its plan in it."""
    with building(output, study.folder_name, keeping=True) as folder:
        with refusing(folder.final):
            study.write_plan(folder.path)
        yield folder


def carried_out(
    study: Study,
    folder: Building,
    options: SweepOptions,
    began: Began,
    listener: Listener | None,
) -> dict[int, Outcome]:
    """What became of each run, by its number; those that are finished already are read.

    An interruption keeps what is finished where nobody takes it for a whole result.
    """
    tasks = study.tasks(folder.path)
    read = {number: read_record(task.run_folder) for number, task in tasks.items()}
    outcomes: dict[int, Outcome] = {number: record for number, record in read.items() if record is not None}
    missing = {number: task for number, task in tasks.items() if number not in outcomes}
    for task in missing.values():
        shutil.rmtree(task.run_folder, ignore_errors=True)
    began_s, at_first = monotonic(), len(outcomes)
    try:
        for number, outcome in options.engine.outcomes(missing):
            outcomes[number] = outcome
            if listener is not None:
                pace_s = (monotonic() - began_s) / (len(outcomes) - at_first)
                listener(Told(len(outcomes), len(tasks), pace_s * (len(tasks) - len(outcomes))))
            if options.fail_fast and isinstance(outcome, str):
                break
    except KeyboardInterrupt as error:
        _keep(study, folder, found_of(study, outcomes), began, error)
        raise
    return outcomes


def complete(
    study: Study, folder: Building, outcomes: Mapping[int, Outcome], began: Began, render: Render | None
) -> Swept:
    """Write everything that stands over all runs, and move the folder into place."""
    found = found_of(study, outcomes)
    remove_unfinished(folder.path)
    figures = _write(study, folder, found, began, "incomplete" if found.failed else "finished", render)
    folder.commit()
    moved = tuple(folder.final / figure.relative_to(folder.path) for figure in figures)
    return Swept(study, found, folder.final, moved, _broken(study, found))


def found_of(study: Study, outcomes: Mapping[int, Outcome]) -> Found:
    """The outcomes in the order of the tasks, by what they are."""
    todo = study.todo
    ordered = sorted(outcomes.items())
    records = tuple((todo[n][0], got) for n, got in ordered if isinstance(got, RunRecord))
    failed = tuple(Failed(*todo[n], got) for n, got in ordered if isinstance(got, str))
    return Found(records, failed, total_digest([record.digest for _, record in records]))


def _broken(study: Study, found: Found) -> tuple[Broken, ...]:
    return tuple(
        Broken(point, record.run, verdict.text)
        for point, record in found.records
        for verdict in summaries.judged(study.base.expectations, [record])
        if not verdict.held
    )


def _keep(study: Study, folder: Building, found: Found, began: Began, error: KeyboardInterrupt) -> None:
    """Keep the finished runs of an interrupted sweep where nobody takes them for a whole result."""
    if not found.records:
        error.add_note("no run was finished, nothing was kept")
        return
    remove_unfinished(folder.path)
    _write(study, folder, found, began, "interrupted", None)
    kept = folder.keep_interrupted()
    error.add_note(
        f"{len(found.records)} of {len(study.todo)} runs were finished and are kept in {kept}; "
        f"feitian resume {kept} goes on"
    )


def _write(study: Study, folder: Building, found: Found, began: Began, status: str, render: Render | None) -> list[Path]:
    """Everything that stands over all runs."""
    base, axes, records = study.base, study.axes, found.records
    metrics = tuple(library())
    units = summaries.units_of(metrics)
    values = [tuple(value for _, value in point.values) for point, _ in records]
    with refusing(folder.final):
        (folder.path / "scenario.resolved.yaml").write_text(base.resolved_yaml(), encoding="utf-8")
        summaries.write_csv(folder.path / "summary.csv", [record for _, record in records], units, tuple(axes), values)
        write_json(folder.path / "summary.json", _summary(study, found, units))
        if study.kind == "compare" and records:
            _write_comparison(folder.path, compared(study, found), summaries.definitions_of(metrics))
        figures = render(folder.path) if render else []
        about = {
            "name": base.scenario.name,
            "config_hash": base.config_hash,
            "scenario_file": str(base.path),
            "base_dir": str(base.base_dir.absolute()),
            "data_dirs": [str(path) for path in base.data_dirs if path.is_dir()],
            "seed": base.scenario.seed,
            "runs": base.scenario.runs,
            "axes": {key: list(given) for key, given in axes.items()},
            "cpu_seconds_of_points": [{**dict(point.values), "cpu_seconds": one.cpu_seconds} for point, one in records],
            "sim_duration_s": base.scenario.duration / SECOND,
        }
        written = document(status=status, began=began, records=[record for _, record in records], **about)
        written["files"] = file_hashes(folder.path)
        write_json(folder.path / "manifest.json", written)
    return figures


def compared(study: Study, found: Found) -> Comparison:
    """The comparison of a study's finished runs."""
    labelled = [(point.label, record) for point, record in found.records]
    labels = [point.label for point in study.points]
    return comparison_of(labelled, labels, labels[study.baseline], summaries.units_of(tuple(library())))


def _write_comparison(folder: Path, comparison: Comparison, definitions: Mapping[str, str]) -> None:
    write_json(folder / "comparison.json", comparison.document(definitions))
    comparison.write_csv(folder / "comparison.csv")


def _summary(study: Study, found: Found, units: dict[str, str]) -> dict[str, Any]:
    base, axes = study.base, study.axes
    by_point: dict[Point, list[RunRecord]] = {}
    for point, record in found.records:
        by_point.setdefault(point, []).append(record)
    return {
        "schema_version": SCHEMA_VERSION,
        "scenario": base.scenario.name,
        "seed": base.scenario.seed,
        "runs": base.scenario.runs,
        "digest": found.digest,
        "axes": {key: list(values) for key, values in axes.items()},
        "points": [
            {
                "axes": dict(point.values),
                "events": [record.events for record in records],
                "digests": [record.digest for record in records],
                "metrics": [summaries.metric_row(one) for one in summaries.estimates(records, units)],
                "expectations": [summaries.expectation_row(one) for one in summaries.judged(base.expectations, records)],
            }
            for point, records in by_point.items()
        ],
        "failed": [{"axes": dict(one.point.values), "run": one.run, "reason": one.reason} for one in found.failed],
    }
