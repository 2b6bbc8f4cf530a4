"""Locations as numpy rows against a dict of sets, and the durable table."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.pangu.chunk_table import ChunkTable, Locations

WIDTH = 3
CHUNK, SERVER = st.integers(0, 1500), st.integers(0, 6)
STEP = st.one_of(
    st.tuples(st.just("add"), CHUNK, SERVER),
    st.tuples(st.just("remove"), CHUNK, SERVER),
    st.tuples(st.just("forget"), CHUNK, SERVER),
    st.tuples(st.sampled_from(["add_many", "remove_many"]), st.lists(CHUNK, unique=True, max_size=9), SERVER),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(STEP, max_size=60))
def test_locations_agree_with_a_dict_of_lists(steps):
    locations = Locations(WIDTH)
    locations.cover(1501)
    model: dict[int, list[int]] = {}

    def add(chunk: int, server: int) -> None:
        row = model.setdefault(chunk, [])
        if server not in row and len(row) <= WIDTH:
            row.append(server)

    def remove(chunk: int, server: int) -> None:
        if server in model.get(chunk, []):
            model[chunk].remove(server)

    for what, chunks, server in steps:
        match what:
            case "add":
                locations.add(chunks, server)
                add(chunks, server)
            case "remove":
                assert locations.remove(chunks, server) == (server in model.get(chunks, []))
                remove(chunks, server)
            case "forget":
                assert sorted(locations.forget(chunks)) == sorted(model.pop(chunks, []))
            case "add_many":
                locations.add_many(np.array(chunks, dtype=np.int64), server)
                for chunk in chunks:
                    add(chunk, server)
            case "remove_many":
                locations.remove_many(np.array(chunks, dtype=np.int64), server)
                for chunk in chunks:
                    remove(chunk, server)
    for chunk, servers in model.items():
        assert sorted(locations.servers(chunk)) == sorted(servers)
        assert locations.copies(chunk) == len(servers)
    for server in range(7):
        held = sorted(chunk for chunk, servers in model.items() if server in servers)
        assert locations.held_by(server).tolist() == held


def test_the_table_grows_and_remembers():
    table = ChunkTable()
    table.load(np.full(3000, 5, dtype=np.int64))
    table.add(3000)
    table.raise_version(3000, 2)
    table.seal(3000, 9)
    table.remove(1)
    assert table.count == 3001
    assert table.knows(3000)
    assert not table.knows(1)
    assert not table.knows(-1)
    assert (int(table.versions[3000]), int(table.lengths[3000]), bool(table.sealed[3000])) == (2, 9, True)
    assert table.raised == [3000]
