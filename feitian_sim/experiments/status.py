"""Status: how far a sweep or a comparison is, read from its folder without touching it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feitian_sim.experiments.lock import is_held
from feitian_sim.experiments.manifest import SCHEMA_VERSION
from feitian_sim.experiments.run_folder import finished_runs, read_record
from feitian_sim.experiments.study import read_plan
from feitian_sim.experiments.sweep import unfinished


@dataclass(frozen=True, slots=True)
class Status:
    """State (``running``, ``stopped``, ``incomplete`` or ``finished``) and counts of runs; times in seconds."""

    name: str
    state: str
    points: int
    runs: int
    finished: int
    failed: int
    cpu_seconds: float
    left_cpu_seconds: float | None
    directory: Path

    def document(self) -> dict[str, Any]:
        """For a JSON document."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self), "directory": str(self.directory)}


def status_of(directory: Path) -> Status:
    """How far the study in, or beside, a folder is. Raises EnvironmentRefusal when there is none."""
    root, name, present = unfinished(directory)
    plan = read_plan(present)
    records = [read_record(path) for path in finished_runs(present)]
    if not present.is_dir():
        # The study has ended meanwhile, and its folder stands under another name.
        return status_of(directory)
    spent_s = [record.cpu_seconds for record in records if record is not None]
    runs = len(plan["points"]) * int(plan["runs_of_each"])
    left = runs - len(spent_s)
    pace_s = sum(spent_s) / len(spent_s) if spent_s else None
    return Status(
        name=plan["name"],
        state="running" if is_held(root / f".{name}.lock") else _state(present),
        points=len(plan["points"]),
        runs=runs,
        finished=len(spent_s),
        failed=_failed(present),
        cpu_seconds=round(sum(spent_s), 3),
        left_cpu_seconds=None if pace_s is None else round(left * pace_s, 3),
        directory=present,
    )


def _state(folder: Path) -> str:
    try:
        status = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["status"]
    except (OSError, ValueError, KeyError):
        return "stopped"
    return "stopped" if status == "interrupted" else str(status)


def _failed(folder: Path) -> int:
    try:
        return len(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["failed"])
    except (OSError, ValueError, KeyError):
        return 0
