"""Interesting moments: whether a check has ever been where it hurts ("sometimes" probes).

A check that finds nothing proves little if no seed ever had two leaders at once. Each probe counts, over a run, how often
its moment came; what is never reached over all seeds is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from feitian_sim.kernel import FactBus

Predicate = Callable[[Any], bool]


#: The part of a scenario that makes a kind of facts, where it is not the kind's first word.
_PART_OF = {
    "replog": "nuwa",
    "nuwa.resource_touched": "lock",
    "nuwa.elected": "lock",
    "nuwa.resolved": "rpc",
    "nuwa.watch_set": "nuwa-history",
    "nuwa.notice": "nuwa-history",
    "history": "nuwa-history",
    "kuafu.rpc_ended": "rpc",
    "kuafu.window_exhausted": "rpc",
    "kuafu.answered_again": "rpc",
    "zhongkui.key_rotated": "key-rotation",
    "zhongkui.looked_at": "key-rotation",
}
_WRITES = ("put", "cas", "create", "delete")


def _always(_: Any) -> bool:
    return True


class _Seen:
    """Whether something like a fact was there before."""

    def __init__(self, key: Callable[[Any], Any]) -> None:
        self._key = key
        self._known: dict[Any, None] = {}

    def __call__(self, fact: Any) -> bool:
        key = self._key(fact)
        if key in self._known:
            return True
        self._known[key] = None
        return False


class _Duel:
    """Whether two members lead at one time, each in its own eyes."""

    def __init__(self) -> None:
        self._leading: dict[tuple[str, int], int] = {}

    def elected(self, fact: Any) -> bool:
        """Another leads already."""
        others = [one for one in self._leading if one[0] == fact.group and one[1] != fact.member]
        self._leading[fact.group, fact.member] = fact.ballot
        return bool(others)

    def deposed(self, fact: Any) -> bool:
        """It leads no longer."""
        self._leading.pop((fact.group, fact.member), None)
        return False


class _Changes:
    """Elections, and what had begun before the last of them."""

    def __init__(self) -> None:
        self._elections = 0
        self._watches: dict[tuple[str, int], int] = {}
        self._reads: dict[tuple[str, int], int] = {}
        self._writes: dict[tuple[str, int], None] = {}

    def elected(self, _: Any) -> bool:
        """Another leader."""
        self._elections += 1
        return False

    def set_watch(self, fact: Any) -> bool:
        """A client watches."""
        self._watches[fact.owner, fact.number] = self._elections
        return False

    def told(self, fact: Any) -> bool:
        """Its watch was set under a leader before."""
        return self._watches.pop((fact.owner, fact.number), self._elections) < self._elections

    def invoked(self, fact: Any) -> bool:
        """An operation begins."""
        if fact.op == "fresh":
            self._reads[fact.client, fact.number] = self._elections
        elif fact.op in _WRITES:
            self._writes[fact.client, fact.number] = None
        return False

    def returned(self, fact: Any) -> bool:
        """It was a fresh read, asked under a leader before, whose lease has ended since."""
        key = (fact.client, fact.number)
        self._writes.pop(key, None)
        return self._reads.pop(key, self._elections) < self._elections and fact.outcome == "ok"

    def installed(self, fact: Any) -> bool:
        """A snapshot comes from another while clients write."""
        return bool(fact.installed and self._writes)


class _Keys:
    """The authority's keys."""

    def __init__(self) -> None:
        self._newest = ""

    def rotated(self, fact: Any) -> bool:
        """Another signs."""
        self._newest = fact.key
        return False

    def shown(self, fact: Any) -> bool:
        """What was signed with one before is shown, and good."""
        return bool(self._newest) and fact.key != self._newest and not fact.reason


class _Writers:
    """The primaries through which each client has tried to write the same thing."""

    def __init__(self) -> None:
        self._chunks: dict[str, int] = {}

    def moved(self, fact: Any) -> bool:
        """What was sent to one chunk, and failed, is sent to another."""
        first = self._chunks.setdefault(fact.content, fact.chunk)
        return bool(fact.chunk != first)


