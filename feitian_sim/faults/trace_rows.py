"""Rows of a failure trace: from CSV text to instants and identities, with each bad row named by file and line."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from feitian_sim.faults.trace_config import TimeFormat, TraceColumns
from feitian_sim.faults.trace_formats import TraceFormat
from feitian_sim.kernel import MICROSECOND, MINUTE, SECOND, ScenarioError
from feitian_sim.kernel.data_files import open_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_TIME = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})$")
_EXAMPLES: Mapping[TimeFormat, str] = {
    "iso": "2019-01-04T14:41:12-0500",
    "us": "6/21/2005 10:54",
    "seconds": "86400.5",
}
_DAY_NS = 24 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Row:
    """One failure: when (nanoseconds of the trace's clock) and what, by the trace's own names."""

    line: int
    time_ns: int
    #: The midnight before it, local to the trace.
    midnight_ns: int
    rack: tuple[str, ...]
    machine: tuple[str, ...]
    disk: tuple[str, ...]
    down_ns: int | None
    #: Why the row is no failure; empty when it is one.
    left_out: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that does not parse."""

    line: int
    what: str


def rows(path: Path, known: TraceFormat) -> Iterator[Row | BadRow]:
    """Each row of the file in order. Raises ScenarioError when the file as a whole cannot be read."""
    with open_text(path) as text:
        reader = csv.reader(text, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise ScenarioError(f"{path}:1: the file is empty: a line of column names is needed first")
            _check_columns(path, header, known)
            for cells in reader:
                yield _row(reader.line_num, header, cells, known)
        except UnicodeDecodeError:
            raise ScenarioError(f"{path}:{reader.line_num + 1}: not UTF-8: save the file as UTF-8") from None
        except csv.Error as error:
            raise ScenarioError(f"{path}:{reader.line_num}: not CSV: {error}") from None
        except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
            raise ScenarioError(f"{path}: cannot be read to its end: {error}") from None


def instant_ns(text: str, time_format: TimeFormat) -> int:
    """A time of a trace as integer nanoseconds of its clock. Raises ValueError."""
    try:
        if time_format == "seconds":
            return _exact_ns(Decimal(text) * SECOND)
        moment = _us_time(text) if time_format == "us" else datetime.fromisoformat(text)
    except (ValueError, InvalidOperation):
        raise ValueError(f"{text!r} is not a time: {_EXAMPLES[time_format]} would be") from None
    # Local times without an offset are taken as they stand: intervals across a clock change are off by an hour.
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = zoned - _EPOCH
    return (since // timedelta(microseconds=1)) * MICROSECOND


def _midnight_ns(text: str, time_format: TimeFormat) -> int:
    # A trace in seconds begins where its clock does.
    if time_format == "seconds":
        return 0
    moment = _us_time(text) if time_format == "us" else datetime.fromisoformat(text)
    offset = moment.utcoffset() or timedelta(0)
    offset_ns = (offset // timedelta(microseconds=1)) * MICROSECOND
    time_ns = instant_ns(text, time_format)
    return time_ns - (time_ns + offset_ns) % _DAY_NS


def _us_time(text: str) -> datetime:
    match = _US_TIME.match(text)
    if match is None:
        raise ValueError(text)
    month, day, year, hour, minute = map(int, match.groups())
    return datetime(year, month, day, hour, minute)


def _exact_ns(value: Decimal) -> int:
    if not value.is_finite() or value < 0:
        raise ValueError(str(value))
    return int(value.to_integral_value())


def _check_columns(path: Path, header: list[str], known: TraceFormat) -> None:
    missing = [name for name in _named(known.columns, known.where) if name not in header]
    if missing:
        raise ScenarioError(
            f"{path}:1: there is no column {', '.join(map(repr, missing))} (columns: {', '.join(header)}): "
            "name the columns under trace.columns"
        )


def _named(columns: TraceColumns, where: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    down = (columns.down_minutes,) if columns.down_minutes is not None else ()
    return (columns.time, *columns.rack, *columns.machine, *columns.disk, *down, *where)


def _row(line: int, header: list[str], cells: list[str], known: TraceFormat) -> Row | BadRow:
    if len(cells) != len(header):
        return BadRow(line, f"{len(cells)} cells found, {len(header)} needed, one for each column")
    record = dict(zip(header, cells, strict=True))
    columns = known.columns
    try:
        return Row(
            line=line,
            time_ns=instant_ns(record[columns.time], known.time_format),
            midnight_ns=_midnight_ns(record[columns.time], known.time_format),
            rack=_identity(record, columns.rack),
            machine=_identity(record, columns.machine),
            disk=_identity(record, columns.disk),
            down_ns=None if columns.down_minutes is None else _down_ns(record[columns.down_minutes]),
            left_out=_left_out(record, known.where),
        )
    except ValueError as error:
        return BadRow(line, str(error))


def _identity(record: Mapping[str, str], columns: tuple[str, ...]) -> tuple[str, ...]:
    for column in columns:
        if not record[column].strip():
            raise ValueError(f"column {column!r} is blank: the name of what failed is needed")
    return tuple(record[column].strip() for column in columns)


def _down_ns(text: str) -> int:
    try:
        return _exact_ns(Decimal(text) * MINUTE)
    except (ValueError, InvalidOperation):
        raise ValueError(f"{text!r} is not a time in minutes: 90 would be") from None


def _left_out(record: Mapping[str, str], where: Mapping[str, tuple[str, ...]]) -> str:
    for column, values in where.items():
        if record[column] not in values:
            return f"{column} is {record[column] or 'blank'}"
    return ""
