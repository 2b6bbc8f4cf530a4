"""A replicated log on machines: it answers, survives the loss of members, and costs nothing while it is idle."""

from __future__ import annotations

import pytest
from replog_bench import MILLISECOND, SECOND, Bench

from feitian_sim.replog import ReplogConfig


def test_a_command_is_applied_by_all_and_answered_once() -> None:
    bench = Bench()
    for number in range(20):
        bench.propose(0, f"c{number}")
    bench.run(1)
    assert bench.results == {f"c{number}": number + 1 for number in range(20)}
    assert all(state.commands == [f"c{number}" for number in range(20)] for state in bench.states.values())


def test_a_cold_group_elects_a_leader_soon() -> None:
    bench = Bench(cold=True)
    bench.run(2)
    assert bench.leader is not None
    assert bench.facts[0][0] < SECOND


@pytest.mark.parametrize("how", ["kill", "crash"])
def test_another_leads_soon_after_the_leader_is_gone_and_nothing_acknowledged_is_lost(how: str) -> None:
    bench = Bench()
    for number in range(10):
        bench.propose(0, number)
    bench.run(1)
    killed_ns = bench.sim.now
    if how == "kill":
        bench.daemons[0].kill()
    else:
        bench.daemons[0].machine.crash("test")
    bench.run(2)
    (elected,) = bench.facts[1:]
    # The longest patience after the last beat, a campaign with its syncs and messages, the first command of its own.
    assert elected[0] - killed_ns < 300 * MILLISECOND
    leader = bench.leader
    assert leader not in (None, 0)
    bench.propose(leader, "after")
    bench.run(1)
    assert bench.results["after"] == 11
    assert all(number in bench.results for number in range(10))


def test_killing_two_of_five_stops_nothing_and_killing_three_stops_writes_and_loses_nothing() -> None:
    bench = Bench()
    bench.propose(0, "a")
    bench.run(1)
    bench.daemons[1].kill()
    bench.daemons[2].kill()
    bench.propose(0, "b")
    bench.run(1)
    assert bench.results["b"] == 2
    bench.daemons[3].kill()
    bench.propose(0, "c")
    bench.run(2)
    assert "c" not in bench.results
    bench.daemons[1].start()
    bench.run(2)
    leader = bench.leader
    assert leader is not None
    bench.propose(leader, "d")
    bench.run(1)
    assert "d" in bench.results
    assert bench.states[leader].commands[:2] == ["a", "b"]


def test_a_restarted_member_reads_its_log_and_catches_up() -> None:
    bench = Bench(config=ReplogConfig(snapshot_every=50))
    bench.propose(0, "first")
    bench.run(1)
    bench.daemons[4].kill()
    for number in range(500):
        bench.propose(0, number)
    bench.run(1)
    bench.daemons[4].start()
    bench.run(2)
    assert bench.states[4].commands == bench.states[0].commands
    assert len(bench.states[4].commands) == 501


def test_an_idle_group_costs_no_events() -> None:
    bench = Bench()
    bench.propose(0, "a")
    bench.run(1)
    before = bench.sim.event_count
    bench.run(1000)
    assert bench.sim.event_count - before < 10


def _story(elide: bool) -> list[tuple[int, int]]:
    bench = Bench(config=ReplogConfig(elide=elide))
    bench.propose(0, "a")
    bench.run(3.21)
    bench.daemons[0].kill()
    bench.run(3.3)
    bench.daemons[0].start()
    bench.run(2.7)
    leader = bench.leader
    assert leader is not None
    bench.daemons[leader].machine.crash("test")
    bench.run(4)
    return [(at_ns, fact.member) for at_ns, fact in bench.facts]


def test_leaders_change_at_the_same_times_with_and_without_elided_heartbeats() -> None:
    explicit, elided = _story(False), _story(True)
    assert [member for _, member in explicit] == [member for _, member in elided]
    assert len(explicit) == 3
    for (at_ns, _), (elided_ns, _) in zip(explicit, elided, strict=True):
        assert abs(at_ns - elided_ns) < 5 * MILLISECOND


def test_a_read_that_is_asked_while_commands_are_applied_sees_all_that_are_chosen() -> None:
    """What a new leader applies may call back (a client waited for a slot): it must not be shown the state half-way."""
    bench = Bench()
    bench.run(1)
    state, log = bench.states[0], bench.logs[0]
    apply, before = state.apply, log.applied
    seen: list[tuple[int, int]] = []

    def look() -> None:
        seen.append((len(state.commands), log.applied - before))

    def applied(index: int, command: str) -> int:
        result = apply(index, command)
        log.read(look, lambda why: pytest.fail(why))
        return result

    state.apply = applied  # type: ignore[method-assign]
    for number in range(20):
        bench.propose(0, f"c{number}")
    bench.run(1)
    assert len(seen) == 20
    assert [commands for commands, _ in seen] == [chosen for _, chosen in seen]
