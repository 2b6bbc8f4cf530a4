"""Watches: each tells once, when what it watches has changed (N5); kept by the server to which the client is connected.

A watch belongs to a client's number for it, and fires at most once: whoever wants to hear more registers again with the
read that follows. A client that comes from another server says what it had seen last; what has changed since fires at
once, so nothing is missed and nothing told twice. Persistent watches (publish and subscribe) stay and tell of every
change below a directory, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from feitian_sim.nuwa.tree import Change, Tree

#: Of a value or of being there; of the names in a directory; of everything below a directory.
What = Literal["node", "names", "below"]


class Watch(NamedTuple):
    """A client's ``number``-th watch, of a path."""

    client: str
    number: int
    path: str
    what: What


class Heard:
    """What a client has heard of one of its watches: all up to slot ``since_zxid``, and some of a later one.

    A slot can change several paths (several at once, the end of a session), so a client that goes to another server in
    the midst of it asks for the whole slot again, and knows what of it is no news.
    """

    __slots__ = ("_again", "_last_paths", "_last_zxid", "since_zxid")

    def __init__(self, since_zxid: int) -> None:
        self.since_zxid = since_zxid
        self._last_zxid = 0
        self._last_paths: dict[str, None] = {}
        # Of the last slot, what was heard from the server before.
        self._again: dict[str, None] = {}

    def up_to(self, zxid: int) -> None:
        """It has seen the state of this slot itself."""
        self.since_zxid = max(self.since_zxid, zxid)

    def attach_again(self) -> None:
        """It goes to a server that will say the last slot again."""
        self._again = dict(self._last_paths)

    def is_news(self, path: str, zxid: int) -> bool:
        """Whether a notice is one that it has not heard."""
        if zxid <= self.since_zxid or zxid < self._last_zxid:
            return False
        if zxid > self._last_zxid:
            self.up_to(self._last_zxid)
            self._last_zxid, self._last_paths, self._again = zxid, {}, {}
        elif path in self._again:
            return False
        self._last_paths[path] = None
        return True


class WatchTable:
    """The watches of one server's clients, by what they watch."""

    def __init__(self) -> None:
        self._watches: dict[tuple[str, What], dict[Watch, None]] = {}
        self._by_client: dict[str, dict[Watch, None]] = {}

    def __len__(self) -> int:
        return sum(len(watches) for watches in self._by_client.values())

    def add(self, watch: Watch) -> None:
        """Register; again is the same as once."""
        self._watches.setdefault((watch.path, watch.what), {})[watch] = None
        self._by_client.setdefault(watch.client, {})[watch] = None

    def remove(self, watch: Watch) -> None:
        """Forget one."""
        key = (watch.path, watch.what)
        same = self._watches.get(key)
        if same is None or watch not in same:
            return
        del same[watch]
        if not same:
            del self._watches[key]
        mine = self._by_client[watch.client]
        del mine[watch]
        if not mine:
            del self._by_client[watch.client]

    def forget(self, client: str) -> None:
        """A client is gone or has gone to another server."""
        for watch in list(self._by_client.get(client, ())):
            self.remove(watch)

    def fired_by(self, change: Change) -> list[Watch]:
        """The watches that a change fires, in order of registration; those that tell once are gone."""
        what: What = "names" if change.kind == "children" else "node"
        fired = list(self._watches.get((change.path, what), ()))
        for watch in fired:
            self.remove(watch)
        if change.kind != "children":
            for directory in _above(change.path):
                fired += self._watches.get((directory, "below"), ())
        return fired


def _above(path: str) -> Iterator[str]:
    """The directories above a path, the root first."""
    position = path.find("/")
    while 0 <= position < len(path) - 1:
        yield path[: position + 1]
        position = path.find("/", position + 1)


def has_changed(tree: Tree, deleted: dict[str, int], watch: Watch, since_zxid: int) -> bool:
    """Whether what a one-time watch watches has changed after ``since_zxid``; ``deleted``: when what is gone went."""
    node = tree.nodes.get(watch.path)
    if node is None:
        return deleted.get(watch.path, 0) > since_zxid
    if watch.what == "names":
        return node.children_zxid > since_zxid
    return max(node.created_zxid, node.modified_zxid) > since_zxid


def changes_below(
    tree: Tree, deleted: dict[str, int], directory: str, since_zxid: int
) -> list[tuple[int, str, Literal["changed", "deleted"]]]:
    """The last change after ``since_zxid`` of each path below a directory, in the order in which they happened."""
    found: list[tuple[int, str, Literal["changed", "deleted"]]] = [
        (zxid, path, "deleted")
        for path, zxid in deleted.items()
        if zxid > since_zxid and _is_below(path, directory) and path not in tree.nodes
    ]
    for path, node in tree.nodes.items():
        zxid = max(node.created_zxid, node.modified_zxid)
        if zxid > since_zxid and _is_below(path, directory):
            found.append((zxid, path, "changed"))
    return sorted(found)


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(directory) and path != directory
