"""Operations: what is to be done, drawn before it is known whether it can be. Pure.

Everything about an operation is drawn when it is planned, from streams of the load's own, so that a slow system, a
dropped arrival or a retry moves no later draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from feitian_sim.kernel import SizeDistribution, Stream
from feitian_sim.workloads.config import AppendLoad, MixLoad, ReadLoad, WriteLoad

Op = Literal["read", "write", "append"]
FileLoadConfig = WriteLoad | ReadLoad | AppendLoad | MixLoad


@dataclass(frozen=True, slots=True)
class Planned:
    """One operation to come."""

    op: Op
    #: Of the file or record; None for a read of the whole file.
    size_bytes: int | None
    #: Quantiles: of popularity, and of where in the file a read begins.
    file_uniform: float
    offset_uniform: float


class Operations:
    """Draws the operations of one client, or of one open load, in order."""

    __slots__ = ("_config", "_streams")

    def __init__(self, config: FileLoadConfig, streams: Callable[[str], Stream]) -> None:
        self._config = config
        self._streams = streams

    def next(self) -> Planned:
        """The next operation."""
        op = self._op()
        size = _size_of(self._config, op)
        # A file is at least one byte: a distribution that begins at 0 must not make operations without content.
        size_bytes = None if size is None else max(1, size.sample(self._streams(f"{op} size")))
        chooses = op != "write"
        file_uniform = self._streams(f"{op} file").uniform() if chooses else 0.0
        part = op == "read" and size_bytes is not None
        return Planned(op, size_bytes, file_uniform, self._streams("read offset").uniform() if part else 0.0)

    def _op(self) -> Op:
        match self._config:
            case WriteLoad():
                return "write"
            case ReadLoad():
                return "read"
            case AppendLoad():
                return "append"
            case MixLoad():
                return self._mixed(self._config)

    def _mixed(self, config: MixLoad) -> Op:
        ratios = config.ratios
        quantile = self._streams("op").uniform() * (ratios.read + ratios.write + ratios.append)
        if quantile < ratios.read:
            return "read"
        return "write" if quantile < ratios.read + ratios.write or not ratios.append else "append"


def part_of(planned: Planned, file_bytes: int) -> tuple[int, int | None]:
    """Offset and length of a read of a file of ``file_bytes``; length None for all of it."""
    if planned.size_bytes is None or planned.size_bytes >= file_bytes:
        return 0, None
    return int(planned.offset_uniform * (file_bytes - planned.size_bytes)), planned.size_bytes


def _size_of(config: FileLoadConfig, op: Op) -> SizeDistribution | None:
    name = {"read": "read_size", "write": "file_size", "append": "record_size"}[op]
    size: SizeDistribution | None = getattr(config, name, None)
    return size
