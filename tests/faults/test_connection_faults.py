"""What is held on its way, links that flap, connections that are reset or half open, machines that see only some."""

from __future__ import annotations

from typing import Any

import pytest
from message_bench import CARD, FAULT, NEED, Ask, MessageBench, Note

from feitian_sim.faults.targets import check_target
from feitian_sim.hardware import ClusterConfig
from feitian_sim.kernel import MILLISECOND, SECOND

SMALL = ClusterConfig(racks=2, machines_per_rack=3)


def strike(kind: str, at: str = "1s", **fields: Any) -> dict[str, Any]:
    return {"kind": f"network-{kind}", "at": at, "target": CARD, **fields}


# --- clogs ----------------------------------------------------------------------------------------


def test_a_clog_holds_all_and_releases_it_in_order_at_once() -> None:
    bench = MessageBench(strike("clog", duration="2s"))
    bench.sim.call_later(SECOND // 2, bench.call, 99)
    for number in range(5):
        bench.sim.call_later(1_100 * MILLISECOND + number * 100 * MILLISECOND, bench.call, number)
        bench.sim.call_later(1_100 * MILLISECOND + number * 100 * MILLISECOND, bench.tell, number)
    bench.run(2.9)
    assert bench.results == [99]
    bench.run(1)
    assert bench.results == [99, 0, 1, 2, 3, 4]
    assert bench.heard(Note) == [0, 1, 2, 3, 4]
    assert all(3 * SECOND < at < 3 * SECOND + 10 * MILLISECOND for at, _ in bench.ends[1:])


def test_what_two_clogs_hold_moves_when_the_last_ends() -> None:
    bench = MessageBench(strike("clog", duration="2s"), strike("clog", duration="3s", target={"machine": "r1/m0"}))
    bench.sim.call_later(SECOND // 2, bench.call, 0)
    bench.sim.call_later(2 * SECOND, bench.call, 1)
    bench.run(3.5)
    assert bench.results == [0]
    bench.run(1)
    assert bench.results == [0, 1]
    assert 4 * SECOND < bench.ends[1][0] < 5 * SECOND


def test_a_clog_beyond_the_keepalive_time_ends_calls_but_what_was_asked_is_done() -> None:
    bench = MessageBench(strike("clog", duration="10s"))
    bench.sim.call_later(SECOND // 2, bench.call, 0)
    bench.sim.call_later(2 * SECOND, bench.call, 1)
    bench.run(9)
    assert bench.results == [0, "reset"]
    bench.run(3)
    assert bench.heard(Ask) == [0, 1]
    assert bench.results == [0, "reset"]


def test_bulk_data_stands_still_over_a_clog() -> None:
    bench = MessageBench(strike("clog", duration="5s"))
    done: list[int] = []
    one, other = bench.datacenter.machine("r0/m0"), bench.datacenter.machine("r1/m0")
    bench.network.transfer(
        one, other, 2_500_000_000, on_done=lambda _: done.append(bench.sim.now), on_fail=lambda *_: None
    )
    bench.run(20)
    assert 6.9 * SECOND < done[0] < 7.1 * SECOND


def test_a_swizzle_clogs_one_by_one_and_releases_in_another_order() -> None:
    target = {"machine": "r*/m*", "mode": "fixed", "value": 4}
    bench = MessageBench(strike("swizzle", duration="8s", target=target))
    links = bench.network.links
    held = []
    for step in range(11):
        bench.run(1 if step else 0.5)
        names = bench.network.topology.pairs
        held.append([name for name in names if links.is_clogged(tuple(bench.network.links_of(name)))])
    assert [len(names) for names in held] == [0, 1, 2, 3, 4, 4, 3, 2, 1, 0, 0]
    ((at, struck),) = bench.struck
    assert (at, sorted(struck.split(","))) == (SECOND, sorted(held[4]))
    clogged = [next(name for name in held[n + 1] if name not in held[n]) for n in range(4)]
    released = [next(name for name in held[n] if name not in held[n + 1]) for n in range(5, 9)]
    assert sorted(clogged) == sorted(released)
    assert clogged != released


def test_a_flapping_link_is_down_its_share_of_each_period_and_up_at_the_end() -> None:
    bench = MessageBench(strike("flap", period="1s", down="30%", duration="2500ms"))
    link = bench.network.links.by_name["r0/m0/nic/up"]
    up = []
    for _ in range(45):
        bench.run(0.1)
        up.append(bench.network.links.is_up(link))
    # From 1.0 to 1.3, 2.0 to 2.3 and 3.0 to 3.3, looked at each tenth, before what happens then.
    assert [number + 1 for number, one in enumerate(up) if not one] == [11, 12, 13, 21, 22, 23, 31, 32, 33]


def test_a_flap_that_ends_while_the_link_is_down_leaves_it_up() -> None:
    bench = MessageBench(strike("flap", period="1s", duration="2200ms"))
    link = bench.network.links.by_name["r0/m0/nic/up"]
    bench.run(3.1)
    assert not bench.network.links.is_up(link)
    bench.run(0.2)
    assert bench.network.links.is_up(link)
    bench.run(5)
    assert bench.network.links.is_up(link)


# --- connections ----------------------------------------------------------------------------------


def slow(bench: MessageBench) -> None:
    """A call that is answered after two seconds, to a third server."""
    server = bench.process("r1/m1", 7000)
    server.serve(Ask, lambda call: bench.sim.call_later(2 * SECOND, call.reply, call.message), NEED)
    bench.servers.append(server)


def test_a_reset_ends_the_calls_over_the_link_and_others_go_on() -> None:
    bench = MessageBench(strike("reset"))
    slow(bench)
    elsewhere = bench.process("r0/m2", 9000)
    bench.call(1, 2)
    bench.call(2, 2, elsewhere)
    bench.run(1.5)
    assert bench.results == ["reset"]
    bench.call(3)
    bench.run(3)
    assert bench.results == ["reset", 3, 2]


def test_who_forgets_knows_at_once_and_the_peer_when_it_speaks() -> None:
    bench = MessageBench(strike("half-open", target={"machine": "r1/m1"}))
    slow(bench)
    bench.call(1, 2)
    bench.run(1.2)
    assert bench.results == []
    # What is said next comes to a machine that knows of no connection, which answers with a reset.
    bench.call(2, 2)
    bench.run(0.2)
    assert bench.results == ["reset", "reset"]
    bench.call(3, 2)
    bench.run(3)
    assert bench.results == ["reset", "reset", 3]


def test_a_peer_that_says_nothing_finds_out_by_keepalive() -> None:
    bench = MessageBench(strike("half-open", target={"machine": "r1/m1"}))
    slow(bench)
    bench.call(1, 2)
    bench.run(6.9)
    assert bench.results == []
    bench.run(0.2)
    assert bench.results == ["reset"]


def test_the_calls_of_who_forgets_end_with_a_reset() -> None:
    bench = MessageBench(strike("half-open", peer="r1/*"))
    slow(bench)
    bench.call(1, 2)
    bench.run(1.1)
    assert bench.results == ["reset"]
    bench.call(2, 2)
    bench.run(6)
    assert bench.results == ["reset", 2]


def test_connections_to_other_peers_are_remembered() -> None:
    bench = MessageBench(strike("half-open", peer="r0/*"))
    slow(bench)
    bench.call(1, 2)
    bench.run(3)
    assert bench.results == [1]


@pytest.mark.parametrize("fault", [strike("reset"), strike("half-open"), strike("half-open", peer="r0/m2")])
def test_without_connections_there_is_nothing_to_break(fault: dict[str, Any]) -> None:
    bench = MessageBench(fault)
    absorbed: list[str] = []
    bench.sim.facts.subscribe("faults.absorbed", lambda _, what: absorbed.append(what.why))
    if "peer" in fault:
        bench.call(0)
    bench.run(2)
    assert not bench.struck
    assert absorbed[0].startswith("no connection is open")


# --- who sees whom --------------------------------------------------------------------------------


def sight(bench: MessageBench) -> dict[str, list[str]]:
    """Whom each server reaches."""
    machines = bench.datacenter.machines
    reach = bench.network.reachable
    return {one.name: [two.name for two in machines if two is not one and reach(one, two)] for one in machines}


def test_in_a_ring_each_sees_its_two_neighbours() -> None:
    bench = MessageBench({"kind": "network-partition", "at": "1s", "duration": "1s", "split": "ring"})
    bench.run(1.5)
    seen = sight(bench)
    ((_, target),) = bench.struck
    ring = target.split(",")
    assert len(ring) == 6
    for number, name in enumerate(ring):
        assert sorted(seen[name]) == sorted([ring[number - 1], ring[(number + 1) % 6]])
    client = bench.datacenter.client_machines[0]
    assert all(bench.network.reachable(client, one) for one in bench.datacenter.machines)
    bench.run(1)
    assert all(len(others) == 5 for others in sight(bench).values())


def test_two_halves_meet_at_the_bridge() -> None:
    bench = MessageBench({"kind": "network-partition", "at": "1s", "split": "bridge"})
    bench.run(1.5)
    seen = sight(bench)
    ((_, target),) = bench.struck
    left, (bridge,), right = (side.split(",") for side in target.split(" | "))
    assert (len(left), len(right)) == (3, 2)
    assert len(seen[bridge]) == 5
    assert all(sorted(seen[name]) == sorted({*left, bridge} - {name}) for name in left)
    assert all(sorted(seen[name]) == sorted({*right, bridge} - {name}) for name in right)


@pytest.mark.parametrize(("split", "least"), [("ring", 4), ("bridge", 3)])
def test_a_split_that_cuts_nobody_off_is_refused(split: str, least: int) -> None:
    target = {"machine": "r0/*"} if split == "ring" else {"machine": ["r0/m0", "r0/m1"]}
    fault = FAULT.validate_python({"kind": "network-partition", "at": "1s", "split": split, "target": target})
    (problem,) = check_target(fault, SMALL, {})
    assert f"it needs {least} machines" in problem


def test_a_peer_that_is_not_there_is_refused() -> None:
    fault = FAULT.validate_python(strike("half-open", peer="r7/m0"))
    (problem,) = check_target(fault, SMALL, {})
    assert "no machine 'r7/m0'" in problem
