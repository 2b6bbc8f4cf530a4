"""Where one process believes the active master to be: what Nuwa last told it.

A call goes to the master that is known; one that is under way when news of another comes ends at once, since its answer
would be worth nothing, and so does one while no master is known. Whether to try again is the caller's business. A
master that does not answer, or says that it is not the active one, makes the process look the name up anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from feitian_sim.kuafu import CallError, Endpoint


class Directory(Protocol):
    """What a machine's processes are told of where the active master is."""

    def follow(self, endpoint: Endpoint, on_address: Callable[[str], object]) -> None:
        """Call ``on_address(address)`` with what is known now and with each change; empty while there is no master."""
        ...

    def doubt(self, address: str) -> None:
        """A master that was asked there did not answer, or is not the active one: look anew."""
        ...


class MasterFinder:
    """The active master as one process sees it. ``on_move(address)`` is called with each new address."""

    def __init__(self, endpoint: Endpoint, directory: Directory, on_move: Callable[[str], object] | None = None) -> None:
        self._endpoint = endpoint
        self._directory = directory
        self._on_move: Callable[[str], object] | None = None
        #: ``tcp://machine:port``; empty while none is known.
        self.address = ""
        self._waiting: list[Callable[[], object]] = []
        directory.follow(endpoint, self._learn)
        # What is known from the start is no move: its maker does not have this object yet.
        self._on_move = on_move

    def call(
        self,
        message: object,
        deadline_ns: int,
        on_reply: Callable[[Any], object],
        on_error: Callable[[CallError], object],
    ) -> None:
        """Ask the master; exactly one of the callbacks is called."""
        address = self.address
        if not address:
            self._endpoint.owner.call_later(0, on_error, CallError("refused", "", "no master is known"))
            return

        def failed(error: CallError) -> None:
            if address == self.address:
                self._directory.doubt(address)
            on_error(error)

        self._endpoint.call(address, message, deadline_ns, on_reply, failed)

    def _learn(self, address: str) -> None:
        if address == self.address or not self._endpoint.alive:
            return
        old, self.address = self.address, address
        for pending in self._endpoint.pending_calls():
            if pending.address == old:
                self._endpoint.ended(pending.number, CallError("reset", old, "the master has moved"))
        if not address:
            return
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told()
        if self._on_move is not None:
            self._on_move(address)

    def at_next_move(self, told: Callable[[], object]) -> None:
        """Call ``told()`` once, when there is news of another master."""
        self._waiting.append(told)
