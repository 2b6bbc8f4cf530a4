"""Sweep: one scenario over all combinations of the values on its axes, each with all its runs.

Every run is a task of its own, in this process or in a pool of processes; what it leaves is the same. All points meet
the same chance (common random numbers): the seed is one, and ``runs`` are its substreams. A run that fails does not
take the others along: it is listed, and the sweep says so in the end.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from feitian_sim.experiments import summary as summaries
from feitian_sim.experiments.interruption import raise_if_requested
from feitian_sim.experiments.manifest import SCHEMA_VERSION, Began, RunRecord, document, file_hashes, total_digest
from feitian_sim.experiments.one_run import run_once
from feitian_sim.experiments.progress import Teller
from feitian_sim.experiments.run_folder import write_run
from feitian_sim.experiments.store import Building, building, refusing
from feitian_sim.experiments.summary import write_json
from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.scenario import Loaded, load
from feitian_sim.scenario.metrics import library

Axes = dict[str, tuple[str, ...]]
#: Draws the figures of a sweep's folder into it; returns what was written. Given from above.
Render = Callable[[Path], list[Path]]
#: Called after each finished run: how many there are, of how many.
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What the user may say of a sweep besides the scenario."""

    overrides: tuple[str, ...] = ()
    axes: Axes = field(default_factory=dict)
    seed: int | None = None
    runs: int | None = None
    jobs: int = 1
    output: Path = Path("results")
    data: Path | None = None
    fail_fast: bool = False
    render: Render | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One combination: a value for each axis, as ``--set`` would say it."""

    values: tuple[tuple[str, str], ...]

    @property
    def overrides(self) -> tuple[str, ...]:
        """As ``key=value``."""
        return tuple(f"{key}={value}" for key, value in self.values)

    @property
    def folder(self) -> str:
        """Path under ``runs/``, one level an axis."""
        return "/".join(f"{key}={_safe(value)}" for key, value in self.values)


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

    name: str
    seed: int
    axes: tuple[str, ...]
    points: tuple[Point, ...]
    found: Found
    directory: Path
    figures: tuple[Path, ...]
    broken: tuple[Broken, ...]

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


@dataclass(frozen=True, slots=True)
class _Task:
    path: Path
    overrides: tuple[str, ...]
    seed: int | None
    runs: int | None
    data: tuple[Path, ...]
    run: int
    folder: Path


def axes_of(loaded: Loaded, given: Axes) -> Axes:
    """The axes in effect: those given, or the scenario's own. Raises ScenarioError when there are none."""
    own = {key: tuple(_said(value) for value in values) for key, values in loaded.scenario.sweep.items()}
    axes = given or own
    if not axes:
        raise ScenarioError(
            f"{loaded.path}: nothing to sweep: give an axis, as in --set pangu.placement=random,copyset, or write one "
            "under sweep:"
        )
    return axes


def points_of(axes: Mapping[str, Sequence[str]]) -> list[Point]:
    """All combinations, the last axis fastest."""
    named = [[(key, value) for value in values] for key, values in axes.items()]
    return [Point(combination) for combination in itertools.product(*named)]


def sweep(path: str | Path, options: SweepOptions, told: Told | None = None) -> Swept:
    """Run the scenario at ``path`` over its axes and store what it leaves.

    Raises ScenarioError for what is wrong with the scenario at any point, before anything is run.
    """
    began = Began.now()
    given = (options.data,) if options.data else ()
    base = load(path, options.overrides, options.seed, options.runs, given)
    axes = axes_of(base, options.axes)
    points = points_of(axes)
    for point in points:
        load(path, (*options.overrides, *point.overrides), options.seed, options.runs, given)
    with building(options.output, _folder_name(base, axes)) as folder:
        todo = [(point, run) for point in points for run in range(base.scenario.runs)]
        tasks = [
            _Task(
                Path(path),
                (*options.overrides, *point.overrides),
                options.seed,
                options.runs,
                given,
                run,
                folder.path / "runs" / point.folder,
            )
            for point, run in todo
        ]
        outcomes: dict[int, RunRecord | str] = {}
        try:
            _carry_out(tasks, options, told, outcomes)
        except KeyboardInterrupt as error:
            _keep(base, axes, folder, _found(todo, outcomes), began, error, len(todo))
            raise
        found = _found(todo, outcomes)
        figures = _write(base, axes, folder, found, began, "incomplete" if found.failed else "finished", options.render)
        folder.commit()
    moved = tuple(folder.final / figure.relative_to(folder.path) for figure in figures)
    scenario = base.scenario
    return Swept(
        scenario.name, scenario.seed, tuple(axes), tuple(points), found, folder.final, moved, _broken(base, found)
    )


