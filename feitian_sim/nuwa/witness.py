"""What servers of Nuwa apply and hold, told as facts to whoever checks it; no server listens."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from feitian_sim.kernel import Simulation
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.commands import Change, Command, Create, Delete, EndSession, Multi, OpenSession, Put
from feitian_sim.nuwa.facts import CommandApplied, NodeFounded, SessionFounded
from feitian_sim.nuwa.state import NuwaState
from feitian_sim.nuwa.tree import Tree


def applied(server: int, slot: int, command: Any, answer: Answer) -> CommandApplied:
    """The fact that a server took a command in."""
    result = "" if answer.value is None else str(answer.value)
    match command:
        case OpenSession():
            said = (0, 0, "open", command.nonce, "", -1, False, False)
            session = 0
        case EndSession():
            said = (0, 0, "end", "", "expired" if command.expired else "closed", -1, False, False)
            session = command.session
        case Command():
            said = (command.sequence, command.answered, *_said(command.change))
            session = command.session
        case _:
            raise TypeError(f"{type(command).__name__} is no command")
    return CommandApplied(server, slot, session, *said, answer.error, result)


def _said(change: Change) -> tuple[str, str, str, int, bool, bool]:
    match change:
        case Create():
            return "create", change.path, change.value.hex(), -1, change.ephemeral, change.sequential
        case Put():
            return "put", change.path, change.value.hex(), change.version, False, False
        case Delete():
            return "delete", change.path, "", change.version, False, False
        case Multi():
            texts = (" ".join(map(str, _said(one))) for one in change.changes)
            return "multi", "", ";".join(texts), -1, False, False


def tree_sum(tree: Tree) -> int:
    """The nodes of a tree as one number, in whatever order they lie."""
    total = 0
    for path, node in tree.nodes.items():
        line = f"{path} {node.value.hex()} {node.version} {node.session}"
        total ^= int.from_bytes(blake2b(line.encode(), digest_size=8).digest(), "big")
    return total


def tell_founded(sim: Simulation, state: NuwaState) -> None:
    """Say what is there at time 0."""
    if not sim.facts.wants(NodeFounded):
        return
    for path, node in state.tree.nodes.items():
        sim.emit(NodeFounded(path, node.value.hex(), node.version, node.session))
    for session in state.sessions.values():
        sim.emit(SessionFounded(session.number, session.timeout_ns))
