"""Balance between the disks of one server (P6)."""

from __future__ import annotations

from typing import Any

import numpy as np
from cell_bench import MIB, CellBench
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.kernel import MINUTE
from feitian_sim.pangu.disk_balance import fullest_and_emptiest

REBALANCE = {"kind": "none", "disks": {"threshold": 0.05, "bandwidth": "40MB/s"}}
DISKS = st.lists(st.tuples(st.integers(0, 1000), st.just(1000) | st.just(4000)), min_size=1, max_size=6)


@given(DISKS, st.floats(0.01, 0.5))
def test_p6_the_largest_move_never_widens_the_difference(disks: list[tuple[int, int]], threshold: float):
    used, capacity = [one for one, _ in disks], [size for _, size in disks]
    found = fullest_and_emptiest(used, capacity, threshold)
    ratios = np.array(used) / np.array(capacity)
    mean = sum(used) / sum(capacity)
    if found is None:
        assert len(disks) == 1 or np.abs(ratios - mean).max() <= threshold + 1e-9
        return
    source, target, most_bytes = found
    used[source] -= most_bytes
    used[target] += most_bytes
    after = np.array(used) / np.array(capacity)
    assert after.max() <= ratios.max() + 1e-9
    assert after[target] <= after[source] + 1e-9


def replaced(**pangu: Any) -> CellBench:
    """A disk of r1/m0 has failed, an empty one has taken its place, and what was lost is whole again elsewhere."""
    bench = CellBench(disks=3, disk={"capacity": "4GB"}, dataset={"bytes": "20GB", "file_size": "128MiB"}, **pangu)
    disk = bench.machines.machine("r1/m0").disks[1]
    bench.at(10, disk.fail, "a test")
    bench.at(20, disk.replace)
    bench.sim.run_until(20 * MINUTE)
    return bench


def ratios(bench: CellBench, machine: str = "r1/m0") -> np.ndarray:
    return np.array([disk.used_bytes / disk.capacity_bytes for disk in bench.machines.machine(machine).disks])


def test_p6_an_empty_disk_is_filled_from_its_neighbours():
    before, after = replaced(), replaced(rebalance=REBALANCE)
    assert np.ptp(ratios(before)) > 0.2
    assert np.abs(ratios(after) - ratios(after).mean()).max() <= 0.05
    moves = after.table("pangu.disk_move")
    assert {row["server"] for row in moves} == {"r1/m0"}
    # No replica is anywhere else than before, none is lost, and the space is that of the replicas.
    assert set(np.unique(after.core.books.locations.live(after.core.books.state.chunks.count))) == {3}
    for index, keeper in after.cell.keepers.items():
        chunks, _, lengths = keeper.holdings()
        assert keeper.used_bytes == lengths.sum()
        assert chunks.tolist() == after.core.books.locations.held_by(index).tolist()
        for disk in keeper.machine.disks:
            on_disk = keeper.store.on_disk(disk.index)
            assert disk.used_bytes == sum(keeper.store.get(chunk).length_bytes for chunk in on_disk.tolist())
    # One at a time, never faster than allowed.
    assert all(row["time_s"] - row["started_s"] >= row["size_bytes"] / 40e6 for row in moves)
    starts, ends = [row["started_s"] for row in moves], [row["time_s"] for row in moves]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_p6_disks_are_balanced_under_writes_and_failures():
    bench = CellBench(
        disks=3,
        disk={"capacity": "4GB"},
        dataset={"bytes": "15GB", "file_size": "128MiB"},
        rebalance={"kind": "none", "disks": {"threshold": 0.02, "interval": "5s"}},
    )
    first, second, _ = bench.machines.machine("r1/m0").disks
    bench.at(10, first.fail, "a test")
    bench.at(20, first.replace)
    # In the middle of a copy: the disk to which, the disk from which, and the machine.
    bench.at(61, first.fail, "a test")
    bench.at(70, first.replace)
    bench.at(131, second.fail, "a test")
    bench.at(171, bench.machines.machine("r1/m0").crash, "a test")
    bench.at(181, bench.machines.machine("r1/m0").restart)
    client = bench.client("r3/m1")

    def load() -> Any:
        for number in range(40):
            yield from client.write_file(f"/w{number}", 16 * MIB)
            yield from client.append("/log", MIB)

    bench.do(client.create("/log"))
    bench.do(load())
    bench.settle(20)
    assert bench.table("pangu.disk_move")
    assert not bench.table("pangu.chunk_lost")
    assert bench.cell.truth.promises().lost_bytes == 0
    for keeper in bench.cell.keepers.values():
        assert keeper.used_bytes == keeper.holdings()[2].sum()
