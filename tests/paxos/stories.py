"""Stories of a replicated log, played on the stage. Their transcripts are kept in ``stories/``, one file each.

``python tests/paxos/stories.py`` writes them anew; a change of a transcript belongs into the message of its commit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stage import Stage
from stories_of_members import (
    a_change_needs_an_entry_of_the_own_ballot,
    a_lost_disk,
    a_member_is_added,
    a_member_is_removed,
    a_snapshot_is_installed,
    catching_up,
    the_leader_removes_itself,
)

from feitian_sim.paxos import PaxosConfig
from feitian_sim.paxos.messages import Accept, Fetch, Heartbeat, HeartbeatSeen, Learn, Prepare

FOLDER = Path(__file__).parent / "stories"


def stable_leader() -> Stage:
    """A leader has two commands chosen, batched with what comes meanwhile, and everybody applies them."""
    stage = Stage(config=PaxosConfig(window=1))
    stage.propose(0, "a")
    stage.tell("while a is under way, b and c wait: they leave together")
    stage.propose(0, "b")
    stage.propose(0, "c")
    stage.settle()
    return stage


def a_leader_counts_itself_when_it_is_durable() -> Stage:
    """One other's answer and the own record make a quorum of three, whichever comes last."""
    stage = Stage()
    stage.propose(0, "a")
    stage.deliver(0, 1)
    stage.sync(1)
    stage.deliver(1, 0)
    stage.tell("1 has accepted, and 0 itself not yet")
    assert stage.replica(0).chosen == 1
    stage.sync(0)
    assert stage.replica(0).chosen == 2
    return stage


def crash_between_write_and_sync() -> Stage:
    """What was not synced was not said: a member that forgets it breaks no promise."""
    stage = Stage()
    stage.propose(0, "a")
    stage.deliver(0, 1)
    stage.tell("1 has written a, and says nothing before the sync")
    assert not [one for one in stage.wire if one[0] == 1]
    stage.crash(1)
    stage.restart(1)
    stage.settle()
    stage.beats(0, 90)
    assert stage.replica(1).chosen == 2
    return stage


def an_election_after_the_leader_is_gone() -> Stage:
    """Pre-vote, promise, the value that only one had accepted, a no-op of the new leader's own."""
    stage = Stage()
    stage.propose(0, "a")
    stage.deliver(0, 1)
    stage.sync(1)
    stage.crash(0)
    stage.lose(sender=0)
    stage.stand(2)
    stage.settle(0)
    assert stage.replica(2).is_leader
    return stage


def duelling_candidates() -> Stage:
    """Two stand at once; the higher ballot wins, the lower one is refused and neither's promise is broken."""
    stage = Stage(first_leader=None)
    stage.wait(200)
    for number in (0, 1):
        stage.wake(number)
    stage.tell("everybody grants both pre-votes: that binds nobody")
    for sender, to in ((0, 2), (1, 2), (2, 0), (2, 1)):
        stage.deliver(sender, to)
    stage.sync(0)
    stage.sync(1)
    stage.tell("2 promises 0 first, then 1 with the higher ballot")
    stage.deliver(0, 2, kind=Prepare)
    stage.sync(2)
    stage.deliver(1, 2, kind=Prepare)
    stage.sync(2)
    stage.tell("the rest arrives: 1 refuses 0, and 0 promises 1 before it hears that 2 had promised")
    stage.settle()
    assert [stage.replica(number).is_leader for number in (0, 1, 2)] == [False, True, False]
    return stage


def a_hole_is_filled() -> Stage:
    """The new leader finds a value in a later slot and none before it: the hole becomes a no-op."""
    stage = Stage()
    stage.propose(0, "a")
    stage.propose(0, "b")
    stage.tell("a reaches nobody, b reaches 2")
    lost = list(stage.wire)[:3]
    for one in lost:
        stage.wire.remove(one)
    stage.deliver(0, 2)
    stage.sync(2)
    stage.crash(0)
    stage.lose()
    stage.stand(2)
    stage.settle(0)
    return stage


