"""Nuwa's replicated state against a plain model: whatever is asked in whatever order, both answer the same.

The model is a dict of paths and a few lines for each operation, without versions of directories, images or children's
lists. Commands come twice, snapshots are taken and restored at any moment, and sessions end in the midst.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from feitian_sim.nuwa.commands import Command, Create, Delete, EndSession, Multi, OpenSession, Put
from feitian_sim.nuwa.state import NuwaState

LIMIT = 4
#: The last is the first that a directory would give to ``a``: somebody may have made it by hand.
NAMES = ("a", "b", "a0000000000")
PATHS = tuple(f"{above}{name}{slash}" for above in ("/", "/a/", "/b/", "/a/a/") for name in NAMES for slash in ("", "/"))

paths = st.sampled_from((*PATHS, "/", "a", "/a//b"))
values = st.sampled_from((b"", b"x", b"four", b"fives"))
versions = st.sampled_from((-1, -1, 0, 1, 2))
flags = st.booleans()
creates = st.builds(Create, paths, values, flags, flags)
places = st.sampled_from(("/", "/", "/a/", "/a/a/"))
changes = st.one_of(creates, st.builds(Put, paths, values, versions), st.builds(Delete, paths, versions))


class Model:
    """``nodes``: path to [value, version, creator, owning session]; ``given``: numbers that a directory has given."""

    def __init__(self) -> None:
        self.nodes: dict[str, list[Any]] = {"/": [b"", 0, "", 0]}
        self.given: dict[str, int] = {}
        self.sessions: dict[int, str] = {}

    def names(self, directory: str) -> list[str]:
        below = (path[len(directory) :] for path in self.nodes if path.startswith(directory) and path != directory)
        return sorted(name for name in below if "/" not in name[:-1])

    def taken(self, path: str) -> bool:
        return path.rstrip("/") in self.nodes or path.rstrip("/") + "/" in self.nodes

    def change(self, change: Any, session: int) -> tuple[str, Any]:
        match change:
            case Create():
                return self.create(change, session)
            case Put():
                return self.put(change)
            case Delete():
                return self.delete(change)
        trial = copy.deepcopy(self)
        given = []
        for one in change.changes:
            error, value = trial.change(one, session)
            if error:
                return error, None
            given.append(value)
        self.__dict__ = trial.__dict__
        return "", tuple(given)

    def create(self, change: Create, session: int) -> tuple[str, Any]:
        path = change.path
        if not path.startswith("/") or "//" in path or path == "/":
            return "bad-path", None
        if len(change.value) > LIMIT:
            return "too-large", None
        if path.endswith("/") and (change.value or change.ephemeral):
            return "is-directory", None
        above = path.rstrip("/").rpartition("/")[0]
        if above + "/" not in self.nodes:
            return ("ephemeral-parent" if above in self.nodes and self.nodes[above][3] else "no-parent"), None
        if change.sequential:
            slash = "/" if path.endswith("/") else ""
            while True:
                number = self.given.get(above, 0)
                self.given[above] = number + 1
                path = f"{change.path.rstrip('/')}{number:010d}{slash}"
                if not self.taken(path):
                    break
        elif self.taken(path):
            return "exists", None
        self.nodes[path] = [change.value, 0, self.sessions[session], session if change.ephemeral else 0]
        return "", path

    def put(self, change: Put) -> tuple[str, Any]:
        error = self._missing(change.path)
        if error:
            return error, None
        node = self.nodes[change.path]
        if change.path.endswith("/"):
            return "is-directory", None
        if len(change.value) > LIMIT:
            return "too-large", None
        if change.version not in (-1, node[1]):
            return "bad-version", None
        node[0], node[1] = change.value, node[1] + 1
        return "", node[1]

    def delete(self, change: Delete) -> tuple[str, Any]:
        error = "bad-path" if change.path == "/" else self._missing(change.path)
        if error:
            return error, None
        if change.path.endswith("/") and self.names(change.path):
            return "not-empty", None
        if change.version not in (-1, self.nodes[change.path][1]):
            return "bad-version", None
        del self.nodes[change.path]
        if change.path.endswith("/"):
            self.given.pop(change.path[:-1], None)
        return "", None

    def _missing(self, path: str) -> str:
        if path in self.nodes:
            return ""
        return "bad-path" if not path.startswith("/") or "//" in path else "no-node"

    def end(self, session: int) -> None:
        del self.sessions[session]
        self.nodes = {path: node for path, node in self.nodes.items() if node[3] != session}


class AgainstTheModel(RuleBasedStateMachine):
    """Commands as they come out of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.state = NuwaState(LIMIT)
        self.model = Model()
        self.slot = 0
        self.sent: dict[int, int] = {}
        self.over: list[int] = []
        self.last: tuple[Command, Any] | None = None
        #: Snapshots, each with a copy from the moment when it was taken.
        self.kept: list[tuple[Any, Any, Model, list[int]]] = []
        # From the start there is somebody to ask, and somewhere to ask for.
        self.a_client_comes()
        self.a_client_comes()
        self.a_directory(0, "/a/")

    def log(self, command: Any) -> Any:
        self.slot += 1
        return self.state.apply(self.slot, command)

    def some_session(self, number: int) -> int:
        return list(self.model.sessions)[number % len(self.model.sessions)]

    @rule()
    def a_client_comes(self) -> None:
        command = OpenSession(f"client {self.slot}", f"nonce {self.slot}", 1)
        answer = self.log(command)
        assert answer.ok
        assert answer.value == self.slot
        assert self.log(command).value == answer.value
        self.model.sessions[answer.value] = command.owner
        self.sent[answer.value] = 0

    def ask(self, session: int, change: Any) -> None:
        self.sent[session] += 1
        number = self.sent[session]
        command = Command(session, number, number - 1, change, self.slot * 1000)
        answer = self.log(command)
        assert (answer.error, answer.value) == self.model.change(change, session), change
        assert answer.zxid == self.slot
        self.last = command, answer

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), change=changes)
    def one_change(self, who: int, change: Any) -> None:
        self.ask(self.some_session(who), change)

    # Random paths mostly fail: these build something up.

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), above=places, name=st.sampled_from(NAMES), ephemeral=flags)
    def a_file(self, who: int, above: str, name: str, ephemeral: bool) -> None:
        self.ask(self.some_session(who), Create(above + name, b"x", ephemeral))

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), above=places, ephemeral=flags, slash=st.sampled_from(("", "", "/")))
    def a_numbered_name(self, who: int, above: str, ephemeral: bool, slash: str) -> None:
        self.ask(self.some_session(who), Create(f"{above}a{slash}", b"", ephemeral and not slash, True))

    @precondition(lambda self: any(node[3] for node in self.model.nodes.values()))
    @rule(who=st.integers(0, 9), which=st.integers(0, 9), below=flags)
    def something_with_an_ephemeral_file(self, who: int, which: int, below: bool) -> None:
        """Make something below it, or remove it: who does either is mostly not its owner."""
        owned = sorted(path for path, node in self.model.nodes.items() if node[3])
        path = owned[which % len(owned)]
        self.ask(self.some_session(who), Create(f"{path}/a") if below else Delete(path))

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), path=st.sampled_from(("/a/", "/b/", "/a/a/")))
    def a_directory(self, who: int, path: str) -> None:
        self.ask(self.some_session(who), Create(path))

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), which=st.integers(0, 99), value=values, lag=st.integers(0, 1))
    def a_conditional_put(self, who: int, which: int, value: bytes, lag: int) -> None:
        path = sorted(self.model.nodes)[which % len(self.model.nodes)]
        self.ask(self.some_session(who), Put(path, value, max(0, self.model.nodes[path][1] - lag)))

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), which=st.integers(0, 99), lag=st.integers(0, 1))
    def a_conditional_delete(self, who: int, which: int, lag: int) -> None:
        path = sorted(self.model.nodes)[which % len(self.model.nodes)]
        self.ask(self.some_session(who), Delete(path, self.model.nodes[path][1] + lag))

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), several=st.lists(changes, max_size=3))
    def all_or_nothing(self, who: int, several: list[Any]) -> None:
        self.ask(self.some_session(who), Multi(tuple(several)))

    @precondition(lambda self: self.last is not None and self.last[0].session in self.model.sessions)
    @rule()
    def the_same_again(self) -> None:
        assert self.last is not None
        command, answer = self.last
        before = copy.deepcopy(self.state.image()[0][1:])
        assert self.log(command) == answer
        assert self.state.image()[0][1:] == before

    @precondition(lambda self: self.model.sessions)
    @rule(who=st.integers(0, 9), expired=flags)
    def a_session_ends(self, who: int, expired: bool) -> None:
        session = self.some_session(who)
        assert self.log(EndSession(session, expired)).ok
        self.model.end(session)
        self.over.append(session)

    @precondition(lambda self: self.over)
    @rule(who=st.integers(0, 9), change=changes)
    def who_has_no_session_changes_nothing(self, who: int, change: Any) -> None:
        session = self.over[who % len(self.over)]
        self.sent[session] += 1
        assert self.log(Command(session, self.sent[session], 0, change, 0)).error == "session-expired"
        assert self.log(EndSession(session, True)).error == "session-expired"

    @rule()
    def a_snapshot(self) -> None:
        image, size_bytes = self.state.image()
        assert size_bytes > self.state.tree.size_bytes
        self.kept.append((image, copy.deepcopy(image), copy.deepcopy(self.model), list(self.over)))

    @rule()
    def another_server_goes_on_from_here(self) -> None:
        image, size_bytes = self.state.image()
        other = NuwaState(LIMIT)
        other.restore(image)
        assert other.image() == (image, size_bytes)
        self.state = other

    @precondition(lambda self: self.kept)
    @rule(which=st.integers(0, 9))
    def a_snapshot_from_before_is_restored(self, which: int) -> None:
        image, _, model, over = self.kept[which % len(self.kept)]
        self.state.restore(image)
        self.model, self.over, self.last = copy.deepcopy(model), list(over), None

    @invariant()
    def both_hold_the_same(self) -> None:
        found = {
            path: [node.value, node.version, node.creator, node.session] for path, node in self.state.tree.nodes.items()
        }
        assert found == self.model.nodes
        assert {number: session.owner for number, session in self.state.sessions.items()} == self.model.sessions
        for number, session in self.state.sessions.items():
            assert set(session.ephemerals) == {path for path, node in found.items() if node[3] == number}
        assert self.state.tree.size_bytes == sum(len(path) + len(found[path][0]) for path in found if path != "/")

    @invariant()
    def every_directory_lists_what_is_in_it(self) -> None:
        for path in self.model.nodes:
            answer = self.state.tree.names(path, self.slot)
            if path.endswith("/"):
                assert list(answer.value) == self.model.names(path)
                assert self.state.tree.stat(path, self.slot).value.children == len(answer.value)
            else:
                assert answer.error == "bad-request"

    @invariant()
    def what_happens_later_does_not_alter_a_snapshot(self) -> None:
        for image, as_taken, _, _ in self.kept:
            assert image == as_taken


AgainstTheModel.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, derandomize=True, database=None
)
TestTheStateAnswersAsTheModel = AgainstTheModel.TestCase


@pytest.mark.parametrize("by_hand", ["/a0000000000", "/a0000000000/"])
def test_a_number_under_which_somebody_made_a_name_by_hand_is_passed_over(by_hand: str) -> None:
    state = NuwaState(LIMIT)
    for number in (1, 2):
        assert state.apply(number, OpenSession(f"client {number}", f"nonce {number}", 1)).ok
    assert state.apply(3, Command(1, 1, 0, Create(by_hand, ephemeral=not by_hand.endswith("/")), 0)).ok
    assert state.apply(4, Command(2, 1, 0, Create("/a", ephemeral=True, sequential=True), 0)).value == "/a0000000001"
    # Each session takes its own away, and only that.
    assert state.apply(5, EndSession(2, False)).ok
    assert by_hand in state.tree.nodes
    assert state.apply(6, EndSession(1, False)).ok
