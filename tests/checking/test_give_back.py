"""What a group is sure of it gets back within one adjustment, and it shows when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.checking.give_back import BorrowedIsGivenBack
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.fuxi.check_facts import Adjusted, GroupHolds, GroupStands, MachineFree, UnitWaits


class _Story:
    """Two machines of ten; green is sure of ten and uses four, blue is sure of ten and uses sixteen."""

    def __init__(self, **changes: Any) -> None:
        self.invariant = BorrowedIsGivenBack()
        self._hears = self.invariant.hears()
        self._now_ns = 0
        self.changes = changes

    def _tell(self, fact: Any) -> None:
        self._hears[fact.kind](self._now_ns, fact)

    def moment(self, **changes: Any) -> None:
        """One adjustment, after which green waits for a unit of two."""
        what = self.changes | changes
        self._now_ns += 1
        self._tell(Adjusted(what.get("epoch", 1), what.get("preempts", True)))
        claimed, minimum = what.get("claimed", "0"), what.get("minimum", "10")
        self._tell(GroupStands("blue", what.get("blue", "16"), "0", minimum))
        self._tell(GroupStands("green", what.get("green", "4"), claimed, minimum))
        for machine in ("m0", "m1"):
            self._tell(MachineFree(machine, "0", what.get("coming", "0")))
            self._tell(GroupHolds(machine, "blue", what.get("held", "3")))
        room, avoid, unclaimed = what.get("room", -1), what.get("avoid", ""), what.get("unclaimed", 1)
        self._tell(UnitWaits("job", 1, what.get("vector", "2"), room, avoid, "green", unclaimed))


def test_who_waits_beside_what_could_be_given_back_may_do_so_until_the_next_adjustment():
    story = _Story()
    story.moment()
    with pytest.raises(InvariantViolated, match=r"FX2g .* job/1 of group green, .* what blue could give back on m0"):
        story.moment()
    assert story.invariant.evaluated == 2


@pytest.mark.parametrize(
    "right",
    [
        {"unclaimed": 0},
        {"avoid": "m0 m1"},
        {"held": "1"},
        # If all that it has on the machine went, it would have less than it is sure of.
        {"held": "6"},
    ],
    ids=["room is made", "the machines are avoided", "too little is there", "it would cost what is not borrowed"],
)
def test_who_has_room_made_or_cannot_be_helped_may_wait(right: dict[str, Any]):
    story = _Story(**right)
    for _ in range(3):
        story.moment()
    assert story.invariant.evaluated == 3


@pytest.mark.parametrize(
    "right",
    [{"green": "9"}, {"claimed": "5"}, {"blue": "10"}, {"preempts": False}],
    ids=["it asks for more than it is sure of", "with what is kept for it", "nobody borrows", "nothing is taken back"],
)
def test_who_has_no_right_to_it_is_not_judged(right: dict[str, Any]):
    story = _Story(**right)
    for _ in range(3):
        story.moment()
    assert not story.invariant.evaluated


def test_what_is_returning_and_what_is_borrowed_count_together():
    story = _Story(vector="4", coming="1")
    story.moment()
    with pytest.raises(InvariantViolated, match="FX2g"):
        story.moment()


def test_it_counts_anew_for_another_fuxi_master_and_after_a_moment_without_waiting():
    story = _Story()
    story.moment()
    story.moment(epoch=2)
    story.moment(epoch=2, unclaimed=0)
    story.moment(epoch=2)
    with pytest.raises(InvariantViolated, match="FX2g"):
        story.moment(epoch=2)


def test_what_a_group_is_short_of_matters_only_if_it_is_asked_for():
    two = {"minimum": "10,10", "claimed": "0,0", "blue": "16,0", "held": "3,0", "coming": "0,0"}
    story = _Story(**two, green="4,99", vector="2,0")
    story.moment()
    with pytest.raises(InvariantViolated, match="FX2g"):
        story.moment()
    story = _Story(**two, green="4,10", vector="2,1")
    story.moment()
    assert not story.invariant.evaluated