def _found(todo: Sequence[tuple[Point, int]], outcomes: Mapping[int, RunRecord | str]) -> Found:
    """The outcomes in the order of the tasks, by what they are."""
    ordered = sorted(outcomes.items())
    records = tuple((todo[n][0], got) for n, got in ordered if isinstance(got, RunRecord))
    failed = tuple(Failed(*todo[n], got) for n, got in ordered if isinstance(got, str))
    return Found(records, failed, total_digest([record.digest for _, record in records]))


def _broken(base: Loaded, found: Found) -> tuple[Broken, ...]:
    return tuple(
        Broken(point, record.run, verdict.text)
        for point, record in found.records
        for verdict in summaries.judged(base.expectations, [record])
        if not verdict.held
    )


def _carry_out(
    tasks: Sequence[_Task], options: SweepOptions, told: Told | None, outcomes: dict[int, RunRecord | str]
) -> None:
    """Note in ``outcomes`` what became of each task, by its number: its record, or why there is none."""
    for number, outcome in _outcomes(tasks, options.jobs):
        outcomes[number] = outcome
        if told is not None:
            told(len(outcomes), len(tasks))
        if options.fail_fast and isinstance(outcome, str):
            break


def _outcomes(tasks: Sequence[_Task], jobs: int) -> Iterator[tuple[int, RunRecord | str]]:
    if jobs == 1:
        for number, task in enumerate(tasks):
            raise_if_requested()
            yield number, _tried(task)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        waiting: dict[Future[RunRecord | str], int] = {pool.submit(_tried, task): n for n, task in enumerate(tasks)}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                raise_if_requested()
                for future in sorted(done, key=lambda one: waiting[one]):
                    yield waiting.pop(future), _result(future)
        finally:
            for future in waiting:
                future.cancel()


def _result(future: Future[RunRecord | str]) -> RunRecord | str:
    try:
        return future.result()
    except Exception as error:
        # The worker died: killed, or out of memory.
        return f"{type(error).__name__}: {error}"


def _tried(task: _Task) -> RunRecord | str:
    """Carry out one run and write what it leaves; the reason when it fails."""
    try:
        loaded = load(task.path, task.overrides, task.seed, task.runs, task.data)
        done = run_once(loaded, task.run, Teller(None, 1, loaded.scenario.duration / SECOND))
        write_run(task.folder, task.run, done)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return done.record


def _keep(
    base: Loaded, axes: Axes, folder: Building, found: Found, began: Began, error: KeyboardInterrupt, runs: int
) -> None:
    """Keep the finished runs of an interrupted sweep where nobody takes them for a whole result."""
    if not found.records:
        error.add_note("no run was finished, nothing was kept")
        return
    for path in sorted((folder.path / "runs").rglob("run=*")):
        if not (path / "DONE").exists():
            shutil.rmtree(path)
    _write(base, axes, folder, found, began, "interrupted", None)
    error.add_note(f"{len(found.records)} of {runs} runs were finished and are kept in {folder.keep_interrupted()}")


def _write(
    base: Loaded, axes: Axes, folder: Building, found: Found, began: Began, status: str, render: Render | None
) -> list[Path]:
    """Everything that stands over all runs."""
    records = found.records
    metrics = tuple(library())
    units = summaries.units_of(metrics)
    values = [tuple(value for _, value in point.values) for point, _ in records]
    with refusing(folder.final):
        (folder.path / "scenario.resolved.yaml").write_text(base.resolved_yaml(), encoding="utf-8")
        summaries.write_csv(folder.path / "summary.csv", [record for _, record in records], units, tuple(axes), values)
        write_json(folder.path / "summary.json", _summary(base, axes, found, units))
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


def _summary(base: Loaded, axes: Axes, found: Found, units: dict[str, str]) -> dict[str, Any]:
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


def _folder_name(base: Loaded, axes: Axes) -> str:
    """The same scenario over other axes is another result."""
    over = blake2b(repr((base.config_hash, list(axes.items()))).encode(), digest_size=4).hexdigest()
    return f"{base.scenario.name}-{over}-sweep"


def _said(value: Any) -> str:
    """A value of an axis as ``--set`` would say it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_said(inner)}" for key, inner in value.items()) + "}"
    return str(value)


def _safe(value: str) -> str:
    """A value as part of a path."""
    kept = "".join(letter if letter.isalnum() or letter in "-_.:=, " else "_" for letter in value)
    return kept.replace(os.sep, "_")[:80]
