"""Compare: variants of one scenario that meet the same chance, held against a baseline; or two results side by side.

A comparison is a study like a sweep. With a precision wanted, runs are added until the interval of the metric in
question is narrow enough for every variant; the runs that are there stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feitian_sim.experiments import summary as summaries
from feitian_sim.experiments.comparison import Comparison, comparison_of
from feitian_sim.experiments.manifest import Began, RunRecord
from feitian_sim.experiments.paired import runs_needed
from feitian_sim.experiments.results import BASE, Results
from feitian_sim.experiments.run_folder import read_record
from feitian_sim.experiments.store import Building
from feitian_sim.experiments.study import Study, study_of
from feitian_sim.experiments.sweep import (
    Found,
    Listener,
    SweepOptions,
    Swept,
    carried_out,
    compared,
    complete,
    found_of,
    study_folder,
)
from feitian_sim.experiments.task import Outcome
from feitian_sim.kernel import EnvironmentRefusal, ScenarioError
from feitian_sim.scenario.metrics import library

#: Runs of each variant where neither the file nor the user says how many: fewer tell nothing of how much they vary.
RUNS = 5


@dataclass(frozen=True, slots=True)
class Precision:
    """Runs are added until the interval of ``metric`` (None: the first goal that varies) is ``ratio`` of the mean."""

    ratio: float
    metric: str | None
    most_runs: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A finished comparison."""

    swept: Swept
    comparison: Comparison


def compare(
    path: str | Path,
    options: SweepOptions,
    baseline: str | None = None,
    precision: Precision | None = None,
    listener: Listener | None = None,
) -> Compared:
    """Run the variants of the scenario at ``path`` (its axes' points) and compare them.

    Raises ScenarioError for what is wrong with the scenario at any point, before anything is run.
    """
    data = (options.data,) if options.data else ()
    study = study_of("compare", path, options.overrides, options.axes, options.seed, options.runs, data, baseline)
    if len(study.points) < 2:
        raise ScenarioError(f"{path}: one variant alone cannot be compared: give several, as in --vary key=a,b")
    if options.runs is None and study.run_count == 1:
        study = study.with_runs(RUNS)
    began = Began.now()
    with study_folder(options.output, study) as folder:
        outcomes = carried_out(study, folder, options, began, listener)
        while precision is not None:
            more = _more_runs(study, found_of(study, outcomes), precision)
            if more <= study.run_count:
                break
            study = study.with_runs(more)
            study.write_plan(folder.path)
            outcomes = carried_out(study, folder, options, began, listener)
        return completed(study, folder, outcomes, began, options)


def completed(
    study: Study, folder: Building, outcomes: dict[int, Outcome], began: Began, options: SweepOptions
) -> Compared:
    """Write what stands over all runs."""
    swept = complete(study, folder, outcomes, began, options.render)
    return Compared(swept, compared(study, swept.found))


def _more_runs(study: Study, found: Found, precision: Precision) -> int:
    """Runs of each variant that the precision takes, as far as can be seen from those there."""
    comparison = compared(study, found)
    metric = precision.metric or _first_that_varies(comparison)
    if metric is None:
        return study.run_count
    values = [[run[metric] for run in comparison.runs[label].values() if metric in run] for label in comparison.labels]
    known = [one for one in values if len(one) >= 2]
    if not known:
        raise ScenarioError(f"{metric} is measured in fewer than two runs: there is no precision of it to reach")
    needed = max(runs_needed(one, precision.ratio) for one in known)
    # What a few runs foresee is itself uncertain: no more than three times as many at once.
    return min(needed, 3 * study.run_count, precision.most_runs)


def _first_that_varies(comparison: Comparison) -> str | None:
    for goal in comparison.goals:
        for label in comparison.labels:
            cell = comparison.cell(goal.metric, label)
            if cell is not None and cell.estimate.interval is not None:
                low, high = cell.estimate.interval
                if low < high and cell.estimate.value:
                    return goal.metric
    return None


def compare_results(directories: Sequence[Path]) -> Comparison:
    """Results of `feitian run` side by side, the first as the baseline; paired where the seed is the same.

    Raises EnvironmentRefusal for what is no such result.
    """
    results = [Results(directory) for directory in directories]
    labels = _labels(results)
    records: list[tuple[str, RunRecord]] = []
    for label, one in zip(labels, results, strict=True):
        if one.manifest.get("axes"):
            raise EnvironmentRefusal(f"{one.directory} is a sweep: name results of `feitian run`")
        found = [read_record(folder) for folder in sorted(one.directory.glob(f"runs/{BASE}/run=*"))]
        records += [(label, record) for record in found if record is not None]
    if len({one.seed for one in results}) > 1:
        # Runs of different seeds have nothing in common: each stands alone.
        records = [(label, _renumbered(record, 10**6 * labels.index(label))) for label, record in records]
    return comparison_of(records, labels, labels[0], summaries.units_of(tuple(library())))


def _labels(results: Sequence[Results]) -> list[str]:
    names: list[str] = [one.name for one in results]
    if len(dict.fromkeys(names)) == len(names):
        return names
    folders = [one.directory.name for one in results]
    if len(dict.fromkeys(folders)) == len(folders):
        return folders
    return [str(one.directory) for one in results]


def _renumbered(record: RunRecord, by: int) -> RunRecord:
    fields: dict[str, Any] = {name: getattr(record, name) for name in RunRecord.__slots__}
    return RunRecord(**{**fields, "run": record.run + by})
