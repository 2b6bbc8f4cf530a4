"""Every behaviour of three replicas, two proposals and a crash, under any loss, doubling and order of messages.

With catching up and heartbeats for one proposal, without them (they are lost) for two. Elections multiply the states
beyond what can be visited: they are left to the adversary.
"""

from __future__ import annotations

import pytest
from exhaustive import Search
from planted import HUNTED

from feitian_sim.paxos.messages import Fetch, Heartbeat, Learn


def test_two_proposals_and_a_crash_are_agreed_on_in_every_behaviour() -> None:
    search = Search(elections=0, crashes=1, proposals=("a", "b"), lost=(Fetch, Heartbeat, Learn))
    search.run(100_000)
    assert search.states > 20_000


def test_one_proposal_and_a_crash_with_everything_that_is_said_besides() -> None:
    search = Search(elections=0, crashes=1, proposals=("a",))
    search.run(100_000)
    assert search.states > 2_000


@pytest.mark.parametrize("bug", ["an acceptance before it is durable", "a quorum of half"])
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, _ = HUNTED[bug]
    plant(monkeypatch)
    search = Search(elections=0, crashes=1, proposals=("a", "b"), lost=(Fetch, Heartbeat, Learn))
    with pytest.raises(AssertionError):
        search.run(1_000_000)