def reading_under_a_lease() -> Stage:
    """Under the lease a read costs no message; without it, a round; and no read is answered by one who was deposed."""
    stage = Stage()
    stage.read(0, "read 1")
    stage.tell("nobody answers for longer than the lease: the read waits for a round")
    stage.wait(116)
    stage.read(0, "read 2")
    stage.read(0, "read 3")
    stage.deliver(0, 1, kind=Heartbeat)
    stage.deliver(1, 0, kind=HeartbeatSeen)
    stage.tell("the lease is renewed from when the round was sent")
    stage.read(0, "read 4")
    stage.wait(200)
    stage.read(0, "read 5")
    stage.wake(0)
    return stage


def a_bound_member_helps_nobody_else() -> Stage:
    """While the leader's lease lasts no quorum would promise anything, whoever asks."""
    stage = Stage()
    stage.beats(0, 30)
    stage.wait(100)
    stage.campaign(2)
    stage.settle()
    stage.tell("2 is bound itself; as soon as it is free it asks, and 1 is free too")
    stage.wait(20)
    stage.wake(2)
    stage.settle(0)
    assert stage.replica(2).is_leader
    return stage


def a_deaf_server_deposes_nobody() -> Stage:
    """It hears no heartbeat and keeps asking; the others are bound to their leader, and no ballot rises."""
    stage = Stage()
    for _ in range(3):
        stage.beats(0, 150, 2)
        stage.wake(2)
        stage.sync(2)
        for to in (0, 1):
            while any(one[:2] == (2, to) for one in stage.wire):
                stage.deliver(2, to)
        stage.lose()
    assert stage.replica(0).is_leader
    assert stage.replica(0).ballot.round == 1
    return stage


def a_deposed_leader_says_what_is_lost() -> Stage:
    """It hears of a higher ballot: what waits, queued or under way, has no known outcome."""
    stage = Stage(config=PaxosConfig(window=1))
    stage.wait(200)
    stage.stand(1)
    stage.settle(0)
    stage.propose(0, "a")
    stage.propose(0, "b")
    stage.read(0, "read")
    stage.deliver(0, 1, kind=Accept)
    stage.deliver(1, 0)
    assert not stage.replica(0).is_leader
    return stage


def answers_that_come_twice() -> Stage:
    """Votes are a set: one member's acceptance is one, however often it arrives."""
    stage = Stage(5)
    stage.propose(0, "a")
    stage.sync(0)
    stage.deliver(0, 1)
    stage.sync(1)
    for _ in range(3):
        stage.deliver(1, 0, twice=True)
    assert stage.replica(0).chosen == 1
    stage.settle()
    return stage


def a_restart_waits_for_a_lease() -> Stage:
    """Who restarts does not know whom it was bound to, and helps nobody while that one may hold a lease."""
    stage = Stage()
    stage.wait(150)
    stage.wake(0)
    stage.deliver(0, 2, kind=Heartbeat)
    stage.deliver(2, 0, kind=HeartbeatSeen)
    stage.lose()
    stage.tell("0 holds a lease by 2 alone, which forgets it; 1 has heard nothing for long")
    stage.crash(2)
    stage.restart(2)
    stage.wake(1)
    stage.settle(0)
    assert stage.replica(0).lease_until_ns(stage.now) > stage.now
    assert stage.replica(1).ballot == stage.replica(0).ballot
    return stage


