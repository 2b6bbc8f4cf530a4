"""Run one scenario: its runs as substreams of one seed, in this process, into one results folder.

Each finished run is written at once, its ``DONE`` last. When all are there, the summary, the figures and the manifest
follow, and the folder moves into place whole. An interruption keeps the finished runs apart, as interrupted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from feitian_sim.experiments import summary as summaries
from feitian_sim.experiments.estimate import work_profile
from feitian_sim.experiments.event_files import recorder_for
from feitian_sim.experiments.manifest import Began, RunRecord, document, file_hashes, total_digest
from feitian_sim.experiments.one_run import run_once
from feitian_sim.experiments.progress import Listener, Teller
from feitian_sim.experiments.results import BASE
from feitian_sim.experiments.run_folder import write_run
from feitian_sim.experiments.store import Building, building, refusing
from feitian_sim.experiments.summary import Summary, write_json
from feitian_sim.kernel import SECOND
from feitian_sim.scenario import Loaded, load
from feitian_sim.scenario.metrics import library

TWIN = "twin"
#: Draws the figures of a results folder into it; returns what was written. Given from above.
Render = Callable[[Path], list[Path]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say of a run besides the scenario; None leaves the scenario's own."""

    overrides: tuple[str, ...] = ()
    seed: int | None = None
    runs: int | None = None
    output: Path = Path("results")
    data: Path | None = None
    twin: bool | None = None
    render: Render | None = None
    #: What is kept of the events of each run: nothing, ``checkpoints``, or ``lines`` beside them.
    events: str = ""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A finished experiment: what was found and where it was put."""

    summary: Summary
    records: tuple[RunRecord, ...]
    directory: Path
    figures: tuple[Path, ...]
    warnings: tuple[str, ...]
    duration_s: float
    wall_seconds: float

    @property
    def events(self) -> int:
        """Events of all runs."""
        return sum(record.events for record in self.records)


def run(path: str | Path, options: Options | None = None, listener: Listener | None = None) -> Experiment:
    """Load the scenario at ``path``, run it and store what it leaves.

    Raises ScenarioError for what is wrong with the scenario, EnvironmentRefusal for what the surroundings refuse.
    """
    options = options or Options()
    given = [options.data] if options.data else []
    loaded = load(path, options.overrides, options.seed, options.runs, given)
    return run_loaded(loaded, options, listener)


def run_loaded(loaded: Loaded, options: Options, listener: Listener | None = None) -> Experiment:
    """Run a scenario that is loaded already."""
    wall_s, began = monotonic(), Began.now()
    name = f"{loaded.scenario.name}-{loaded.config_hash}"
    with building(options.output, name) as folder:
        records: list[RunRecord] = []
        try:
            _simulate(loaded, options, folder, records, listener)
            figures = _complete(loaded, options, folder, records, began)
        except KeyboardInterrupt as error:
            _keep(loaded, folder, records, began, error)
            raise
    moved = tuple(folder.final / path.relative_to(folder.path) for path in figures)
    return Experiment(
        _summary(loaded, records),
        tuple(records),
        folder.final,
        moved,
        tuple(str(problem) for problem in loaded.warnings),
        loaded.scenario.duration / SECOND,
        monotonic() - wall_s,
    )


def _simulate(
    loaded: Loaded, options: Options, folder: Building, records: list[RunRecord], listener: Listener | None
) -> None:
    scenario = loaded.scenario
    has_twin = scenario.twin if options.twin is None else options.twin
    runs = scenario.runs + (1 if has_twin else 0)
    teller = Teller(listener, runs, scenario.duration / SECOND, work_profile(loaded))
    with refusing(folder.final):
        (folder.path / "scenario.resolved.yaml").write_text(loaded.resolved_yaml(), encoding="utf-8")
        copy_own_classes(loaded, folder.path)
    for number in range(scenario.runs):
        done = run_once(loaded, number, teller, None, recorder_for(options.events))
        with refusing(folder.final):
            write_run(folder.path / "runs" / BASE, number, done)
        records.append(done.record)
    if has_twin:
        faultless = replace(loaded, scenario=scenario.model_copy(update={"faults": ()}))
        done = run_once(faultless, 0, teller, scenario.runs)
        with refusing(folder.final):
            write_run(folder.path / "runs" / TWIN, 0, done)


def copy_own_classes(loaded: Loaded, folder: Path) -> None:
    """Put the user's own classes beside the resolved scenario, so that the folder can be run again alone."""
    for part in loaded.policies:
        relative = Path(part.own.reference.rpartition(":")[0])
        if not relative.is_absolute() and ".." not in relative.parts:
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part.own.file, folder / relative)


