"""Bugs in Nuwa's client library: how its operations end."""

from __future__ import annotations

from typing import Any

from feitian_sim.nuwa.client import NuwaClient
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_THREE = "scenarios/check/three.yaml"
_SESSIONS = "scenarios/check/sessions.yaml"


def _ended_by_each_answer(patch: Patch, hit: Hit) -> None:
    ended = NuwaClient._ended

    def again(self: NuwaClient, asked: Any, server: int, answer: Any) -> None:
        sequence = getattr(asked.message, "sequence", 0)
        if sequence and sequence not in self._unanswered and answer.ok and not self.is_over:
            hit()
            self._unanswered[sequence] = asked
        ended(self, asked, server, answer)

    patch.setattr(NuwaClient, "_ended", again)


def _never_asked_again(patch: Patch, hit: Hit) -> None:
    def again(self: NuwaClient, asked: Any) -> None:
        hit()

    patch.setattr(NuwaClient, "_again", again)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "OWN-27",
        "a write that two servers answer ends twice",
        "generic",
        ("G6",),
        _ended_by_each_answer,
        _SESSIONS,
        "network",
    ),
    _m(
        "OWN-36",
        "what found no leader is never asked again",
        "generic",
        ("NW15",),
        _never_asked_again,
        _THREE,
    ),
)
