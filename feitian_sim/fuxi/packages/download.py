"""One package on its way to one machine's disk: piece by piece, from whom its tracker says, or all of it from Pangu."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.packages.facts import PackageFetched
from feitian_sim.fuxi.packages.messages import PieceAt, SeekPiece, SendPiece
from feitian_sim.fuxi.packages.shelf import Shelf
from feitian_sim.fuxi.packages.swarm import Swarm
from feitian_sim.fuxi.packages.turns import Turns
from feitian_sim.fuxi.ports import tubo_at
from feitian_sim.hardware import DataCenter
from feitian_sim.hardware.disk import Deposit
from feitian_sim.kuafu import CallFailed, Endpoint
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.patience import PanguError

if TYPE_CHECKING:
    from simpy import Event

Steps = Generator[Any, Any, Any]
#: Trackers that are asked before all that is missing is read from Pangu.
_TRACKERS = 2


@dataclass(frozen=True, slots=True)
class Ways:
    """How one incarnation of a Tubo gets at packages, and where its machine keeps them."""

    datacenter: DataCenter
    endpoint: Endpoint
    swarm: Swarm
    turns: Turns
    client: PanguClient
    config: FuxiConfig
    shelf: Shelf


class Download:
    """It adds to the pieces that the machine has. ``done(ok)``: when it has all of this package, or cannot have it."""

    def __init__(
        self,
        package: str,
        path: str,
        size_bytes: int,
        deposit: Deposit,
        ways: Ways,
        asked_ns: int,
        done: Callable[[bool], object],
    ) -> None:
        self._package = package
        self._path = path
        self._size_bytes = size_bytes
        self._deposit = deposit
        self._disk = deposit.disk
        self._ways = ways
        self._asked_ns = asked_ns
        self._done = done
        self._endpoint = ways.endpoint
        self._config = ways.config
        self._sim = ways.endpoint.sim
        self._piece_bytes = self._config.spread.piece
        self._count = pieces_in(size_bytes, self._config)
        self._all = (1 << self._count) - 1
        self._coming = 0
        self._peers_bytes = 0
        # Trackers that have not answered.
        self._turn = 0
        self._is_over = False

    def begin(self) -> None:
        """Fetch what is missing."""
        if self._has == self._all:
            self._end(True)
            return
        for _ in range(min(self._count, self._config.spread.downloads)):
            self._endpoint.owner.process(self._lane())

    @property
    def _has(self) -> int:
        return self._ways.shelf.pieces_of(self._package) & self._all

    def _lane(self) -> Steps:
        """One piece after the other."""
        ended, failed, since_ns = -1, "", self._asked_ns
        while not self._is_over:
            yield self._ways.turns.take(since_ns)
            place: PieceAt = yield from self._place(ended, failed)
            ended, failed = place.piece, ""
            comes = self._has | self._coming
            is_new = ended >= 0 and not comes >> ended & 1
            came = is_new and (yield from self._fetch(place))
            self._ways.turns.give_back()
            if not is_new and comes == self._all:
                return
            if not came:
                # There may be more of others meanwhile.
                failed = place.source if is_new else ""
                yield self._sim.timeout(self._config.retry)
                since_ns = self._sim.now

    def _place(self, ended: int, failed: str) -> Steps:
        """What to fetch next, and from whom."""
        endpoint, config = self._endpoint, self._config
        message = SeekPiece(
            self._package, endpoint.machine.name, endpoint.incarnation, self._count, self._has, ended, failed
        )
        while config.spread.peers and self._turn < _TRACKERS:
            turn = self._turn
            try:
                place = yield endpoint.ask(self._ways.swarm.tracker_of(self._package, turn), message, config.call)
            except CallFailed:
                self._turn = max(self._turn, turn + 1)
            else:
                return place
        missing = self._all & ~(self._has | self._coming)
        # Each machine begins elsewhere, so that all servers of a package serve at once.
        turn = endpoint.machine.index % self._count
        return PieceAt(_lowest(missing >> turn << turn or missing))

    def _fetch(self, place: PieceAt) -> Steps:
        """Whether the piece has come onto the disk."""
        first_byte = place.piece * self._piece_bytes
        size_bytes = min(self._piece_bytes, self._size_bytes - first_byte)
        bit = 1 << place.piece
        self._coming |= bit
        try:
            if place.source:
                ask = SendPiece(self._package, place.piece, size_bytes, self._disk.name)
                yield self._endpoint.ask(tubo_at(place.source), ask, self._config.call)
                self._peers_bytes += size_bytes
                came = True
            else:
                yield from self._ways.client.read_file(self._path, first_byte, size_bytes)
                came = yield self._write(size_bytes)
        except (CallFailed, PanguError):
            came = False
        self._coming &= ~bit
        if not self._deposit.is_there:
            self._end(False)
        elif came:
            self._arrived(place.piece)
        return came

    def _write(self, size_bytes: int) -> Event:
        """Whether it could be written."""
        written = self._sim.event()
        machine = self._endpoint.machine
        self._ways.datacenter.network.transfer(
            machine,
            machine,
            size_bytes,
            disks_write=self._disk.write_links,
            owner=self._endpoint.owner,
            on_done=lambda _: written.succeed(True),
            on_fail=lambda _, __: written.succeed(False),
        )
        return written

    def _arrived(self, piece: int) -> None:
        """Others may have it from here from now on."""
        self._ways.shelf.put(self._package, piece)
        if self._has == self._all:
            took_ns = self._sim.now - self._asked_ns
            machine = self._endpoint.machine.name
            self._sim.emit(PackageFetched(machine, self._package, self._size_bytes, self._peers_bytes, took_ns))
            self._end(True)

    def _end(self, ok: bool) -> None:
        """All of it is there, or cannot be. Lanes go on until the tracker has been told of the last piece."""
        if not self._is_over:
            self._is_over = not ok
            self._done(ok)


def pieces_in(size_bytes: int, config: FuxiConfig) -> int:
    """In how many pieces so many bytes come."""
    return -(-size_bytes // config.spread.piece)


def _lowest(pieces: int) -> int:
    """The number of the lowest bit of a set, -1 if it is empty."""
    return (pieces & -pieces).bit_length() - 1
