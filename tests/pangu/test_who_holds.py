"""Who holds a chunk, for the oracles: the machines with a replica that is whole, undamaged and of the chunk's version."""

from __future__ import annotations

from dataclasses import replace

from cell_bench import MIB, CellBench

from feitian_sim.pangu.content import checksum
from feitian_sim.pangu.facts import ChunkTold


def test_a_replica_that_is_too_short_or_damaged_or_old_is_none():
    bench = CellBench()
    told = []
    bench.sim.facts.subscribe(ChunkTold.kind, lambda _, fact: told.append(fact))
    bench.do(bench.client().write_file("/f", 64 * MIB))
    chunk = bench.chunks("/f")[0]
    names = [bench.machine(server).name for server in bench.holders(chunk)]
    stores = [bench.cell.keepers[server].store for server in bench.holders(chunk)]

    def holders() -> list[str]:
        told.clear()
        bench.cell.truth.tell_chunks()
        (fact,) = [one for one in told if one.chunk == chunk]
        assert sorted(fact.believed.split()) == sorted(names)
        assert fact.promised
        return sorted(fact.holders.split())

    assert holders() == sorted(names)
    whole = stores[0].get(chunk)
    assert whole is not None
    shorter = whole.extents[:-1]
    stores[0].put(chunk, replace(whole, extents=shorter, crc=checksum(shorter)))
    assert holders() == sorted(names[1:])
    stores[1].rot(chunk, 0.5)
    assert holders() == names[2:]
    old = stores[2].get(chunk)
    assert old is not None
    stores[2].put(chunk, replace(old, version=old.version - 1))
    assert holders() == []
