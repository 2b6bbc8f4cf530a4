"""Figures of jobs: what they show is what the facts say, inside the column, the same bytes twice, none without data."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from synthetic_jobs import BIG, DURATION_S, FAULT_S, WIDE, write_job_results

from feitian_sim.kernel.tables import read_columns, write_columns
from feitian_sim.report import Drawing
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures import FIGURES
from feitian_sim.report.figures.dag import layered
from feitian_sim.report.figures.gantt import lanes, some_machines
from feitian_sim.report.figures.jobs import ShownTask, critical_path, most_eventful_job, tasks_of
from feitian_sim.report.sheet import Omitted
from feitian_sim.report.style import COLUMN_IN

NAMES = ("resources", "job-queue", "completion", "job-gantt", "job-dag", "quota", "decisions", "service")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Results with jobs; one job has two hundred tasks."""
    return Evidence(write_job_results(tmp_path_factory.mktemp("jobs"), tasks=200))


@pytest.fixture(scope="module")
def drawings(evidence: Evidence) -> dict[str, Drawing]:
    """Every figure of jobs."""
    drawn = {name: FIGURES[name](evidence, COLUMN_IN, True) for name in NAMES}
    return {name: drawing for name, drawing in drawn.items() if isinstance(drawing, Drawing)}


