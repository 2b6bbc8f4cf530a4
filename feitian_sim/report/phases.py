"""Phases: when a fault began, was noticed, was being repaired, and was over. From facts alone.

``fault`` is a fault's start; ``detected`` the first time the master knew (a server declared dead, replicas counted
lost, a wrong checksum found); ``repairing`` the start of the first clone; ``restored`` the last repair or return
after which no chunk misses a replica; ``master back`` the end of a master's recovery. Each fault begins the story
anew. A run with many faults has no story: then there are no phases, and recovery times are in the summary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.kernel.tables import Column
from feitian_sim.report.series import Floats

#: More faults than this are a climate, not a story.
_STORY_FAULTS = 4
#: Faults that strike at one instant: without an end they have no window.
_MOMENTARY = (
    "disk-fail",
    "disk-bitrot",
    "disk-sector-error",
    "disk-torn",
    "disk-lost-write",
    "disk-misdirect",
    "disk-fsync-fail",
    "disk-wiped",
)


@dataclass(frozen=True, slots=True)
class Phase:
    """One instant of the story of a recovery."""

    name: str
    time_s: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Window:
    """A fault and how long it lasted; ``end_s`` equals ``start_s`` for one that strikes at an instant."""

    kind: str
    target: str
    start_s: float
    end_s: float


def fault_windows(run: Tables, duration_s: float) -> tuple[Window, ...]:
    """Every fault of the run in order of its start."""
    started = run.columns("faults.started")
    ended = run.columns("faults.ended")
    ends: dict[tuple[str, str], list[float]] = {}
    for fault, target, time_s in _rows(ended, "fault", "target", "time_s"):
        ends.setdefault((str(fault), str(target)), []).append(float(time_s))
    windows = []
    for fault, kind, target, time_s in _rows(started, "fault", "kind", "target", "time_s"):
        start_s = float(time_s)
        later = [end_s for end_s in ends.get((str(fault), str(target)), []) if end_s >= start_s]
        lasting = start_s if str(kind) in _MOMENTARY else duration_s
        windows.append(Window(str(kind), str(target), start_s, later[0] if later else lasting))
    return tuple(windows)


def phases(run: Tables, duration_s: float) -> tuple[Phase, ...]:
    """The phases of the run in order of time, told anew from each fault on; empty when nothing or too much failed."""
    starts = sorted({window.start_s for window in fault_windows(run, duration_s)})
    if not 0 < len(starts) <= _STORY_FAULTS:
        return ()
    ends = [*starts[1:], np.inf]
    return tuple(phase for span in zip(starts, ends, strict=True) for phase in _incident(run, *span))


def _incident(run: Tables, fault_s: float, until_s: float) -> list[Phase]:
    """The phases from one fault to the next; once redundancy is restored the story of that fault is over."""
    restored_s = _restored_s(run, fault_s, until_s)
    over_s = until_s if restored_s is None else restored_s
    times = {
        "fault": fault_s,
        "detected": _first(run, _DETECTIONS, "time_s", fault_s, over_s),
        "master back": _first(run, ("pangu.master_ready", "fuxi.master_ready"), "time_s", fault_s, until_s),
        "repairing": _first(run, ("pangu.repair",), "started_s", fault_s, over_s),
        "restored": restored_s,
    }
    told = [Phase(name, time_s, _MEANINGS[name]) for name, time_s in times.items() if time_s is not None]
    return sorted(told, key=lambda phase: phase.time_s)


_DETECTIONS = ("pangu.server_dead", "pangu.replicas_lost", "pangu.corruption_found", "fuxi.machine_lost")
_MEANINGS = {
    "fault": "a fault begins",
    "detected": "a master first knows: a silent server or machine is declared dead, or a checksum is wrong",
    "master back": "the restarted master serves again",
    "repairing": "the first clone starts",
    "restored": "no chunk misses a replica any more",
}


def _restored_s(run: Tables, fault_s: float, until_s: float) -> float | None:
    """The exact last repair or return before redundancy was first seen whole for good."""
    steps = [run.column(kind, "time_s") for kind in ("pangu.repair", "pangu.server_returned")]
    ends = np.sort(np.concatenate(steps).astype(np.float64))
    ends = ends[(ends >= fault_s) & (ends < until_s)]
    missing = missing_over_time(run)
    if missing is None:
        return float(ends[-1]) if len(ends) else None
    times_s, chunks = missing
    within = (times_s >= fault_s) & (times_s < until_s)
    times_s, chunks = times_s[within], chunks[within]
    short = np.flatnonzero(chunks > 0)
    if not len(short) or short[-1] == len(times_s) - 1:
        return None
    last_s, whole_s = float(times_s[short[-1]]), float(times_s[short[-1] + 1])
    between = ends[(ends > last_s) & (ends <= whole_s)]
    return float(between[-1]) if len(between) else whole_s


def missing_over_time(run: Tables) -> tuple[Floats, Floats] | None:
    """When redundancy was sampled and how many chunks then missed at least one replica."""
    columns = run.columns("pangu.redundancy")
    if not columns:
        return None
    times_s = np.unique(columns["time_s"].astype(np.float64))
    short = columns["missing"] > 0
    where = np.searchsorted(times_s, columns["time_s"][short])
    chunks = np.bincount(where, weights=columns["chunks"][short], minlength=len(times_s))
    return times_s, chunks.astype(np.float64)


def _first(run: Tables, kinds: Sequence[str], column: str, after_s: float, until_s: float) -> float | None:
    """The earliest time of these kinds of facts from one instant to another, both included."""
    times_s = np.concatenate([run.column(kind, column) for kind in kinds])
    within = times_s[(times_s >= after_s) & (times_s <= until_s)]
    return float(within.min()) if len(within) else None


def _rows(columns: Mapping[str, Column], *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(columns[name].tolist() for name in names), strict=True)) if columns else []
