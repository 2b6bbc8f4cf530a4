"""Stories of members: who lacks something, is added, is removed, or has lost its disk. Told by :mod:`stories`."""

from __future__ import annotations

from stage import Stage

from feitian_sim.paxos import PaxosConfig
from feitian_sim.paxos.messages import Accept, Fetch, Heartbeat, Install


def catching_up() -> Stage:
    """A member that was down fetches what it lacks when it hears how far the others are."""
    stage = Stage()
    stage.crash(2)
    for value in ("a", "b", "c"):
        stage.propose(0, value)
        stage.settle(2)
    stage.restart(2)
    stage.beats(0, 30)
    assert stage.replica(2).chosen == 4
    return stage


def a_snapshot_is_installed() -> Stage:
    """What a member lacks is cut from the leader's log: it gets the state, then the rest of the log."""
    stage = Stage(config=PaxosConfig(snapshot_every=3))
    stage.crash(2)
    for value in ("a", "b"):
        stage.propose(0, value)
        stage.settle(2)
    stage.tell("the log is cut when the snapshot is durable, not before")
    assert stage.replica(0).base == 0
    stage.save(0)
    stage.save(1)
    stage.propose(0, "c")
    stage.settle(2)
    assert stage.replica(0).base == 3
    stage.restart(2)
    stage.wait(30)
    stage.wake(0)
    stage.deliver(0, 2, kind=Heartbeat)
    stage.deliver(2, 0, kind=Fetch)
    stage.deliver(0, 2, kind=Install)
    stage.tell("2 neither applies nor stands before the snapshot is durable")
    assert stage.replica(2).next_wake_ns is None
    stage.save(2)
    stage.settle()
    stage.beats(0, 60)
    assert stage.replica(2).chosen == 4
    return stage


def a_member_is_added() -> Stage:
    """The change is chosen by the old members; the next command needs a quorum of the new ones, and their promise."""
    stage = Stage()
    stage.newcomer(3)
    stage.beats(0, 120)
    stage.resign(0)
    stage.settle()
    stage.campaign(1)
    stage.settle(2)
    stage.tell("1 leads by the promise of 0; 2 has heard nothing of it")
    stage.change(1, 0, 1, 2, 3)
    stage.propose(1, "behind the change")
    stage.deliver(1, 0)
    stage.sync(0)
    stage.sync(1)
    stage.deliver(0, 1)
    stage.tell("chosen; nothing is proposed behind it before a quorum of the four has promised the ballot")
    assert stage.replica(1).members == (0, 1, 2, 3)
    assert not any(isinstance(one[2], Accept) and one[2].first == 4 for one in stage.wire)
    stage.settle()
    stage.beats(1, 60)
    assert stage.replica(3).members == (0, 1, 2, 3)
    assert stage.replica(3).chosen == stage.replica(1).chosen == 4
    return stage


def a_member_is_removed() -> Stage:
    """Who is removed is told, stands no longer, and is helped by nobody."""
    stage = Stage()
    stage.change(0, 0, 1)
    stage.settle()
    assert stage.replica(2).next_wake_ns is None
    stage.tell("one that was not told asks, and is told now")
    stage = _not_told(stage)
    return stage


def _not_told(before: Stage) -> Stage:
    stage = Stage()
    stage.lines = before.lines
    stage.tell("another group")
    stage.change(0, 0, 1)
    stage.settle(2)
    stage.stand(2)
    stage.settle()
    assert stage.replica(2).next_wake_ns is None
    return stage


def the_leader_removes_itself() -> Stage:
    """It leads until the change is chosen, tells the others and frees them."""
    stage = Stage()
    stage.change(0, 1, 2)
    stage.settle()
    stage.stand(1, 0.01)
    stage.settle()
    assert stage.replica(1).is_leader
    return stage


def a_change_needs_an_entry_of_the_own_ballot() -> Stage:
    """Before its own no-op is chosen a leader changes nobody, nor two things at once."""
    stage = Stage(first_leader=None)
    stage.wait(200)
    stage.stand(0)
    for _ in range(2):
        stage.deliver(0, 1)
        stage.sync(1)
        stage.deliver(1, 0)
        stage.sync(0)
    stage.tell("0 leads, and its no-op is under way")
    stage.change(0, 0, 1)
    stage.settle()
    stage.change(0, 0, 1)
    stage.change(0, 0, 2)
    stage.settle()
    stage.change(0, 3, 4)
    return stage


def a_lost_disk() -> Stage:
    """A member whose disk is gone learns and votes no more, also after its next restart."""
    stage = Stage()
    stage.propose(0, "a")
    stage.settle()
    stage.lose_disk(2)
    stage.restart(2)
    stage.beats(0, 60)
    assert stage.replica(2).chosen == 2
    stage.crash(2)
    stage.restart(2)
    assert not stage.replica(2).is_voter
    stage.tell("with 1 silent there is no quorum, though 2 hears everything")
    stage.propose(0, "b")
    stage.settle(1)
    assert stage.replica(0).chosen == 2
    return stage
