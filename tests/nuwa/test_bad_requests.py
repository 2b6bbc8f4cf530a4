"""Requests that cannot be granted: each ends with the fitting error, is counted, and ends nothing else.

Every test ends with :func:`_goes_on`: the cell serves others, nothing has been changed, no server has died.
"""

from __future__ import annotations

from typing import Any

import pytest
from nuwa_bench import SECOND, Bench

from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.commands import Create, Delete, Put

MEGABYTE = 1024 * 1024


def _bench(**nuwa: Any) -> tuple[Bench, NuwaClient]:
    """A cell with /d/ and /d/f, and a client on a server that does not lead."""
    bench = Bench(**nuwa)
    client = bench.client("r0/m2", "bad", first=2)
    assert bench.do(client.create, "/d/", b"").ok
    assert bench.do(client.create, "/d/f", b"old").ok
    return bench, client


def _errors(bench: Bench, owner: str = "bad") -> list[str]:
    """The errors that were counted of a client's operations."""
    columns = bench.tables.columns("nuwa.operation")
    return [error for name, error in zip(columns["owner"], columns["error"], strict=True) if name == owner and error]


def _goes_on(bench: Bench) -> None:
    other = bench.client("r3/m2", "other")
    assert bench.do(other.read, "get", "/d/f", fresh=True).value == b"old"
    assert bench.do(other.read, "names", "/", fresh=True).value == ("d/", "service/")
    assert bench.do(other.create, "/good", b"").ok
    assert all(server.alive for server in bench.cell.servers)


@pytest.mark.parametrize(
    ("operation", "arguments", "error"),
    [
        ("create", ("d/g", b""), "bad-path"),
        ("put", ("d/f", b"new"), "bad-path"),
        ("delete", ("d/f",), "bad-path"),
        ("create", ("/d/g/", b"value"), "is-directory"),
        ("put", ("/d/f/", b"new"), "no-node"),
        ("put", ("/d/", b"new"), "is-directory"),
        ("delete", ("/d/f/",), "no-node"),
        ("delete", ("/d/",), "not-empty"),
        ("delete", ("/",), "bad-path"),
        ("create", ("/d/g", bytes(MEGABYTE + 1)), "too-large"),
        ("put", ("/d/f", bytes(MEGABYTE + 1)), "too-large"),
        ("create", ("/no/g", b""), "no-parent"),
        ("create", ("/d/f/g", b""), "no-parent"),
        ("create", ("/d/f", b"new"), "exists"),
        ("create", ("/", b""), "bad-path"),
        ("put", ("/d/no", b"new"), "no-node"),
    ],
)
def test_a_bad_write_is_refused_with_its_error_and_counted(operation: str, arguments: tuple, error: str) -> None:
    bench, client = _bench()
    answer = bench.do(getattr(client, operation), *arguments)
    assert answer.error == error
    assert answer.text
    assert _errors(bench) == [error]
    # The session is as good as before.
    assert bench.do(client.read, "get", "/d/f").value == b"old"
    _goes_on(bench)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        ("get", "d/f", "bad-path"),
        ("stat", "", "bad-path"),
        ("names", "d/", "bad-path"),
        ("values", "/d//", "bad-path"),
        ("get", "/d/f/", "no-node"),
        ("get", "/d/", "is-directory"),
        ("names", "/d/f", "bad-request"),
        ("values", "/d/f", "bad-request"),
        ("names", "/no/", "no-node"),
    ],
)
def test_a_bad_read_is_refused_with_its_error_and_counted(kind: str, path: str, error: str, fresh: bool) -> None:
    bench, client = _bench()
    assert bench.do(client.read, kind, path, fresh=fresh).error == error
    assert _errors(bench) == [error]
    _goes_on(bench)


def test_a_version_that_is_another_one_is_refused() -> None:
    bench, client = _bench()
    assert bench.do(client.put, "/d/f", b"new", version=7).error == "bad-version"
    assert bench.do(client.delete, "/d/f", version=7).error == "bad-version"
    assert _errors(bench) == ["bad-version"] * 2
    _goes_on(bench)


