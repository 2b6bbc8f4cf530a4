"""Faults in a running simulation: what they do to the hardware, when, and what the facts say of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.metrics import METRICS
from feitian_sim.faults.wiring import install
from feitian_sim.hardware import ClusterConfig, Daemon, DataCenter
from feitian_sim.kernel import DAY, SECOND, YEAR, FactTables, Simulation
from feitian_sim.kernel.metric import Tables, measure

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
CLUSTER = ClusterConfig.model_validate({"racks": 3, "machines_per_rack": 2, "machine": {"disks": 2}})


class Bench:
    """A small data centre with one role on every machine, and what happened in it."""

    def __init__(self, *faults: dict[str, Any], seed: int = 1, base_dir: Path | None = None, end_s: int = 100) -> None:
        self.sim = Simulation(seed=seed)
        self.tables = FactTables(self.sim.facts)
        self.datacenter = DataCenter(self.sim, CLUSTER)
        self.daemons = [Daemon(m, f"cs@{m.name}", "pangu.chunkserver", lambda _: None) for m in self.datacenter.machines]
        for daemon in self.daemons:
            daemon.start()
        configs = [FAULT.validate_python(fault) for fault in faults]
        install(self.sim, self.datacenter, self.daemons, configs, base_dir=base_dir, duration_ns=end_s * SECOND)
        self.end_s = end_s

    def up_at(self, name: str, times_s: Sequence[int]) -> list[bool]:
        seen = []
        for time_s in times_s:
            self.sim.run_until(time_s * SECOND)
            seen.append(self.datacenter.machine(name).up)
        return seen

    def run(self) -> Bench:
        self.sim.run_until(self.end_s * SECOND)
        return self

    def metrics(self) -> dict[str, float]:
        return measure(METRICS, Tables(self.tables.columns, duration_s=float(self.end_s)))

    def struck(self) -> list[tuple[float, str]]:
        columns = self.tables.columns("faults.started")
        return list(zip(columns["time_s"].tolist(), columns["target"].tolist(), strict=True)) if columns else []


def crash(at: str, duration: str | None, target: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"kind": "machine-crash", "at": at, "duration": duration, "target": target or {"machine": "r0/m0"}}


def test_a_crash_lasts_its_duration_and_tells_start_and_end() -> None:
    bench = Bench(crash("10s", "5s"))
    assert bench.up_at("r0/m0", [9, 12, 16]) == [True, False, True]
    started = bench.tables.columns("faults.started")
    assert started["fault"].tolist() == ["f0-machine-crash"]
    assert started["kind"].tolist() == ["machine-crash"]
    assert bench.tables.columns("faults.ended")["time_s"].tolist() == [15.0]


def test_without_duration_it_never_returns() -> None:
    assert Bench(crash("10s", None)).up_at("r0/m0", [99]) == [False]


def test_a_machine_that_is_down_twice_comes_up_when_the_last_ends() -> None:
    bench = Bench(crash("10s", "20s"), crash("15s", "30s"))
    assert bench.up_at("r0/m0", [12, 31, 44, 46]) == [False, False, False, True]


def test_power_and_crash_overlap() -> None:
    power = {"kind": "rack-power-loss", "at": "10s", "duration": "10s", "target": {"rack": "r0"}}
    bench = Bench(power, crash("15s", "20s"))
    assert bench.up_at("r0/m0", [12, 22, 36]) == [False, False, True]
    assert bench.up_at("r0/m1", [36]) == [True]


def test_two_power_losses_end_with_the_later() -> None:
    first = {"kind": "rack-power-loss", "at": "10s", "duration": "10s", "target": {"rack": "r0"}}
    bench = Bench(first, {**first, "at": "12s"})
    assert bench.up_at("r0/m1", [21, 23]) == [False, True]


def test_a_killed_process_is_started_again_and_its_machine_stays_up() -> None:
    bench = Bench(
        {
            "kind": "process-kill",
            "at": "5s",
            "restart_after": "3s",
            "target": {"role": "pangu.chunkserver", "machine": "r1/m0"},
        }
    )
    daemon = bench.daemons[2]
    bench.sim.run_until(6 * SECOND)
    assert (daemon.alive, daemon.machine.up) == (False, True)
    bench.sim.run_until(9 * SECOND)
    assert (daemon.alive, daemon.incarnation) == (True, 2)
    assert bench.struck() == [(5.0, "pangu.chunkserver@r1/m0")]


def test_slow_factors_multiply_and_return_to_one() -> None:
    slow = {"kind": "disk-slow", "factor": 4, "at": "1s", "duration": "10s", "target": {"disk": "r0/m0/d1"}}
    bench = Bench(slow, {**slow, "at": "5s", "factor": 2})
    disk = bench.datacenter.disk("r0/m0/d1")
    factors = []
    for time_s in (2, 6, 12, 16):
        bench.sim.run_until(time_s * SECOND)
        factors.append(disk.slow_factor)
    assert factors == [4.0, 8.0, 2.0, 1.0]


def test_a_slow_machine_recovers() -> None:
    bench = Bench({"kind": "machine-slow", "factor": 8, "at": "1s", "duration": "1s", "target": {"machine": "r0/m0"}})
    bench.sim.run_until(SECOND + 1)
    assert bench.datacenter.machine("r0/m0").slow_factor == 8.0
    bench.run()
    assert bench.datacenter.machine("r0/m0").slow_factor == 1.0


def test_a_failed_disk_is_replaced_empty_and_a_second_strike_is_absorbed() -> None:
    fail = {"kind": "disk-fail", "at": "1s", "replace_after": "10s", "target": {"disk": "r0/m0/d0"}}
    bench = Bench(fail, {**fail, "at": "5s"}, {**fail, "at": "20s"})
    disk = bench.datacenter.disk("r0/m0/d0")
    disk.allocate(1000)
    bench.sim.run_until(6 * SECOND)
    assert disk.failed
    bench.run()
    assert (disk.failed, disk.used_bytes) == (False, 0)
    measured = bench.metrics()
    assert measured["faults.injected_count"] == 2
    assert measured["faults.absorbed_count"] == 1
    assert bench.tables.columns("faults.absorbed")["why"].tolist() == ["the disk had failed already"]


def test_rot_strikes_what_is_stored_and_nothing_else() -> None:
    class Contents:
        def rot(self, uniform: float) -> str | None:
            return f"replica at {0 < uniform < 1}"

        def sector_error(self, uniform: float) -> str | None:
            return "replica"

        def lost(self) -> int:
            return 0

    rot = {"kind": "disk-bitrot", "every": "10s", "until": "25s", "target": {"disk": "r0/m0/d*", "mode": "all"}}
    bench = Bench(rot)
    full = bench.datacenter.disk("r0/m0/d0")
    full.contents = Contents()
    full.allocate(1000)
    bench.run()
    assert bench.struck() == [(10.0, "r0/m0/d0"), (20.0, "r0/m0/d0")]
    assert bench.metrics()["faults.absorbed_count"] == 2
    assert bench.tables.columns("hardware.disk_damaged")["what"].tolist() == ["replica at True"] * 2


def test_a_rate_gives_the_expected_number_of_failures() -> None:
    fault = {
        "kind": "disk-fail",
        "rate": "300%/year",
        "replace_after": "1d",
        "target": {"role": "pangu.chunkserver", "mode": "all"},
    }
    years = 20
    bench = Bench(fault, end_s=years * (YEAR // SECOND)).run()
    # 12 disks in alternating renewal: mean time 1/3 year in service, one day out of it.
    mean = 12 * years * YEAR / (YEAR / 3 + DAY)
    assert abs(bench.metrics()["faults.injected_count"] - mean) < 3.3 * mean**0.5


def test_other_faults_and_components_move_no_strike() -> None:
    random_crashes = {
        "kind": "machine-crash",
        "rate": "20/day",
        "duration": "1s",
        "target": {"rack": "r*", "mode": "all"},
    }
    alone = Bench(random_crashes, end_s=86_400).run()
    slow = {
        "kind": "disk-slow",
        "factor": 2,
        "rate": "10/day",
        "duration": "1h",
        "target": {"disk": "*", "mode": "fixed", "value": 3},
    }
    crowded = Bench(slow, random_crashes, end_s=86_400)
    crowded.sim.stream("pangu.placement").uniforms(99)
    crowded.run()
    machines = {f"r{rack}/m{machine}" for rack in range(3) for machine in range(2)}
    assert alone.struck()
    assert [strike for strike in crowded.struck() if strike[1] in machines] == alone.struck()


def test_mode_one_draws_anew_at_each_strike() -> None:
    bench = Bench(
        {
            "kind": "machine-crash",
            "every": "1s",
            "duration": "100ms",
            "target": {"role": "pangu.chunkserver", "mode": "one"},
        }
    ).run()
    assert len(bench.struck()) == 99
    assert len({target for _, target in bench.struck()}) == 6


def test_every_row_of_a_trace_is_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("when,rack,slot\n1,a,1\n2,a,1\n3,b,1\n500,a,1\n")
    trace = {"file": "t.csv", "time_format": "seconds", "columns": {"time": "when", "rack": "rack", "disk": "slot"}}
    bench = Bench({"kind": "disk-fail", "trace": trace}, base_dir=tmp_path).run()
    measured = bench.metrics()
    assert measured["faults.trace_rows_count"] == 4
    assert (
        measured["faults.trace_kept_count"] == 3 == measured["faults.injected_count"] + measured["faults.absorbed_count"]
    )
    assert measured["faults.trace_dropped_count"] == 1
    assert measured["faults.trace_absorbed_count"] == 1
    assert bench.tables.columns("faults.trace_dropped")["why"].tolist() == ["after the end of the run"]


def test_down_times_of_a_trace_are_kept(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("when,box,down\n10,n1,0.5\n")
    trace = {
        "file": "t.csv",
        "time_format": "seconds",
        "columns": {"time": "when", "machine": "box", "down_minutes": "down"},
    }
    bench = Bench({"kind": "machine-crash", "trace": trace}, base_dir=tmp_path)
    assert bench.up_at("r0/m0", [11, 39, 41]) == [False, False, True]


def test_the_same_seed_gives_the_same_facts() -> None:
    fault = {"kind": "machine-crash", "rate": "1000/day", "duration": "1s", "target": {"rack": "r*", "mode": "all"}}
    digests = [Bench(fault, seed=seed).run().sim.facts.digest() for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


# --- network --------------------------------------------------------------------------------------


def reach(bench: Bench, src: str, dst: str) -> bool:
    machine = bench.datacenter.machine
    return bool(bench.datacenter.network.reachable(machine(src), machine(dst)))


def test_a_partition_cuts_between_its_sides_and_heals() -> None:
    bench = Bench({"kind": "network-partition", "at": "1s", "duration": "10s", "groups": [["r0", "r1/m0"]]})
    bench.sim.run_until(2 * SECOND)
    assert reach(bench, "r0/m0", "r1/m0")
    assert not reach(bench, "r0/m0", "r1/m1")
    assert reach(bench, "r1/m1", "r2/m0")
    bench.run()
    assert reach(bench, "r0/m0", "r1/m1")


def test_who_is_in_no_group_is_on_the_last_side() -> None:
    bench = Bench({"kind": "network-partition", "at": "1s", "groups": ["r0/m0", "r1"]})
    bench.sim.run_until(2 * SECOND)
    assert reach(bench, "r1/m0", "clients/m0")
    assert reach(bench, "r2/m0", "r0/m1")
    assert not reach(bench, "r0/m0", "clients/m0")


def test_split_racks_leaves_each_rack_alone() -> None:
    bench = Bench({"kind": "network-partition", "at": "1s", "split": "racks"})
    bench.sim.run_until(2 * SECOND)
    assert reach(bench, "r0/m0", "r0/m1")
    assert not reach(bench, "r0/m0", "r1/m0")
    assert not reach(bench, "clients/m0", "r2/m0")


@pytest.mark.parametrize(("split", "apart"), [("one", 1), ("majority", 2)])
def test_a_drawn_split_cuts_so_many_off(split: str, apart: int) -> None:
    bench = Bench({"kind": "network-partition", "at": "1s", "split": split})
    bench.sim.run_until(2 * SECOND)
    ((_, target),) = bench.struck()
    assert len(target.split(",")) == apart
    cut = target.split(",")[0]
    other = next(m.name for m in bench.datacenter.machines if m.name not in target.split(","))
    assert not reach(bench, cut, other)


def test_a_lost_switch_cuts_its_rack_off() -> None:
    loss = {"kind": "switch-loss", "at": "1s", "duration": "5s", "target": {"rack": "r1"}}
    bench = Bench(loss, {**loss, "at": "3s"})
    seen = []
    for time_s in (2, 7, 9):
        bench.sim.run_until(time_s * SECOND)
        seen.append(reach(bench, "r1/m0", "r0/m0"))
    assert seen == [False, False, True]


def test_a_link_between_two_lost_switches_comes_back_with_the_last() -> None:
    loss = {"kind": "switch-loss", "at": "1s", "duration": "5s", "target": {"switch": "r1/switch"}}
    core = {"kind": "switch-loss", "at": "2s", "duration": "8s", "target": {"switch": "core/switch"}}
    link = {"kind": "link-loss", "at": "3s", "duration": "17s", "target": {"rack": "r1"}}
    bench = Bench(loss, core, link)
    seen = []
    for time_s in (7, 11, 21):
        bench.sim.run_until(time_s * SECOND)
        seen.append((reach(bench, "r1/m0", "r0/m0"), reach(bench, "r2/m0", "r0/m0"), reach(bench, "r1/m0", "r1/m1")))
    assert seen == [(False, False, True), (False, True, True), (True, True, True)]


def test_effects_on_a_link_add_up_and_end() -> None:
    target = {"machine": "r0/m0"}
    bench = Bench(
        {"kind": "link-loss", "at": "1s", "duration": "2s", "target": target},
        {"kind": "network-loss", "at": "2s", "duration": "4s", "loss": "50%", "target": target},
        {"kind": "network-bandwidth", "at": "2s", "duration": "6s", "factor": "10%", "target": target},
        {"kind": "network-delay", "at": "2s", "duration": "6s", "delay": "10ms", "target": target},
    )
    machine, network = bench.datacenter.machine, bench.datacenter.network
    seen = []
    for time_s in (1.5, 4, 9):
        bench.sim.run_until(int(time_s * SECOND))
        seen.append((reach(bench, "r0/m0", "r1/m0"), bool(network.impaired(machine("r0/m0"), machine("r1/m0")))))
    assert [up for up, _ in seen] == [False, True, True]
    assert [impaired for _, impaired in seen[1:]] == [True, False]


def test_losses_compound_delays_add_and_factors_multiply() -> None:
    target = {"machine": "r0/m0"}
    bench = Bench(
        {"kind": "network-loss", "at": "1s", "loss": "50%", "target": target},
        {"kind": "network-loss", "at": "1s", "loss": "50%", "target": target},
        {"kind": "network-delay", "at": "1s", "delay": "10ms", "target": target},
        {"kind": "network-delay", "at": "1s", "delay": "5ms", "target": target},
        {"kind": "network-bandwidth", "at": "1s", "factor": "50%", "target": target},
        {"kind": "network-bandwidth", "at": "1s", "factor": "20%", "target": target},
    ).run()
    links = bench.datacenter.network.links
    card = links.by_name["r0/m0/nic/up"]
    assert links.loss[card] == 0.75
    assert links.delay_ns[card] == 15_000_000
    assert links.capacity[card] == pytest.approx(1.25e8)
