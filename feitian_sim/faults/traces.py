"""Failure traces: which row of a published log strikes what, when, in the simulated cluster.

Every row is accounted for: it strikes, or it is dropped for a named reason. Identities are mapped onto the cluster
by rules that depend on the whole file and on nothing else, so that another window or policy moves no failure:

* ``fold``: racks are numbered by first appearance in the file, machines by first appearance in their rack, disks
  by first appearance in their machine; each number modulo what the cluster has. Each time round moves the level
  below on by one, lest the first disks of the first machines take all. Every failure strikes; several real disks may
  share one simulated disk, so the rate per disk rises with the trace's size.
* ``cut``: the different values of each column are sorted (numbers by value); the cluster's racks, machines and
  disks are the first of each, and failures of all others are dropped. For columns that number positions (slots),
  this is a sample of the trace's disks with their own rate.

A row that strikes a disk that has failed already and is not yet replaced is absorbed, and counted, in the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feitian_sim.faults.fault import Unit
from feitian_sim.faults.trace_config import TraceConfig
from feitian_sim.faults.trace_formats import resolved
from feitian_sim.faults.trace_rows import BadRow, Row, instant_ns, rows
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.data_files import find_data_file

_SHOWN = 10
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TraceStrike:
    """A failure at a simulated instant."""

    time_ns: int
    target: str
    duration_ns: int | None
    line: int


@dataclass(frozen=True, slots=True)
class TraceReading:
    """What became of a trace: ``rows`` = strikes + the sum of ``dropped``."""

    file: str
    rows: int
    strikes: tuple[TraceStrike, ...]
    dropped: Mapping[str, int]


def read_trace(
    config: TraceConfig,
    unit: Unit,
    cluster: ClusterConfig,
    base_dir: Path | None = None,
    data_dirs: Sequence[Path] = (),
    end_ns: int | None = None,
) -> TraceReading:
    """Read a trace for a cluster. Raises ScenarioError for a missing file or, unless dropped, bad rows.

    ``end_ns`` is the end of the run: what would strike later is dropped, and counted.
    """
    known = resolved(config)
    path = find_data_file(known.file, base_dir, data_dirs, known.what_it_is)
    read = list(rows(path, known))
    good = [row for row in read if isinstance(row, Row)]
    bad = [row for row in read if isinstance(row, BadRow)]
    if bad and config.on_bad_row == "error":
        raise ScenarioError(_bad_row_message(path, bad))
    dropped: dict[str, int] = {"does not parse": len(bad)} if bad else {}
    start_ns = _start_ns(config, good)
    names = _folded(good, unit, cluster) if config.fit == "fold" else _cut(good, unit, cluster)
    if good and not any(names):
        raise ScenarioError(f"{path}: fit: cut leaves nothing, since its names are no positions: write fit: fold")
    strikes = []
    for row, name in zip(good, names, strict=True):
        time_ns = round((row.time_ns - start_ns) * config.time_scale)
        why = row.left_out or _outside(config, row.time_ns - start_ns, time_ns, end_ns) or _unplaced(name)
        if why or name is None:
            dropped[why] = dropped.get(why, 0) + 1
        else:
            strikes.append(TraceStrike(time_ns, name, _scaled(row.down_ns, config.time_scale), row.line))
    strikes.sort(key=lambda strike: (strike.time_ns, strike.line))
    return TraceReading(known.file, len(read), tuple(strikes), dict(sorted(dropped.items())))


def check_trace(config: TraceConfig, base_dir: Path | None, data_dirs: Sequence[Path]) -> list[str]:
    """What is wrong with a trace's file at load time, without reading its rows; empty when it is there."""
    known = resolved(config)
    try:
        find_data_file(known.file, base_dir, data_dirs, known.what_it_is)
        if config.start is not None:
            instant_ns(config.start, known.time_format)
    except (ScenarioError, ValueError) as error:
        return [str(error)]
    return []


def _bad_row_message(path: Path, bad: Sequence[BadRow]) -> str:
    lines = [f"{path}:{row.line}: {row.what}" for row in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"and {len(bad) - _SHOWN} more rows like these")
    return "\n".join([*lines, "mend the file, or leave such rows out with trace.on_bad_row: drop"])


def _start_ns(config: TraceConfig, good: Sequence[Row]) -> int:
    time_format = resolved(config).time_format
    if config.start is not None:
        try:
            return instant_ns(config.start, time_format)
        except ValueError as error:
            raise ScenarioError(f"trace.start: {error}") from None
    first = min(good, key=lambda row: (row.time_ns, row.line), default=None)
    return 0 if first is None else first.midnight_ns


def _outside(config: TraceConfig, since_start_ns: int, time_ns: int, end_ns: int | None) -> str:
    if since_start_ns < 0:
        return "before the window"
    if since_start_ns >= config.length:
        return "after the window"
    return "after the end of the run" if end_ns is not None and time_ns >= end_ns else ""


def _unplaced(name: str | None) -> str:
    return "beyond the cluster" if name is None else ""


def _scaled(down_ns: int | None, scale: float) -> int | None:
    return None if down_ns is None else round(down_ns * scale)


# --- identities -----------------------------------------------------------------------------------


class _FirstSeen:
    """Numbers by first appearance, per parent."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Key, ...], int] = {}
        self._counts: dict[tuple[Key, ...], int] = {}

    def number(self, *path: Key) -> int:
        if path not in self._numbers:
            parent = path[:-1]
            self._numbers[path] = self._counts.get(parent, 0)
            self._counts[parent] = self._numbers[path] + 1
        return self._numbers[path]


def _folded(good: Sequence[Row], unit: Unit, cluster: ClusterConfig) -> list[str | None]:
    seen = _FirstSeen()
    names: list[str | None] = []
    for row in good:
        lap, rack = divmod(seen.number(row.rack), cluster.racks)
        lap, machine = divmod(seen.number(row.rack, row.machine) + lap, cluster.machines_per_rack)
        _, disk = divmod(seen.number(row.rack, row.machine, row.disk) + lap, max(1, cluster.machine.disks))
        names.append(_name(unit, rack, machine, disk))
    return names


def _cut(good: Sequence[Row], unit: Unit, cluster: ClusterConfig) -> list[str | None]:
    racks = _ranks(row.rack for row in good)
    machines = _ranks(row.machine for row in good)
    disks = _ranks(row.disk for row in good)
    names: list[str | None] = []
    for row in good:
        rack, machine, disk = racks[row.rack], machines[row.machine], disks[row.disk]
        inside = rack < cluster.racks and machine < cluster.machines_per_rack
        if unit == "disk":
            inside = inside and disk < cluster.machine.disks
        names.append(_name(unit, rack, machine, disk) if inside else None)
    return names


def _ranks(keys: Iterable[Key]) -> dict[Key, int]:
    distinct = dict.fromkeys(keys)
    return {key: rank for rank, key in enumerate(sorted(distinct, key=_numbers_by_value))}


def _numbers_by_value(key: Key) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in key)


def _name(unit: Unit, rack: int, machine: int, disk: int) -> str:
    name = f"r{rack}/m{machine}"
    return f"{name}/d{disk}" if unit == "disk" else name
