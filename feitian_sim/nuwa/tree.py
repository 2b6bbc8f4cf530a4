"""The tree: directories and files with values, versions and owners (N2, N3, N4). Pure; changed by commands only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from feitian_sim.nuwa.answers import Answer, Stat, failed
from feitian_sim.nuwa.commands import Create, Delete, Put
from feitian_sim.nuwa.paths import ROOT, is_directory, parent_of, sibling, why_bad

_SEQUENCE_DIGITS = 10

Kind = Literal["created", "changed", "deleted", "children"]


class Change(NamedTuple):
    """What happened at a path, for those who watch it."""

    path: str
    kind: Kind
    zxid: int


@dataclass(slots=True)
class Node:
    """A file or directory."""

    creator: str
    session: int
    created_zxid: int
    created_ns: int
    modified_zxid: int
    modified_ns: int
    value: bytes = b""
    version: int = 0
    #: Names in a directory, files as they are and directories with their slash; sorted when asked for.
    children: dict[str, None] = field(default_factory=dict)
    #: When the list of names last changed.
    children_zxid: int = 0
    #: The next sequential name's number.
    sequence: int = 0

    def copy(self) -> Node:
        """A node of its own with the same content."""
        return Node(
            self.creator,
            self.session,
            self.created_zxid,
            self.created_ns,
            self.modified_zxid,
            self.modified_ns,
            self.value,
            self.version,
            dict(self.children),
            self.children_zxid,
            self.sequence,
        )


class Tree:
    """All nodes by path. ``changes`` collects what watchers want to know, until somebody takes it."""

    def __init__(self, value_limit: int) -> None:
        self._limit = value_limit
        self.nodes: dict[str, Node] = {ROOT: Node("", 0, 0, 0, 0, 0)}
        self.changes: list[Change] = []
        #: Bytes of all values and paths.
        self.size_bytes = 0

    # Reading

    def get(self, path: str, zxid: int) -> Answer:
        """A file's value."""
        node = self.nodes.get(path)
        if node is None:
            return failed(zxid, "bad-path" if why_bad(path) else "no-node", why_bad(path) or path)
        if is_directory(path):
            return failed(zxid, "is-directory", path)
        return Answer(zxid, node.value)

    def stat(self, path: str, zxid: int) -> Answer:
        """What is known of a node."""
        node = self.nodes.get(path)
        if node is None:
            return failed(zxid, "bad-path" if why_bad(path) else "no-node", why_bad(path) or path)
        return Answer(zxid, self._stat(node))

    @staticmethod
    def _stat(node: Node) -> Stat:
        return Stat(
            node.created_zxid,
            node.modified_zxid,
            node.version,
            node.creator,
            node.created_ns,
            node.modified_ns,
            node.session,
            len(node.children),
        )

    def names(self, path: str, zxid: int) -> Answer:
        """The names in a directory, sorted."""
        node = self.nodes.get(path)
        if node is None:
            return failed(zxid, "bad-path" if why_bad(path) else "no-node", why_bad(path) or path)
        if not is_directory(path):
            return failed(zxid, "bad-request", f"{path} is a file: it has no names in it")
        return Answer(zxid, tuple(sorted(node.children)))

    # Changing

    def why_not_create(self, change: Create) -> tuple[str, str]:
        """Kind and words of what forbids it; empty when nothing does."""
        path = change.path
        bad = why_bad(path) or ("the root is there" if path == ROOT else "")
        if bad:
            return "bad-path", bad
        if len(change.value) > self._limit:
            return "too-large", f"{len(change.value)} bytes, {self._limit} is the most"
        if is_directory(path) and (change.value or change.ephemeral):
            return "is-directory", f"{path} is a directory: it has no value and belongs to no session"
        parent = self.nodes.get(parent_of(path))
        if parent is None:
            above = sibling(parent_of(path))
            if above in self.nodes:
                return "ephemeral-parent" if self.nodes[above].session else "no-parent", f"{above} is a file"
            return "no-parent", f"{parent_of(path)} is not there"
        if not change.sequential and (path in self.nodes or sibling(path) in self.nodes):
            return "exists", path
        return "", ""

    def create(self, change: Create, creator: str, session: int, zxid: int, at_ns: int) -> Answer:
        """Make a node; the answer's value is its path."""
        error, text = self.why_not_create(change)
        if error:
            return failed(zxid, error, text)
        parent = self.nodes[parent_of(change.path)]
        path = change.path
        if change.sequential:
            path = self._next_name(parent, path)
        owner = session if change.ephemeral else 0
        self.nodes[path] = Node(creator, owner, zxid, at_ns, zxid, at_ns, change.value, children_zxid=zxid)
        self.size_bytes += len(path) + len(change.value)
        self._renamed_in(path, zxid)
        parent.children[path[len(parent_of(path)) :]] = None
        self.changes.append(Change(path, "created", zxid))
        return Answer(zxid, path)

    def _next_name(self, parent: Node, path: str) -> str:
        """The path with the directory's next number; one under which somebody made a name by hand is passed over."""
        while True:
            number = f"{parent.sequence:0{_SEQUENCE_DIGITS}d}"
            parent.sequence += 1
            named = f"{path[:-1]}{number}/" if is_directory(path) else path + number
            if named not in self.nodes and sibling(named) not in self.nodes:
                return named

    def put(self, change: Put, zxid: int, at_ns: int) -> Answer:
        """Give a file another value; the answer's value is its new version."""
        node = self.nodes.get(change.path)
        if node is None:
            bad = why_bad(change.path)
            return failed(zxid, "bad-path" if bad else "no-node", bad or change.path)
        if is_directory(change.path):
            return failed(zxid, "is-directory", change.path)
        if len(change.value) > self._limit:
            return failed(zxid, "too-large", f"{len(change.value)} bytes, {self._limit} is the most")
        if change.version >= 0 and change.version != node.version:
            return failed(zxid, "bad-version", f"{change.path} has version {node.version}, not {change.version}")
        self.size_bytes += len(change.value) - len(node.value)
        node.value = change.value
        node.version += 1
        node.modified_zxid, node.modified_ns = zxid, at_ns
        self.changes.append(Change(change.path, "changed", zxid))
        return Answer(zxid, node.version)

    def delete(self, change: Delete, zxid: int) -> Answer:
        """Remove a node."""
        path = change.path
        node = self.nodes.get(path)
        if node is None or path == ROOT:
            bad = why_bad(path) or ("the root stays" if path == ROOT else "")
            return failed(zxid, "bad-path" if bad else "no-node", bad or path)
        if node.children:
            return failed(zxid, "not-empty", path)
        if change.version >= 0 and change.version != node.version:
            return failed(zxid, "bad-version", f"{path} has version {node.version}, not {change.version}")
        self.remove(path, zxid)
        return Answer(zxid)

    def remove(self, path: str, zxid: int) -> None:
        """Take a node without children out."""
        node = self.nodes.pop(path)
        self.size_bytes -= len(path) + len(node.value)
        parent = parent_of(path)
        del self.nodes[parent].children[path[len(parent) :]]
        self._renamed_in(path, zxid)
        self.changes.append(Change(path, "deleted", zxid))

    def _renamed_in(self, path: str, zxid: int) -> None:
        parent = parent_of(path)
        self.nodes[parent].children_zxid = zxid
        self.changes.append(Change(parent, "children", zxid))
