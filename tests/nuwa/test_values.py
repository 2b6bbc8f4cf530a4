"""Values and creators: how large a value may be (N3), and that anybody may read and change what another made (N4)."""

from __future__ import annotations

import pytest
from nuwa_bench import Bench

from feitian_sim.nuwa.commands import Command, Create, Delete, Multi, OpenSession, Put
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.state import NuwaState

MEGABYTE = 1024 * 1024


def _state() -> NuwaState:
    """With the default limit, and the sessions of ``one`` (1) and ``two`` (2)."""
    state = NuwaState(NuwaConfig().value_limit)
    for number, owner in ((1, "one"), (2, "two")):
        assert state.apply(number, OpenSession(owner, owner, 1)).ok
    return state


def test_n3_a_value_of_exactly_one_megabyte_is_taken_and_read_back_whole() -> None:
    state = _state()
    value = bytes(range(256)) * (MEGABYTE // 256)
    assert state.apply(3, Command(1, 1, 0, Create("/a", value), 0)).ok
    assert state.apply(4, Command(1, 2, 1, Create("/b"), 0)).ok
    assert state.apply(5, Command(1, 3, 2, Put("/b", value), 0)).value == 1
    assert state.tree.get("/a", 5).value == value
    assert state.tree.get("/b", 5).value == value


@pytest.mark.parametrize("change", [Create("/b", bytes(MEGABYTE + 1)), Put("/a", bytes(MEGABYTE + 1))])
def test_n3_a_byte_more_is_refused_and_changes_nothing(change: Create | Put) -> None:
    state = _state()
    assert state.apply(3, Command(1, 1, 0, Create("/a", b"old"), 0)).ok
    before = state.tree.size_bytes
    for number, wish in enumerate((change, Multi((Put("/a", b"new"), change)))):
        answer = state.apply(4 + number, Command(1, 2 + number, 1, wish, 0))
        assert answer.error == "too-large"
        assert str(MEGABYTE + 1) in answer.text
    assert state.tree.get("/a", 5).value == b"old"
    assert state.tree.stat("/a", 5).value.version == 0
    assert set(state.tree.nodes) == {"/", "/a"}
    assert state.tree.size_bytes == before


def test_n3_a_megabyte_goes_over_the_network_to_every_server_and_back() -> None:
    bench = Bench()
    writer, reader = bench.client("r0/m2", first=2), bench.client("r3/m2", first=4)
    value = b"z" * MEGABYTE
    assert bench.do(writer.create, "/big", value).ok
    assert bench.do(reader.read, "get", "/big", fresh=True).value == value
    bench.run(1)
    assert [server.state.tree.nodes["/big"].value == value for server in bench.cell.servers] == [True] * 5


def test_n3_the_limit_is_the_scenarios() -> None:
    bench = Bench(value_limit="1KiB")
    client = bench.client()
    assert bench.do(client.create, "/a", bytes(1024)).ok
    assert bench.do(client.put, "/a", bytes(1025)).error == "too-large"


def test_n4_anybody_may_read_change_and_remove_what_another_made() -> None:
    bench = Bench()
    one, two = bench.client("r0/m2", "one"), bench.client("r3/m2", "two")
    assert bench.do(one.create, "/a", b"1").ok
    assert bench.do(two.read, "get", "/a", fresh=True).value == b"1"
    assert bench.do(two.put, "/a", b"2", version=0).value == 1
    assert bench.do(one.read, "get", "/a", fresh=True).value == b"2"
    assert bench.do(two.delete, "/a", version=1).ok
    assert bench.do(one.read, "get", "/a", fresh=True).error == "no-node"


def test_n4_the_creator_is_kept_whoever_modifies_and_even_when_its_session_is_over() -> None:
    bench = Bench()
    one, two = bench.client("r0/m2", "one"), bench.client("r3/m2", "two")
    assert bench.do(one.create, "/a", b"1").ok
    one.close()
    assert bench.do(two.put, "/a", b"2").ok
    stat = bench.do(two.read, "stat", "/a", fresh=True).value
    assert (stat.creator, stat.version, stat.session) == ("one", 1, 0)
    assert stat.modified_zxid > stat.created_zxid
    assert stat.modified_ns > stat.created_ns


def test_n4_who_makes_it_again_is_its_creator_from_then_on() -> None:
    state = _state()
    assert state.apply(3, Command(1, 1, 0, Create("/a"), 0)).ok
    assert state.apply(4, Command(2, 1, 0, Delete("/a"), 0)).ok
    assert state.apply(5, Command(2, 2, 1, Create("/a"), 0)).ok
    stat = state.tree.stat("/a", 5).value
    assert (stat.creator, stat.created_zxid, stat.version) == ("two", 5, 0)


def test_n4_removing_anothers_ephemeral_file_leaves_that_session_nothing_to_take_with_it() -> None:
    bench = Bench()
    one, two = bench.client("r0/m2", "one"), bench.client("r3/m2", "two")
    assert bench.do(one.create, "/e", b"", ephemeral=True).ok
    assert bench.do(two.delete, "/e").ok
    assert bench.do(two.create, "/e", b"mine").ok
    one.close()
    bench.run(1)
    assert bench.do(two.read, "get", "/e", fresh=True).value == b"mine"
