"""Services by name or address (K1), balanced (K5), retried, at most once; messages (K2) and explicit receive (K3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bench import NEED, Bench, Echo
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.kernel import MILLISECOND, SECOND
from feitian_sim.kuafu import CallFailed, IncomingCall, RetryConfig, ServiceCaller, Text, TextMap
from feitian_sim.kuafu.address import BadAddress, ServiceName, TcpAddress
from feitian_sim.kuafu.balance import BalanceName

NAME = "nuwa://cell/echo"


class Book:
    """A resolver that says what a test has it say."""

    cell = "cell"

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] | None = None
        self._told: list[Callable[[tuple[str, ...]], object]] = []

    def follow(self, service: str, told: Callable[[tuple[str, ...]], object]) -> None:
        self._told.append(told)
        if self.addresses is not None:
            told(self.addresses)

    def say(self, *addresses: str) -> None:
        self.addresses = addresses
        for told in self._told:
            told(addresses)


class Service:
    """A caller of services on a bench."""

    def __init__(self, balance: BalanceName = "round-robin", **config: Any) -> None:
        self.bench = Bench(**config)
        self.book = Book()
        endpoint = self.bench.process("r1/m0", 9000)
        self.caller = ServiceCaller(
            endpoint, self.book, self.bench.sim.stream("test"), balance=balance, retry=RetryConfig()
        )

    def call(self, target: str, message: Any, deadline_s: float = 30, **options: Any) -> None:
        ended = self.bench.ended
        self.caller.call(target, message, int(deadline_s * SECOND), ended, ended, **options)


# K1


def test_k1_addresses_are_read_and_written() -> None:
    assert TcpAddress.parse("tcp://r0/m3:7001") == TcpAddress("r0/m3", 7001)
    assert str(TcpAddress("r0/m3", 7001)) == "tcp://r0/m3:7001"
    assert ServiceName.parse("nuwa://cell/pangu.master") == ServiceName("cell", "pangu.master")
    assert str(ServiceName("cell", "echo")) == NAME


@pytest.mark.parametrize("text", ["", "r0/m0:1", "tcp://:1", "tcp://r0/m0", "tcp://r0/m0:x", "tcp://r0/m0:99999999"])
def test_k1_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        TcpAddress.parse(text)


@pytest.mark.parametrize("text", ["", "tcp://cell/echo", "nuwa://", "nuwa://cell", "nuwa://cell/", "nuwa://cell/dir/"])
def test_k1_what_is_no_service_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        ServiceName.parse(text)


def test_k1_a_service_is_found_by_its_name_and_followed_when_it_moves() -> None:
    service = Service()
    first, second = service.bench.echo("r0/m0"), service.bench.echo("r0/m1")
    service.book.say(first.address)
    service.call(NAME, Echo(1))
    service.bench.run(1)
    service.book.say(second.address)
    service.bench.owners["r0/m0:7000"].kill()
    service.call(NAME, Echo(2))
    service.bench.run(1)
    assert service.bench.results == [Echo(1), Echo(2)]


def test_a_call_waits_until_the_name_is_known_and_no_longer_than_its_deadline() -> None:
    service = Service()
    server = service.bench.echo("r0/m0")
    service.call(NAME, Echo(1), 30)
    service.call(NAME, Echo(2), 2)
    service.bench.run(5)
    assert service.bench.results == ["deadline"]
    service.book.say(server.address)
    service.bench.run(1)
    assert service.bench.results == ["deadline", Echo(1)]


def test_a_service_that_nobody_serves_is_unavailable_and_so_is_another_cell() -> None:
    service = Service()
    service.book.say()
    service.call(NAME, Echo(1))
    service.call("nuwa://elsewhere/echo", Echo(2))
    service.bench.run(20)
    assert service.bench.results == ["unavailable", "unavailable"]


# K2


def test_k2_texts_and_maps_of_texts_travel_and_weigh_what_they_are() -> None:
    bench = Bench()
    server, caller = bench.process("r0/m0", 7000), bench.process("r1/m0", 9000)
    server.serve(Text, lambda call: call.reply(Text(call.message.text.upper())), NEED)
    server.serve(TextMap, lambda call: call.reply(TextMap(dict(call.message.texts))), NEED)
    bench.call(caller, server.address, Text("hello"))
    bench.call(caller, server.address, TextMap({"a": "b", "钟": "馗"}))
    bench.run(1)
    assert bench.results == [Text("HELLO"), TextMap({"a": "b", "钟": "馗"})]
    assert Text("x" * 1000).wire_bytes - Text("").wire_bytes == 1000
    assert TextMap({"钟": ""}).wire_bytes == TextMap({"abc": ""}).wire_bytes


def test_a_message_above_the_limit_is_refused_at_its_sender() -> None:
    bench = Bench(largest="1MiB", bulk_above="256KiB")
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1, (1 << 20) + 1))
    bench.call(caller, server.address, Echo(2, 1 << 20))
    bench.run(5)
    assert bench.results == ["too-large", Echo(2, 1 << 20)]


# K3


def test_k3_a_call_is_sent_now_and_received_when_one_likes() -> None:
    bench = Bench()
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    got: list[Any] = []

    def process() -> Any:
        sent = [caller.send(server.address, Echo(number), 10 * SECOND) for number in range(3)]
        yield bench.sim.timeout(SECOND)
        assert all(one.is_over for one in sent)
        for one in reversed(sent):
            got.append((yield one.receive()))
        # What was received can be received again.
        got.append((yield sent[0].receive()))

    caller.owner.process(process())
    bench.run(5)
    assert got == [Echo(2), Echo(1), Echo(0), Echo(0)]


def test_k3_the_synchronous_call_is_the_same_at_once_and_raises_what_went_wrong() -> None:
    bench = Bench()
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    got: list[Any] = []

    def process() -> Any:
        got.append((yield caller.ask(server.address, Echo(1), SECOND)))
        try:
            yield caller.ask("tcp://r0/m0:7999", Echo(2), SECOND)
        except CallFailed as error:
            got.append(error.kind)

    caller.owner.process(process())
    bench.run(5)
    assert got == [Echo(1), "refused"]


# K5


def test_k5_round_robin_gives_each_server_as_much() -> None:
    service = Service("round-robin")
    servers = [service.bench.echo(f"r0/m{number}") for number in range(3)]
    counts = counted(service, servers, 30)
    assert counts == [10, 10, 10]


def test_k5_least_outstanding_spares_the_slow() -> None:
    service = Service("least-outstanding")
    servers = [service.bench.echo(f"r0/m{number}", after_ns=ns) for number, ns in enumerate((SECOND, 0, 0))]
    service.book.say(*(server.address for server in servers))
    for number in range(60):
        service.bench.sim.call_later(number * 20 * MILLISECOND, service.call, NAME, Echo(number))
    service.bench.run(10)
    assert len(service.bench.ends) == 60
    # The slow one has one call at a time and the others answer at once.
    seen = [machine for machine, *_ in service.bench.guard.seen]
    assert seen.count("r0/m0") <= 3


def test_k5_local_first_stays_on_the_machine_then_in_the_rack() -> None:
    service = Service("local-first")
    far, rack = service.bench.echo("r0/m0"), service.bench.echo("r1/m2")
    assert counted(service, [far, rack], 10) == [0, 10]
    here = service.bench.echo("r1/m0")
    assert counted(service, [far, rack, here], 10) == [0, 0, 10]


def counted(service: Service, servers: list[Any], calls: int) -> list[int]:
    """How many calls each server got."""
    service.book.say(*(server.address for server in servers))
    service.bench.guard.seen.clear()
    for number in range(calls):
        service.call(NAME, Echo(number))
    service.bench.run(1)
    seen = [machine for machine, *_ in service.bench.guard.seen]
    return [seen.count(server.machine.name) for server in servers]


# Retries


@given(st.integers(1, 12))
def test_pauses_are_drawn_below_a_bound_that_doubles_up_to_the_longest(attempt: int) -> None:
    bench = Bench()
    config, stream = RetryConfig(), bench.sim.stream("pauses", str(attempt))
    pauses = [config.pause_ns(attempt, stream) for _ in range(50)]
    bound = min(100 * MILLISECOND * 2 ** (attempt - 1), SECOND)
    assert 0 <= min(pauses) < 0.3 * bound
    assert 0.7 * bound < max(pauses) <= bound


def test_a_repeatable_call_goes_to_another_server_when_one_is_gone() -> None:
    service = Service()
    dead, alive = service.bench.echo("r0/m0"), service.bench.echo("r0/m1")
    service.book.say(dead.address, alive.address)
    service.bench.owners["r0/m0:7000"].kill()
    for number in range(6):
        service.call(NAME, Echo(number), repeatable=True)
    service.bench.run(10)
    assert len(service.bench.ends) == 6
    assert all(isinstance(end, Echo) for end in service.bench.results)
    assert service.caller.retries == 3


def test_words_of_the_server_and_refusals_of_the_guard_are_not_retried() -> None:
    service = Service()
    server = service.bench.process("r0/m0", 7000)
    server.serve(Echo, lambda call: call.fail("no"), NEED)
    service.call(server.address, Echo(1), repeatable=True)
    service.bench.run(5)
    service.bench.guard.refused["r1/m0:9000"] = "no"
    service.call(server.address, Echo(2), repeatable=True)
    service.bench.run(5)
    assert service.bench.results == ["remote", "denied"]
    assert service.caller.retries == 0


# At most once


class Ledger:
    """A server that counts how often each request was done."""

    def __init__(self, service: Service, after_ns: int = SECOND) -> None:
        self.done: list[int] = []
        self._sim = service.bench.sim
        self._after_ns = after_ns
        self.endpoint = service.bench.process("r0/m0", 7000, f"ledger {len(service.bench.owners)}")
        self.endpoint.serve(Echo, self._serve, NEED, once=True)

    def _serve(self, call: IncomingCall) -> None:
        self.done.append(call.message.number)
        self._sim.call_later(self._after_ns, self._reply, call)

    @staticmethod
    def _reply(call: IncomingCall) -> None:
        if not call.answered:
            call.reply(call.message)


def proxy_of(service: Service, machine: str) -> Any:
    return next(one for one in service.bench.kuafu.daemons if one.machine.name == machine)


def test_a_call_whose_connection_breaks_is_done_once_and_answered() -> None:
    service = Service()
    ledger = Ledger(service)
    # Something was answered before, so the caller knows which process it talks to.
    service.call(ledger.endpoint.address, Echo(0))
    service.bench.run(2)
    service.call(ledger.endpoint.address, Echo(1))
    proxy = proxy_of(service, "r0/m0")
    service.bench.sim.call_later(SECOND // 2, proxy.kill)
    service.bench.sim.call_later(SECOND // 2 + MILLISECOND, proxy.start)
    service.bench.run(10)
    assert service.bench.results == [Echo(0), Echo(1)]
    assert ledger.done == [0, 1]
    assert service.caller.retries >= 1


def test_a_call_that_another_incarnation_may_have_done_is_not_done_again() -> None:
    service = Service()
    ledger = Ledger(service)
    service.call(ledger.endpoint.address, Echo(0))
    service.bench.run(2)
    service.call(ledger.endpoint.address, Echo(1))
    service.bench.sim.call_later(SECOND // 2, ledger.endpoint.owner.kill)
    again: list[Ledger] = []
    service.bench.sim.call_later(SECOND // 2 + 1, lambda: again.append(Ledger(service)))
    service.bench.run(10)
    assert service.bench.results == [Echo(0), "uncertain"]
    assert not again[0].done


def test_the_same_call_come_again_after_its_end_gets_the_same_answer() -> None:
    service = Service()
    ledger = Ledger(service, after_ns=0)
    from feitian_sim.kuafu.reply_table import Once

    endpoint = service.caller._endpoint
    once = Once("somebody", 7, 1000 * SECOND, False, 0)
    for again in (False, True, True):
        known = endpoint.incarnations.get(ledger.endpoint.address, 0)
        once = once._replace(again=again, incarnation=known)
        endpoint.call(ledger.endpoint.address, Echo(5), SECOND, service.bench.ended, service.bench.ended, once=once)
        service.bench.run(1)
    assert service.bench.results == [Echo(5)] * 3
    assert ledger.done == [5]


def test_the_reply_table_forgets_what_can_no_longer_be_asked() -> None:
    service = Service()
    ledger = Ledger(service, after_ns=0)
    for number in range(20):
        service.call(ledger.endpoint.address, Echo(number), 5)
    service.bench.run(2)
    assert ledger.endpoint._replies is not None
    assert len(ledger.endpoint._replies) == 20
    service.bench.run(10)
    service.call(ledger.endpoint.address, Echo(99), 5)
    service.bench.run(1)
    assert len(ledger.endpoint._replies) == 1