def _complete(loaded: Loaded, options: Options, folder: Building, records: list[RunRecord], began: Began) -> list[Path]:
    """Everything that stands over all runs; then the folder moves into place."""
    metrics = tuple(library())
    with refusing(folder.final):
        summaries.write_csv(folder.path / "summary.csv", records, summaries.units_of(metrics))
        definitions = summaries.definitions_of(metrics)
        write_json(folder.path / "summary.json", _summary(loaded, records).document(definitions))
        # Written twice: the figures are drawn from a folder that is whole but for them, and are then listed too.
        _write_manifest(loaded, folder, records, began, "finished")
        figures, mistake = _drawn(options.render, folder)
        _write_manifest(loaded, folder, records, began, "finished")
    folder.commit()
    if mistake is not None:
        mistake.add_note(f"the results are whole in {folder.final}; only figures are missing")
        raise mistake
    return figures


def _drawn(render: Render | None, folder: Building) -> tuple[list[Path], Exception | None]:
    """The figures; a mistake in drawing must not cost the results."""
    try:
        return (render(folder.path) if render else []), None
    except OSError:
        raise
    except Exception as mistake:
        return [], mistake


def _keep(loaded: Loaded, folder: Building, records: list[RunRecord], began: Began, error: KeyboardInterrupt) -> None:
    """Keep the finished runs of an interrupted experiment where nobody takes them for a whole result."""
    if folder.placed is not None:
        return
    if not records:
        error.add_note("no run was finished, nothing was kept")
        return
    finished = {f"run={record.run:04}" for record in records}
    with refusing(folder.final):
        for path in sorted(folder.path.iterdir()):
            if path.name in ("figures", "summary.csv", "summary.json", "report.html", "manifest.json"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(folder.path / "runs" / TWIN, ignore_errors=True)
        for path in sorted((folder.path / "runs" / BASE).iterdir()):
            if path.name not in finished:
                shutil.rmtree(path)
        _write_manifest(loaded, folder, records, began, "interrupted")
        kept = folder.keep_interrupted()
    error.add_note(f"{len(records)} of {loaded.scenario.runs} runs were finished and are kept in {kept}")


def _write_manifest(loaded: Loaded, folder: Building, records: list[RunRecord], began: Began, status: str) -> None:
    scenario = loaded.scenario
    about = {
        "name": scenario.name,
        "config_hash": loaded.config_hash,
        "scenario_file": str(loaded.path),
        "base_dir": str(loaded.base_dir.absolute()),
        "data_dirs": [str(path) for path in loaded.data_dirs if path.is_dir()],
        "seed": scenario.seed,
        "runs": scenario.runs,
        "sim_duration_s": scenario.duration / SECOND,
        "calibrated": list(scenario.calibrated),
    }
    written = document(status=status, began=began, records=records, **about)
    written["files"] = file_hashes(folder.path)
    write_json(folder.path / "manifest.json", written)


def _summary(loaded: Loaded, records: list[RunRecord]) -> Summary:
    return Summary(
        name=loaded.scenario.name,
        seed=loaded.scenario.seed,
        runs=loaded.scenario.runs,
        digest=total_digest([record.digest for record in records]),
        metrics=summaries.estimates(records, summaries.units_of(tuple(library()))),
        verdicts=summaries.judged(loaded.expectations, records),
    )