@pytest.mark.parametrize(("path", "kept"), [("/d/no", 1), ("no", 0), ("/d/", 0)])
def test_a_watch_on_what_does_not_exist_is_kept_and_one_with_a_bad_read_is_not(path: str, kept: int) -> None:
    bench, client = _bench()
    fired: list[str] = []
    answer = bench.do(client.read, "get", path, watch=lambda notice: fired.append(notice.path))
    assert answer.error == {"/d/no": "no-node", "no": "bad-path", "/d/": "is-directory"}[path]
    assert len(client.watches) == kept
    _goes_on(bench)
    assert bench.do(client.create, "/d/no", b"").ok
    bench.run(1)
    assert fired == ["/d/no"] * kept
    assert list(bench.tables.columns("nuwa.watch_fired").get("path", ())) == ["/d/no"] * kept


@pytest.mark.parametrize("operation", ["put", "read"])
def test_who_comes_with_a_session_that_has_expired_is_told_so(operation: str) -> None:
    bench, _ = _bench()
    gone = bench.client("r1/m2", "gone")
    bench.owners["gone"].kill()
    bench.run(5)
    (expired,) = bench.tables.columns("nuwa.session_expired")["session"]
    assert expired == gone.session
    # Somebody has kept the number, and uses it at a server that does not know him.
    owner = bench.sim.owner("late")
    late = bench.cell.client(owner, bench.datacenter.machine("r1/m2"), "late", first=3)
    over: list[int] = []
    late.on_over.append(lambda: over.append(bench.sim.now))
    late.begin(gone.session, 0)
    started_ns = bench.sim.now
    if operation == "put":
        assert bench.do(late.put, "/d/f", b"new").error == "session-expired"
    else:
        # A server answers the reads of those who are connected to it: else a watch would be set nowhere.
        assert bench.do(late.read, "get", "/d/f", watch=lambda notice: None).error == "session-expired"
        bench.run(2)
    assert len(over) == 1
    assert over[0] - started_ns < 2 * SECOND
    assert bench.do(late.put, "/d/f", b"new").error == "session-expired"
    assert set(_errors(bench, "late")) == {"session-expired"}
    lost = bench.tables.columns("nuwa.session_lost")
    assert ("late", "expired") in set(zip(lost["owner"], lost["why"], strict=True))
    _goes_on(bench)


def test_every_operation_ends_when_the_session_does_also_the_reads_under_way() -> None:
    bench, client = _bench(session="1s")
    alone = bench.datacenter.machine("r0/m2")
    others = [one for one in bench.datacenter.machines if one is not alone]
    bench.datacenter.network.partition([[alone], others])
    ended: list[str] = []
    for _ in range(8):
        client.read("get", "/d/f", lambda answer: ended.append(answer.error))
        client.put("/d/f", b"new", lambda answer: ended.append(answer.error))
        bench.run(0.2)
    bench.run(10)
    assert client.is_over
    assert ended == ["session-expired"] * 16
    _goes_on(bench)


def test_a_client_that_the_guard_does_not_let_through_is_told_so() -> None:
    bench, client = _bench()
    bench.guard.refused["nuwa/bad"] = "no right to anything"
    answer = bench.do(client.put, "/d/f", b"new")
    assert answer.error == "denied"
    assert _errors(bench) == ["denied"]
    _goes_on(bench)


def test_an_all_or_nothing_change_of_which_one_part_is_bad_changes_nothing() -> None:
    bench, client = _bench()
    for bad, error in ((Create("x"), "bad-path"), (Delete("/d/"), "not-empty"), (Put("/no", b""), "no-node")):
        assert bench.do(client.multi, (Put("/d/f", b"new"), Create("/d/g"), bad)).error == error
    assert _errors(bench) == ["bad-path", "not-empty", "no-node"]
    assert bench.do(client.multi, ()).value == ()
    _goes_on(bench)


@pytest.mark.parametrize("operation", ["create", "put", "delete"])
def test_a_session_is_of_no_use_to_another_subject(operation: str) -> None:
    bench, client = _bench()
    thief = bench.client("r3/m2", "thief")
    thief.session = client.session
    arguments = ("/d/g", b"") if operation == "create" else ("/d/f", b"new") if operation == "put" else ("/d/f",)
    assert bench.do(getattr(thief, operation), *arguments).error == "denied"
    assert bench.do(client.read, "get", "/d/f", fresh=True).value == b"old"
    _goes_on(bench)
