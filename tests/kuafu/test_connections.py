"""Connections: one to each machine with proxies and one to each process without, opened, shared, closed, made again."""

from __future__ import annotations

from bench import NEED, Bench, Echo

from feitian_sim.kernel import MINUTE, SECOND


def connections(bench: Bench) -> int:
    return len(bench.kuafu.open_connections)


def meet(bench: Bench) -> None:
    """Two callers on each of two machines call two servers on each of two others."""
    servers = [bench.echo(machine, port).address for machine in ("r0/m0", "r0/m1") for port in (7000, 7001)]
    callers = [bench.process(machine, port) for machine in ("r1/m0", "r1/m1") for port in (9000, 9001)]
    for caller in callers:
        for server in servers:
            bench.call(caller, server, Echo(1))
    bench.run(1)
    assert len(bench.ends) == 16


def test_k4_the_processes_of_two_machines_share_one_connection() -> None:
    bench = Bench()
    meet(bench)
    assert connections(bench) == 4


def test_k4_without_proxies_each_pair_of_processes_has_its_own() -> None:
    bench = Bench(proxies=False)
    meet(bench)
    assert connections(bench) == 16
    assert not bench.kuafu.daemons


def test_k4_processes_survive_their_proxy_and_are_reached_again_through_the_next() -> None:
    bench = Bench()
    server = bench.echo("r0/m0", after_ns=2 * SECOND)
    caller = bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1))
    proxy = next(one for one in bench.kuafu.daemons if one.machine.name == "r0/m0")
    bench.sim.call_later(SECOND, proxy.kill)
    bench.run(1.5)
    assert bench.results == ["reset"]
    assert server.alive
    bench.call(caller, server.address, Echo(2))
    bench.run(1)
    assert bench.results == ["reset", "refused"]
    proxy.start()
    bench.call(caller, server.address, Echo(3))
    bench.run(5)
    assert bench.results == ["reset", "refused", Echo(3)]


def test_a_connection_that_nobody_uses_is_closed_and_made_again_when_somebody_does() -> None:
    bench = Bench(idle="5m")
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1))
    bench.run(1)
    assert connections(bench) == 1
    bench.run(6 * 60)
    assert connections(bench) == 0
    bench.call(caller, server.address, Echo(2))
    bench.run(1)
    assert bench.results == [Echo(1), Echo(2)]
    assert connections(bench) == 1
    # Another connection has another challenge, so whoever speaks on it proves anew who it is.
    assert len({nonce for _, nonce in bench.guard.logins}) == 2


def test_a_connection_in_use_is_not_idle() -> None:
    bench = Bench(idle="5m")
    server, caller = bench.echo("r0/m0", after_ns=20 * MINUTE), bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1), deadline_ns=60 * MINUTE)
    bench.run(10 * 60)
    assert connections(bench) == 1
    bench.run(11 * 60)
    assert bench.results == [Echo(1)]


def test_what_is_lost_on_the_way_is_sent_again() -> None:
    bench = Bench()
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    network = bench.datacenter.network
    network.set_link("r0/m0/nic", loss=0.15)
    for number in range(40):
        bench.call(caller, server.address, Echo(number))
    bench.run(60)
    assert sorted(bench.results, key=lambda end: end.number) == [Echo(number) for number in range(40)]


def test_one_way_cut_ends_calls_like_a_cut_cable() -> None:
    bench = Bench(keepalive="6s")
    server, caller = bench.echo("r0/m0"), bench.process("r1/m0", 9000)
    bench.call(caller, server.address, Echo(1))
    bench.run(1)
    # The server hears everything, and nobody hears the server.
    machines = [*bench.datacenter.machines, *bench.datacenter.client_machines]
    cut = [bench.datacenter.machine("r0/m0")]
    bench.datacenter.network.partition([cut, [one for one in machines if one not in cut]], one_way=True)
    bench.call(caller, server.address, Echo(2))
    bench.run(30)
    assert bench.results == [Echo(1), "reset"]


def test_in_direct_mode_a_process_that_dies_resets_its_own_connections_only() -> None:
    bench = Bench(proxies=False)
    servers = [bench.echo("r0/m0", 7000, after_ns=5 * SECOND), bench.echo("r0/m0", 7001, after_ns=5 * SECOND)]
    caller = bench.process("r1/m0", 9000)
    for number, server in enumerate(servers):
        bench.call(caller, server.address, Echo(number))
    bench.sim.call_later(SECOND, bench.owners["r0/m0:7000"].kill)
    bench.run(10)
    assert bench.results == ["reset", Echo(1)]
    bench.call(caller, servers[0].address, Echo(3))
    bench.run(5)
    assert bench.results[-1] == "refused"
    again = bench.process("r0/m0", 7000, "again")
    again.serve(Echo, lambda call: call.reply(call.message), NEED)
    bench.call(caller, again.address, Echo(4))
    bench.run(5)
    assert bench.results[-1] == Echo(4)
