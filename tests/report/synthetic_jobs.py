"""A results folder with jobs on Fuxi made without a simulator: a machine is lost at 10 min, a master fails at 15 min."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from feitian_sim.kernel.tables import Column, write_columns

DURATION_S = 1800.0
FAULT_S, LOST_S = 600.0, 630.0

SCENARIO = """\
name: jobs
question: What happens to jobs when a machine is lost?
seed: 7
runs: 1
duration: 30m
cluster: {racks: 4, machines_per_rack: 3}
faults:
- {kind: machine-crash, at: 10m, duration: 5m, target: {machine: r1/m1}}
"""
BIG, WIDE = "etl.sort-3", "etl.wide-1"


def write_job_results(folder: Path, tasks: int = 40) -> Path:
    """A results folder of one run; the job BIG has failures and backups, WIDE has that many tasks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.resolved.yaml").write_text(SCENARIO, encoding="utf-8")
    manifest = {"name": "jobs", "status": "finished", "seed": 7, "digest": "ab" * 32, "python": "3.11", "versions": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps({"metrics": [], "expectations": []}), encoding="utf-8")
    run = folder / "runs" / "base" / "run=0000"
    chance = np.random.default_rng(5)
    tables = {
        **_usage(),
        **_queue(),
        **_quota(),
        **_decisions(chance),
        **_faults(),
        **_jobs(chance, tasks),
        **_service(chance),
    }
    for kind, columns in tables.items():
        write_columns(run / "facts" / f"{kind}.parquet", columns)
    (run / "DONE").touch()
    return folder


def texts(values: list[str]) -> Column:
    """A column of names."""
    return np.array(values, dtype=object)


def _samples() -> Column:
    return np.arange(0, DURATION_S + 1, 5.0)


def _service(chance: np.random.Generator) -> dict[str, dict[str, Column]]:
    """Ten requests a second for two minutes around the fault, those of 20 s after it failed; a partition moves then."""
    started_s = np.sort(chance.uniform(FAULT_S - 60, FAULT_S + 60, 1200))
    ok = (started_s < FAULT_S) | (started_s > FAULT_S + 20)
    took_s = chance.exponential(0.01, len(started_s))
    moved_s = np.array([5.0, 5.0, FAULT_S + 20])
    return {
        "fuxi.service_request": {"time_s": started_s + took_s, "start_s": started_s, "ok": ok},
        "fuxi.partition_loaded": {"time_s": moved_s + 1},
        "fuxi.partition_unloaded": {"time_s": np.array([FAULT_S])},
        "fuxi.partition_moved": {"time_s": moved_s, "why": texts(["placed", "placed", "expired"])},
    }


def _usage() -> dict[str, dict[str, Column]]:
    times_s = _samples()
    ramp = np.clip(times_s / 60, 0, 1) * np.where((times_s > FAULT_S) & (times_s < FAULT_S + 120), 0.9, 1.0)
    shares = {"cpu": 0.93, "memory": 0.97, "storage": 0.0}
    capacity = {"cpu": 24_000 * 12, "memory": 96 * 10**9 * 12, "storage": 10**12}
    parts: dict[str, list[Column]] = {}
    for name, share in shares.items():
        there = np.full(len(times_s), capacity[name])
        columns = {"time_s": times_s, "resource": texts([name] * len(times_s)), "capacity": there}
        for column, level in (("wanted", 2.1), ("planned", 1.0), ("obtained", 0.985), ("used", 0.97)):
            columns[column] = (there * ramp * share * level).astype(np.int64)
        for column, values in columns.items():
            parts.setdefault(column, []).append(values)
    return {"fuxi.usage": {column: np.concatenate(values) for column, values in parts.items()}}


def _queue() -> dict[str, dict[str, Column]]:
    times_s = _samples()
    down = (times_s > FAULT_S) & (times_s < FAULT_S + 120)
    return {
        "fuxi.queue": {
            "time_s": times_s,
            "jobs_waiting": np.where(down, 40, 3),
            "jobs_running": np.full(len(times_s), 1000),
            "instances_waiting": np.where(down, 160_000, 12_000),
            "instances_running": np.where(down, 90_000, 215_000),
        }
    }


def _quota() -> dict[str, dict[str, Column]]:
    times_s = _samples()
    late = times_s > 900
    shares = {"ads": np.where(late, 0.4, 0.75), "search": np.where(late, 0.5, 0.2)}
    return {
        "fuxi.quota": {
            "time_s": np.concatenate([times_s, times_s]),
            "group": texts(["ads"] * len(times_s) + ["search"] * len(times_s)),
            "share_ratio": np.concatenate([shares["ads"], shares["search"]]),
            "guaranteed_ratio": np.repeat([0.4, 0.5], len(times_s)),
            "wanted_ratio": np.ones(2 * len(times_s)),
        }
    }


def _decisions(chance: np.random.Generator) -> dict[str, dict[str, Column]]:
    times_s = _samples()[1:]
    count = chance.poisson(900, len(times_s))
    return {
        "fuxi.decisions": {
            "time_s": times_s,
            "count": count,
            "total_s": count * 0.00095,
            "longest_s": chance.uniform(0.0015, 0.004, len(times_s)),
        }
    }


