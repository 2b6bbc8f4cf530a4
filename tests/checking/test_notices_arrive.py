"""NW10L: each watch is held to what its own read has shown, though a later read is answered first."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.coordination import TreeIsAsCommanded
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.checking.liveness import NoticesArrive, Recoverable
from feitian_sim.nuwa.facts import NoticeTold, Operation, WatchSet

_S = 1_000_000_000


class _Story:
    """A client, and a file that is deleted in slot 38, in a group that is whole from the second second on."""

    def __init__(self) -> None:
        config = CheckConfig.model_validate({"converge": "2s", "liveness": {"after": "2s", "core": ["r0/m0"]}})
        tree = TreeIsAsCommanded()
        tree.model.changes["/f"] = [34, 38]
        tree.model.sessions[2] = ""
        self._judge = NoticesArrive(config, tree, Recoverable())

    def tell(self, time_s: float, fact: Any) -> None:
        hear = self._judge.hears().get(fact.kind)
        if hear is not None:
            hear(int(time_s * _S), fact)

    def watch(self, time_s: float, number: int) -> None:
        self.tell(time_s, WatchSet("c", 2, number, "/f", "node"))

    def answer(self, time_s: float, begun_s: float, zxid: int) -> None:
        self.tell(time_s, Operation("c", "stat", "/f", int(begun_s * _S), "", zxid))

    def notice(self, time_s: float, number: int) -> None:
        self.tell(time_s, NoticeTold("c", 2, number, "/f", "deleted", 38))

    def owes(self) -> list[int]:
        """The watches that still wait for what has happened."""
        return [watch.number for watch, _, _ in self._judge._owed()]

    def end(self) -> None:
        self._judge.at_end(9 * _S)


@pytest.fixture
def story() -> _Story:
    return _Story()


def test_a_watch_that_tells_nothing_of_a_change_after_what_was_read(story: _Story):
    story.watch(1, 3)
    story.answer(1.1, 1, 37)
    with pytest.raises(InvariantViolated, match="watch 3 of c never told that /f changed in slot 38, after slot 37"):
        story.end()


def test_answers_belong_to_their_own_reads(story: _Story):
    story.watch(1, 3)
    story.watch(1.5, 4)
    story.answer(1.6, 1.5, 37)
    assert story.owes() == [4]
    story.notice(1.7, 4)
    # The earlier read shows the change itself: nothing is left to be told.
    story.answer(1.8, 1, 38)
    assert story.owes() == []
    story.end()


def test_the_later_read_has_seen_it_all(story: _Story):
    story.watch(1, 3)
    story.watch(1.5, 4)
    story.answer(1.6, 1.5, 38)
    story.answer(1.8, 1, 37)
    with pytest.raises(InvariantViolated, match="watch 3"):
        story.end()