def a_ballot_is_used_once() -> Stage:
    """A candidate asks for promises when its own is durable: after a crash it would use the same ballot again."""
    stage = Stage()
    stage.crash(0)
    stage.stand(1)
    stage.deliver(1, 2)
    stage.deliver(2, 1)
    stage.tell("1 has written its promise, and asks nobody yet")
    assert not [one for one in stage.wire if isinstance(one[2], Prepare)]
    stage.crash(1)
    stage.lose()
    stage.restart(1)
    stage.stand(1)
    stage.deliver(1, 2)
    stage.deliver(2, 1)
    stage.sync(1)
    stage.tell("now it has asked, and the next time its ballot is another")
    stage.crash(1)
    stage.restart(1)
    stage.stand(1)
    stage.settle(0)
    assert stage.replica(1).is_leader
    assert stage.replica(1).ballot.round == 3
    return stage


def resigning() -> Stage:
    """A leader that resigns frees its followers: another leads without waiting for the lease to pass."""
    stage = Stage()
    stage.beats(0, 120)
    stage.resign(0)
    stage.campaign(1)
    stage.settle()
    stage.wake(1)
    stage.settle()
    assert stage.replica(1).is_leader
    return stage


def a_late_word_of_an_old_leader() -> Stage:
    """Only the leader who is followed frees by resigning."""
    stage = Stage(5)
    stage.beats(0, 120)
    stage.resign(0)
    stage.tell("the word to 4 is late; meanwhile 1 leads by the promises of 2 and 3, and 4 hears its heartbeats only")
    late = next(one for one in stage.wire if one[1] == 4)
    stage.wire.remove(late)
    stage.settle()
    stage.campaign(1)
    stage.settle(0, 4)
    for _ in range(4):
        stage.wait(30)
        stage.wake(1)
        for number in (2, 4):
            stage.deliver(1, number)
            stage.deliver(number, 1, kind=HeartbeatSeen)
        stage.lose()
    stage.tell("1 holds a lease by 2 and 4; the late word frees 4 from 0, which it does not follow")
    stage.wire.append(late)
    stage.settle()
    stage.campaign(3)
    stage.settle(1, 2)
    assert stage.replica(1).lease_until_ns(stage.now) > stage.now
    assert not stage.replica(3).is_leader
    return stage


def learning_while_leading() -> Stage:
    """A leader takes no lessons: what it needed it found in its campaign."""
    stage = Stage()
    stage.crash(2)
    stage.propose(0, "a")
    stage.settle(2)
    stage.restart(2)
    stage.wait(30)
    stage.wake(0)
    stage.deliver(0, 2)
    stage.deliver(2, 0, kind=Fetch)
    late = next(one for one in stage.wire if isinstance(one[2], Learn))
    stage.wire.remove(late)
    stage.crash(0)
    stage.lose()
    stage.stand(2)
    stage.settle(0)
    assert stage.replica(2).is_leader
    stage.wire.append((1, 2, late[2]))
    stage.settle(0)
    return stage


STORIES: tuple[Callable[[], Stage], ...] = (
    stable_leader,
    a_leader_counts_itself_when_it_is_durable,
    crash_between_write_and_sync,
    an_election_after_the_leader_is_gone,
    duelling_candidates,
    a_hole_is_filled,
    reading_under_a_lease,
    a_bound_member_helps_nobody_else,
    a_deaf_server_deposes_nobody,
    catching_up,
    a_snapshot_is_installed,
    a_member_is_added,
    a_member_is_removed,
    the_leader_removes_itself,
    a_change_needs_an_entry_of_the_own_ballot,
    a_lost_disk,
    a_deposed_leader_says_what_is_lost,
    answers_that_come_twice,
    a_restart_waits_for_a_lease,
    a_ballot_is_used_once,
    resigning,
    a_late_word_of_an_old_leader,
    learning_while_leading,
)


def transcript(story: Callable[[], Stage]) -> str:
    """The whole text of a story."""
    return f"# {story.__doc__}\n{story().text}"


def main() -> None:
    """Write all transcripts anew."""
    FOLDER.mkdir(exist_ok=True)
    for story in STORIES:
        (FOLDER / f"{story.__name__}.txt").write_text(transcript(story))


if __name__ == "__main__":
    main()
