"""Growth, shrinking and balance while machines, disks and the master fail at drawn times (P6): nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cell_bench import MIB, CellBench

from feitian_sim.pangu.rebalance import REBALANCERS

NEW = ("r0/m3", "r1/m3", "r4/m3")


def stormy(seed: int, kind: str) -> CellBench:
    """Three machines join, three leave, four crash, a disk fails and the master dies; clients write all the time."""
    bench = CellBench(
        seed=seed,
        per_rack=4,
        disk={"capacity": "10GB"},
        absent=NEW,
        dataset={"bytes": "30GB", "file_size": "128MiB"},
        rebalance={"kind": kind, "interval": "5s", "disks": {"threshold": 0.02, "interval": "7s"}},
        repair={"dispatch_cost": "300ms"},
    )
    draws = bench.sim.stream("tests.chaos")

    def within(low: float, high: float) -> float:
        return low + (high - low) * draws.uniform()

    others = [machine for machine in bench.machines.machines if machine.name not in ("r0/m0", *NEW)]
    leaving = [others[index].name for index in draws.permutation(len(others)).tolist()[:3]]
    bench.order(within(1, 60), NEW, "add")
    bench.order(within(1, 60), leaving[:2], "decommission")
    bench.order(within(30, 90), leaving[2], "drain")
    at_s = 10.0
    for _ in range(4):
        machine, at_s, down_s = draws.choice(others), at_s + within(1, 30), within(1, 60)
        bench.at(at_s, machine.crash, "a test")
        bench.at(at_s + down_s, machine.restart)
        at_s += down_s
    killed_s, disk, failed_s = within(10, 100), draws.choice(others).disks[0], within(20, 150)
    bench.at(killed_s, bench.cell.daemons[0].kill)
    bench.at(killed_s + within(1, 20), bench.cell.daemons[0].start)
    bench.at(failed_s, disk.fail, "a test")
    bench.at(failed_s + 20, disk.replace)
    client = bench.client("r0/m1")

    def load() -> Any:
        for number in range(60):
            yield from client.write_file(f"/w{number}", (1, 8, 70)[number % 3] * MIB)
            yield from client.append("/log", MIB)
            if number % 7 == 6:
                yield from client.delete(f"/w{number - 3}")

    bench.do(client.create("/log"))
    bench.do(load())
    bench.settle(80)
    return bench


@pytest.mark.parametrize("kind", REBALANCERS)
def test_p6_nothing_is_lost_and_the_books_are_the_disks(kind: str):
    bench = stormy(list(REBALANCERS).index(kind) + 1, kind)
    promises = bench.cell.truth.promises()
    assert promises.lost_bytes == promises.lost_metadata == 0
    assert not bench.table("pangu.wrong_bytes")
    back = {row["chunk"] for row in bench.table("pangu.chunk_available")}
    assert {row["chunk"] for row in bench.table("pangu.chunk_lost")} <= back
    books = bench.core.books
    table = books.state.chunks
    for chunk in np.flatnonzero(table.present).tolist():
        known = sorted(books.locations.servers(chunk))
        assert known == sorted(server for server in bench.holders(chunk) if bench.machine(server).up)
        assert len(known) == 3 or not table.sealed[chunk]
    for keeper in bench.cell.keepers.values():
        assert keeper.used_bytes == keeper.holdings()[2].sum()
    assert not books.state.roster.leaving()
    assert len(bench.table("pangu.drained")) == 3
    assert not len(bench.core._migration.moves)
    assert books.view.clones_in.sum() == books.view.clones_out.sum() == 0
