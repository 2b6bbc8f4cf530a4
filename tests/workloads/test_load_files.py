"""Loads of Pangu clients, against a cell that takes a fixed time for each operation."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from pydantic import TypeAdapter
from started_loads import started

from feitian_sim.hardware import ClusterConfig, DataCenter, Machine
from feitian_sim.kernel import SECOND, Fact, FactTables, ScenarioError, SimulatedError, Simulation, fact
from feitian_sim.workloads.config import LoadConfig
from feitian_sim.workloads.file_load import FileLoad

LOAD: TypeAdapter[Any] = TypeAdapter(LoadConfig)
CLUSTER = ClusterConfig.model_validate({"racks": 1, "machines_per_rack": 1, "clients": {"machines": 3}})


@fact("pangu.operation")
class Operation(Fact):
    """The fields of the real fact that a load looks at."""

    load: str
    ok: bool


class FakeClient:
    """Takes ``cell.took_ns`` for each operation, notes it and reports it."""

    def __init__(self, cell: FakeCell, machine: str, name: str, load: str) -> None:
        self.cell, self.machine, self.name, self.load = cell, machine, name, load

    def _take(self, *what: object) -> Generator[Any, Any, None]:
        self.cell.done.append((self.cell.sim.now / SECOND, self.name, *what))
        if self.cell.took_ns:
            yield self.cell.sim.timeout(self.cell.took_ns)
        if self.cell.reports:
            self.cell.sim.emit(Operation(self.load, not self.cell.refuses))
        if self.cell.refuses:
            raise SimulatedError("refused")

    def create(self, path: str) -> Any:
        return self._take("create", path)

    def write_file(self, path: str, size_bytes: int, request_bytes: int | None = None) -> Any:
        return self._take("write", path, size_bytes)

    def read_file(self, path: str, offset: int = 0, length: int | None = None) -> Any:
        return self._take("read", path, offset, length)

    def append(self, path: str, size_bytes: int) -> Any:
        return self._take("append", path, size_bytes)


class FakeCell:
    """A cell with a dataset of ``files`` files of 1000 bytes."""

    def __init__(self, sim: Simulation, took_ns: int = SECOND, files: int = 4) -> None:
        self.sim, self.took_ns, self.files = sim, took_ns, files
        self.refuses = False
        self.reports = True
        self.done: list[tuple[Any, ...]] = []
        self.clients: dict[str, str] = {}

    def client(self, machine: Machine, name: str, load: str = "") -> FakeClient:
        self.clients[name] = machine.name
        return FakeClient(self, machine.name, name, load)

    def master_machines(self) -> list[Any]:
        return []

    def dataset_paths(self) -> int:
        return self.files

    def dataset_path(self, number: int) -> str:
        return f"/data/{number}"

    def dataset_size_bytes(self, number: int) -> int:
        return 1000

    def operations(self, op: str) -> list[tuple[Any, ...]]:
        return [done for done in self.done if done[2] == op]


class Bench:
    """A cell under loads."""

    def __init__(self, *loads: dict[str, Any], seed: int = 1, **cell: Any) -> None:
        self.sim = Simulation(seed=seed)
        self.tables = FactTables(self.sim.facts)
        self.cell = FakeCell(self.sim, **cell)
        configs = [LOAD.validate_python(load) for load in loads]
        self.loads: list[Any] = list(started(self.sim, DataCenter(self.sim, CLUSTER), self.cell, configs))

    def run(self, until_s: int = 10) -> Bench:
        self.sim.run_until(until_s * SECOND)
        assert [load.check() for load in self.loads] == [[]] * len(self.loads)
        return self


WRITE = {"kind": "write", "name": "w", "file_size": "1000B"}
ARRIVAL = {"arrival": {"kind": "constant", "rate": "2/s"}}


def test_a_closed_load_has_one_operation_per_client_under_way() -> None:
    bench = Bench({**WRITE, "clients": 4}).run()
    assert [done[0] for done in bench.cell.done[:8]] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert len(bench.cell.operations("write")) == 40
    assert [bench.cell.clients[f"w-{number}"] for number in range(4)] == [
        "clients/m0",
        "clients/m1",
        "clients/m2",
        "clients/m0",
    ]


def test_clients_begin_evenly_over_the_ramp() -> None:
    """The first at the start, each of four a quarter of it after the one before; then nothing is different."""
    bench = Bench({**WRITE, "clients": 4, "start": "1s", "ramp": "2s"}, took_ns=100 * SECOND).run()
    assert [done[0] for done in bench.cell.done] == [1, 1.5, 2, 2.5]


def test_clients_think() -> None:
    bench = Bench({**WRITE, "clients": 1, "think": "3s"}).run()
    assert [done[0] for done in bench.cell.done] == [0, 4, 8]


def test_an_open_load_does_not_wait() -> None:
    bench = Bench({**WRITE, **ARRIVAL}, took_ns=100 * SECOND).run()
    assert [done[0] for done in bench.cell.done[:3]] == [0.5, 1, 1.5]
    assert len(bench.cell.done) == 19


def test_arrivals_beyond_max_in_flight_are_dropped_and_counted() -> None:
    bench = Bench({**WRITE, **ARRIVAL, "max_in_flight": 3}, took_ns=100 * SECOND).run()
    assert len(bench.cell.done) == 3
    assert bench.loads[0].dropped == 16
    assert bench.tables.columns("workloads.dropped")["arrival"].tolist() == list(range(3, 19))


def test_a_slow_system_moves_no_draw() -> None:
    sizes = {
        "kind": "write",
        "name": "w",
        "file_size": {"kind": "uniform", "low": "1B", "high": "1MB"},
        "max_in_flight": 2,
    }
    open_load = {**sizes, "arrival": {"kind": "poisson", "rate": "5/s"}}
    fast, slow = Bench(open_load, took_ns=1).run(), Bench(open_load, took_ns=2 * SECOND).run()
    by_arrival = {done[3]: done for done in fast.cell.done}
    assert slow.loads[0].dropped > 0
    assert all((by_arrival[done[3]][0], by_arrival[done[3]][4]) == (done[0], done[4]) for done in slow.cell.done)


def test_start_stop_and_limit_bound_the_load() -> None:
    bench = Bench({**WRITE, "clients": 2, "start": "2s", "stop": "5s"}).run()
    assert {done[0] for done in bench.cell.done} == {2, 3, 4}
    assert len(Bench({**WRITE, "clients": 3, "limit": 7}).run().cell.done) == 7
    assert len(Bench({**WRITE, **ARRIVAL, "limit": 7}).run().cell.done) == 7


def test_failures_are_counted_and_do_not_stop_the_clock() -> None:
    bench = Bench({**WRITE, "clients": 1}, took_ns=0)
    bench.cell.refuses = True
    bench.run()
    load: FileLoad = bench.loads[0]
    assert (load.failed, load.succeeded, load.in_flight) == (10, 0, 0)


def test_a_success_that_no_fact_reports_is_found() -> None:
    bench = Bench({**WRITE, "clients": 1})
    bench.cell.reports = False
    bench.sim.run_until(5 * SECOND)
    assert "only 0 pangu.operation facts say so" in bench.loads[0].check()[0]


def test_reads_choose_from_the_dataset() -> None:
    bench = Bench({"kind": "read", "clients": 2, "read_size": "100B"}).run()
    paths = {done[3] for done in bench.cell.done}
    assert paths == {f"/data/{number}" for number in range(4)}
    assert all(0 <= done[4] <= 900 and done[5] == 100 for done in bench.cell.done)


def test_reads_over_another_load_wait_for_its_first_file() -> None:
    bench = Bench({**WRITE, "clients": 1, "limit": 2}, {"kind": "read", "clients": 1, "over": "w"}).run()
    reads = bench.cell.operations("read")
    assert reads[0][0] == 1
    assert {done[3] for done in reads} == {"/w/c0-0", "/w/c0-1"}


def test_appends_go_to_files_that_the_load_makes_first() -> None:
    bench = Bench({"kind": "append", "name": "log", "clients": 3, "record_size": "10B", "files": 2}).run(20)
    assert [done[3] for done in bench.cell.operations("create")] == ["/log/log-0", "/log/log-1"]
    appends = bench.cell.operations("append")
    assert {done[3] for done in appends} == {"/log/log-0", "/log/log-1"}
    assert appends[0][0] >= 1


def test_the_files_of_appends_are_made_in_the_end_although_the_master_is_away() -> None:
    bench = Bench({"kind": "append", "name": "log", "clients": 1, "record_size": "10B"}, took_ns=0)
    bench.cell.refuses = True
    bench.sim.run_until(5 * SECOND)
    bench.cell.refuses, bench.cell.took_ns = False, SECOND
    bench.run(20)
    assert bench.cell.operations("append")


def test_a_mix_reads_what_it_wrote() -> None:
    mix = {"kind": "mix", "name": "m", "ratios": {"read": 1, "write": 1}, "file_size": "1kB", "over": "own"}
    bench = Bench({**mix, "clients": 2}, took_ns=SECOND // 100).run()
    written = {done[3] for done in bench.cell.operations("write")}
    assert {done[3] for done in bench.cell.operations("read")} <= written
    assert bench.cell.operations("read")


def test_a_load_of_files_needs_a_cell(sim: Simulation) -> None:
    with pytest.raises(ScenarioError, match="add a pangu section"):
        started(sim, DataCenter(sim, CLUSTER), None, [LOAD.validate_python({**WRITE, "clients": 1})])


def test_a_load_of_the_user_s_own_runs_as_it_is(sim: Simulation) -> None:
    class Own:
        def setup(self, context: Any) -> None:
            self.sim = context.sim

        def start(self) -> None:
            self.sim.call_later(SECOND, setattr, self, "ran", True)

        def check(self) -> list[str]:
            return [] if self.ran else ["did not run"]

    (load,) = started(sim, DataCenter(sim, CLUSTER), None, [Own()])
    sim.run_until(2 * SECOND)
    assert load.check() == []
    with pytest.raises(ScenarioError, match="lacks setup, start, check"):
        started(sim, DataCenter(sim, CLUSTER), None, [object()])
