"""Bugs in Nuwa's tree, sessions, watches and locks, of kinds that ZooKeeper, etcd, Chubby and Curator have had."""

from __future__ import annotations

from typing import Any

from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.commands import Delete, Put
from feitian_sim.nuwa.expiry import Expiry
from feitian_sim.nuwa.fenced import FencedResource
from feitian_sim.nuwa.messages import Attach
from feitian_sim.nuwa.server import NuwaServer
from feitian_sim.nuwa.sessions import Session
from feitian_sim.nuwa.state import NuwaState
from feitian_sim.nuwa.tree import Change, Tree
from feitian_sim.nuwa.watches import WatchTable
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_LOCKS = "scenarios/check/locks.yaml"
_WATCHES = "scenarios/check/watches.yaml"


def _no_dedupe(patch: Patch, hit: Hit) -> None:
    known = Session.known

    def never(self: Session, sequence: int) -> Answer | None:
        if known(self, sequence) is not None:
            hit()
        return None

    patch.setattr(Session, "known", never)


def _retry_as_new(patch: Patch, hit: Hit) -> None:
    elsewhere = NuwaClient._attached

    def attached(self: NuwaClient, server: int, sent_ns: int, answer: Answer) -> None:
        for asked in list(self._unanswered.values()):
            # A retry is a new request with a number of its own.
            hit()
            del self._unanswered[asked.message.sequence]
            self._sequence += 1
            old = asked.message
            asked.message = type(old)(old.session, self._sequence, old.answered, old.change)
            self._unanswered[self._sequence] = asked
        elsewhere(self, server, sent_ns, answer)

    patch.setattr(NuwaClient, "_attached", attached)


def _no_fencing(patch: Patch, hit: Hit) -> None:
    def touch(self: FencedResource, token: int) -> bool:
        if token < self.newest:
            hit()
        self.newest = max(self.newest, token)
        self.accepted.append(self.newest)
        return True

    patch.setattr(FencedResource, "touch", touch)


def _watch_resent(patch: Patch, hit: Hit) -> None:
    tell = NuwaClient._tell

    def told(self: NuwaClient, fired: Any) -> None:
        entry = self._watches.get(fired.number)
        tell(self, fired)
        if entry is not None:
            hit()
            # What was told is not forgotten, and is told again at the next chance.
            self._watches[fired.number] = entry

    patch.setattr(NuwaClient, "_tell", told)


def _answers_overtake_notices(patch: Patch, hit: Hit) -> None:
    def call(self: NuwaClient, message: object, done: Any, failed_: Any, dropped: Any = None) -> None:
        def arrived(reply: Any) -> None:
            if reply.events > self.notices_heard:
                hit()
            done(reply.answer)

        self._endpoint.call(self._addresses[self.server], message, self._config.request_deadline, arrived, failed_)

    patch.setattr(NuwaClient, "_call", call)


def _change_told_again(patch: Patch, hit: Hit) -> None:
    command = NuwaState._command

    def applied(self: NuwaState, asked: Any) -> Answer:
        session = self.sessions.get(asked.session)
        known = session.known(asked.sequence) if session is not None else None
        answer = command(self, asked)
        if known is not None and known.ok and isinstance(asked.change, Put):
            hit()
            self.tree.changes.append(Change(asked.change.path, "changed", self.zxid))
        return answer

    patch.setattr(NuwaState, "_command", applied)


def _watches_lost_on_the_way(patch: Patch, hit: Hit) -> None:
    attach = NuwaServer.attach

    def without(self: NuwaServer, session: int, address: str, watches: Any, number: int = 0) -> None:
        if watches:
            hit()
        attach(self, session, address, (), number)

    patch.setattr(NuwaServer, "attach", without)


def _no_notice_of_what_went_with_a_session(patch: Patch, hit: Hit) -> None:
    end = NuwaState._end

    def silently(self: NuwaState, command: Any) -> Answer:
        before = len(self.tree.changes)
        answer = end(self, command)
        if len(self.tree.changes) > before:
            hit()
        del self.tree.changes[before:]
        return answer

    patch.setattr(NuwaState, "_end", silently)


