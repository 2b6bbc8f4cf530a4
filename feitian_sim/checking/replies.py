"""NW12: what a client of Nuwa asks under one number of its session is done at most once, and answered alike each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

#: What a server may say in place of the first answer: the client has it, or its session is over.
_OF_NO_EFFECT = ("bad-request", "session-expired")


class CommandsOnce(Invariant):
    """NW12: judged by answers, since a second effect shows in one: another version, another name, "exists".

    That nothing else is done besides, the trees of servers say (NW8, NW13).
    """

    id = "NW12"
    needs = ("nuwa",)
    claim = "a command that comes again is answered as the first time, at whichever server and after whichever restart"

    def __init__(self) -> None:
        super().__init__()
        # By session and number: the slot that was first, and its answer.
        self._given: dict[tuple[int, int], tuple[int, str, str]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What servers apply."""
        return {"nuwa.applied": self._applied}

    def _applied(self, now_ns: int, fact: Any) -> None:
        if not fact.sequence or fact.error in _OF_NO_EFFECT:
            return
        key = (fact.session, fact.sequence)
        slot, error, result = self._given.setdefault(key, (fact.slot, fact.error, fact.result))
        if slot == fact.slot:
            return
        self.evaluated += 1
        if (error, result) != (fact.error, fact.result):
            before, now = f"{error or 'ok'} {result}".strip(), f"{fact.error or 'ok'} {fact.result}".strip()
            text = f"{fact.op} {fact.path}, number {fact.sequence} of session {fact.session}, was answered with {before} "
            self.broken(now_ns, f"{text}in slot {slot}, with {now} in slot {fact.slot} at server {fact.server}")
