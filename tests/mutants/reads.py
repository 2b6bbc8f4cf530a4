"""Bugs in reads: what lets a member answer from its own state, and which state it shows."""

from __future__ import annotations

from typing import Any

from feitian_sim.nuwa.server import NuwaServer
from feitian_sim.paxos.effects import Ready
from feitian_sim.paxos.lease import Allegiance, LeaderLease
from feitian_sim.paxos.reads import Reads
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_LEASES = "scenarios/check/leases.yaml"
_SESSIONS = "scenarios/check/sessions.yaml"
_answer_read = NuwaServer._answer_read


def _reads_from_memory(patch: Patch, hit: Hit) -> None:
    def add(self: Reads, ticket: Any, now_ns: int, *, established: bool) -> bool:
        hit()
        self._core.out.append(Ready(ticket))
        return False

    patch.setattr(Reads, "add", add)


def _lease_too_long(patch: Patch, hit: Hit) -> None:
    def until_ns(self: LeaderLease, members: tuple[int, ...], now_ns: int) -> int:
        hit()
        return self.quorum_sent_ns(members, now_ns) + 3 * self._length_ns

    patch.setattr(LeaderLease, "until_ns", until_ns)


def _forgets_its_leader(patch: Patch, hit: Hit) -> None:
    def init(self: Allegiance, lease_ns: int, now_ns: int) -> None:
        hit()
        self._lease_ns = lease_ns
        self.bound_until_ns = self._forgotten_until_ns = now_ns

    patch.setattr(Allegiance, "__init__", init)


def _reads_from_the_past(patch: Patch, hit: Hit) -> None:
    def answer_read(self: NuwaServer, call: Any) -> None:
        asked = call.message
        if asked.fresh:
            _answer_read(self, call)
            return
        if asked.seen_zxid > self.state.zxid:
            hit()
        self._reply(call, self._look(asked.kind, asked.path))

    patch.setattr(NuwaServer, "_answer_read", answer_read)


def _fresh_reads_anywhere(patch: Patch, hit: Hit) -> None:
    def answer_read(self: NuwaServer, call: Any) -> None:
        asked = call.message
        if asked.fresh and not self.leads and self.state.zxid >= asked.seen_zxid:
            hit()
            self._reply(call, self._look(asked.kind, asked.path))
        else:
            _answer_read(self, call)

    patch.setattr(NuwaServer, "_answer_read", answer_read)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "NW-11",
        "the leader answers reads from memory, without lease or round",
        "etcd #20418",
        ("NW6b", "NW6a", "NW6", "NW9"),
        _reads_from_memory,
        _LEASES,
        "amnesia",
    ),
    _m(
        "OWN-03",
        "the leader's lease outlasts the others' patience",
        "LogCabin; leases under drift",
        ("NW6b", "NW6a", "NW6", "NW9"),
        _lease_too_long,
        _LEASES,
        "amnesia",
    ),
    _m(
        "OWN-05",
        "a restarted member forgets whom it was bound to",
        "Chubby: lease after a restart",
        ("NW6b", "NW6a", "NW6"),
        _forgets_its_leader,
        _LEASES,
        "amnesia",
    ),
    _m(
        "OWN-17",
        "a server shows a client a state older than it has seen",
        "ZOOKEEPER-22",
        ("NW7",),
        _reads_from_the_past,
        _SESSIONS,
        "network",
    ),
    _m(
        "OWN-25",
        "who asks for the state of now is answered by whichever server knows as much as itself",
        "Jepsen, etcd 0.4 and Consul: reads of any server",
        ("NW6a", "NW6"),
        _fresh_reads_anywhere,
    ),
)