def probes_of_a_run() -> list[tuple[str, str, Predicate]]:
    """Name, kind of fact and predicate of each; with a memory of their own for one run."""
    duel, changes, keys = _Duel(), _Changes(), _Keys()
    leaders = _Seen(lambda fact: fact.group)
    writers = _Writers()
    commands = _Seen(lambda fact: (fact.server, fact.session, fact.sequence))
    return [
        ("a leader was elected after the first", "replog.leader_elected", leaders),
        ("two members led at one time", "replog.leader_elected", duel.elected),
        ("", "replog.leader_deposed", duel.deposed),
        ("a leader was deposed", "replog.leader_deposed", _always),
        ("a member read its log again", "replog.member_recovered", lambda fact: fact.commands > 0),
        ("a member came back with a snapshot", "replog.member_recovered", lambda fact: fact.index > 0),
        ("a snapshot was saved", "replog.snapshot_saved", lambda fact: not fact.installed),
        ("a snapshot of another was installed", "replog.snapshot_saved", lambda fact: fact.installed),
        ("a member lost its disk", "replog.member_blank", _always),
        ("a command came twice", "nuwa.applied", lambda fact: fact.sequence > 0 and commands(fact)),
        ("a write was refused for its version", "nuwa.applied", lambda fact: fact.error == "bad-version"),
        ("a session expired", "nuwa.session_expired", _always),
        ("a client gave its session up", "nuwa.session_lost", lambda fact: fact.why == "out of touch"),
        ("an ephemeral file was made", "nuwa.applied", lambda fact: fact.ephemeral and not fact.error),
        ("a watch told", "nuwa.notice", _always),
        ("a token was refused as outdated", "nuwa.resource_touched", lambda fact: not fact.accepted),
        ("an office changed hands", "nuwa.elected", _always),
        ("an operation's outcome stayed unknown", "history.returned", lambda fact: fact.outcome == "unknown"),
        ("a master took over", "pangu.master_ready", _always),
        ("a chunk server was declared dead", "pangu.server_dead", _always),
        ("a chunk server came back", "pangu.server_returned", _always),
        ("a stale replica was dropped", "pangu.server_returned", lambda fact: fact.stale > 0),
        ("a chunk was repaired", "pangu.repair", _always),
        ("a clone failed", "pangu.repair_failed", _always),
        ("a chunk had one copy left", "pangu.repair", lambda fact: fact.copies_left == 1),
        ("a chunk had no copy that was known", "pangu.chunk_unavailable", _always),
        ("a replica too many was dropped", "pangu.server_returned", lambda fact: fact.surplus > 0),
        ("a good replica was dropped", "pangu.replica_dropped", lambda fact: fact.needed and fact.good),
        ("a chunk went on under a higher version", "pangu.lease_granted", lambda fact: fact.version > 1),
        ("a chunk was closed with fewer replicas", "pangu.chunk_closed", lambda fact: len(fact.servers.split()) < 3),
        ("a write went on elsewhere", "pangu.bytes_sent", writers.moved),
        ("a lease ran out in mid-write", "pangu.write_committed", lambda fact: not fact.leading),
        ("a file was renamed", "pangu.record_chosen", lambda fact: fact.op == "rename"),
        ("corruption was found", "pangu.corruption_found", _always),
        ("a file operation was tried again", "pangu.operation", lambda fact: fact.retries > 0),
        ("a call was denied", "zhongkui.denied", _always),
        ("", "replog.leader_elected", changes.elected),
        ("", "nuwa.watch_set", changes.set_watch),
        ("a watch told that was set under another leader", "nuwa.notice", changes.told),
        ("", "history.invoked", changes.invoked),
        ("a fresh read was asked under another leader", "history.returned", changes.returned),
        ("a snapshot was installed while clients wrote", "replog.snapshot_saved", changes.installed),
        ("a request waited for credit", "kuafu.window_exhausted", _always),
        ("a request that came again was not done again", "kuafu.answered_again", _always),
        ("a call ended, and nobody knows whether it ran", "kuafu.rpc_ended", lambda fact: fact.error == "uncertain"),
        ("a call reached a machine where nobody listened", "kuafu.rpc_ended", lambda fact: fact.error == "refused"),
        ("a call ended with its connection", "kuafu.rpc_ended", lambda fact: fact.error == "reset"),
        ("a list of servers changed", "nuwa.resolved", _always),
        ("", "zhongkui.key_rotated", keys.rotated),
        ("the signature of a replaced key was looked at", "zhongkui.looked_at", keys.shown),
        ("a key was shown before its news", "zhongkui.looked_at", lambda fact: fact.reason == "key-unknown"),
    ]


class Probes:
    """Counts of one run."""

    def __init__(self, facts: FactBus, parts: Collection[str]) -> None:
        self._counts: dict[str, int] = {}
        of_kinds: dict[str, list[tuple[str, Predicate]]] = {}
        for name, kind, predicate in probes_of_a_run():
            if _PART_OF.get(kind, _PART_OF.get(part := kind.partition(".")[0], part)) not in parts:
                continue
            self._counts.setdefault(name, 0)
            of_kinds.setdefault(kind, []).append((name, predicate))
        self._counts.pop("", None)
        for kind, probes in of_kinds.items():
            facts.subscribe(kind, self._counting(probes))

    def _counting(self, probes: Sequence[tuple[str, Predicate]]) -> Callable[[int, Any], None]:
        counts = self._counts

        def count(_: int, fact: Any) -> None:
            for name, predicate in probes:
                if predicate(fact) and name:
                    counts[name] += 1

        return count

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each moment came."""
        return self._counts
