"""What upper packages call: files of the cell, as SimPy generators.

``yield from client.write_file(path, size_bytes)`` and its like take simulated time and raise :class:`PanguError`
when they fail for good. A client remembers where chunks are, waits and tries again while the master or a
server is down (:mod:`feitian_sim.pangu.patience`), leaves a chunk that cannot be written for another one, and
checks every byte that it reads against its checksum and against what was acknowledged.

Each operation ends with a ``pangu.operation`` fact; each time it was held up, with a ``pangu.client_paused``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import Endpoint
from feitian_sim.pangu.avoidance import Avoidance
from feitian_sim.pangu.client_facts import ClientPaused
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.facts import Operation, WrongBytes
from feitian_sim.pangu.ledger import Ledger
from feitian_sim.pangu.master_calls import MasterCalls
from feitian_sim.pangu.master_finder import MasterFinder
from feitian_sim.pangu.messages import BadReplica, DeleteFile, DirectoryListed, ListDirectory, Locate, Located, RenameFile
from feitian_sim.pangu.patience import PanguError, PanguRefused, Patience
from feitian_sim.pangu.read_path import ReadPath
from feitian_sim.pangu.reading import Reading
from feitian_sim.pangu.write_path import WritePath
from feitian_sim.pangu.writing import Writing

Steps = Generator[Any, Any, Any]


class PanguClient:
    """One client process on one machine. Several operations may run at once."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        endpoint: Endpoint,
        config: PanguConfig,
        *,
        name: str,
        load: str,
        finder: MasterFinder,
        address_of: Callable[[int], str],
        ledger: Ledger,
    ) -> None:
        self._sim = sim
        self._config = config.client
        self.name = name
        self.load = load
        self._ledger = ledger
        self._changes = 0
        self._backoff = sim.stream("pangu.client", name, "backoff")
        self._master = MasterCalls(sim, finder, config.client.call_deadline)
        data_ns = config.client.data_deadline
        avoidance = Avoidance(config.client.avoid)
        writer = endpoint.machine.index if endpoint.machine.index < len(datacenter.machines) else -1
        self._writing = Writing(
            sim,
            name,
            writer,
            config,
            self._master,
            WritePath(sim, endpoint, datacenter, address_of, data_ns),
            ledger,
            avoidance,
        )
        choice = sim.stream("pangu.client", name, "replica")
        read_path = ReadPath(sim, endpoint, datacenter, address_of, data_ns, choice, avoidance, self._report_damage)
        self._reading = Reading(sim, name, config, self._master, read_path, ledger, self._report_wrong)

    def write_file(self, path: str, size_bytes: int, request_bytes: int | None = None) -> Steps:
        """Make a file and write ``size_bytes`` into it, with requests of so many bytes or of a chunk each."""
        yield from self._operation(
            "write", path, size_bytes, lambda p: self._writing.write_file(path, size_bytes, request_bytes, p)
        )

    def append(self, path: str, size_bytes: int) -> Steps:
        """Append one record to a file."""
        yield from self._operation("append", path, size_bytes, lambda p: self._writing.append(path, size_bytes, p))

    def read_file(self, path: str, offset: int = 0, length: int | None = None, first: int = 0) -> Steps:
        """Read a file, or ``length`` bytes of it from ``offset`` on; returns the bytes read.

        ``first``: with which of these chunks it begins, around their number; then come those behind, then those before.
        """
        moved = yield from self._operation(
            "read", path, length or 0, lambda p: self._reading.read(path, offset, length, p, first)
        )
        return moved

    def create(self, path: str) -> Steps:
        """Make an empty file."""
        yield from self._operation("create", path, 0, lambda p: self._writing.create(path, p))

    def delete(self, path: str) -> Steps:
        """Remove a file, or an empty directory (``/a/``)."""
        yield from self._take_away("delete", path, DeleteFile(path, self._token()))

    def rename(self, path: str, new_path: str) -> Steps:
        """Give a file another path, which must be free."""
        promised = self._ledger.promise_of(path)
        yield from self._take_away("rename", path, RenameFile(path, new_path, self._token()))
        self._ledger.renamed(promised, new_path)

    def _take_away(self, op: str, path: str, message: object) -> Steps:
        # From the asking on, nothing of it is promised: the answer may get lost on its way.
        self._ledger.removing(path)
        self._reading.forget(path)
        try:
            yield from self._operation(op, path, 0, lambda p: self._ask(message, p))
        except PanguRefused:
            self._ledger.removed(path)
            raise
        self._ledger.removed(path)

    def _token(self) -> str:
        self._changes += 1
        return f"{self.name}~{self._changes}"

    def exists(self, path: str) -> Generator[Any, Any, bool]:
        """Whether there is a file of this path."""
        try:
            yield from self._ask(Locate(path, count=0), self._patience())
        except PanguRefused as refused:
            if refused.code != "no-node":
                raise
            return False
        return True

    def stat(self, path: str) -> Generator[Any, Any, int]:
        """The size of a file, as far as its chunks are sealed."""
        located: Located = yield from self._ask(Locate(path, count=0), self._patience())
        return located.size_bytes

    def locate(self, path: str) -> Generator[Any, Any, Located]:
        """The size of a file, as far as its chunks are sealed, and where each chunk is."""
        located: Located = yield from self._ask(Locate(path), self._patience())
        return located

    def list(self, path: str) -> Generator[Any, Any, tuple[str, ...]]:
        """Names in a directory."""
        listed: DirectoryListed = yield from self._ask(ListDirectory(path), self._patience())
        return listed.names

    def _ask(self, message: object, patience: Patience) -> Steps:
        reply = yield from self._master.ask(message, patience)
        patience.progressed()
        return reply

    def _operation(self, op: str, path: str, size_bytes: int, steps: Callable[[Patience], Steps]) -> Steps:
        """Run an operation and publish how it ended."""
        patience = self._patience()
        start_ns = self._sim.now
        try:
            result = yield from steps(patience)
        except PanguError as failure:
            patience.progressed()
            self._ended(op, path, size_bytes, start_ns, str(failure), patience)
            raise
        self._ended(op, path, result if op == "read" else size_bytes, start_ns, "", patience)
        return result

    def _ended(self, op: str, path: str, size_bytes: int, start_ns: int, error: str, patience: Patience) -> None:
        ok = not error
        self._sim.emit(Operation(self.name, self.load, op, path, size_bytes, start_ns, ok, error, patience.retries))

    def _patience(self) -> Patience:
        return Patience(
            self._sim,
            self._backoff,
            deadline_ns=self._config.operation_deadline,
            backoff_ns=self._config.backoff,
            backoff_max_ns=self._config.backoff_max,
            on_pause=self._report_pause,
        )

    def _report_pause(self, pause_ns: int) -> None:
        self._sim.emit(ClientPaused(self.name, self.load, pause_ns))

    def _report_damage(self, chunk: int, server: int) -> None:
        self._master.tell(BadReplica(chunk, server, self.name))

    def _report_wrong(self, path: str, chunk: int) -> None:
        self._sim.emit(WrongBytes(self.name, path, chunk))
