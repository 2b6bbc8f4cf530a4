"""A results folder made without a simulator: a rack lost at 10 min, noticed at 25 min, repaired by 40 min."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from feitian_sim.kernel.tables import Column, write_columns

DURATION_S = 3600.0
FAULT_S, END_S, DETECTED_S, RESTORED_S = 600.0, 2400.0, 900.0, 2100.0

SCENARIO = """\
name: rack-power-loss
question: How long are chunks at risk when a rack <loses> power?
seed: 42
runs: 1
duration: 1h
warmup: 1m
cluster: {racks: 5, machines_per_rack: 8}
faults:
- {kind: rack-power-loss, at: 10m, duration: 30m, target: {rack: r3}}
"""

METRICS = [
    ("pangu.chunks_lost", 0, "chunks", "Chunks of which no replica is left on any disk.", None),
    ("pangu.recovery_s.p95", 1213.25, "s", "From a server's death until its last chunk is whole.", [1100.0, 1320.5]),
    ("pangu.repair_bytes_per_s", 441_000_000.0, "B/s", "Bytes cloned from the first clone to the last.", None),
]
MANIFEST = {
    "name": "rack-power-loss",
    "status": "finished",
    "seed": 42,
    "digest": "ab" * 32,
    "python": "3.11.9",
    "versions": {"numpy": "2.4", "simpy": "4.1"},
    "warnings": ["half of the run is warm-up"],
}


def write_results(folder: Path, runs: int = 1, twin: bool = True, eventful: bool = True) -> Path:
    """A complete results folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.resolved.yaml").write_text(SCENARIO, encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    names = ("name", "value", "unit", "definition", "interval")
    about = {"unit": "", "runs": runs, "runs_held": runs}
    summary = {
        "schema_version": 1,
        "scenario": "rack-power-loss",
        "seed": 42,
        "digest": "ab" * 32,
        "metrics": [dict(zip(names, row, strict=True), runs=runs) for row in METRICS],
        "expectations": [
            {"text": "pangu.chunks_lost == 0", "ok": True, "value": 0, **about},
            {"text": "pangu.recovery_s.p95 < 15m", "ok": False, "value": 1213.25, **about},
        ],
    }
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    for run in range(runs):
        path = folder / "runs" / "base" / f"run={run:04d}"
        if eventful:
            write_run(path, seed=run, faulty=True)
        else:
            path.mkdir(parents=True)
            (path / "DONE").touch()
    if twin:
        write_run(folder / "runs" / "twin" / "run=0000", seed=0, faulty=False)
    return folder


def write_run(folder: Path, seed: int, faulty: bool) -> None:
    """The fact tables of one run."""
    chance = np.random.default_rng(seed)
    tables = {"pangu.operation": _operations(chance, faulty), "hardware.traffic": _traffic(faulty)}
    tables |= {"hardware.disk_use": _disk_use(chance, faulty), "hardware.flow": _flows(chance)}
    tables["hardware.request"] = _requests(chance)
    if faulty:
        tables |= _faults() | {"pangu.repair": _repairs(chance), "pangu.repair_queue": _queue()}
        tables["pangu.redundancy"] = _redundancy()
    for kind, columns in tables.items():
        write_columns(folder / "facts" / f"{kind}.parquet", columns)
    (folder / "DONE").write_text("", encoding="utf-8")


def _operations(chance: np.random.Generator, faulty: bool) -> dict[str, Column]:
    count = 9000
    start_s = np.sort(chance.uniform(0, DURATION_S - 60, count))
    slow = np.where(faulty & (start_s > FAULT_S) & (start_s < RESTORED_S), 2.5, 1.0)
    took_s = chance.gamma(4, 0.12, count) * slow
    name = np.where(chance.uniform(size=count) < 0.4, "write", "read").astype(object)
    ok = ~((chance.uniform(size=count) < 0.3) & (start_s > FAULT_S) & (start_s < DETECTED_S) & faulty)
    order = np.argsort(start_s + took_s, kind="stable")
    columns: dict[str, Column] = {
        "time_s": start_s + took_s,
        "client": np.array([f"c{index % 8}" for index in range(count)], dtype=object),
        "load": np.where(name == "write", "ingest", "serve").astype(object),
        "op": name,
        "path": np.array([f"/data/{index}" for index in range(count)], dtype=object),
        "size_bytes": np.full(count, 64 << 20),
        "start_s": start_s,
        "ok": ok,
        "error": np.where(ok, "", "deadline").astype(object),
        "retries": np.zeros(count, dtype=np.int64),
    }
    return {column: values[order] for column, values in columns.items()}


