"""What is measured of Pangu, each from its facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel.metric import Column, Measured, Metric, Tables

_OPERATION = "pangu.operation"
_REPAIR = "pangu.repair"


def _count(kind: str) -> Callable[[Tables], Measured]:
    return lambda tables: float(tables.count(kind))


def _operations(tables: Tables, *ops: str, ok: bool = True) -> dict[str, Column]:
    """Operations of these kinds that ended after the warm-up, well or not."""
    columns = tables.settled(_OPERATION)
    if not columns:
        return {}
    wanted = np.isin(columns["op"].astype(str), ops) if ops else np.ones(len(columns["op"]), dtype=bool)
    keep = wanted & (columns["ok"] == ok)
    return {name: column[keep] for name, column in columns.items()}


def latency_s(op: str, tables: Tables) -> Measured:
    """Seconds from asking to the end of each operation that succeeded."""
    done = _operations(tables, op)
    return done["time_s"] - done["start_s"] if done and len(done["time_s"]) else None


def bytes_per_s(ops: tuple[str, ...], tables: Tables) -> Measured:
    """Bytes of succeeded operations over the time after the warm-up."""
    done = _operations(tables, *ops)
    span_s = tables.duration_s - tables.warmup_s
    if not done or not len(done["time_s"]) or span_s <= 0:
        return None
    return float(np.sum(done["size_bytes"])) / span_s


def span_bytes_per_s(ops: tuple[str, ...], tables: Tables) -> Measured:
    """Bytes of succeeded operations over the time from the first one's start to the last one's end."""
    done = _operations(tables, *ops)
    if not done or not len(done["time_s"]):
        return None
    span_s = float(np.max(done["time_s"]) - np.min(done["start_s"]))
    return float(np.sum(done["size_bytes"])) / span_s if span_s > 0 else None


def operations_failed(tables: Tables) -> Measured:
    """Operations that ended with an error."""
    failed = _operations(tables, ok=False)
    return float(len(failed["time_s"])) if failed else (0.0 if tables.count(_OPERATION) else None)


def recovery_s(tables: Tables) -> Measured:
    """Seconds from a chunk's queueing for repair to its restored copy, one value a chunk."""
    repairs = tables.columns(_REPAIR)
    if not repairs:
        return None
    return np.repeat(repairs["time_s"] - repairs["queued_s"], repairs["chunks"])


def repair_span_s(tables: Tables) -> tuple[float, float] | None:
    """First detection of a loss and end of the last repair."""
    repairs = tables.column(_REPAIR, "time_s")
    losses = _first_losses(tables)
    if not len(repairs) or not len(losses):
        return None
    return float(np.min(losses)), float(np.max(repairs))


def _first_losses(tables: Tables) -> npt.NDArray[np.float64]:
    kinds = ("pangu.server_dead", "pangu.replicas_lost", "pangu.corruption_found")
    return np.concatenate([np.asarray(tables.column(kind, "time_s"), dtype=np.float64) for kind in kinds])


def restored_s(tables: Tables) -> Measured:
    """Seconds from the first detection to the end of the last repair."""
    span = repair_span_s(tables)
    return None if span is None or span[1] < span[0] else span[1] - span[0]


def repaired_bytes(tables: Tables) -> Measured:
    """Bytes copied by repairs."""
    return float(np.sum(tables.column(_REPAIR, "size_bytes"))) if tables.count(_REPAIR) else None


def repair_bytes_per_s(tables: Tables) -> Measured:
    """Bytes copied by repairs over the time from the first detection to the last repair."""
    total, span_s = repaired_bytes(tables), restored_s(tables)
    return None if total is None or not span_s else float(total) / float(span_s)


def chunks_repaired(tables: Tables) -> Measured:
    """Copies restored."""
    return float(np.sum(tables.column(_REPAIR, "chunks")))


def chunks_lost(tables: Tables) -> Measured:
    """Chunks without a good replica at the end; where nobody looked, those that the master gave up."""
    survival = tables.columns("pangu.survival")
    if survival:
        return float(survival["lost"][-1])
    return float(len(np.unique(tables.column("pangu.chunk_lost", "chunk"))))


def detection_s(tables: Tables) -> Measured:
    """Seconds from each silence of a server (its machine's crash) to its being declared dead."""
    crashed = tables.columns("hardware.machine_crashed")
    dead = tables.columns("pangu.server_dead")
    if not crashed or not dead:
        return None
    waits: list[float] = []
    for server, time_s in zip(dead["server"], dead["time_s"], strict=True):
        before = crashed["time_s"][(crashed["machine"] == server) & (crashed["time_s"] <= time_s)]
        if len(before):
            waits.append(float(time_s - before[-1]))
    return np.array(waits) if waits else None


