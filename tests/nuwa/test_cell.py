"""A running Nuwa: files, sessions, watches, elections, through the loss of servers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from nuwa_bench import MILLISECOND, SECOND, Bench

from feitian_sim.nuwa.discovery import Registration, Resolver
from feitian_sim.nuwa.election import Candidate
from feitian_sim.nuwa.publish import Subscription


def test_what_one_client_writes_another_reads_fresh() -> None:
    bench = Bench()
    one, two = bench.client("r0/m2"), bench.client("r3/m2")
    assert bench.do(one.create, "/a", b"1").value == "/a"
    assert bench.do(two.read, "get", "/a", fresh=True).value == b"1"
    assert bench.do(two.put, "/a", b"2").value == 1
    assert bench.do(one.read, "get", "/a", fresh=True).value == b"2"


@pytest.mark.parametrize("first", range(5))
def test_a_client_reads_its_own_writes_on_any_server(first: int) -> None:
    bench = Bench()
    client = bench.client(first=first)
    for number in range(20):
        assert bench.do(client.create, f"/{number}", b"x").ok
        assert bench.do(client.read, "get", f"/{number}").value == b"x"


def test_n1_nothing_acknowledged_is_lost_when_the_leader_dies_and_writes_go_on_soon() -> None:
    bench = Bench()
    client = bench.client(first=2)
    done: list[str] = []
    times: list[int] = []

    def go(answer=None) -> None:
        if answer is not None:
            assert answer.ok, answer
            done.append(answer.value)
            times.append(bench.sim.now)
        if bench.sim.now < 8 * SECOND:
            client.create(f"/{len(done)}", b"x", go)

    go()
    bench.run(2)
    bench.cell.daemons[bench.leader()].kill()
    bench.run(7)
    pause_ns = max(b - a for a, b in pairwise(times))
    assert 50 * MILLISECOND < pause_ns < SECOND
    other = bench.client("r4/m2")
    names = bench.do(other.read, "names", "/", fresh=True).value
    assert {name[1:] for name in done} <= set(names)
    assert len(done) > 200


def test_a_write_whose_answer_is_lost_is_done_once() -> None:
    bench = Bench()
    client = bench.client(first=0)
    for number in range(5):
        client.create("/x-", b"", lambda answer: None, sequential=True)
        if number == 2:
            bench.cell.daemons[0].kill()
    bench.run(5)
    other = bench.client("r4/m2", first=3)
    names = bench.do(other.read, "names", "/", fresh=True).value
    assert sorted(name for name in names if name.startswith("x-")) == [f"x-{n:010d}" for n in range(5)]


def test_an_ephemeral_file_goes_with_its_session_and_not_before() -> None:
    bench = Bench()
    one, two = bench.client("r0/m2", "one"), bench.client("r3/m2")
    assert bench.do(one.create, "/e", b"", ephemeral=True).ok
    bench.run(60)
    assert bench.do(two.read, "stat", "/e", fresh=True).ok
    died_ns = bench.sim.now
    bench.owners["one"].kill()
    fired: list[int] = []
    two.read("stat", "/e", lambda answer: None, watch=lambda notice: fired.append(bench.sim.now))
    bench.run(10)
    assert bench.do(two.read, "stat", "/e", fresh=True).error == "no-node"
    assert 2 * SECOND <= fired[0] - died_ns <= int(3.2 * SECOND)


def _expiry_time(elide: bool) -> int:
    bench = Bench(elide=elide)
    one = bench.client("r0/m2", "one")
    assert bench.do(one.create, "/e", b"", ephemeral=True).ok
    bench.run(17.77)
    bench.owners["one"].kill()
    bench.run(10)
    (expired,) = bench.tables.columns("nuwa.session_expired")["time_s"]
    return round(expired * 1e9)


def test_sessions_expire_at_the_same_time_with_and_without_elided_signs_of_life() -> None:
    assert abs(_expiry_time(True) - _expiry_time(False)) < 20 * MILLISECOND


def test_an_idle_session_costs_no_events() -> None:
    bench = Bench()
    for number in range(5):
        bench.client(f"r{number}/m2")
    bench.run(10)
    before = bench.sim.event_count
    bench.run(10_000)
    assert bench.sim.event_count - before < 20
    assert all(server.state.sessions for server in bench.cell.servers)


def test_a_watch_fires_once_and_is_told_before_its_effect_can_be_read() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2"), bench.client("r3/m2")
    assert bench.do(writer.create, "/w", b"0").ok
    seen: list[str] = []
    bench.do(reader.read, "get", "/w", watch=lambda notice: seen.append(f"fired {notice.kind}"))
    for number in range(3):
        assert bench.do(writer.put, "/w", str(number).encode()).ok
    bench.run(1)
    assert seen == ["fired changed"]


def test_n5_every_subscriber_hears_of_every_change_once_and_in_order_across_a_change_of_server() -> None:
    bench = Bench()
    writer = bench.client("r0/m2", first=0)
    assert bench.do(writer.create, "/news/", b"").ok
    heard: dict[int, list[tuple[str, int]]] = {}
    for number in range(4):
        reader = bench.client(f"r{number}/m2", first=4)
        heard[number] = []
        Subscription(reader, "/news/", lambda path, zxid, number=number: heard[number].append((path, zxid)))
    bench.run(1)
    for number in range(10):
        assert bench.do(writer.create, f"/news/{number}", b"x").ok
        if number == 5:
            bench.cell.daemons[4].kill()
    bench.run(5)
    for events in heard.values():
        assert [path for path, _ in events] == [f"/news/{number}" for number in range(10)]
        assert [zxid for _, zxid in events] == sorted(zxid for _, zxid in events)


def test_n6_one_candidate_holds_the_office_and_the_next_has_a_larger_token() -> None:
    bench = Bench()
    maker = bench.client("r4/m2")
    assert bench.do(maker.create, "/office/", b"").ok
    held: list[tuple[str, int]] = []
    lost: list[str] = []
    for name in ("a", "b", "c"):
        client = bench.client("r1/m2", name)
        candidate = Candidate(
            bench.sim,
            bench.owners[name],
            client,
            "/office/",
            lambda token, name=name: held.append((name, token)),
            lambda name=name: lost.append(name),
        )
        candidate.stand()
        bench.run(0.5)
    bench.run(2)
    assert [name for name, _ in held] == ["a"]
    bench.owners["a"].kill()
    bench.run(6)
    assert [name for name, _ in held] == ["a", "b"]
    bench.owners["b"].kill()
    bench.run(6)
    assert [name for name, _ in held] == ["a", "b", "c"]
    tokens = [token for _, token in held]
    assert tokens == sorted(set(tokens))


def test_n7_n8_a_service_is_found_and_found_again_after_it_moved() -> None:
    bench = Bench()
    maker = bench.client("r4/m2")
    assert bench.do(maker.create, "/service/db/", b"").ok
    server = bench.client("r1/m2", "server")
    Registration(server, "db", "one", "tcp://r1/m2:5000").register()
    bench.run(1)
    known: list[tuple[str, ...]] = []
    Resolver(bench.client("r3/m2")).follow("db", known.append)
    bench.run(1)
    assert known == [("tcp://r1/m2:5000",)]
    bench.owners["server"].kill()
    again = bench.client("r2/m2", "again")
    Registration(again, "db", "two", "tcp://r2/m2:5000").register()
    bench.run(6)
    assert known[-1] == ("tcp://r2/m2:5000",)


def test_with_three_of_five_dead_nothing_is_written_and_with_one_back_nothing_is_lost() -> None:
    bench = Bench()
    client = bench.client("r0/m2", first=4)
    assert bench.do(client.create, "/before", b"x").ok
    for number in (0, 1, 2):
        bench.cell.daemons[number].kill()
    ended: list[object] = []
    client.create("/during", b"x", ended.append)
    bench.run(2)
    assert not ended
    bench.cell.daemons[1].start()
    bench.run(10)
    other = bench.client("r4/m2")
    names = bench.do(other.read, "names", "/", fresh=True).value
    assert "before" in names
