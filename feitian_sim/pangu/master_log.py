"""What each master's replica of the log leads to: the records, and the state that they make.

Every master, active or standing by, takes in the records as they are chosen. A standby's state is made from them when
somebody asks for it, which gives what applying each at its time would have given and saves the simulation the work;
the simulated processor is charged for each record by the replicated log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.records import ChunkAdded, Record


class MasterLog:
    """The records chosen so far, as one replica knows them (a :class:`feitian_sim.replog.StateMachine`).

    ``origin`` gives the state before the first record: the preloaded dataset.
    """

    def __init__(
        self,
        origin: Callable[[], MasterState],
        bytes_per_chunk: int,
        preloaded_chunks: int,
        on_record: Callable[[int, Record], object] | None = None,
    ) -> None:
        self._origin = origin
        self._bytes_per_chunk = bytes_per_chunk
        self._chunks = preloaded_chunks
        self._records: list[Record] = []
        self._state: MasterState | None = None
        # Told the number of each record, from 1, and the record; for whoever watches from outside.
        self._on_record = on_record

    def apply(self, _: int, command: Any) -> None:
        """Take the next record in."""
        self._records.append(command)
        self._chunks += isinstance(command, ChunkAdded)
        if self._on_record is not None:
            self._on_record(len(self._records), command)

    def image(self) -> tuple[Any, int]:
        """The records, which stand for the state that they make, and the size of that state in bytes."""
        return (tuple(self._records), self._chunks), self._chunks * self._bytes_per_chunk

    def restore(self, image: Any) -> None:
        """Begin again from an image."""
        records, self._chunks = image
        self._records = list(records)
        self._state = None

    @property
    def records(self) -> Sequence[Record]:
        """The records, in order; nobody may change them."""
        return self._records

    @property
    def count(self) -> int:
        """Records so far."""
        return len(self._records)

    def state(self) -> MasterState:
        """The state that the records make; nobody may change it."""
        if self._state is None:
            self._state = self._origin()
        for record in self._records[self._state.records_applied :]:
            self._state.apply(record)
        return self._state

    def fresh_state(self) -> MasterState:
        """The same for a master that begins to reign, and will change it as it decides."""
        state, self._state = self.state(), None
        return state