def unavailable_max(tables: Tables) -> Measured:
    """The most chunks that were without a reachable replica at one instant."""
    gone = np.asarray(tables.column("pangu.chunk_unavailable", "time_s"), dtype=np.float64)
    back = np.asarray(tables.column("pangu.chunk_available", "time_s"), dtype=np.float64)
    if not len(gone):
        return 0.0
    times = np.concatenate([gone, back])
    steps = np.concatenate([np.ones(len(gone)), -np.ones(len(back))])
    # What comes back at an instant is counted before what goes.
    order = np.lexsort((steps, times))
    return float(np.max(np.cumsum(steps[order])))


def longest_pause_s(tables: Tables) -> Measured:
    """The longest time for which one client's operation made no progress."""
    pauses = tables.column("pangu.client_paused", "pause_s")
    return float(np.max(pauses)) if len(pauses) else (0.0 if tables.count(_OPERATION) else None)


def replicas_affected(tables: Tables) -> float:
    """Replicas that the master found missing."""
    return float(np.sum(tables.column("pangu.replicas_lost", "replicas")))


def replicas_returned(tables: Tables) -> float:
    """Replicas that came back with servers that had been declared dead, and were kept."""
    dead, back = tables.columns("pangu.server_dead"), tables.columns("pangu.server_returned")
    if not dead or not back:
        return 0.0
    total = 0.0
    for server in dict.fromkeys(dead["server"]):
        deaths = dead["time_s"][dead["server"] == server]
        mine = back["server"] == server
        kept_at = dict(zip(back["time_s"][mine].tolist(), back["kept"][mine].tolist(), strict=True))
        # Of several returns after one death only the first brought something back.
        firsts = {time_s for death in deaths if (time_s := _first_after(kept_at, float(death))) is not None}
        total += sum(kept_at[time_s] for time_s in sorted(firsts))
    return total


def _first_after(times: Iterable[float], since: float) -> float | None:
    return min((time_s for time_s in times if time_s >= since), default=None)


def replicas_unaccounted(tables: Tables) -> Measured:
    """Replicas found missing that were neither restored, nor came back, nor are missing at the end."""
    missing = tables.column("pangu.shortage", "replicas")
    if not len(missing):
        return None
    settled = float(chunks_repaired(tables) or 0.0) + replicas_returned(tables) + float(missing[-1])
    return replicas_affected(tables) - settled


def corruptions_unrepaired(tables: Tables) -> Measured:
    """Corrupt replicas found whose chunk is not whole again at the end."""
    return float(tables.count("pangu.corruption_found") - tables.count("pangu.corruption_repaired"))


def acknowledged_lost(tables: Tables) -> Measured:
    """Promised files that could not be given back in the last sample."""
    samples = tables.columns("pangu.promises")
    return float(samples["lost_metadata"][-1] + samples["lost_bytes"][-1]) if samples else None


def master_recovery_s(tables: Tables) -> Measured:
    """Seconds from a master's start to its being ready, by recovery."""
    return tables.column("pangu.master_ready", "recovery_s") if tables.count("pangu.master_ready") else None


def repair_latency_s(op: str, tables: Tables) -> Measured:
    """Seconds of each operation that succeeded and ended between the first detection and the last repair."""
    done = _operations(tables, op)
    begun, ended = tables.column(_REPAIR, "queued_s"), tables.column(_REPAIR, "time_s")
    if not done or not len(ended):
        return None
    meanwhile = (done["time_s"] >= begun.min()) & (done["time_s"] <= ended.max())
    return (done["time_s"] - done["start_s"])[meanwhile] if meanwhile.any() else None


_REPAIR_LATENCIES = tuple(
    Metric(
        f"pangu.repair_{op}_latency_s",
        "s",
        f"As pangu.{op}_latency_s, of those that ended while something was being repaired: between the first "
        "pangu.repair.queued_s and the last pangu.repair.time_s.",
        partial(repair_latency_s, op),
        statistics=True,
    )
    for op in ("write", "read")
)

_LATENCIES = tuple(
    Metric(
        f"pangu.{op}_latency_s",
        "s",
        f"Time from a client's call to its end, of each {op} that succeeded and ended after the warm-up "
        f"(pangu.operation with op={op}: time_s - start_s); retries and waits included.",
        partial(latency_s, op),
        statistics=True,
    )
    for op in ("write", "read", "append")
)

