"""Nuwa's replicated state: the tree and the sessions, a deterministic machine that the log feeds.

Every server applies the same commands at the same slots, so all give the same answers, the same numbers and the same
changes to watchers.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.nuwa.answers import Answer, failed
from feitian_sim.nuwa.commands import Command, Create, Delete, EndSession, Multi, OpenSession, Put
from feitian_sim.nuwa.copied_when_used import CopiedWhenUsed
from feitian_sim.nuwa.sessions import Session
from feitian_sim.nuwa.tree import Change, Tree

#: An answer that a client asks for again after it said that it has it.
_FORGOTTEN = "this was answered, and the answer was received"


class NuwaState:
    """Tree and sessions as of slot ``zxid``."""

    def __init__(self, value_limit: int) -> None:
        self._limit = value_limit
        self.tree = Tree(value_limit)
        self.sessions: dict[int, Session] = {}
        # Sessions by the nonce of the attempt that opened them.
        self._opened: dict[str, int] = {}
        self.zxid = 0

    def apply(self, index: int, command: Any) -> Answer:
        """Take the command of slot ``index`` in."""
        self.zxid = index
        match command:
            case Command():
                return self._command(command)
            case OpenSession():
                return self._open(command)
            case EndSession():
                return self._end(command)
        raise TypeError(f"{type(command).__name__} is no command")

    def take_changes(self) -> list[Change]:
        """What has changed since the last time."""
        changes, self.tree.changes = self.tree.changes, []
        return changes

    # Sessions

    def open_as(self, number: int, command: OpenSession) -> None:
        """A session with a number of the caller's choice: those of before time 0 have negative ones."""
        self._opened[command.nonce] = number
        self.sessions[number] = self._session(number, command)

    def forget_answers(self) -> None:
        """What happened before time 0 was answered then."""
        for session in self.sessions.values():
            session.answers.clear()

    def _open(self, command: OpenSession) -> Answer:
        number = self._opened.get(command.nonce)
        if number is None:
            number = self._opened[command.nonce] = self.zxid
            self.sessions[number] = self._session(number, command)
        return Answer(self.zxid, number)

    @staticmethod
    def _session(number: int, command: OpenSession) -> Session:
        return Session(number, command.owner, command.timeout_ns, subject=command.subject, nonce=command.nonce)

    def _end(self, command: EndSession) -> Answer:
        session = self.sessions.pop(command.session, None)
        if session is None:
            return failed(self.zxid, "session-expired")
        for path in session.ephemerals:
            self.tree.remove(path, self.zxid)
        self._opened.pop(session.nonce, None)
        return Answer(self.zxid)

    # Changes

    def _command(self, command: Command) -> Answer:
        session = self.sessions.get(command.session)
        if session is None:
            return failed(self.zxid, "session-expired")
        known = session.known(command.sequence)
        if known is not None:
            return known
        if command.sequence <= session.answered:
            return failed(self.zxid, "bad-request", _FORGOTTEN)
        answer = self._change(command, session)
        session.remember(command.sequence, command.answered, answer)
        return answer

    def _change(self, command: Command, session: Session) -> Answer:
        change = command.change
        if not isinstance(change, Multi):
            return self._one(change, session, command.at_ns)
        # All or nothing: what is forbidden shows on a copy, of as much as the changes touch.
        trial = NuwaState(self._limit)
        trial.zxid = self.zxid
        trial.tree.nodes, trial.sessions = CopiedWhenUsed(self.tree.nodes), CopiedWhenUsed(self.sessions)
        answers = [trial._one(one, trial.sessions[session.number], command.at_ns) for one in change.changes]
        wrong = next((answer for answer in answers if not answer.ok), None)
        if wrong is not None:
            return wrong
        for one in change.changes:
            self._one(one, session, command.at_ns)
        return Answer(self.zxid, tuple(answer.value for answer in answers))

    def _one(self, change: Create | Put | Delete, session: Session, at_ns: int) -> Answer:
        match change:
            case Create():
                answer = self.tree.create(change, session.owner, session.number, self.zxid, at_ns)
                if answer.ok and change.ephemeral:
                    session.ephemerals[answer.value] = None
                return answer
            case Put():
                return self.tree.put(change, self.zxid, at_ns)
            case Delete():
                node = self.tree.nodes.get(change.path)
                answer = self.tree.delete(change, self.zxid)
                if answer.ok and node is not None and node.session:
                    del self.sessions[node.session].ephemerals[change.path]
                return answer

    # Snapshots

    def image(self) -> tuple[Any, int]:
        """A copy of everything, and its size in bytes."""
        nodes = {path: node.copy() for path, node in self.tree.nodes.items()}
        sessions = {number: session.copy() for number, session in self.sessions.items()}
        size_bytes = self.tree.size_bytes + 96 * len(nodes) + 64 * len(sessions)
        return (self.zxid, nodes, sessions, dict(self._opened), self.tree.size_bytes), size_bytes

    def restore(self, image: Any) -> None:
        """Become what an image says."""
        self.zxid, nodes, sessions, opened, size_bytes = image
        self.tree = Tree(self._limit)
        self.tree.nodes = {path: node.copy() for path, node in nodes.items()}
        self.tree.size_bytes = size_bytes
        self.sessions = {number: session.copy() for number, session in sessions.items()}
        self._opened = dict(opened)
