"""A Tubo among others: it keeps the trackers that fall to its machine, and sends pieces of the packages that it has.

Which machine tracks a package follows from the package's name, so that nobody has to be asked and no machine tracks them
all; when that one does not answer, the next one does.
"""

from __future__ import annotations

from functools import partial

import google_crc32c

from feitian_sim.fuxi.check_facts import PieceHandedOn
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.needs import BE_HEARD_BY_TUBO
from feitian_sim.fuxi.packages.messages import PieceSent, SeekPiece, SendPiece
from feitian_sim.fuxi.packages.shelf import Shelf
from feitian_sim.fuxi.packages.tracker import Answer, Tracker
from feitian_sim.fuxi.ports import tubo_at
from feitian_sim.hardware import DataCenter
from feitian_sim.kuafu import Endpoint, IncomingCall


class Swarm:
    """Of one incarnation of a Tubo. ``shelf``: what its machine has of each package."""

    def __init__(self, datacenter: DataCenter, endpoint: Endpoint, shelf: Shelf, config: FuxiConfig) -> None:
        self._datacenter = datacenter
        self._endpoint = endpoint
        self._shelf = shelf
        self._config = config
        # By package and number of pieces: a file that was put anew is another package.
        self._trackers: dict[tuple[str, int], Tracker] = {}
        self._calls: dict[int, IncomingCall] = {}
        self._tickets = 0
        endpoint.serve(SeekPiece, self._seek, BE_HEARD_BY_TUBO)
        endpoint.serve(SendPiece, self._send, BE_HEARD_BY_TUBO)

    def tracker_of(self, package: str, turn: int) -> str:
        """Where to ask for a package; ``turn``: how many of those to ask have not answered."""
        machines = self._datacenter.machines
        return tubo_at(machines[(google_crc32c.value(package.encode()) + turn) % len(machines)].name)

    # As a tracker

    def _seek(self, call: IncomingCall) -> None:
        ask: SeekPiece = call.message
        now_ns = self._endpoint.now_ns
        key = (ask.package, ask.pieces)
        tracker = self._trackers.get(key)
        if tracker is None:
            self._forget(now_ns)
            tracker = Tracker(ask.pieces, self._config.spread, self._config.tubo.patience)
            self._trackers[key] = tracker
        self._tickets += 1
        ticket = self._tickets
        self._calls[ticket] = call
        self._answer(tracker.seek(ticket, ask, now_ns))
        if ticket in self._calls:
            # Its caller is not left without an answer: it would take the tracker for dead.
            left_ns = max(0, call.deadline_ns - now_ns - self._config.watch_margin)
            self._endpoint.owner.call_later(left_ns, self._hurry, ticket, tracker)

    def _hurry(self, ticket: int, tracker: Tracker) -> None:
        self._answer(tracker.hurry(ticket))

    def _answer(self, answers: list[Answer]) -> None:
        for ticket, place in answers:
            self._calls.pop(ticket).reply(place)

    def _forget(self, now_ns: int) -> None:
        """Packages of which nobody has asked for long have spread."""
        before_ns = now_ns - self._config.spread.forget
        for key in [one for one, tracker in self._trackers.items() if tracker.asked_ns < before_ns]:
            del self._trackers[key]

    # As a source

    def _send(self, call: IncomingCall) -> None:
        """It sends from memory and reads no disk: who is asked had the piece, or sent it, a moment ago."""
        wanted: SendPiece = call.message
        if not self._has(wanted):
            call.fail(f"piece {wanted.piece} of {wanted.package} is not here")
            return
        if self._endpoint.sim.facts.wants(PieceHandedOn):
            self._endpoint.sim.emit(PieceHandedOn(self._endpoint.machine.name, wanted.package, wanted.piece))
        flow = self._datacenter.network.transfer(
            self._endpoint.machine,
            call.machine,
            wanted.size_bytes,
            disks_write=self._datacenter.disk(wanted.into_disk).write_links,
            owner=self._endpoint.owner,
            on_done=partial(_sent, call),
            on_fail=partial(_not_sent, call),
        )
        call.streams(flow)

    def _has(self, wanted: SendPiece) -> bool:
        return bool(self._shelf.pieces_of(wanted.package) >> wanted.piece & 1)


def _sent(call: IncomingCall, _: object) -> None:
    call.reply(PieceSent())


def _not_sent(call: IncomingCall, _: object, reason: str) -> None:
    call.fail(f"the transfer failed: {reason}")