def _faults() -> dict[str, dict[str, Column]]:
    texts = {"fault": "f0-rack-power-loss", "kind": "rack-power-loss", "target": "r3"}
    fault = {name: np.array([text], dtype=object) for name, text in texts.items()}
    dead_s = DETECTED_S + np.arange(8) * 0.5
    return {
        "faults.started": {"time_s": np.array([FAULT_S]), **fault},
        "faults.ended": {"time_s": np.array([END_S]), **fault},
        "pangu.server_dead": {
            "time_s": dead_s,
            "server": np.array([f"r3/m{index}" for index in range(8)], dtype=object),
            "replicas": np.full(8, 500),
        },
    }


def _repairs(chance: np.random.Generator) -> dict[str, Column]:
    count = 4000
    end_s = np.sort(chance.uniform(DETECTED_S + 14, RESTORED_S, count))
    end_s[-1] = RESTORED_S
    return {
        "time_s": end_s,
        "chunk": np.arange(count),
        "chunks": np.ones(count, dtype=np.int64),
        "copies_left": np.full(count, 2),
        "source": np.full(count, "r0/m0", dtype=object),
        "target": np.full(count, "r1/m1", dtype=object),
        "size_bytes": np.full(count, 64 << 20),
        "queued_s": np.full(count, DETECTED_S),
        "started_s": end_s - 10,
    }


def _samples() -> Column:
    return np.arange(0, DURATION_S + 1, 6.0)


def _redundancy() -> dict[str, Column]:
    times_s = _samples()
    left = np.clip((RESTORED_S - times_s) / (RESTORED_S - DETECTED_S), 0, 1) * (times_s >= FAULT_S)
    one, two = np.ceil(4000 * left), np.ceil(25 * np.clip(3 * left - 2, 0, 1))
    missing = np.repeat([0, 1, 2], len(times_s))
    chunks = np.concatenate([60_000 - one - two, one, two]).astype(np.int64)
    order = np.argsort(np.tile(times_s, 3), kind="stable")
    return {"time_s": np.tile(times_s, 3)[order], "missing": missing[order], "chunks": chunks[order]}


def _queue() -> dict[str, Column]:
    times_s = _samples()
    waiting = 4000 * np.clip((RESTORED_S - times_s) / (RESTORED_S - DETECTED_S), 0, 1) * (times_s >= DETECTED_S)
    running = np.where(waiting > 0, np.minimum(waiting, 40), 0)
    return {"time_s": times_s, "queued": waiting.astype(np.int64), "running": running.astype(np.int64)}


def _traffic(faulty: bool) -> dict[str, Column]:
    times_s = _samples()
    names = ("nic", "rack", "core", "disk-read", "disk-write")
    rates = (900e6, 350e6, 300e6, 250e6, 500e6)
    repair_s = np.clip(times_s - DETECTED_S, 0, RESTORED_S - DETECTED_S) * faulty
    carried = np.stack([rate * times_s + 0.6 * rate * repair_s for rate in rates], axis=1)
    return {
        "time_s": np.repeat(times_s, len(names)),
        "link_class": np.tile(np.array(names, dtype=object), len(times_s)),
        "bytes": carried.ravel().astype(np.int64),
    }


def _disk_use(chance: np.random.Generator, faulty: bool) -> dict[str, Column]:
    machines = [f"r{index // 8}/m{index % 8}" for index in range(40)]
    before = chance.normal(0.40, 0.01, 40)
    after = before + 0.02
    if faulty:
        after[24:32] = 0.30
        after[:24] += 0.03
    return {
        "time_s": np.repeat([0.0, DURATION_S], 40),
        "machine": np.array(machines * 2, dtype=object),
        "used_bytes": (np.concatenate([before, after]) * 24e12).astype(np.int64),
        "capacity_bytes": np.full(80, 24 * 10**12),
    }


def _flows(chance: np.random.Generator) -> dict[str, Column]:
    count = 5000
    start_s = np.sort(chance.uniform(0, 100, count))
    size = np.exp(chance.normal(13, 2.5, count)).astype(np.int64) + 1
    finish_s = start_s + size / 1.25e9 * chance.uniform(1, 6, count) + 1e-5
    return {
        "time_s": finish_s,
        "id": np.arange(count),
        "src": np.full(count, "r0/m0", dtype=object),
        "dst": np.full(count, "r1/m1", dtype=object),
        "size_bytes": size,
        "start_s": start_s,
        "finish_s": finish_s,
    }


def _requests(chance: np.random.Generator) -> dict[str, Column]:
    count = 20_000
    arrived_s = np.sort(chance.uniform(0, DURATION_S, count))
    return {
        "time_s": arrived_s,
        "machine": np.full(count, "r0/m0", dtype=object),
        "arrived_s": arrived_s,
        "waited_s": np.maximum(chance.exponential(0.02, count) - 0.003, 0),
        "service_s": chance.exponential(0.008, count),
    }