def _ephemerals_stay(patch: Patch, hit: Hit) -> None:
    end = NuwaState._end

    def kept(self: NuwaState, command: Any) -> Answer:
        session = self.sessions.get(command.session)
        if session is not None and session.ephemerals:
            hit()
            session.ephemerals.clear()
        return end(self, command)

    patch.setattr(NuwaState, "_end", kept)


def _expired_at_takeover(patch: Patch, hit: Hit) -> None:
    init = Expiry.__init__

    def begun(self: Expiry, sessions: Any, now_ns: int) -> None:
        hit()
        init(self, sessions, 0)

    patch.setattr(Expiry, "__init__", begun)


def _half_the_time(patch: Patch, hit: Hit) -> None:
    def overdue(self: Expiry, now_ns: int) -> list[int]:
        found = [one for one in self._unsure if now_ns - self._heard_ns[one] >= self._timeouts[one] // 2]
        if found:
            hit()
        return found

    def due(self: Expiry) -> int | None:
        return min((self._heard_ns[one] + self._timeouts[one] // 2 for one in self._unsure), default=None)

    patch.setattr(Expiry, "overdue", overdue)
    patch.setattr(Expiry, "next_due_ns", due)


def _never_expired(patch: Patch, hit: Hit) -> None:
    def overdue(self: Expiry, now_ns: int) -> list[int]:
        hit()
        return []

    patch.setattr(Expiry, "overdue", overdue)

    def never_due(self: Expiry) -> int | None:
        hit()
        return None

    patch.setattr(Expiry, "next_due_ns", never_due)


def _version_not_looked_at(patch: Patch, hit: Hit) -> None:
    put = Tree.put

    def blind(self: Tree, change: Put, zxid: int, at_ns: int) -> Answer:
        if change.version >= 0:
            hit()
        return put(self, Put(change.path, change.value), zxid, at_ns)

    patch.setattr(Tree, "put", blind)


def _number_given_twice(patch: Patch, hit: Hit) -> None:
    def next_name(self: Tree, parent: Any, path: str) -> str:
        hit()
        # The next number is counted from the names that are there.
        return f"{path}{len(parent.children):010d}"

    patch.setattr(Tree, "_next_name", next_name)


def _answers_not_in_snapshots(patch: Patch, hit: Hit) -> None:
    def copy(self: Session) -> Session:
        hit()
        made = Session(self.number, self.owner, self.timeout_ns, answered=self.answered, subject=self.subject)
        made.ephemerals.update(self.ephemerals)
        return made

    patch.setattr(Session, "copy", copy)


def _versions_not_in_snapshots(patch: Patch, hit: Hit) -> None:
    restore = NuwaState.restore

    def restored(self: NuwaState, image: Any) -> None:
        restore(self, image)
        for node in self.tree.nodes.values():
            if node.version:
                hit()
            node.version = 0

    patch.setattr(NuwaState, "restore", restored)


def _acknowledged_when_forwarded(patch: Patch, hit: Hit) -> None:
    def take_write(self: NuwaServer, call: Any) -> None:
        if isinstance(call.message.change, Put) and not self.leads:
            hit()
            node = self.state.tree.nodes.get(call.message.change.path)
            if node is not None and call.message.change.version < 0:
                self._reply(call, Answer(self.state.zxid, node.version + 1))
        _take_write(self, call)

    def reply(self: NuwaServer, call: Any, answer: Answer) -> None:
        if not call.answered:
            _reply(self, call, answer)

    patch.setattr(NuwaServer, "_take_write", take_write)
    patch.setattr(NuwaServer, "_reply", reply)


_take_write, _reply = NuwaServer._take_write, NuwaServer._reply


def _deleted_version_lives_on(patch: Patch, hit: Hit) -> None:
    create = Tree.create
    versions: dict[int, dict[str, int]] = {}
    delete = Tree.delete

    def deleted(self: Tree, change: Delete, zxid: int) -> Answer:
        node = self.nodes.get(change.path)
        answer = delete(self, change, zxid)
        if answer.ok and node is not None:
            versions.setdefault(id(self), {})[change.path] = node.version
        return answer

    def created(self: Tree, change: Any, creator: str, session: int, zxid: int, at_ns: int) -> Answer:
        answer = create(self, change, creator, session, zxid, at_ns)
        if answer.ok and change.path in versions.get(id(self), {}):
            hit()
            self.nodes[change.path].version = versions[id(self)][change.path]
        return answer

    init = Tree.__init__

    def fresh(self: Tree, *args: Any, **named: Any) -> None:
        # Identities come again.
        versions.pop(id(self), None)
        init(self, *args, **named)

    patch.setattr(Tree, "__init__", fresh)
    patch.setattr(Tree, "delete", deleted)
    patch.setattr(Tree, "create", created)


def _attached_by_word_alone(patch: Patch, hit: Hit) -> None:
    touch = NuwaServer._touch

    def told(self: NuwaServer, session: int, call: Any) -> None:
        if isinstance(call.message, Attach):
            hit()
            self._reply(call, Answer(self.state.zxid))
        else:
            touch(self, session, call)

    patch.setattr(NuwaServer, "_touch", told)


def _watch_of_the_wrong_kind(patch: Patch, hit: Hit) -> None:
    fired_by = WatchTable.fired_by

    def fired(self: WatchTable, change: Change) -> Any:
        if change.kind == "deleted":
            hit()
            return []
        return fired_by(self, change)

    patch.setattr(WatchTable, "fired_by", fired)


MUTANTS: tuple[Mutant, ...] = (
    _m("NW-17", "a create that comes twice is done twice", "CURATOR-264, -45", ("NW12", "NW8"), _no_dedupe),
    _m("NW-18", "what a lock guards looks at no token", "Jepsen, etcd 3.4.3", ("NW11",), _no_fencing, _LOCKS, "gray"),
    _m("NW-19", "a watch tells again after a reconnection", "etcd #15271", ("NW10",), _watch_resent),
    _m(
        "NW-21",
        "answers overtake the notices before them",
        "etcd #15220",
        ("NW10a",),
        _answers_overtake_notices,
        _WATCHES,
        "network",
    ),
    _m(
        "NW-23",
        "a change is told again for a command that came twice",
        "etcd #17247",
        ("NW10a", "NW10", "NW10L"),
        _change_told_again,
    ),
    _m("OWN-10", "a retry is sent as a new request", "FoundationDB, commit_unknown_result", ("NW6",), _retry_as_new),
    _m(
        "OWN-11",
        "watches are not registered at the next server",
        "ZOOKEEPER-706",
        ("NW10L", "NW10a"),
        _watches_lost_on_the_way,
    ),
    _m(
        "OWN-12",
        "what goes with a session goes without a notice",
        "ZOOKEEPER-1506",
        ("NW10L",),
        _no_notice_of_what_went_with_a_session,
    ),
    _m("OWN-13", "ephemeral files outlive their session", "ZOOKEEPER-2355", ("NW8", "NW13"), _ephemerals_stay),
    _m("OWN-14", "a new leader counts silence from the beginning", "Chubby, sec. 2.8", ("NW9",), _expired_at_takeover),
    _m("OWN-15", "sessions end after half of their time", "ZOOKEEPER-1035", ("NW9",), _half_the_time),
    _m("OWN-16", "sessions never end", "ZOOKEEPER-1367", ("NW9L",), _never_expired),
    _m(
        "OWN-18",
        "a conditional write does not look at the version",
        "Jepsen, compare and set",
        ("NW8", "NW6"),
        _version_not_looked_at,
    ),
    _m("OWN-19", "a sequential name is given twice", "CURATOR-79", ("NW8",), _number_given_twice, _LOCKS),
    _m("OWN-20", "answers are not in snapshots", "etcd #11651", ("NW12", "NW8"), _answers_not_in_snapshots),
    _m("OWN-28", "versions are not in snapshots", "generic", ("NW13", "NW8"), _versions_not_in_snapshots),
    _m(
        "OWN-21",
        "a write is acknowledged when it is forwarded",
        "ZAB without a quorum",
        ("NW5", "NW6"),
        _acknowledged_when_forwarded,
    ),
    _m(
        "OWN-22",
        "a file that is made again goes on with its old version",
        "ZOOKEEPER-2164",
        ("NW8", "NW13"),
        _deleted_version_lives_on,
    ),
    _m(
        "OWN-23",
        "a server confirms a session that comes to it, and the leader does not hear of it",
        "found by our own check",
        ("NW9",),
        _attached_by_word_alone,
    ),
    _m("OWN-24", "a deletion tells no watch", "ZOOKEEPER-1505", ("NW10L", "NW10a"), _watch_of_the_wrong_kind),
)
