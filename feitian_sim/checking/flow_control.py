"""What Kuafu promises of a connection: credits that are conserved, turns that are fair, a stream that keeps its order.

The books are kept anew from what left and what was taken in; of an account's own number it is only asked whether it is
the same. Order is promised where single messages are struck, of requests and answers; notes travel by themselves and
blocks beside, so of those nothing is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Hears, Invariant


class CreditsAreConserved(Invariant):
    """KF3."""

    id = "KF3"
    needs = ("rpc",)
    claim = (
        "what is in flight stays within the window, and credits that were taken come back with the answer, all of them"
    )

    def __init__(self) -> None:
        super().__init__()
        # Of each account: bytes in flight, and messages.
        self._books: dict[str, list[int]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Envelopes, and what accounts say at the end."""
        return {
            "kuafu.envelope_left": self._left,
            "kuafu.envelope_arrived": self._arrived,
            "kuafu.account_told": self._told,
        }

    def _left(self, now_ns: int, fact: Any) -> None:
        if not fact.size_bytes:
            return
        self.evaluated += 1
        book = self._books.setdefault(fact.account, [0, 0])
        book[0] += fact.size_bytes
        book[1] += 1
        if fact.used_bytes != book[0]:
            self.broken(now_ns, f"{fact.account} says that {fact.used_bytes} bytes are in flight, not {book[0]}")
        if book[0] > fact.window_bytes and book[1] > 1:
            self.broken(now_ns, f"{fact.account} has {book[0]} bytes in flight, its window is {fact.window_bytes}")

    def _arrived(self, now_ns: int, fact: Any) -> None:
        if fact.sort != "request":
            # A note and an answer free what they took themselves.
            self._free(fact.account, fact.size_bytes)
        if fact.frees:
            self._free(fact.frees, fact.frees_bytes)

    def _free(self, account: str, size_bytes: int) -> None:
        book = self._books.get(account)
        if book is not None and size_bytes:
            book[0] -= size_bytes
            book[1] -= 1

    def _told(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        known = self._books.get(fact.account, [0])[0]
        if fact.used_bytes != known:
            self.broken(now_ns, f"{fact.account} says that {fact.used_bytes} bytes are in flight, not {known}")


class NobodyStarves(Invariant):
    """KF4: after Shreedhar and Varghese ("Efficient fair queueing using deficit round robin", SIGCOMM 1995).

    While the first of a flow waits, another flow may send what its rounds until then give it, and one message more.
    """

    id = "KF4"
    needs = ("rpc",)
    claim = "who waits for credit has a turn before others have had several, and nobody waits for ever"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        self._config = config
        # Of each account the flows that wait: of each the messages in order.
        self._waiting: dict[str, dict[str, deque[_Waits]]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Envelopes, and what accounts say at the end."""
        return {
            "kuafu.envelope_made": self._made,
            "kuafu.envelope_left": self._left,
            "kuafu.account_told": self._told,
        }

    def _made(self, now_ns: int, fact: Any) -> None:
        flows = self._waiting.setdefault(fact.account, {})
        flows.setdefault(fact.flow, deque()).append(_Waits(now_ns, fact))

    def _left(self, now_ns: int, fact: Any) -> None:
        flows = self._waiting.get(fact.account)
        mine = flows.get(fact.flow) if flows is not None else None
        if flows is None or not mine or (mine[0].number, mine[0].sort) != (fact.number, fact.sort):
            return
        self.evaluated += 1
        mine.popleft()
        if not mine:
            del flows[fact.flow]
        for flow, waits in flows.items():
            if flow == fact.flow:
                continue
            head = waits[0]
            passed, largest = head.passed.get(fact.flow, (0, 0))
            passed, largest = passed + fact.size_bytes, max(largest, fact.size_bytes)
            head.passed[fact.flow] = passed, largest
            rounds = -(-head.size_bytes // head.quantum_bytes) + 2
            most = rounds * head.quantum_bytes + largest
            if passed > most:
                text = f"{fact.flow} sent {passed} bytes while {head.size_bytes} of {flow} waited, {most} are the most"
                self.broken(now_ns, f"{text} ({fact.account})")

    def settled(self, now_ns: int) -> bool:
        """What is stuck is known by how long it has been, at the bound."""
        return False

    def _told(self, now_ns: int, fact: Any) -> None:
        """At the end: on a connection of the core nothing has waited for long."""
        liveness = self._config.liveness
        flows = self._waiting.get(fact.account)
        if liveness is None or not flows or not {fact.machine, fact.peer} <= {*liveness.core}:
            return
        since_ns = now_ns - self._config.converge
        for flow, waits in flows.items():
            self.evaluated += 1
            if waits[0].since_ns < since_ns:
                waited_s = (now_ns - waits[0].since_ns) / 1e9
                self.broken(
                    now_ns, f"{waits[0].size_bytes} bytes of {flow} have waited {waited_s:.1f} s ({fact.account})"
                )


class _Waits:
    """A message that waits, and what others have sent since it was the first of its flow."""

    __slots__ = ("number", "passed", "quantum_bytes", "since_ns", "size_bytes", "sort")

    def __init__(self, now_ns: int, fact: Any) -> None:
        self.since_ns = now_ns
        self.number: int = fact.number
        self.sort: str = fact.sort
        self.size_bytes: int = fact.size_bytes
        self.quantum_bytes: int = fact.quantum_bytes
        #: By flow: bytes, and those of its largest message.
        self.passed: dict[str, tuple[int, int]] = {}


class StreamsKeepTheirOrder(Invariant):
    """KF5."""

    id = "KF5"
    needs = ("rpc",)
    claim = "requests and answers are taken in in the order in which they left, each once, on their side of a connection"

    def __init__(self) -> None:
        super().__init__()
        self._streams: dict[str, deque[tuple[str, int]]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Envelopes."""
        return {"kuafu.envelope_left": self._left, "kuafu.envelope_arrived": self._arrived}

    def _left(self, now_ns: int, fact: Any) -> None:
        if fact.stream:
            self._streams.setdefault(fact.stream, deque()).append((fact.sort, fact.number))

    def _arrived(self, now_ns: int, fact: Any) -> None:
        if not fact.stream:
            return
        self.evaluated += 1
        stream = self._streams.get(fact.stream)
        first = stream.popleft() if stream else None
        if first != (fact.sort, fact.number):
            before = "nothing was to come" if first is None else f"{first[0]} {first[1]} was to come before"
            self.broken(now_ns, f"{fact.sort} {fact.number} was taken in where {before} ({fact.stream})")
