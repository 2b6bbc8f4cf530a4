"""The folder of one run: its facts, its numbers, and ``DONE``, which is written last."""

from __future__ import annotations

from pathlib import Path

from feitian_sim.experiments.one_run import Done
from feitian_sim.experiments.summary import plain, write_json


def write_run(folder: Path, number: int, done: Done) -> None:
    """Write ``folder/run=0007``; until its ``DONE`` is there it counts for nothing."""
    path = folder / f"run={number:04}"
    record = done.record
    path.mkdir(parents=True)
    done.facts.write_parquet(path / "facts")
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
    (path / "DONE").write_text(record.digest + "\n", encoding="utf-8")
