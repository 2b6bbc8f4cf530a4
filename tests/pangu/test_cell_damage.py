"""Checksums (P11): no client gets damaged bytes, what is read is repaired, what is not read is found by scrubbing."""

from __future__ import annotations

import pytest
from cell_bench import MIB, CellBench


def damaged(bench: CellBench, path: str, how: str, copies: int = 1) -> tuple[int, list[int]]:
    """Damage some replicas of a file's first chunk, as a disk's failure would."""
    chunk = bench.chunks(path)[0]
    hit = bench.holders(chunk)[:copies]
    for server in hit:
        keeper = bench.cell.keepers[server]
        getattr(keeper.store, how)(*((chunk, 0.5) if how == "rot" else (chunk,)))
        keeper.damage(chunk)
    return chunk, hit


@pytest.mark.parametrize("how", ["rot", "make_unreadable"])
@pytest.mark.parametrize("copies", [1, 2])
def test_p11_a_reader_gets_right_bytes_and_the_damage_is_repaired(how, copies):
    bench = CellBench()
    clients = [bench.client(f"r{rack}/m{number}") for rack in range(5) for number in range(2)]
    bench.do(clients[0].write_file("/f", 64 * MIB))
    chunk, hit = damaged(bench, "/f", how, copies)
    # From everywhere, so that each replica is somebody's nearest.
    assert bench.do(*(client.read_file("/f") for client in clients)) == [64 * MIB] * 10
    bench.settle()
    names = sorted(bench.machine(server).name for server in hit)
    assert sorted(row["server"] for row in bench.table("pangu.corruption_found")) == names
    assert sorted(row["server"] for row in bench.table("pangu.corruption_repaired")) == names
    assert len(bench.holders(chunk)) == 3
    assert not bench.table("pangu.wrong_bytes")


def test_p11_the_last_good_copy_is_what_repair_reads():
    bench = CellBench()
    client = bench.client()
    bench.do(client.write_file("/f", 64 * MIB))
    chunk, _ = damaged(bench, "/f", "rot", 3)
    with pytest.raises(Exception, match=r"."):
        bench.do(client.read_file("/f"))
    assert not bench.table("pangu.wrong_bytes")
    assert bench.holders(chunk) == []


def test_scrubbing_finds_what_nobody_reads():
    bench = CellBench(scrub={"every": "1h"}, dataset={"bytes": "2GB", "file_size": "256MiB"})
    chunk, hit = damaged(bench, "/dataset/000000003", "rot")
    bench.run(2 * 3600)
    (found,) = bench.table("pangu.corruption_found")
    assert found["server"] == bench.machine(hit[0]).name
    assert found["by"] != "client"
    assert len(bench.holders(chunk)) == 3


def test_without_scrubbing_or_reading_damage_stays_hidden():
    bench = CellBench(dataset={"bytes": "2GB", "file_size": "256MiB"})
    damaged(bench, "/dataset/000000003", "rot")
    bench.run(2 * 3600)
    assert not bench.table("pangu.corruption_found")