def rows(drawing: Drawing, panel: str) -> dict[str, list[tuple[float, float]]]:
    """What a panel shows, by series."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(drawing.csv())):
        if row["panel"] == panel:
            found[row["series"]].append((float(row["x"]), float(row["y"] or "nan")))
    return found


def test_every_figure_of_jobs_is_drawn_and_none_without_data(drawings: dict[str, Drawing], tmp_path: Path) -> None:
    """With facts each is drawn; without facts each says what it lacks."""
    assert tuple(drawings) == NAMES
    empty = write_job_results(tmp_path / "empty", tasks=4)
    for path in (empty / "runs" / "base" / "run=0000" / "facts").glob("fuxi.*"):
        path.unlink()
    for name in NAMES:
        drawn = FIGURES[name](Evidence(empty), COLUMN_IN, True)
        assert isinstance(drawn, Omitted), name
        assert "there is no fuxi." in drawn.reason


def test_nothing_of_the_job_figures_sticks_out_or_is_covered(drawings: dict[str, Drawing]) -> None:
    """All ink lies on the column, and legends lie beside the axes."""
    for drawing in drawings.values():
        drawing.image("png")
        box, (width_in, height_in) = drawing.figure.get_tightbbox(), drawing.figure.get_size_inches()
        assert min(box.x0, box.y0) >= -0.01, drawing.name
        assert box.x1 <= width_in + 0.01, drawing.name
        assert box.y1 <= height_in + 0.01, drawing.name
        legends = [axes.get_legend() for axes in drawing.figure.axes] + list(drawing.figure.legends)
        for legend in (legend.get_window_extent() for legend in legends if legend is not None):
            assert not any(legend.padded(-1).overlaps(axes.get_window_extent()) for axes in drawing.figure.axes)
        assert all(axes.get_ylabel() for axes in drawing.figure.axes)
        assert drawing.figure.axes[-1].get_xlabel()


def test_the_same_jobs_give_the_same_bytes(evidence: Evidence) -> None:
    """Layouts and orders do not depend on anything but the facts."""
    for name in ("job-gantt", "job-dag"):
        first, second = (FIGURES[name](evidence, COLUMN_IN, True) for _ in range(2))
        assert isinstance(first, Drawing)
        assert isinstance(second, Drawing)
        assert first.image("svg") == second.image("svg")


def test_resources_are_shares_of_what_there_is(drawings: dict[str, Drawing]) -> None:
    """Granted, held and used lie in this order below the capacity; a resource that nobody wants has no panel."""
    shown = rows(drawings["resources"], "memory")
    last = {label: values[-1][1] for label, values in shown.items()}
    assert last["granted"] == pytest.approx(0.97, abs=1e-6)
    assert last["requested"] > last["granted"] > last["held by applications"] > last["used by processes"]
    assert not rows(drawings["resources"], "storage")


def test_faults_are_shaded_in_every_figure_over_time(drawings: dict[str, Drawing]) -> None:
    """The lost machine is marked, also in the part of the run that the Gantt chart shows."""
    for name in ("resources", "job-queue", "job-gantt", "quota", "decisions", "service"):
        marks = rows(drawings[name], "marks")
        assert marks["machine-crash r1/m1"][0][0] == FAULT_S, name
    assert "detected" in rows(drawings["quota"], "marks")


def test_requests_to_a_service_and_its_partitions_are_what_the_facts_say(drawings: dict[str, Drawing]) -> None:
    """Every request is counted once; a partition that was placed has not moved."""
    rates = rows(drawings["service"], "rate")
    window_s = rates["answered"][1][0] - rates["answered"][0][0]
    counted = {name: sum(rate for _, rate in series[:-1]) * window_s for name, series in rates.items()}
    assert counted["failed"] == pytest.approx(200, abs=40)
    assert counted["answered"] + counted["failed"] == pytest.approx(1200)
    partitions = rows(drawings["service"], "partitions")
    assert partitions["served"][-1][1] == 2
    assert min(count for at_s, count in partitions["served"] if FAULT_S <= at_s < FAULT_S + 21) == 1
    assert partitions["moves so far"][-1] == (DURATION_S, 1)
    assert "splits so far" not in partitions
    medians = [took_s for _, took_s in rows(drawings["service"], "request")["p50"] if took_s == took_s]
    assert np.mean(medians) == pytest.approx(0.01 * np.log(2), rel=0.2)


def test_a_service_that_answers_nobody_is_shown(tmp_path: Path) -> None:
    """That is when one looks: no percentile can be made up, and all that failed is there."""
    folder = write_job_results(tmp_path / "dead", tasks=4)
    path = folder / "runs" / "base" / "run=0000" / "facts" / "fuxi.service_request.parquet"
    requests = read_columns(path)
    write_columns(path, {**requests, "ok": np.zeros(len(requests["ok"]), dtype=bool)})
    drawn = FIGURES["service"](Evidence(folder), COLUMN_IN, True)
    assert isinstance(drawn, Drawing)
    assert sum(rate for _, rate in rows(drawn, "rate")["failed"]) > 0
    assert not rows(drawn, "request")


def test_the_gantt_chart_marks_what_went_wrong(evidence: Evidence, drawings: dict[str, Drawing]) -> None:
    """The most eventful job is shown with every one of its attempts."""
    assert most_eventful_job(evidence.runs[0]) == BIG
    shown = rows(drawings["job-gantt"], "machines")
    counts = {label: len(values) for label, values in shown.items()}
    assert counts == {
        "map": 34, "reduce": 8, "retry begins": 3, "backup begins": 1, "failed": 1, "killed": 3,
    }  # fmt: skip


def test_what_runs_at_the_same_time_on_a_machine_lies_in_rows_of_its_own() -> None:
    """As few rows as there can be, machine by machine in natural order."""
    machines = ["r0/m10", "r0/m2", "r0/m2", "r0/m2"]
    began, ended = np.array([0.0, 0.0, 1.0, 5.0]), np.array([9.0, 4.0, 6.0, 7.0])
    found, starts = lanes(machines, began, ended)
    assert found.tolist() == [2, 0, 1, 0]
    assert starts == [("r0/m2", 0, 2), ("r0/m10", 2, 1)]


def test_the_graph_shows_every_task_right_of_what_it_waits_for(evidence: Evidence, drawings: dict[str, Drawing]) -> None:
    """Two hundred tasks, no two at one place, each deeper than its parents."""
    tasks = tasks_of(evidence.runs[0], WIDE)
    places = layered(tasks)
    assert len(places) == len(set(places.values())) == 200
    assert all(places[other][0] < places[name][0] for name, task in tasks.items() for other in task.after)
    shown = rows(drawings["job-dag"], "tasks")
    assert sum(map(len, shown.values())) == 200
    assert len(shown["on the critical path"]) > 5


def test_layers_are_ordered_so_that_parallel_chains_do_not_cross() -> None:
    """Chains given in a bad order are straightened."""
    tasks = {f"a{one}": ShownTask(f"a{one}", 1, (), 0, 1) for one in range(4)}
    tasks |= {f"b{one}": ShownTask(f"b{one}", 1, (f"a{3 - one}",), 1, 2) for one in range(4)}
    places = layered(tasks)
    assert all(places[f"b{one}"][1] == places[f"a{3 - one}"][1] for one in range(4))


def test_the_critical_path_is_the_longest_chain() -> None:
    """By time, not by number of tasks."""
    after = {"a": (), "b": ("a",), "c": ("b",), "d": ("a",)}
    assert critical_path(after, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 9.0}) == (10.0, ["a", "d"])


def test_slowdown_is_over_the_critical_path_of_the_job(drawings: dict[str, Drawing]) -> None:
    """A fourth of the jobs took their critical path and no more, a fourth took four times that."""
    shown = rows(drawings["completion"], "slowdown")["all 62 jobs"]
    assert {round(x, 6) for x, _ in shown} == {1.0, 2.0, 3.0, 4.0}
    assert max(y for x, y in shown if x < 1.5) == pytest.approx(0.25, abs=0.02)


def test_completion_and_decisions_show_the_facts(drawings: dict[str, Drawing]) -> None:
    """All jobs that finished; mean latency of the decisions; rates over the whole run."""
    completed = rows(drawings["completion"], "completion")
    assert completed["all 62 jobs"][-1] == (700.0, 1.0)
    latencies = rows(drawings["decisions"], "latency")
    assert all(value == pytest.approx(0.00095) for _, value in latencies["mean"])
    assert max(x for x, _ in rows(drawings["decisions"], "rate")["decisions"]) == DURATION_S


def test_of_too_many_attempts_some_machines_are_shown():
    """Every n-th machine in the order of the figure, whole."""
    attempts = {"machine": np.array([f"m{one % 10}" for one in range(40)]), "began_s": np.arange(40.0)}
    assert some_machines(attempts, 40) == (attempts, 1)
    shown, step = some_machines(attempts, 15)
    assert step == 3
    assert sorted(set(shown["machine"].tolist())) == ["m0", "m3", "m6", "m9"]
    assert len(shown["machine"]) == len(shown["began_s"]) == 16
