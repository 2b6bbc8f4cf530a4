"""PG13: damage is found within a round of scrubbing; what was found stays set aside, whoever dies in between."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.checking.chunks import ScrubFindsDamage
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.hardware.facts import DiskDamaged, DiskUse, ProcessEnded
from feitian_sim.pangu.check_facts import DamageNoticed, ScrubBegun

_S = 1_000_000_000


class _Story:
    """What happens to one server, which goes round its replicas every two seconds."""

    def __init__(self) -> None:
        self.judge = ScrubFindsDamage()
        self._hears = self.judge.hears()
        self.tell(0, ScrubBegun("r0/m0", 2 * _S))

    def tell(self, time_s: float, fact: Any) -> None:
        self._hears[fact.kind](int(time_s * _S), fact)

    def look(self, time_s: float) -> None:
        self.tell(time_s, DiskUse("r0/m0", 0, 0))

    def restart(self, time_s: float) -> None:
        self.tell(time_s, ProcessEnded("r0/m0", "pangu.chunkserver", 1))
        self.tell(time_s, ScrubBegun("r0/m0", 2 * _S))


@pytest.fixture
def story() -> _Story:
    """With a replica that rots after a second."""
    story = _Story()
    story.tell(1, DiskDamaged("r0/m0/d0", "rot", "chunk 7"))
    return story


def test_damage_that_nobody_finds_in_time(story: _Story):
    story.look(2.9)
    with pytest.raises(InvariantViolated, match="chunk 7 of r0/m0 is damaged since 1000000000 ns"):
        story.look(3.1)


def test_a_restart_begins_a_new_round(story: _Story):
    story.restart(2)
    story.look(3.9)
    with pytest.raises(InvariantViolated):
        story.look(4.1)


def test_what_was_found_stays_found_over_a_restart(story: _Story):
    story.tell(2, DamageNoticed("r0/m0", 7))
    assert story.judge.evaluated == 1
    story.restart(3)
    story.look(9)
    # There was nothing left to find; another chunk is looked for as before.
    assert story.judge.evaluated == 1
    story.tell(9, DiskDamaged("r0/m0/d0", "rot", "chunk 8"))
    with pytest.raises(InvariantViolated, match="chunk 8"):
        story.look(12)
