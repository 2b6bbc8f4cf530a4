"""A small reference of Nuwa's tree: what a list of commands makes of it, one after the other, told by paths and texts.

Written from the rules of the catalogue (N2 to N4, NW8, NW9, NW12) and not from the servers' code. It predicts the answer
of each command where the rules say it, and keeps the tree as one number for each slot, to compare servers with.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

#: Answers that the rules of names and sizes give: the model takes the server's word and checks that nothing changed.
_TAKEN_AT_THEIR_WORD = ("bad-path", "too-large", "is-directory", "ephemeral-parent", "bad-request", "denied", "no-parent")


class Node(NamedTuple):
    """A file or directory."""

    value: str
    version: int
    session: int


class TreeModel:
    """The tree after each slot."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.sessions: dict[int, None] = {}
        self.slot = 0
        self.sum = 0
        #: The tree as a number, by the slot after which it was so.
        self.sums: dict[int, int] = {}
        #: Answers by slot, and by session and sequence.
        self.answers: dict[int, tuple[str, str]] = {}
        self._given: dict[tuple[int, int], None] = {}
        self._nonces: dict[str, int] = {}
        self._named: dict[str, None] = {}
        #: When each path changed: slots.
        self.changes: dict[str, list[int]] = {}

    def found(self, path: str, value: str, version: int, session: int) -> None:
        """A node that was there at the beginning."""
        self._set(path, Node(value, version, session))

    def predict(self, fact: Any) -> tuple[str, str]:
        """Take the next slot's command in; the answer that it must have."""
        self.slot = fact.slot
        answer = self._answer(fact)
        self.answers[fact.slot] = answer
        self.sums[fact.slot] = self.sum
        return answer

    def _answer(self, fact: Any) -> tuple[str, str]:
        if fact.op == "open":
            number = self._nonces.setdefault(fact.path, fact.slot)
            if number == fact.slot:
                self.sessions[number] = None
            return "", str(number)
        if fact.op == "end":
            return self._end(fact.session)
        if fact.session not in self.sessions:
            return "session-expired", ""
        if (fact.session, fact.sequence) in self._given:
            # A command that came before changes nothing; whether it is answered alike is another's affair (NW12).
            return fact.error, fact.result
        answer = self._change(fact)
        self._given[fact.session, fact.sequence] = None
        return answer

    def _end(self, session: int) -> tuple[str, str]:
        if session not in self.sessions:
            return "session-expired", ""
        del self.sessions[session]
        for path in [path for path, node in self.nodes.items() if node.session == session]:
            self._remove(path)
        self._nonces = {nonce: number for nonce, number in self._nonces.items() if number != session}
        return "", ""

    def _change(self, fact: Any) -> tuple[str, str]:
        if fact.error in _TAKEN_AT_THEIR_WORD:
            return fact.error, fact.result
        if fact.op == "multi":
            return self._several(fact)
        if fact.op == "create":
            return self._create(fact)
        node = self.nodes.get(fact.path)
        if node is None:
            return "no-node", ""
        if fact.op == "delete" and fact.path.endswith("/") and self._has_children(fact.path):
            return "not-empty", ""
        if fact.version >= 0 and fact.version != node.version:
            return "bad-version", ""
        if fact.op == "delete":
            self._remove(fact.path)
            return "", ""
        self._set(fact.path, Node(fact.value, node.version + 1, node.session))
        return "", str(node.version + 1)

    def _create(self, fact: Any) -> tuple[str, str]:
        path = fact.path
        if fact.sequential:
            # The number is the directory's to give, but never twice.
            path = fact.result
            if path in self._named or not path.startswith(fact.path.rstrip("/")):
                return "exists", ""
            self._named[path] = None
        other = path[:-1] if path.endswith("/") else f"{path}/"
        if path in self.nodes or other in self.nodes:
            return "exists", ""
        self._set(path, Node(fact.value, 0, fact.session if fact.ephemeral else 0))
        return "", path

    def _several(self, fact: Any) -> tuple[str, str]:
        if fact.error:
            return fact.error, fact.result
        for one in fact.value.split(";"):
            op, path, value, _, ephemeral, sequential = one.split(" ")
            if sequential == "True":
                continue
            if op == "delete":
                self._remove(path)
            elif op == "create":
                self._set(path, Node(value, 0, fact.session if ephemeral == "True" else 0))
            else:
                self._set(path, Node(value, self.nodes[path].version + 1, self.nodes[path].session))
        return "", fact.result

    def _has_children(self, path: str) -> bool:
        return any(other.startswith(path) and other != path for other in self.nodes)

    def _set(self, path: str, node: Node) -> None:
        before = self.nodes.get(path)
        if before is not None:
            self.sum ^= _hash(path, before)
        self.nodes[path] = node
        self.sum ^= _hash(path, node)
        self.changes.setdefault(path, []).append(self.slot)

    def _remove(self, path: str) -> None:
        node = self.nodes.pop(path, None)
        if node is not None:
            self.sum ^= _hash(path, node)
            self.changes.setdefault(path, []).append(self.slot)


def _hash(path: str, node: Node) -> int:
    line = f"{path} {node.value} {node.version} {node.session}"
    return int.from_bytes(blake2b(line.encode(), digest_size=8).digest(), "big")