def _faults() -> dict[str, dict[str, Column]]:
    fault = {
        "fault": texts(["f0-machine-crash"]),
        "kind": texts(["machine-crash"]),
        "target": texts(["r1/m1"]),
    }
    return {
        "faults.started": {"time_s": np.array([FAULT_S]), **fault},
        "faults.ended": {"time_s": np.array([FAULT_S + 300]), **fault},
        "fuxi.machine_lost": {
            "time_s": np.array([LOST_S]), "machine": texts(["r1/m1"]), "silent_s": np.array([30.0]),
        },
    }  # fmt: skip


def _jobs(chance: np.random.Generator, tasks: int) -> dict[str, dict[str, Column]]:
    names = [f"etl.job-{number}" for number in range(60)]
    started = [(0.0, name, "map", 4, "") for name in names] + [(30.0, name, "reduce", 2, "map") for name in names]
    attempts = []
    for name in names:
        for task, count, start_s in (("map", 4, 2.0), ("reduce", 2, 40.0)):
            for one in range(count):
                took_s = float(chance.gamma(6, 5))
                attempts.append(
                    (start_s + took_s, name, task, one, 0, f"r{one % 4}/m{one % 3}", start_s, True, False, "")
                )
    attempts += _eventful(chance)
    started += [(480.0, BIG, "map", 30, ""), (650.0, BIG, "reduce", 8, "map")]
    wide = _wide(chance, tasks)
    started += [(100.0 + depth, WIDE, task, 1 + 10 * (number % 4), after) for number, depth, task, after in wide]
    ended = [(row[0] + 90.0, row[1], row[2]) for row in started]
    apps = [*names, BIG, WIDE]
    ran_s = [*chance.gamma(4, 40, len(names)).tolist(), 290.0, 700.0]
    ends = [(took_s, app, True, "", took_s) for app, took_s in zip(apps, ran_s, strict=True)]
    critical = [(took_s, app, took_s / (1.0 + number % 4)) for number, (took_s, app, *_) in enumerate(ends)]
    told = ("time_s", "job", "task", "instance", "attempt", "machine", "began_s", "ok", "backup", "why")
    return {
        "fuxi.task_started": _columns(("time_s", "job", "task", "instances", "after"), started),
        "fuxi.task_ended": _columns(("time_s", "job", "task"), ended),
        "fuxi.instance_ended": _columns(told, sorted(attempts)),
        "fuxi.app_submitted": _columns(("time_s", "app", "app_kind", "user"), [(0.0, app, "job", "u") for app in apps]),
        "fuxi.job_ended": _columns(("time_s", "job", "critical_s"), critical),
        "fuxi.app_ended": _columns(("time_s", "app", "ok", "why", "ran_s"), ends),
    }


def _eventful(chance: np.random.Generator) -> list[tuple[object, ...]]:
    """A job on twelve machines, one of which is lost under it."""
    rows: list[tuple[object, ...]] = []
    for one in range(30):
        machine = f"r{one % 4}/m{one // 4 % 3}"
        start_s, took_s = 490.0 + 3 * (one // 12), float(chance.uniform(90, 130))
        end_s = start_s + took_s
        if machine == "r1/m1" and end_s > FAULT_S:
            rows.append((LOST_S, BIG, "map", one, 0, machine, start_s, False, False, "machine lost"))
            rows.append((LOST_S + 80, BIG, "map", one, 1, f"r3/m{one % 3}", LOST_S + 2, True, False, ""))
        elif one == 6:
            rows.append((end_s - 60, BIG, "map", one, 0, machine, start_s, False, False, "failed"))
            rows.append((end_s + 20, BIG, "map", one, 1, "r2/m2", end_s - 58, True, False, ""))
        elif one == 7:
            rows.append((end_s + 70, BIG, "map", one, 0, machine, start_s, False, False, "raced"))
            rows.append((end_s + 70, BIG, "map", one, 1, "r0/m2", end_s + 5, True, True, ""))
        else:
            rows.append((end_s, BIG, "map", one, 0, machine, start_s, True, False, ""))
    for one in range(8):
        rows.append((735.0 + one, BIG, "reduce", one, 0, f"r{one % 4}/m{one % 3}", 718.0, True, False, ""))
    return rows


def _wide(chance: np.random.Generator, tasks: int) -> list[tuple[int, int, str, str]]:
    """A graph in layers, in which each task waits for some of the layer before."""
    width = max(1, int(tasks**0.5))
    rows = []
    for number in range(tasks):
        depth = number // width
        before = [f"T{other}" for other in range((depth - 1) * width, depth * width)] if depth else []
        chosen = [name for name in before if chance.uniform() < 2.0 / width] or before[:1]
        rows.append((number, depth, f"T{number}", ",".join(chosen)))
    return rows


def _columns(names: tuple[str, ...], rows: list[tuple[object, ...]]) -> dict[str, Column]:
    found = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        kind = object if isinstance(values[0], str) else None
        found[name] = np.array(values, dtype=kind)
    return found
