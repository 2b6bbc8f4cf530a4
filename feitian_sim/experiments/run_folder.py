"""The folder of one run: its facts, its numbers, and ``DONE``, which is written last.

The folder is written beside its place and moved there whole, so that of two processes that carry out the same run (one
was taken for dead) the first to finish stands, and what was killed half-way never stands at all.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from itertools import count
from pathlib import Path

from feitian_sim.experiments.event_files import write_events
from feitian_sim.experiments.manifest import RunRecord
from feitian_sim.experiments.one_run import Done
from feitian_sim.experiments.summary import plain, write_json

_UNFINISHED = ".run="
_written = count()


def run_folder(folder: Path, number: int) -> Path:
    """Where run ``number`` of the point at ``folder`` stands."""
    return folder / f"run={number:04}"


def write_run(folder: Path, number: int, done: Done) -> None:
    """Write ``folder/run=0007``."""
    final = run_folder(folder, number)
    path = folder / f".{final.name}-{os.getpid()}-{next(_written)}"
    record = done.record
    path.mkdir(parents=True)
    done.facts.write_parquet(path / "facts")
    if done.recorder is not None:
        write_events(path, done.recorder)
    write_json(
        path / "summary.json",
        {
            "run": number,
            "digest": record.digest,
            "duration_s": done.tables.duration_s,
            "warmup_s": done.tables.warmup_s,
            "events": record.events,
            "metrics": {name: plain(value) for name, value in record.metrics.items()},
        },
    )
    cost = {"facts": record.facts, "cpu_seconds": record.cpu_seconds, "wall_seconds": record.wall_seconds}
    (path / "DONE").write_text(f"{record.digest}\n{json.dumps(cost)}\n", encoding="utf-8")
    try:
        path.rename(final)
    except OSError:
        if not (final / "DONE").is_file():
            raise
        # Somebody else was faster, with the same result.
        shutil.rmtree(path)


def finished_runs(folder: Path) -> list[Path]:
    """Folders of the finished runs under ``folder``, in order, also while others write or move runs there."""
    # os.walk passes over a folder that is gone by the time it is looked into; Path.rglob raises.
    found = (Path(where) for where, _, files in os.walk(folder) if "DONE" in files)
    return sorted(path for path in found if not path.name.startswith(_UNFINISHED))


def read_record(path: Path) -> RunRecord | None:
    """The record of a finished run from its folder; None when it is not finished or cannot be read."""
    try:
        digest, cost = (path / "DONE").read_text(encoding="utf-8").splitlines()
        about = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        spent = json.loads(cost)
        metrics = {name: math.nan if value is None else value for name, value in about["metrics"].items()}
        return RunRecord(
            about["run"],
            digest,
            about["events"],
            spent["facts"],
            spent["cpu_seconds"],
            spent["wall_seconds"],
            metrics,
            about["warmup_s"],
        )
    except (OSError, ValueError, KeyError):
        return None


def remove_unfinished(folder: Path) -> None:
    """Remove what killed runs left under ``folder``."""
    for path in sorted(folder.rglob(f"{_UNFINISHED}*")):
        shutil.rmtree(path, ignore_errors=True)
