"""Where one process believes the active master to be: what Nuwa last told it.

A call goes to the master that is known; one that is under way when news of another comes ends at once, since its answer
would be worth nothing, and so does one while no master is known. Whether to try again is the caller's business. A
master that does not answer, or says that it is not the active one, makes the process look the name up anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from feitian_sim.kuafu import CallError, Endpoint
from feitian_sim.kuafu.resolver import Resolver


class MasterFinder:
    """The active master as one process sees it. ``on_move(address)`` is called with each new address."""

    def __init__(
        self,
        endpoint: Endpoint,
        resolver: Resolver,
        service: str,
        on_move: Callable[[str], object] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._resolver = resolver
        self._service = service
        self._on_move = on_move
        #: ``tcp://machine:port``; empty while none is known.
        self.address = ""
        resolver.watch(service, self._learn)
        resolver.resolve(service, self._learn, _unknown)

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
            self._endpoint.owner.call_later(0, on_error, CallError("refused", self._service, "no master is known"))
            return

        def failed(error: CallError) -> None:
            if error.kind != "remote" or address != self.address:
                self._resolver.failed(self._service, address)
            on_error(error)

        self._endpoint.call(address, message, deadline_ns, on_reply, failed)

    def _learn(self, addresses: Sequence[str]) -> None:
        address = addresses[0] if addresses else ""
        if address == self.address or not self._endpoint.alive:
            return
        old, self.address = self.address, address
        for pending in self._endpoint.pending_calls():
            if pending.address == old:
                self._endpoint.ended(pending.number, CallError("reset", old, "the master has moved"))
        if address and self._on_move is not None:
            self._on_move(address)


def _unknown(_: object) -> None:
    """The name has no address yet: the watch will tell."""
