"""Bugs of messages, of flow control and of order, of kinds that gRPC, HTTP/2 and message buses have had."""

from __future__ import annotations

from typing import Any

from feitian_sim.hardware.messages import Messenger
from feitian_sim.kuafu.connection import Side
from feitian_sim.kuafu.credits import Credits
from feitian_sim.kuafu.endpoint import Endpoint
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_FLOOD = "scenarios/check/flood.yaml"


def _window_of_the_cancelled_kept(patch: Patch, hit: Hit) -> None:
    answered = Side._answered

    def kept(self: Side, response: Any) -> None:
        request = response.request
        if request.number not in request.caller._pending:
            hit()
            # What comes back is taken away again.
            account = request.account
            account.used += request.size_bytes
            account.held += request.size_bytes
        answered(self, response)

    patch.setattr(Side, "_answered", kept)


def _debt_forgiven(patch: Patch, hit: Hit) -> None:
    take = Credits.take

    def clamped(self: Credits, size_bytes: int) -> bool:
        taken = take(self, size_bytes)
        if self.used > self.window:
            hit()
            self.transit -= self.used - self.window
            self.used = self.window
        return taken

    patch.setattr(Credits, "take", clamped)


def _one_queue_for_all(patch: Patch, hit: Hit) -> None:
    wait = Credits.wait

    def waits(self: Credits, flow: Any, size_bytes: int, envelope: Any, quantum_bytes: int) -> None:
        hit()
        wait(self, "", size_bytes, envelope, quantum_bytes)

    patch.setattr(Credits, "wait", waits)


def _nobody_woken(patch: Patch, hit: Hit) -> None:
    go_on = Side._go_on

    def sleeps(self: Side, account: Credits) -> None:
        if account is not self.answers:
            hit()
        else:
            go_on(self, account)

    patch.setattr(Side, "_go_on", sleeps)


def _taken_in_as_it_comes(patch: Patch, hit: Hit) -> None:
    def in_turn(self: Side, envelope: Any) -> None:
        hit()
        self.arrived(envelope)

    patch.setattr(Side, "_in_turn", in_turn)


def _released_twice(patch: Patch, hit: Hit) -> None:
    release = Messenger.release

    def twice(self: Messenger) -> None:
        notes = [held for held in self._held if held[1].on_loss is not None]
        if notes:
            hit()
            self._held.append(notes[-1])
        release(self)

    patch.setattr(Messenger, "release", twice)


def _forgotten_behind_a_clog(patch: Patch, hit: Hit) -> None:
    release = Messenger.release

    def forgets(self: Messenger) -> None:
        if self._held:
            hit()
            self._held.pop()
        release(self)

    patch.setattr(Messenger, "release", forgets)


def _inbox_without_end(patch: Patch, hit: Hit) -> None:
    admit = Endpoint._admit

    def admitted(self: Endpoint, request: Any) -> None:
        held_bytes = self._held_bytes
        if request.number and held_bytes and held_bytes + request.size_bytes > self._kuafu.inbox_bytes:
            hit()
            self._handle(request)
        else:
            admit(self, request)

    patch.setattr(Endpoint, "_admit", admitted)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "KF-01",
        "a cancelled call's window is not returned",
        "grpc-go #632, grpc-java #411",
        ("KF3", "KF4"),
        _window_of_the_cancelled_kept,
        _FLOOD,
    ),
    _m("KF-03", "a window in debt is clamped to zero", "firedancer #10801", ("KF3",), _debt_forgiven, _FLOOD),
    _m(
        "OWN-60", "all senders wait in one queue", "HTTP/2 proxies without fairness", ("KF4",), _one_queue_for_all, _FLOOD
    ),
    _m("OWN-61", "credits come back and wake nobody", "grpc-go #1074", ("KF4",), _nobody_woken, _FLOOD),
    _m("OWN-62", "a stream is taken in as it comes", "TCP reassembly", ("KF5",), _taken_in_as_it_comes, _FLOOD),
    _m("OWN-63", "a message held on its way is let go twice", "generic", ("G2",), _released_twice, _FLOOD, "network"),
    _m(
        "OWN-64",
        "a message held on its way is forgotten",
        "generic",
        ("G2", "KF4"),
        _forgotten_behind_a_clog,
        _FLOOD,
        "network",
    ),
    _m("OWN-65", "a process is given requests without end", "unbounded inboxes", ("G3",), _inbox_without_end, _FLOOD),
)
