"""Who allows a read must be the newest leader that had been elected when it was asked."""

from __future__ import annotations

import pytest

from feitian_sim.checking.freshness import ReadsAskTheNewestLeader
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.replog.facts import LeaderElected, ReadAllowed


class _Story:
    def __init__(self) -> None:
        self.invariant = ReadsAskTheNewestLeader()
        self._hears = self.invariant.hears()

    def elected(self, now_ns: int, member: int, ballot: int, group: str = "nuwa") -> None:
        self._hears["replog.leader_elected"](now_ns, LeaderElected(group, member, ballot))

    def allowed(self, now_ns: int, member: int, asked_ns: int, group: str = "nuwa") -> None:
        self._hears["replog.read_allowed"](now_ns, ReadAllowed(group, member, asked_ns))


def test_the_leader_of_the_moment_and_one_that_was_passed_over_meanwhile_may():
    story = _Story()
    story.elected(10, 0, 1)
    story.allowed(20, 0, 20)
    story.elected(30, 1, 2)
    # Its round was answered before the other was elected.
    story.allowed(35, 0, 30)
    story.elected(50, 0, 3)
    story.allowed(60, 0, 45)
    assert story.invariant.evaluated == 3


def test_groups_are_strangers():
    story = _Story()
    story.elected(10, 0, 1)
    story.elected(20, 1, 2, "pangu")
    story.allowed(30, 0, 30)
    assert story.invariant.evaluated == 1
    with pytest.raises(InvariantViolated, match="NW6b"):
        story.allowed(40, 0, 40, "pangu")


def test_one_that_was_passed_over_before_may_not():
    story = _Story()
    story.elected(10, 0, 1)
    story.elected(30, 1, 2)
    with pytest.raises(InvariantViolated, match="NW6b"):
        story.allowed(40, 0, 31)


def test_one_that_never_led_may_not():
    story = _Story()
    story.elected(10, 0, 1)
    with pytest.raises(InvariantViolated, match="NW6b"):
        story.allowed(20, 2, 15)
