"""Rows of a flow trace: id, start_s, src, dst, bytes; times exact to the nanosecond. Pure.

Machines are numbered through the racks: machine h stands in rack h // machines_per_rack.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.kernel.data_files import open_text

COLUMNS = ("id", "start_s", "src", "dst", "bytes")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One flow to come."""

    id: int
    start_ns: int
    src: int
    dst: int
    size_bytes: int


def read_flows(path: Path, machine_count: int) -> list[FlowRow]:
    """All flows of a file, in its order. Raises ScenarioError that names each bad row by file and line."""
    flows: list[FlowRow] = []
    bad: list[str] = []
    seen: dict[int, int] = {}
    for line, record in _records(path):
        try:
            flow = _flow(record, machine_count)
            if flow.id in seen:
                raise ValueError(f"id {flow.id} was used in line {seen[flow.id]} already: each flow needs its own")
            seen[flow.id] = line
            flows.append(flow)
        except ValueError as error:
            bad.append(f"{path}:{line}: {error}")
    if bad:
        more = [f"and {len(bad) - _SHOWN} more rows like these"] if len(bad) > _SHOWN else []
        raise ScenarioError("\n".join([*bad[:_SHOWN], *more]))
    return flows


def _records(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    with open_text(path) as text:
        reader = csv.reader(text, strict=True)
        try:
            header = next(reader, [])
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise ScenarioError(f"{path}:1: the columns are {', '.join(COLUMNS)}; {', '.join(missing)} missing")
            for cells in reader:
                padded = [*cells, *([None] * (len(header) - len(cells)))]
                yield reader.line_num, dict(zip(header, padded, strict=False))
        except UnicodeDecodeError:
            raise ScenarioError(f"{path}:{reader.line_num + 1}: not UTF-8: save the file as UTF-8") from None
        except csv.Error as error:
            raise ScenarioError(f"{path}:{reader.line_num}: not CSV: {error}") from None
        except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
            raise ScenarioError(f"{path}: cannot be read to its end: {error}") from None


def _flow(record: dict[str, str | None], machine_count: int) -> FlowRow:
    flow = FlowRow(
        id=_whole(record, "id", 0),
        start_ns=start_ns(record["start_s"] or ""),
        src=_machine(record, "src", machine_count),
        dst=_machine(record, "dst", machine_count),
        size_bytes=_whole(record, "bytes", 1),
    )
    if flow.src == flow.dst:
        raise ValueError(f"src and dst are both {flow.src}: a flow goes from one machine to another")
    return flow


def start_ns(text: str) -> int:
    """Seconds in decimal as whole nanoseconds, exactly. Raises ValueError."""
    try:
        value = Decimal(text) * SECOND
    except InvalidOperation:
        raise ValueError(f"start_s is {text!r}: seconds are needed, for example 0.000011299") from None
    if not value.is_finite() or value < 0:
        raise ValueError(f"start_s is {text!r}: a time from 0 on is needed")
    if value != value.to_integral_value():
        raise ValueError(f"start_s is {text!r}: at most nine decimals (nanoseconds) are kept: round it")
    return int(value)


def _machine(record: dict[str, str | None], column: str, machine_count: int) -> int:
    number = _whole(record, column, 0)
    if number >= machine_count:
        raise ValueError(f"{column} is {number}: the cluster has machines 0 to {machine_count - 1}")
    return number


def _whole(record: dict[str, str | None], column: str, least: int) -> int:
    text = (record[column] or "").strip()
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{column} is {record[column]!r}: a whole number from {least} on is needed")
    return int(text)
