"""The master's role towards the operator: servers are added, drained, decommissioned.

What the operator wants is a record of the log, so a master that restarts in the middle of a drain goes on with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from feitian_sim.pangu.books import Books
from feitian_sim.pangu.effects import Effect, Emit
from feitian_sim.pangu.move_facts import DrainStarted, OperationRefused
from feitian_sim.pangu.records import ServerModeSet
from feitian_sim.pangu.roster import Mode

Action = Literal["add", "drain", "decommission"]

#: Modes in which a server can be asked to become what the action says.
_FROM: dict[Action, tuple[Mode, ...]] = {
    "add": ("absent", "draining", "decommissioning", "drained", "retired"),
    "drain": ("in-service",),
    "decommission": ("in-service", "draining", "drained"),
}


class RosterRequests:
    """What an operator may want of servers."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operate(self, servers: Sequence[int], action: Action, now_ns: int) -> list[Effect]:
        """Carry it out for all servers at once, or refuse it for some with a fact that says why."""
        return [effect for server in servers for effect in self._operate(server, action, now_ns)]

    def _operate(self, server: int, action: Action, now_ns: int) -> list[Effect]:
        books, roster = self._books, self._books.state.roster
        name, mode = books.view.names[server], roster.mode(server)
        if mode not in _FROM[action]:
            return [Emit(OperationRefused(name, action, f"the server is {mode}"))]
        if action == "add":
            if roster.is_out(server) and server not in books.registered:
                books.joining[server] = None
                # It has the whole time-out to register.
                books.detector.heard(server, now_ns)
            return books.log(ServerModeSet(server, "in-service", now_ns))
        started = DrainStarted(name, action, len(books.locations.held_by(server)))
        new: Mode = "draining" if action == "drain" else "decommissioning"
        return [*books.log(ServerModeSet(server, new, now_ns)), Emit(started)]
