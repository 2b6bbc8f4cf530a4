"""What Zhongkui promises, judged from outside: by those who try what they may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant


class NothingWithoutRight(Invariant):
    """ZG1, ZG2 and ZG3: an attacker tries every kind of void capability at every kind of server.

    What makes each void is known to who made it, not to who verifies it: altered in one field after the other, forged,
    expired, of another subject, cell or scope, wider than what it was narrowed from, revoked.
    """

    id = "ZG1"
    needs = ("attack",)
    claim = "no operation is done for who has no valid capability for it"

    def hears(self) -> Mapping[str, Hears]:
        """Attempts and their answers."""
        return {"zhongkui.attempt": self._tried}

    def _tried(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if not fact.refused:
            self.broken(now_ns, f"{fact.load} was let through at {fact.target} with a capability that is {fact.attempt}")
