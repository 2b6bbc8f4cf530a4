"""Every call meets the guard: no server can be written that skips it."""

from __future__ import annotations

from typing import Any

import pytest
from bench import NEED, Bench, Echo

from feitian_sim.kernel import SECOND
from feitian_sim.kuafu import CallError


def test_a_server_that_does_not_say_what_it_needs_cannot_serve() -> None:
    bench = Bench()
    server = bench.process("r0/m0", 7000)
    with pytest.raises(TypeError):
        server.serve(Echo, lambda call: call.reply(call.message))  # type: ignore[call-arg]
    for nothing in (None, "", ("call", "test://echo")):
        with pytest.raises(AssertionError, match="without saying what it needs"):
            server.serve(Echo, lambda call: call.reply(call.message), nothing)  # type: ignore[arg-type]
        server._handlers.clear()
    with pytest.raises(AssertionError, match="without saying what it needs"):
        server.hear(Echo, lambda sender, message: None, None)  # type: ignore[arg-type]


def test_a_handler_is_never_called_for_who_is_refused() -> None:
    bench = Bench()
    reached: list[Any] = []
    server = bench.process("r0/m0", 7000)
    server.serve(Echo, reached.append, NEED)
    told = bench.process("r0/m1", 7000)
    told.hear(Echo, lambda sender, message: reached.append(message), NEED)
    bench.guard.refused["mallory"] = "not on the list"
    mallory = bench.process("r1/m0", 9000, "mallory")
    errors: list[CallError] = []
    mallory.call(server.address, Echo(1), SECOND, errors.append, errors.append)
    mallory.tell(told.address, Echo(2))
    bench.run(2)
    assert not reached
    assert [(error.kind, error.text) for error in errors] == [("denied", "not on the list")]


def test_who_does_not_answer_the_challenge_is_refused_before_anything_else() -> None:
    bench = Bench()
    server = bench.echo("r0/m0")
    bench.guard.liars["mallory"] = None
    mallory = bench.process("r1/m0", 9000, "mallory")
    bench.call(mallory, server.address, Echo(1))
    bench.run(2)
    assert bench.results == ["denied"]
    assert not bench.guard.seen


def test_each_call_is_checked_though_the_connection_and_the_caller_are_known() -> None:
    bench = Bench()
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000, "ann")
    for number in range(5):
        bench.call(caller, server.address, Echo(number))
        bench.run(1)
    assert bench.guard.seen == [("r0/m0", "ann", "call", "test://echo")] * 5
    assert len(bench.guard.logins) == 1
    bench.guard.refused["ann"] = "revoked"
    bench.call(caller, server.address, Echo(9))
    bench.run(1)
    assert bench.results[-1] == "denied"


def test_a_call_of_a_process_to_its_own_machine_is_checked_too() -> None:
    bench = Bench()
    server, caller = bench.echo("r0/m0"), bench.process("r0/m0", 9000, "ann")
    bench.guard.refused["ann"] = "no"
    bench.call(caller, server.address, Echo(1))
    bench.run(1)
    assert bench.results == ["denied"]


@pytest.mark.parametrize("proxies", [True, False])
def test_without_proxies_nothing_is_skipped_either(proxies: bool) -> None:
    bench = Bench(proxies=proxies)
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000, "ann")
    bench.call(caller, server.address, Echo(1))
    bench.run(1)
    bench.guard.refused["ann"] = "no"
    bench.call(caller, server.address, Echo(2))
    bench.run(1)
    assert bench.results == [Echo(1), "denied"]
    assert len(bench.guard.seen) == 2
