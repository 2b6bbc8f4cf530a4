"""K7: credits are conserved, nobody is flooded, nobody is starved, and what is larger than the window still goes."""

from __future__ import annotations

import pytest
from bench import NEED, Bench, Echo
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.kernel import MILLISECOND, SECOND
from feitian_sim.kuafu import IncomingCall
from feitian_sim.kuafu.credits import Credits
from feitian_sim.kuafu.fair_queue import FairQueue

KIB = 1024


@given(st.lists(st.tuples(st.sampled_from(["take", "arrive", "answer", "consume"]), st.integers(1, 5000)), max_size=200))
@settings(max_examples=100, deadline=None)
def test_k7_credits_are_used_returned_and_held_and_never_lost(steps: list[tuple[str, int]]) -> None:
    account = Credits(10_000)
    transit: list[int] = []
    held: list[int] = []
    taken = 0
    for what, size in steps:
        if what == "take" and account.take(size):
            transit.append(size)
            taken += size
        elif what == "arrive" and transit:
            held.append(transit.pop(0))
            account.arrived(held[-1])
        elif what == "answer" and held:
            account.answered(held.pop())
        elif what == "consume" and transit:
            account.consumed(transit.pop())
        account.check()
        assert account.used == sum(transit) + sum(held)
        assert account.used + account.returned == taken
        assert account.used <= max(10_000, max([*transit, *held], default=0))


def test_k7_a_slow_receiver_holds_no_more_than_its_inbox_and_one_message() -> None:
    bench = Bench(window="256KiB", inbox="100KiB")
    server = bench.process("r0/m0", 7000)
    queue: list[IncomingCall] = []
    most = 0

    def serve(call: IncomingCall) -> None:
        nonlocal most
        queue.append(call)
        most = max(most, server.held_bytes)
        bench.sim.call_later(10 * MILLISECOND * len(queue), answer)

    def answer() -> None:
        queue.pop(0).reply(Echo(0))

    server.serve(Echo, serve, NEED)
    callers = [bench.process(f"r1/m{number}", 9000) for number in range(3)]
    for number in range(200):
        bench.call(callers[number % 3], server.address, Echo(number, 10 * KIB), deadline_ns=3600 * SECOND)
    bench.run(600)
    assert len(bench.ends) == 200
    assert 50 * KIB < most <= 110 * KIB
    for side in bench.kuafu.proxies[server.machine.index].sides.values():
        assert not side.other.account_of(server.address, bulk=False).used


def test_k7_what_expires_while_it_waits_for_room_ends_however_much_it_is() -> None:
    """Thousands at once, when whoever held the room answers: more than Python calls deep."""
    bench = Bench(window="4MiB", inbox="1KiB")
    server = bench.process("r0/m0", 7000)
    held: list[IncomingCall] = []
    server.serve(Echo, held.append, NEED)
    caller = bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(0, KIB), deadline_ns=3600 * SECOND)
    for number in range(3000):
        bench.call(caller, server.address, Echo(number, 100), deadline_ns=1 * SECOND)
    bench.run(2)
    held[0].reply(Echo(-1))
    bench.run(3)
    assert len(held) == 1
    assert len(bench.ends) == 3001
    assert not server.held_bytes


def test_k7_callers_of_another_server_do_not_notice_a_slow_one_behind_the_same_proxies() -> None:
    def mean_ns(flood: bool) -> float:
        bench = Bench(window="64KiB")
        slow, quick = bench.echo("r0/m0", 7000, after_ns=10 * SECOND), bench.echo("r0/m0", 7001)
        noisy, calm = bench.process("r1/m0", 9000), bench.process("r1/m0", 9001)
        if flood:
            for number in range(100):
                noisy.call(slow.address, Echo(number, 16 * KIB), 3600 * SECOND, _ignore, _ignore)
        bench.run(1)
        began = bench.sim.now
        for number in range(50):
            bench.sim.call_later(number * 20 * MILLISECOND, bench.call, calm, quick.address, Echo(number))
        bench.run(5)
        assert len(bench.ends) == 50
        return sum(time - began - number * 20 * MILLISECOND for number, (time, _) in enumerate(bench.ends)) / 50

    assert mean_ns(flood=True) == pytest.approx(mean_ns(flood=False), rel=0.05)


def test_k7_a_noisy_caller_does_not_starve_another_of_the_same_server() -> None:
    bench = Bench(window="32KiB")
    server = bench.echo("r0/m0", after_ns=5 * MILLISECOND)
    noisy, calm = bench.process("r1/m0", 9000), bench.process("r1/m0", 9001)
    for number in range(500):
        noisy.call(server.address, Echo(number, 4 * KIB), 3600 * SECOND, _ignore, _ignore)
    bench.call(calm, server.address, Echo(1, 4 * KIB))
    bench.run(60)
    ((ended, _),) = bench.ends
    # Its turn comes next: within two rounds of the window, and not after the 500 that came before.
    assert ended < 20 * MILLISECOND


def test_a_message_larger_than_the_window_still_goes() -> None:
    bench = Bench(window="8KiB")
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1, 100 * KIB))
    bench.call(caller, server.address, Echo(2))
    bench.run(5)
    assert [end.number for end in bench.results] == [1, 2]


def test_k6_large_messages_go_beside_the_small_ones() -> None:
    bench = Bench(bulk_above="256KiB")
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1, 60 * KIB * KIB))
    bench.call(caller, server.address, Echo(2))
    bench.run(5)
    times = {end.number: time for time, end in bench.ends}
    assert times[2] < 2 * MILLISECOND
    # 60 MiB there and 60 MiB back at 10 Gbit/s.
    assert times[1] == pytest.approx(2 * 60 * KIB * KIB * 8 / 10, rel=0.05)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9000)), min_size=1, max_size=120))
@settings(max_examples=60, deadline=None)
def test_k7_fair_turns_differ_by_no_more_than_a_quantum_and_a_message(items: list[tuple[int, int]]) -> None:
    """Deficit round robin: while two flows both wait, what they were given differs by a bounded number of bytes."""
    quantum, queue = 4096, FairQueue(4096)
    for flow, size in items:
        queue.push(flow, size, (flow, size))
    left = {flow: sum(size for other, size in items if other == flow) for flow, _ in items}
    given_bytes = dict.fromkeys(left, 0)
    order: dict[int, list[int]] = {flow: [size for other, size in items if other == flow] for flow in left}
    while queue:
        flow, size = queue.pop()
        assert order[flow].pop(0) == size
        given_bytes[flow] += size
        left[flow] -= size
        waiting = [given_bytes[one] for one in left if left[one]]
        if len(waiting) > 1:
            assert max(waiting) - min(waiting) <= 2 * (quantum + 9000)
    assert not any(left.values())


def _ignore(_: object) -> None:
    """An end that the test does not look at."""
