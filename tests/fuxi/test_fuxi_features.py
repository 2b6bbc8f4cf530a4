"""The resource half's features, each shown whole: FuxiMasters, Tubos, masters in levels (F1, F4, F11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cell_with_apps import CORE, GIB, Cell, Sweep, SweepKind

from feitian_sim.fuxi.app_link import AppLink
from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.client import FuxiClient
from feitian_sim.fuxi.facts import (
    AppEnded,
    AppMasterEnded,
    AppStarted,
    MasterReady,
    MasterStopped,
    ProcessEnded,
    ProcessStarted,
    TuboAdopted,
    WorkerReady,
)


def test_f1_fuxi_masters_keep_what_was_submitted_and_what_runs_through_one_fail_over_after_the_other():
    """Applications are submitted, started and ended; whoever serves, nothing that runs is touched."""
    cell = Cell()
    first, second = cell.fuxi.masters
    cell.submit("long", Sweep(pieces=100, workers=10))
    cell.submit("short", Sweep(pieces=5, workers=5))
    cell.at(20, first.daemon.kill)
    cell.submit("between", Sweep(pieces=5, workers=5), 20.5)
    cell.at(30, first.daemon.start)
    cell.at(50, second.daemon.kill)
    cell.submit("after", Sweep(pieces=5, workers=5), 60.0)
    cell.run(200)
    for name, pieces in (("long", 100), ("short", 5), ("between", 5), ("after", 5)):
        assert cell.all_committed(name, pieces)
        assert cell.ends[name].state == "finished"
    assert [one.machine for one in cell.of(MasterStopped)] == [first.machine.name, second.machine.name]
    reigns = [(one.machine, one.epoch) for one in cell.of(MasterReady)]
    assert reigns == [(second.machine.name, 2), (first.machine.name, 3)]
    # Each master was started once, each worker ran on, and each piece was done once.
    assert len(cell.of(AppStarted)) == len(cell.of(AppEnded)) == 4
    assert cell.of(AppMasterEnded) == []
    assert cell.ended_workers("crashed", "revoked") == []
    assert len(cell.kind.commits) == 115
    cell.assert_books_agree()


def test_f4_a_tubo_starts_watches_reports_and_kills_and_its_next_life_takes_over():
    tubo = "{process_start: 1s, watch_every: 5s}"
    cell = Cell(fuxi=f"{{packages: {{w: {{size: 100MB}}}}, tubo: {tubo}}}", extra="pangu: {}\n", machines=5)
    modest = Sweep(pieces=40, workers=8, piece_ns=5 * 10**9, memory_bytes=GIB // 2, package="w")
    cell.submit("modest", modest, 30.0)
    cell.submit("greedy", Sweep(pieces=4, workers=1, piece_ns=60 * 10**9, memory_bytes=2 * GIB), 30.0)
    cell.run(50)
    # A start takes what it takes: the package, and the process.
    ready = [item for item in cell.of(WorkerReady) if item.app == "modest"]
    assert len(ready) == 8
    assert all(item.start_ns >= item.package_ns + 10**9 for item in ready)
    assert all(item.package_ns > 10**8 for item in ready)
    # Who uses more memory than it asked for is ended, and its application is told.
    killed = [item for item in cell.of(ProcessEnded) if item.why == "memory"]
    assert {item.app for item in killed} == {"greedy"}
    assert cell.kind.log("greedy", "gone:memory")
    cell.at(51, cell.client.stop, "greedy", lambda _: None)
    # What runs outlives its Tubo: the next life takes it over, and reports its end.
    cell.run(52)
    machine = cell.busy_machine("modest")
    daemon = cell.host(machine).tubo.daemon
    cell.at(52.5, daemon.kill)
    cell.at(58, daemon.start)
    cell.run(150)
    (adopted,) = cell.of(TuboAdopted)
    assert adopted.machine == machine
    assert adopted.workers
    assert cell.all_committed("modest", 40)
    assert [item.app for item in cell.of(AppEnded)] == ["greedy", "modest"]
    assert len([item for item in cell.of(ProcessStarted) if item.app == "modest" and item.unit]) == 8
    cell.assert_books_agree()


@dataclass(frozen=True)
class Family:
    """An application whose work is other applications, by name."""

    children: Mapping[str, Any]


class FamilyMaster:
    """One attempt: it has its children run, and ends when all of them have. Submitted twice they are there once."""

    def __init__(self, host: ApplicationHost) -> None:
        self.host = host
        self.left: dict[str, Any] = dict(host.start.description.children)
        self._client = FuxiClient(host.endpoint, host.directory, host.start.user, host.config)
        times = {"call_ns": host.config.call, "retry_ns": host.config.retry}
        self._link = AppLink(host.sim, host.endpoint, host.directory, host.start.app, host.start.attempt, self, **times)

    def restored(self, holdings: Any) -> None:
        for name, description in self.left.items():
            self._client.submit(name, "job", description, partial(self._submitted, name))

    def _submitted(self, name: str, _: Any) -> None:
        self._client.end_of(name, partial(self._over, name))

    def _over(self, name: str, status: Any) -> None:
        assert status.state == "finished"
        del self.left[name]
        if not self.left:
            self._link.end(True, "")

    def granted(self, unit: int, machine: str, count: int) -> None:
        raise AssertionError("it asks for nothing itself")

    taken_back = granted

    def lost(self, machine: str) -> None:
        pass

    disabled = lost
    enabled = lost


@dataclass
class Families(SweepKind):
    """Masters that have workers, and masters that have masters."""

    parents: list[FamilyMaster] = field(default_factory=list)

    def begin(self, host: ApplicationHost) -> None:
        if isinstance(host.start.description, Family):
            self.parents.append(FamilyMaster(host))
        else:
            super().begin(host)

    def refusal(self, description: Any, config: Any) -> str:
        return "" if isinstance(description, Family) else super().refusal(description, config)


def test_f11_a_master_may_be_started_under_any_other_and_survives_it():
    """Four levels: the FuxiMaster, a master, masters under it, one more under one of these, and workers."""
    cell = Cell(kinds=Families)
    sweep = Sweep(pieces=20, workers=4, piece_ns=5 * 10**9, vector=CORE)
    inner = Family({"grandchild": sweep})
    cell.submit("root", Family({"child": sweep, "inner": inner}))
    cell.run(12)
    started = [item.app for item in cell.of(AppStarted)]
    assert started[0] == "root"
    assert sorted(started) == ["child", "grandchild", "inner", "root"]
    # Who is above dies: what is below runs on, and the next attempt finds it there.
    root = cell.kind.parents[0]
    assert root.host.start.app == "root"
    root.host.owner.kill()
    cell.at(15, cell.fuxi.masters[0].daemon.kill)
    cell.run(200)
    assert [(item.app, item.why) for item in cell.of(AppMasterEnded)] == [("root", "crashed")]
    assert [item.app for item in cell.of(AppStarted)].count("root") == 2
    assert [master.app for master in cell.kind.masters] == ["child", "grandchild"]
    for name in ("child", "grandchild"):
        assert cell.all_committed(name, 20)
    assert len(cell.kind.commits) == 40
    # From below to above.
    ended = [item.app for item in cell.of(AppEnded)]
    assert ended[-1] == "root"
    assert ended.index("grandchild") < ended.index("inner")
    assert cell.ends["root"].state == "finished"
    cell.assert_books_agree()
