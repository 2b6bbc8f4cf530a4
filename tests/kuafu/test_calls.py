"""A call ends exactly once: with a reply, an error in words, a refusal, a reset, or its deadline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from plain_guard import Name, PlainGuard

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, Owner, Simulation
from feitian_sim.kuafu import CallError, CallFailed, Endpoint, IncomingCall, Kuafu, Need

NEED = Need("call", "test://ping")


@dataclass(frozen=True, slots=True)
class Ping:
    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    number: int


class Pair:
    """A caller on one machine and a server on another."""

    def __init__(self) -> None:
        self.sim = Simulation(seed=1)
        self.datacenter = DataCenter(self.sim, ClusterConfig(racks=2, machines_per_rack=2))
        self.kuafu = Kuafu(self.sim, self.datacenter, PlainGuard())
        self.server_machine = self.datacenter.machine("r1/m0")
        self.server_owner: Owner = self.sim.owner("server")
        self.server = self.kuafu.endpoint(self.server_owner, self.server_machine, 7001, Name("server"))
        self.caller_owner: Owner = self.sim.owner("caller")
        self.caller: Endpoint = self.kuafu.endpoint(
            self.caller_owner, self.datacenter.machine("r0/m0"), 9001, Name("caller")
        )
        self.ends: list[tuple[int, Any]] = []

    def call(self, message: object, deadline_ns: int = SECOND, address: str = "tcp://r1/m0:7001") -> Any:
        return self.caller.call(address, message, deadline_ns, self._end, self._end)

    def _end(self, end: Any) -> None:
        self.ends.append((self.sim.now, end.kind if isinstance(end, CallError) else end))


@pytest.fixture
def pair() -> Pair:
    return Pair()


def _pong(call: IncomingCall) -> None:
    call.reply(Pong(call.message.number + 1))


def test_a_call_is_answered_within_a_millisecond(pair: Pair) -> None:
    pair.server.serve(Ping, _pong, NEED)
    pair.call(Ping(1))
    pair.sim.run_until(10 * SECOND)
    ((time_ns, reply),) = pair.ends
    assert reply == Pong(2)
    assert 40_000 < time_ns < MILLISECOND  # at least the processor time of both messages


def test_the_answer_may_come_long_after_the_request(pair: Pair) -> None:
    pair.server.serve(Ping, lambda call: pair.sim.call_later(SECOND // 2, call.reply, Pong(7)), NEED)
    pair.call(Ping(1))
    pair.sim.run_until(10 * SECOND)
    assert pair.ends[0][1] == Pong(7)


def test_nobody_at_the_port_is_refused_at_once(pair: Pair) -> None:
    pair.call(Ping(1), address="tcp://r1/m0:7999")
    pair.sim.run_until(10 * SECOND)
    ((time_ns, end),) = pair.ends
    assert end == "refused"
    assert time_ns < MILLISECOND


def test_a_message_that_is_not_served_is_answered_with_words(pair: Pair) -> None:
    pair.call(Ping(1))
    pair.sim.run_until(10 * SECOND)
    assert [end for _, end in pair.ends] == ["remote"]


def test_a_killed_process_resets_the_calls_that_it_held(pair: Pair) -> None:
    pair.server.serve(Ping, lambda call: None, NEED)
    pair.call(Ping(1), deadline_ns=100 * SECOND)
    pair.sim.call_later(SECOND, pair.server_owner.kill)
    pair.sim.run_until(200 * SECOND)
    ((time_ns, end),) = pair.ends
    assert end == "reset"
    assert SECOND < time_ns < SECOND + MILLISECOND


def test_of_a_crashed_machine_only_the_deadline_tells(pair: Pair) -> None:
    pair.server.serve(Ping, lambda call: None, NEED)
    pair.call(Ping(1), deadline_ns=5 * SECOND)
    pair.sim.call_later(SECOND, pair.server_machine.crash, "test")
    pair.sim.call_later(SECOND, pair.server_owner.kill)
    pair.sim.run_until(200 * SECOND)
    assert pair.ends == [(5 * SECOND, "deadline")]


def _streaming(pair: Pair, megabytes: int) -> None:
    """Serve pings with so many bytes at 1 MB/s before the answer."""

    def serve(call: IncomingCall) -> None:
        flow = pair.datacenter.network.transfer(
            pair.server_machine,
            call.machine,
            megabytes * 1_000_000,
            cap_bps=8_000_000,
            owner=pair.server_owner,
            on_done=lambda _: call.reply(Pong(megabytes)),
            on_fail=lambda _, reason: call.fail(reason),
        )
        call.streams(flow)

    pair.server.serve(Ping, serve, NEED)


def test_while_bytes_arrive_a_deadline_does_not_end_the_call(pair: Pair) -> None:
    _streaming(pair, megabytes=7)
    pair.call(Ping(1), deadline_ns=2 * SECOND)
    pair.sim.run_until(100 * SECOND)
    ((time_ns, end),) = pair.ends
    assert end == Pong(7)
    assert 7 * SECOND < time_ns < 7 * SECOND + 10 * MILLISECOND


def test_bytes_that_come_no_more_are_waited_for_until_the_next_deadline(pair: Pair) -> None:
    _streaming(pair, megabytes=7)
    pair.call(Ping(1), deadline_ns=2 * SECOND)
    # Between the second deadline and the third.
    pair.sim.call_at(5 * SECOND, pair.server_machine.crash, "test")
    pair.sim.call_at(5 * SECOND, pair.server_owner.kill)
    pair.sim.run_until(100 * SECOND)
    assert pair.ends == [(6 * SECOND, "deadline")]


def test_a_cancelled_call_calls_nobody(pair: Pair) -> None:
    pair.server.serve(Ping, _pong, NEED)
    pair.call(Ping(1)).cancel()
    pair.sim.run_until(10 * SECOND)
    assert pair.ends == []


def test_a_dead_caller_hears_nothing(pair: Pair) -> None:
    pair.server.serve(Ping, _pong, NEED)
    pair.call(Ping(1))
    pair.caller_owner.kill()
    pair.call(Ping(2))
    pair.sim.run_until(10 * SECOND)
    assert pair.ends == []


def test_the_port_is_free_again_after_a_death(pair: Pair) -> None:
    pair.server_owner.kill()
    again = pair.kuafu.endpoint(pair.sim.owner("server#2"), pair.server_machine, 7001, Name("server"))
    again.serve(Ping, _pong, NEED)
    pair.call(Ping(4))
    pair.sim.run_until(10 * SECOND)
    assert pair.ends[0][1] == Pong(5)


def test_ask_waits_like_any_event_and_raises_what_went_wrong(pair: Pair) -> None:
    pair.server.serve(Ping, _pong, NEED)
    seen: list[object] = []

    def client() -> Iterator[Any]:
        reply = yield pair.caller.ask("tcp://r1/m0:7001", Ping(1), SECOND)
        seen.append(reply)
        try:
            yield pair.caller.ask("tcp://r1/m0:7999", Ping(1), SECOND)
        except CallFailed as error:
            seen.append(error.kind)

    pair.caller_owner.process(client())  # type: ignore[arg-type]
    pair.sim.run_until(10 * SECOND)
    assert seen == [Pong(2), "refused"]


def test_an_unheard_failure_harms_nobody(pair: Pair) -> None:
    event = pair.caller.ask("tcp://r1/m0:7999", Ping(1), SECOND)
    # An ordinary SimPy event that fails unheard would stop the simulation here.
    pair.sim.run_until(10 * SECOND)
    assert event.processed
    assert not event.ok


def test_a_long_call_notices_a_machine_that_is_gone_after_the_keepalive_time(pair: Pair) -> None:
    pair.server.serve(Ping, lambda call: None, NEED)
    pair.call(Ping(1), deadline_ns=1000 * SECOND)
    pair.sim.call_later(SECOND, pair.server_machine.crash, "test")
    pair.sim.run_until(200 * SECOND)
    assert pair.ends == [(7 * SECOND, "reset")]


def test_a_machine_that_restarted_does_not_know_the_connection(pair: Pair) -> None:
    pair.server.serve(Ping, lambda call: None, NEED)
    pair.call(Ping(1), deadline_ns=1000 * SECOND)
    pair.sim.call_later(SECOND, pair.server_machine.crash, "test")
    pair.sim.call_later(3 * SECOND, pair.server_machine.restart)
    pair.sim.run_until(200 * SECOND)
    assert pair.ends == [(3 * SECOND, "reset")]


def test_a_short_partition_does_not_end_a_call(pair: Pair) -> None:
    pair.server.serve(Ping, lambda call: pair.sim.call_later(20 * SECOND, call.reply, Pong(9)), NEED)
    pair.call(Ping(1), deadline_ns=1000 * SECOND)
    network = pair.datacenter.network
    cut = [pair.server_machine]
    rest = [one for one in (*pair.datacenter.machines, *pair.datacenter.client_machines) if one not in cut]
    tokens: list[int] = []
    pair.sim.call_later(SECOND, lambda: tokens.append(network.partition([cut, rest])))
    pair.sim.call_later(6 * SECOND, lambda: network.heal(tokens[0]))
    pair.sim.run_until(200 * SECOND)
    assert [end for _, end in pair.ends] == [Pong(9)]


def test_a_told_message_arrives_once_and_one_to_nobody_is_lost_in_silence(pair: Pair) -> None:
    heard: list[tuple[str, Any]] = []
    pair.server.hear(Ping, lambda sender, message: heard.append((sender, message)), NEED)
    pair.caller.tell("tcp://r1/m0:7001", Ping(3))
    pair.caller.tell("tcp://r1/m0:7999", Ping(4))
    pair.caller.tell("tcp://r1/m0:7001", Pong(5))  # nobody hears these
    pair.sim.run_until(SECOND)
    assert heard == [("tcp://r0/m0:9001", Ping(3))]
