"""What must hold of messages and of what holds them: each has one fate, and no queue exceeds what was declared for it.

Declared bounds are those of a scenario: ``kuafu.window`` (judged by KF3) and ``kuafu.inbox``. Callers that wait for
credit, commands that wait at a leader and jobs that wait for a disk or a core have none: who waits there has a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Hears, Invariant


class OneFate(Invariant):
    """G2: of every message between two machines, and on one."""

    id = "G2"
    needs = ("rpc",)
    claim = "a message arrives or is lost, once, and is lost only where a fault or a machine that is down explains it"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        self._config = config
        self._under_way: dict[int, tuple[int, Any]] = {}
        self._is_faulty = False
        self._last = 0

    def hears(self) -> Mapping[str, Hears]:
        """Messages, and what may strike them."""
        return {
            "hardware.message_left": self._left,
            "hardware.message_arrived": self._arrived,
            "hardware.message_lost": self._lost,
            "hardware.machine_crashed": self._struck,
            "faults.started": self._struck,
        }

    def _struck(self, now_ns: int, fact: Any) -> None:
        self._is_faulty = True

    def _left(self, now_ns: int, fact: Any) -> None:
        self._under_way[fact.number] = (now_ns, fact)
        self._last = fact.number

    def _arrived(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if self._under_way.pop(fact.number, None) is None:
            self.broken(now_ns, f"message {fact.number} arrived, having met its fate before")

    def _lost(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        known = self._under_way.pop(fact.number, None)
        if known is None:
            self.broken(now_ns, f"message {fact.number} was lost, having met its fate before")
        elif not self._is_faulty:
            self.broken(now_ns, f"message {fact.number} from {known[1].source} to {known[1].target} was lost by no fault")

    def settled(self, now_ns: int) -> bool:
        """What is stuck is known by how long it has been, at the bound."""
        return False

    def at_end(self, now_ns: int) -> None:
        """In a core that has long been whole nothing is on its way for ever."""
        liveness = self._config.liveness
        if liveness is None:
            return
        since_ns = now_ns - self._config.converge
        for number, (left_ns, fact) in self._under_way.items():
            if left_ns >= since_ns:
                break
            if fact.told and fact.source in liveness.core and fact.target in liveness.core:
                way = f"from {fact.source} to {fact.target}"
                self.broken(now_ns, f"message {number} {way} left at {left_ns / 1e9:.6f} s, and nobody knows where it is")


class QueuesAreBounded(Invariant):
    """G3: judged by what a server was given and has not answered, by its own count."""

    id = "G3"
    needs = ("rpc",)
    claim = "a process holds no more bytes of requests than its inbox has room for, but one request that is larger"

    def hears(self) -> Mapping[str, Hears]:
        """What servers are given."""
        return {"kuafu.inbox_filled": self._filled}

    def _filled(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.held_bytes > max(fact.most_bytes, fact.size_bytes):
            self.broken(
                now_ns, f"{fact.server} holds {fact.held_bytes} bytes of requests, {fact.most_bytes} are the most"
            )
