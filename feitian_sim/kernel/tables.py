"""Tables of facts: one typed column per field, one file of Parquet per kind.

A subscriber of the fact bus. Times become seconds (``start_ns`` -> ``start_s``), since people read tables in
seconds; every table begins with ``time_s``, when the fact was published.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel.facts import Fact, FactBus
from feitian_sim.kernel.units import SECOND

Column = npt.NDArray[Any]


class FactTables:
    """Collects every fact of a simulation into columns."""

    def __init__(self, bus: FactBus, leave_out: tuple[str, ...] = ()) -> None:
        self._leave_out = leave_out
        self._names: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        bus.subscribe("*", self._take)

    def _take(self, time_ns: int, item: Fact) -> None:
        rows = self._rows.get(item.kind)
        if rows is None:
            if item.kind in self._leave_out:
                return
            rows = self._rows[item.kind] = []
            self._names[item.kind] = item.field_names
        rows.append((time_ns, *type(item).values(item)))

    def kinds(self) -> tuple[str, ...]:
        """The kinds seen so far, sorted."""
        return tuple(sorted(self._rows))

    def columns(self, kind: str) -> dict[str, Column]:
        """Columns of one kind by name; empty when none happened. Times are float seconds."""
        rows = self._rows.get(kind)
        if not rows:
            return {}
        names = ("time_ns", *self._names[kind])
        return {
            _column_name(name): _column(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)
        }

    def write_parquet(self, folder: Path) -> list[Path]:
        """One zstd-compressed Parquet file per kind under ``folder``; returns their paths."""
        return [write_columns(folder / f"{kind}.parquet", self.columns(kind)) for kind in self.kinds()]


def write_columns(path: Path, columns: Mapping[str, Column]) -> Path:
    """Write columns as one Parquet file."""
    import pyarrow as pa  # heavy: imported where it is used
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path, compression="zstd")
    return path


def read_columns(path: Path) -> dict[str, Column]:
    """The columns of a Parquet file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def _column_name(name: str) -> str:
    return f"{name[:-3]}_s" if name.endswith("_ns") else name


def _column(name: str, values: tuple[Any, ...]) -> Column:
    if name.endswith("_ns"):
        return np.array(values, dtype=np.int64) / SECOND
    first = values[0]
    if isinstance(first, bool):
        return np.array(values, dtype=np.bool_)
    if isinstance(first, int):
        return np.array(values, dtype=np.int64)
    if isinstance(first, float):
        return np.array(values, dtype=np.float64)
    return np.array(values, dtype=object)
