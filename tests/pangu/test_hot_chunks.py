"""Hot chunks: temporary copies relieve the servers of a chunk that many read, as far as disks allow, and go again."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from cell_bench import MIB, CellBench

from feitian_sim.kernel import SECOND
from feitian_sim.pangu.read_heat import ReadHeat

SIZE = 16 * MIB
HOT = {"copies": 3, "window": "2s", "above": 6, "idle": "20s", "rate": "400MB/s"}
#: One disk a machine, so that a copy more is a disk more; the network carries more than any disk gives.
SHAPE: dict[str, Any] = {
    "racks": 4,
    "per_rack": 6,
    "disks": 1,
    "disk": {"read_bandwidth": "150MB/s", "seek": "0s"},
    "replicas": 1,
    "placement": "random",
    "dataset": {"bytes": "16MiB", "file_size": "16MiB"},
}


def _bench(**pangu: Any) -> CellBench:
    return CellBench(**{**SHAPE, **pangu})


def _read_for(bench: CellBench, readers: int, until_s: float) -> list[tuple[int, int]]:
    """So many clients read the chunk again and again; when each read ended, and its bytes."""
    path = bench.cell.dataset_path(0)
    ended: list[tuple[int, int]] = []
    names = [f"r{number % 4}/m{1 + number // 4 % 5}" for number in range(readers)]

    def reader(name: str, number: int) -> Generator[Any, Any, None]:
        client = bench.client(name, f"reader-{number}")
        # One after the other, lest all of them end at one instant.
        yield bench.sim.timeout(number * SECOND // 9)
        while bench.sim.now < until_s * SECOND:
            got = yield from client.read_file(path)
            ended.append((bench.sim.now, got))

    bench.do(*(reader(name, number) for number, name in enumerate(names)))
    return ended


def _bytes_per_s(ended: list[tuple[int, int]], first_s: float, last_s: float) -> float:
    return sum(got for at, got in ended if first_s * SECOND < at <= last_s * SECOND) / (last_s - first_s)


def test_n_readers_of_one_replica_have_its_disk_and_of_r_copies_r_disks() -> None:
    """The closed form: n readers at once take n * size / (r * disk); with one replica r is 1, relieved 1 + copies."""
    disk = 150e6
    alone = _bytes_per_s(_read_for(_bench(), 24, 45), 15, 45)
    assert alone == pytest.approx(disk, rel=0.03)
    bench = _bench(hot=HOT)
    ended = _read_for(bench, 24, 45)
    assert len(bench.table("pangu.hot_copy_made")) == 3
    assert _bytes_per_s(ended, 15, 45) == pytest.approx(4 * disk, rel=0.05)
    # Each read from then on takes 24 * size / (4 * disk), as many readers share as many disks.
    took_s = [row["time_s"] - row["start_s"] for row in bench.table("pangu.operation") if row["start_s"] > 15]
    assert sum(took_s) / len(took_s) == pytest.approx(24 * SIZE / (4 * disk), rel=0.05)


def test_copies_double_from_window_to_window_and_lie_in_other_racks() -> None:
    bench = _bench(hot={**HOT, "copies": 7})
    _read_for(bench, 40, 20)
    hot = bench.table("pangu.chunk_hot")
    by_window: dict[int, int] = {}
    for row in hot:
        by_window[int(row["time_s"] // 2)] = by_window.get(int(row["time_s"] // 2), 0) + 1
    assert sum(by_window.values()) == 7
    # Each server asks for help once a window; a copy that came within the window may do so too.
    there = 1
    for count in by_window.values():
        assert count <= 2 * there
        there += count
    racks = [str(row["target"]).partition("/")[0] for row in hot[:3]]
    holder = str(hot[0]["server"]).partition("/")[0]
    assert len({holder, *racks}) == 4


def test_a_chunk_that_few_read_gets_no_copy() -> None:
    bench = _bench(hot={**HOT, "above": 30})
    _read_for(bench, 2, 10)
    assert bench.table("pangu.chunk_hot") == []


def test_copies_go_when_nobody_reads_and_their_space_is_free() -> None:
    bench = _bench(hot=HOT)
    before = sum(machine.used_bytes for machine in bench.machines.machines)
    _read_for(bench, 24, 15)
    there = sum(machine.used_bytes for machine in bench.machines.machines)
    assert there == before + 3 * SIZE
    bench.run(80)
    assert len(bench.table("pangu.hot_copy_dropped")) == 3
    assert sum(machine.used_bytes for machine in bench.machines.machines) == before
    # And the master does not tell of them any more: a read finds the replica.
    (got,) = bench.do(bench.client().read_file(bench.cell.dataset_path(0)))
    assert got == SIZE


def test_the_death_of_who_has_a_copy_costs_nobody_a_byte() -> None:
    """Readers go on elsewhere; a copy counts for nothing in repair, and dies with its process."""
    bench = _bench(hot=HOT)
    struck: list[str] = []

    def strike() -> None:
        name = str(bench.table("pangu.hot_copy_made")[0]["target"])
        struck.append(name)
        bench.machines.machine(name).crash("a test")

    bench.at(10, strike)
    ended = _read_for(bench, 24, 40)
    assert struck
    assert all(got == SIZE for _, got in ended)
    assert bench.table("pangu.repair") == []
    assert bench.machines.machine(struck[0]).used_bytes == 0


def test_heat_is_counted_over_windows() -> None:
    """It is told once in a window, at the read that makes it hot."""
    heat = ReadHeat(10, 3)
    assert [heat.read(7, now) for now in (1, 2, 9, 9, 11, 12, 12, 13)] == [0, 0, 3, 0, 0, 0, 3, 0]
    assert heat.read(8, 13) == 0
    assert heat.is_hot(7, 15)
    assert heat.is_hot(7, 25), "it was in the window before"
    assert not heat.is_hot(8, 25)
    assert not heat.is_hot(7, 35)
