"""Sessions under clocks that go wrong: the leader judges silence, and a client its lease, each by its own clock."""

from __future__ import annotations

import pytest
from nuwa_bench import MILLISECOND, SECOND, Bench

from feitian_sim.hardware import TRUE_RATE_PPB

TENTH = TRUE_RATE_PPB // 10


def silence_ns(leader_rate_ppb: int) -> int:
    """How long a dead client's session of 3 s lives after its last ping, on a leader whose clock goes at this rate."""
    bench = Bench()
    client = bench.client("r3/m2")
    bench.cell.servers[bench.leader()].machine.clock.set_rate(leader_rate_ppb)
    bench.run(5)
    contact_ns = client.lease_until_ns - client.timeout_ns + client.ping_ns // 2
    bench.owners[client.name].kill()
    bench.run(20)
    (expired_s,) = bench.tables.columns("nuwa.session_expired")["time_s"]
    return round(expired_s * 1e9) - contact_ns


@pytest.mark.parametrize("rate_ppb", [TRUE_RATE_PPB - 3 * TENTH, TRUE_RATE_PPB, TRUE_RATE_PPB + 3 * TENTH])
def test_a_session_ends_after_its_time_by_the_leaders_clock(rate_ppb: int) -> None:
    expected_ns = 3 * SECOND * TRUE_RATE_PPB // rate_ppb
    assert 0 <= silence_ns(rate_ppb) - expected_ns < 5 * MILLISECOND


def test_a_leaders_clock_that_stood_for_a_moment_ends_no_session() -> None:
    bench = Bench()
    client = bench.client("r3/m2")
    clock = bench.cell.servers[bench.leader()].machine.clock
    over: list[int] = []
    bench.sim.facts.subscribe("nuwa.session_expired", lambda at, _: over.append(at))
    bench.run(1)
    # It sends no beats meanwhile: for longer than an election time-out, another would lead.
    clock.set_rate(0)
    bench.run(0.05)
    clock.set_rate(TRUE_RATE_PPB, jump_ns=50 * MILLISECOND)
    bench.run(10)
    assert client.is_connected
    assert not over
    bench.owners[client.name].kill()
    bench.run(5)
    assert len(over) == 1


@pytest.mark.parametrize("rate_ppb", [TRUE_RATE_PPB - TENTH, TRUE_RATE_PPB, TRUE_RATE_PPB + TENTH])
def test_a_client_out_of_touch_gives_up_after_its_time_by_its_own_clock(rate_ppb: int) -> None:
    bench = Bench()
    client = bench.client("r3/m2")
    client.machine.clock.set_rate(rate_ppb)
    bench.run(5)
    assert client.is_connected
    contact_ns = client._contact_ns
    over: list[int] = []
    client.on_over.append(lambda: over.append(bench.sim.now))
    for server in bench.cell.servers:
        server.machine.crash("test")
    bench.run(10)
    contacted_ns = client.machine.clock.until(contact_ns)
    assert contacted_ns is not None
    # A ping that was under way may have been the last contact.
    least_ns = 3 * SECOND * TRUE_RATE_PPB // rate_ppb
    assert 0 <= over[0] - contacted_ns - least_ns < 5 * MILLISECOND


def test_signs_of_life_are_left_out_only_while_both_clocks_go_right() -> None:
    bench = Bench()
    client = bench.client("r3/m2")
    bench.run(5)
    assert bench.cell.signs.is_sure(client)
    client.machine.clock.set_rate(TRUE_RATE_PPB - 1)
    assert not bench.cell.signs.is_sure(client)
    bench.run(20)
    assert not bench.cell.signs.is_sure(client)
    assert client.is_connected


def test_a_change_bears_the_time_of_day_of_the_server_that_took_it() -> None:
    bench = Bench()
    client = bench.client("r3/m2")
    server = bench.cell.servers[client.server]
    server.machine.clock.step_wall(7 * SECOND)
    asked_ns = bench.sim.now
    assert bench.do(client.create, "/f", b"x").ok
    stat = bench.do(client.read, "stat", "/f").value
    times = [value for name in dir(stat) if name.endswith("_ns") and (value := getattr(stat, name))]
    assert times, "a file bears no time"
    assert all(7 * SECOND <= one - asked_ns < 7 * SECOND + 100 * MILLISECOND for one in times)