METRICS: tuple[Metric, ...] = (
    Metric(
        "pangu.write_bytes_per_s",
        "B/s",
        "Bytes of writes and appends that succeeded and ended after the warm-up, over the time after the warm-up.",
        partial(bytes_per_s, ("write", "append")),
    ),
    Metric(
        "pangu.read_bytes_per_s",
        "B/s",
        "Bytes of reads that succeeded and ended after the warm-up, over the time after the warm-up.",
        partial(bytes_per_s, ("read",)),
    ),
    Metric(
        "pangu.write_span_bytes_per_s",
        "B/s",
        "Bytes of writes and appends that succeeded and ended after the warm-up, over the time from the first one's "
        "start to the last one's end: what a fixed amount of work took, its stragglers included.",
        partial(span_bytes_per_s, ("write", "append")),
    ),
    Metric(
        "pangu.read_span_bytes_per_s",
        "B/s",
        "Bytes of reads that succeeded and ended after the warm-up, over the time from the first one's start to the "
        "last one's end.",
        partial(span_bytes_per_s, ("read",)),
    ),
    *_LATENCIES,
    *_REPAIR_LATENCIES,
    Metric(
        "pangu.operations_failed_count",
        "",
        "Number of pangu.operation facts with ok=false after the warm-up: the client gave up at its deadline, or was "
        "refused for good.",
        operations_failed,
    ),
    Metric(
        "pangu.longest_pause_s",
        "s",
        "The longest time for which one client was held up: the largest pangu.client_paused.pause_s, from the first "
        "failed try of a step to the step's success or the operation's end.",
        longest_pause_s,
    ),
    Metric(
        "pangu.detection_s",
        "s",
        "Time from hardware.machine_crashed to the pangu.server_dead of the same machine that follows it.",
        detection_s,
        statistics=True,
    ),
    Metric(
        "pangu.recovery_s",
        "s",
        "Per restored copy, time from the master's putting the chunk into the repair queue (after detection) to the "
        "end of the repair (pangu.repair: time_s - queued_s; a bundle counts once per chunk in it).",
        recovery_s,
        statistics=True,
    ),
    Metric(
        "pangu.restored_s",
        "s",
        "Time from the first detection of a loss (server declared dead, replicas reported lost or corrupt) to the "
        "end of the last repair.",
        restored_s,
    ),
    Metric(
        "pangu.repair_bytes_per_s",
        "B/s",
        "Bytes copied by repairs over pangu.restored_s.",
        repair_bytes_per_s,
    ),
    Metric("pangu.repaired_bytes", "B", "Bytes copied by repairs (pangu.repair: sum of size_bytes).", repaired_bytes),
    Metric(
        "pangu.chunks_repaired",
        "",
        "Copies of chunks restored by repairs (pangu.repair: sum of chunks).",
        chunks_repaired,
    ),
    Metric(
        "pangu.chunks_lost",
        "",
        "Chunks of which at the end no good replica is left on any disk that has not failed, of machines that are up or "
        "down (pangu.survival). What the master believes meanwhile is in pangu.chunk_unavailable and pangu.chunk_lost.",
        chunks_lost,
    ),
    Metric(
        "pangu.chunks_unavailable_max",
        "",
        "The largest number of chunks that had no replica on a live server at one instant (pangu.chunk_unavailable "
        "and pangu.chunk_available).",
        unavailable_max,
    ),
    Metric(
        "pangu.replicas_affected_count",
        "",
        "Replicas that the master found missing: with servers declared dead, on disks that failed, or damaged "
        "(pangu.replicas_lost: sum of replicas).",
        replicas_affected,
    ),
    Metric(
        "pangu.replicas_unaccounted_count",
        "",
        "pangu.replicas_affected_count less those restored (pangu.repair), those that came back with a server "
        "(pangu.server_returned after pangu.server_dead: kept) and those still missing in the last pangu.shortage, "
        "those of lost chunks among them: 0 when the books balance. Replicas that a failed write left behind are "
        "restored without having been found missing, so under writes it may be negative by their number.",
        replicas_unaccounted,
    ),
    Metric("pangu.servers_dead_count", "", "Number of pangu.server_dead facts.", _count("pangu.server_dead")),
    Metric(
        "pangu.servers_returned_count",
        "",
        "Number of pangu.server_returned facts: servers that came back after they had been declared dead.",
        _count("pangu.server_returned"),
    ),
    Metric(
        "pangu.corruptions_found_count",
        "",
        "Number of pangu.corruption_found facts: replicas that failed their checksum when read, copied or scrubbed.",
        _count("pangu.corruption_found"),
    ),
    Metric(
        "pangu.corruptions_repaired_count",
        "",
        "Number of pangu.corruption_repaired facts: chunks brought back to full redundancy after a corrupt replica.",
        _count("pangu.corruption_repaired"),
    ),
    Metric(
        "pangu.corruptions_unrepaired_count",
        "",
        "pangu.corruptions_found_count less pangu.corruptions_repaired_count: chunks with a corrupt replica that are "
        "not whole again at the end of the run.",
        corruptions_unrepaired,
    ),
    Metric(
        "pangu.wrong_bytes_count",
        "",
        "Number of pangu.wrong_bytes facts: reads whose bytes passed every checksum and were not those acknowledged.",
        _count("pangu.wrong_bytes"),
    ),
    Metric(
        "pangu.acknowledged_lost_count",
        "",
        "Files with something acknowledged (writes, appends) whose name or chunks are not in the master's durable "
        "log, plus files with an acknowledged extent that no working disk holds undamaged, at the end of the run "
        "(god's eye: the last pangu.promises, lost_metadata + lost_bytes).",
        acknowledged_lost,
    ),
    Metric(
        "pangu.master_recovery_s",
        "s",
        "Time that each start of the master needed to recover its state from its log (pangu.master_ready).",
        master_recovery_s,
        statistics=True,
    ),
)
