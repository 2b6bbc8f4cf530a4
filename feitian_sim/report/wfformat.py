"""Export of a job that ran as WfFormat 1.5 (WfCommons), from facts alone.

An instance of a task becomes a task of the workflow, which waits for every instance of the tasks that its own comes
after: so it is with a shuffle. Where that would be more than a million edges, each task becomes one, with its wall
time. Facts do not tell bytes, so there are no files. Simulated time 0 is the beginning of 1970.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.metric import Tables
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures.jobs import STARTED, ShownTask, attempts_of, most_eventful_job, natural, tasks_of

VERSION = "1.5"
_MOST_EDGES = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export_job(folder: Path, job: str | None = None) -> tuple[str, dict[str, Any]]:
    """A job of run 0 and its document; without a name the most eventful one. Raises ScenarioError without such a job."""
    evidence = Evidence(folder)
    run = evidence.runs[0] if evidence.runs else None
    columns = run.columns(STARTED) if run is not None else {}
    if run is None or not columns:
        raise ScenarioError(f"{folder} has no jobs: there is no fuxi.task_started")
    chosen = job or most_eventful_job(run)
    names = columns["job"].astype(str)
    if chosen is None or chosen not in names:
        known = ", ".join(sorted(np.unique(names).tolist(), key=natural)[:10])
        raise ScenarioError(f"{folder} has no job {chosen!r} (jobs: {known}, ...)")
    return chosen, _document(chosen, run, evidence)


def write_job(folder: Path, job: str | None, path: Path | None) -> Path:
    """Write the document of a job; by default beside the results, under its name."""
    name, document = export_job(folder, job)
    path = path or folder / f"{_id(name)}.wfformat.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def _document(job: str, run: Tables, evidence: Evidence) -> dict[str, Any]:
    tasks = tasks_of(run, job)
    good = _good_attempts(run, job)
    edges = sum(
        task.instances * tasks[other].instances for task in tasks.values() for other in task.after if other in tasks
    )
    members = _instances(tasks, good) if edges <= _MOST_EDGES else _whole_tasks(tasks)
    ids = {name: [one["id"] for one in ones] for name, ones in members.items()}
    children: dict[str, list[str]] = {}
    for name, task in tasks.items():
        for other in task.after:
            children.setdefault(other, []).extend(ids[name])
    specification = [
        {
            "name": one["id"],
            "id": one["id"],
            "parents": [parent for other in tasks[name].after for parent in ids.get(other, ())],
            "children": children.get(name, []),
        }
        for name, ones in members.items()
        for one in ones
    ]
    starts = [task.start_s for task in tasks.values()]
    ends = [task.end_s for task in tasks.values() if task.end_s == task.end_s]
    return {
        "name": job,
        "description": f"A job of the simulated scenario {evidence.name}, seed {evidence.seed}",
        "createdAt": _instant(0.0),
        "schemaVersion": VERSION,
        "runtimeSystem": {"name": "feitian-sim Fuxi", "version": str(evidence.manifest.get("version", "unknown"))},
        "workflow": {
            "specification": {"tasks": specification, "files": []},
            "execution": {
                "makespanInSeconds": max([*ends, *starts]) - min(starts),
                "executedAt": _instant(min(starts)),
                "tasks": [one for ones in members.values() for one in ones],
                "machines": _machines(members, evidence),
            },
        },
    }


def _good_attempts(run: Tables, job: str) -> dict[tuple[str, int], tuple[float, float, str]]:
    """Of each instance that ended well: when it began, when it ended, where it ran."""
    columns = attempts_of(run, job)
    if not columns:
        return {}
    rows = zip(
        *(columns[name].tolist() for name in ("task", "instance", "began_s", "time_s", "machine", "ok")), strict=True
    )
    return {(str(task), int(one)): (began, ended, str(machine)) for task, one, began, ended, machine, ok in rows if ok}


def _instances(
    tasks: Mapping[str, ShownTask], good: Mapping[tuple[str, int], tuple[float, float, str]]
) -> dict[str, list[dict[str, Any]]]:
    members: dict[str, list[dict[str, Any]]] = {}
    for name, task in tasks.items():
        for number in range(task.instances):
            told = good.get((name, number))
            one: dict[str, Any] = {"id": f"{_id(name)}.{number}", "runtimeInSeconds": 0.0}
            if told is not None:
                began_s, ended_s, machine = told
                one |= {
                    "runtimeInSeconds": ended_s - began_s,
                    "executedAt": _instant(began_s),
                    "machines": [_node(machine)],
                }
            members.setdefault(name, []).append(one)
    return members


def _whole_tasks(tasks: Mapping[str, ShownTask]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{"id": _id(name), "runtimeInSeconds": task.took_s, "executedAt": _instant(task.start_s)}]
        for name, task in tasks.items()
    }


def _machines(members: Mapping[str, list[dict[str, Any]]], evidence: Evidence) -> list[dict[str, Any]]:
    used = {name for ones in members.values() for one in ones for name in one.get("machines", ())}
    cores = evidence.scenario.get("cluster", {}).get("machine", {}).get("cores")
    cpu = {"cpu": {"coreCount": cores}} if isinstance(cores, int) else {}
    return [{"nodeName": name, "system": "linux", **cpu} for name in sorted(used, key=natural)] or [{"nodeName": "fuxi"}]


def _id(name: str) -> str:
    """As the schema allows them."""
    return re.sub(r"[^0-9a-zA-Z_.#-]", "_", name)


def _node(machine: str) -> str:
    return machine.replace("/", "-")


def _instant(seconds: float) -> str:
    return (_EPOCH + timedelta(microseconds=round(seconds * 1e6))).isoformat()
