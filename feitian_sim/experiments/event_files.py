"""The journal of a run in its folder, and what is read of it.

``events.parquet`` holds the checkpoints (events so far, instant, chain), ``event-facts.parquet`` every canonical fact
with the number of the event that emitted it, ``event-lines.parquet``, where whole lines were asked for, every event:
its texts are dictionary-encoded and its numbers delta-encoded, so that an event takes a few bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from feitian_sim.kernel import EnvironmentRefusal, EventRecorder
from feitian_sim.kernel.event_journal import Checkpoint, EventLine, FactLine
from feitian_sim.kernel.event_names import EventName

CHECKPOINTS, FACTS, LINES = "events.parquet", "event-facts.parquet", "event-lines.parquet"


def recorder_for(what: str) -> EventRecorder | None:
    """What records a run: nothing for "", ``checkpoints``, or ``lines`` beside them."""
    assert what in ("", "checkpoints", "lines"), what
    return EventRecorder(end=None if what == "lines" else 0) if what else None


def write_events(folder: Path, recorder: EventRecorder) -> None:
    """Write what ``recorder`` has of a finished run into the run's folder."""
    import pyarrow as pa  # heavy: imported where it is used

    recorder.finish()
    numbers, times, chains = zip(*recorder.checkpoints, strict=True)
    _write(folder / CHECKPOINTS, {"number": pa.array(numbers), "time_ns": pa.array(times), "chain": pa.array(chains)})
    facts = recorder.facts
    columns = {
        "number": pa.array([fact.number for fact in facts], pa.int64()),
        "time_ns": pa.array([fact.time_ns for fact in facts], pa.int64()),
        "line": pa.array([fact.line for fact in facts], pa.string()),
    }
    _write(folder / FACTS, columns)
    if recorder.end is None:
        _write(folder / LINES, _line_columns(recorder))


def _line_columns(recorder: EventRecorder) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa

    times, which = (np.frombuffer(column, dtype=np.int64) for column in recorder.columns())
    columns = {"number": pa.array(np.arange(len(times)) + recorder.first), "time_ns": pa.array(times)}
    names = recorder.names
    for place, field in enumerate(("owner", "handler", "source")):
        # One dictionary of texts for each column: a name's number becomes that of its text.
        texts: dict[str, int] = {}
        of_name = np.array([texts.setdefault(name[place], len(texts)) for name in names], dtype=np.int32)
        codes = of_name[which] if len(names) else np.empty(0, dtype=np.int32)
        columns[field] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(texts), pa.string()))
    columns["detail"] = pa.array(recorder.details(), pa.string())
    return columns


def _write(path: Path, columns: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns)
    texts = [field.name for field in table.schema if not pa.types.is_integer(field.type)]
    deltas = {name: "DELTA_BINARY_PACKED" for name in table.column_names if name not in texts}
    pq.write_table(table, path, compression="zstd", use_dictionary=texts, column_encoding=deltas)


@dataclass(frozen=True)
class StoredEvents:
    """The journal in the folder of one run."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return (self.folder / CHECKPOINTS).is_file()

    @property
    def has_lines(self) -> bool:
        """Whether every event's line is there."""
        return (self.folder / LINES).is_file()

    @cached_property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """In order; the last closes the journal."""
        columns = _columns(self.folder / CHECKPOINTS)
        return tuple(
            Checkpoint(*row) for row in zip(columns["number"], columns["time_ns"], columns["chain"], strict=True)
        )

    @cached_property
    def facts(self) -> tuple[FactLine, ...]:
        """Every canonical fact in the order in which they were emitted."""
        columns = _columns(self.folder / FACTS)
        return tuple(FactLine(*row) for row in zip(columns["number"], columns["time_ns"], columns["line"], strict=True))

    def lines(self, first: int, end: int) -> Sequence[EventLine]:
        """The stored lines of events ``first`` to ``end`` (not itself)."""
        import pyarrow.parquet as pq

        wanted = [("number", ">=", first), ("number", "<", end)]
        with _refusing(self.folder / LINES) as path:
            rows = pq.read_table(path, filters=wanted).to_pydict()
        texts = zip(*(rows[field] for field in EventName._fields), strict=True)
        return [
            EventLine(number, time_ns, EventName(*name))
            for number, time_ns, name in zip(rows["number"], rows["time_ns"], texts, strict=True)
        ]


def _columns(path: Path) -> dict[str, list[Any]]:
    import pyarrow.parquet as pq

    with _refusing(path):
        found: dict[str, list[Any]] = pq.read_table(path).to_pydict()
    return found


@contextmanager
def _refusing(path: Path) -> Iterator[Path]:
    import pyarrow as pa

    try:
        yield path
    except (OSError, pa.ArrowException) as error:
        raise EnvironmentRefusal(f"{path} cannot be read: {error}") from error
