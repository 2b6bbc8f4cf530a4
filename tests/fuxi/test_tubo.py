"""Tubo's core by hand: who may start, what is freed and when, what is given up; its accounts in any order of events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.fuxi.config import TuboConfig
from feitian_sim.fuxi.messages import Allow, Allowance, EndApp, EndMaster, Freed, Heard, StartMaster, Welcome
from feitian_sim.fuxi.outbox import AllowBox
from feitian_sim.fuxi.process_table import Process, ProcessTable
from feitian_sim.fuxi.tubo import Tubo
from feitian_sim.fuxi.tubo_effects import Effect, Kill, Start
from feitian_sim.fuxi.worker_messages import StartWorkers, StopWorkers, WorkerSpec
from feitian_sim.kernel import SECOND, Simulation

UNIT = (1000, 1 << 30, 0)
GRACE = 10 * SECOND
PATIENCE = 30 * SECOND


class Machine:
    """A Tubo's core with hands that do as they are told, when the test says so."""

    def __init__(self) -> None:
        self.sim = Simulation(seed=1)
        self.table = ProcessTable()
        self.tubo = Tubo("r0/m0", 1, (8000, 1 << 35, 0), self.table, TuboConfig())
        self.tubo.welcome(Welcome(1, ()), 0)
        self.now_ns = 0
        self.seq = 0
        self.starting: list[Process] = []
        self.killing: list[Process] = []
        #: What the FuxiMaster counts: allowed, less what it heard to be free.
        self.counted: dict[tuple[str, int], int] = {}
        self.news: list[Freed] = []

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Start):
                self.table.own(effect.process, self.sim.owner("p"))
                self.starting.append(effect.process)
            elif isinstance(effect, Kill):
                self.killing.append(effect.process)
        news = self.tubo.news.next()
        if news is not None:
            self.tubo.news.heard(news)
            self.news += news.freed
            for one in news.freed:
                self.counted[one.app, one.unit] -= one.count

    def allow(self, delta: int, app: str = "a", unit: int = 1) -> Heard:
        self.seq += 1
        if delta > 0:
            self.counted[app, unit] = self.counted.get((app, unit), 0) + delta
        message = Allow(1, self.seq, (Allowance(app, unit, UNIT, delta),), GRACE)
        heard, effects = self.tubo.allow(message, self.now_ns)
        self.do(effects)
        return heard

    def start(self, *workers: int, attempt: int = 1, memory: int = 0) -> Any:
        spec = WorkerSpec(1, UNIT, "", memory)
        answer, effects = self.tubo.start_workers(StartWorkers("a", attempt, "", spec, workers), self.now_ns)
        self.do(effects)
        return answer

    def stop(self, *workers: int, unused: int = 0) -> Any:
        message = StopWorkers("a", 1, workers, ((1, unused),) if unused else ())
        answer, effects = self.tubo.stop_workers(message, self.now_ns)
        self.do(effects)
        return answer

    def come_up(self) -> list[int]:
        up, self.starting = self.starting, []
        for process in up:
            self.do(self.tubo.up(process, self.now_ns))
        return [process.number for process in up]

    def go(self) -> list[int]:
        gone, self.killing = self.killing, []
        for process in gone:
            assert process.owner is not None
            process.owner.kill()
            self.do(self.tubo.gone(process))
        return [process.number for process in gone]

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND)
        while self.tubo.due.time_ns is not None and self.tubo.due.time_ns <= self.now_ns:
            self.do(self.tubo.wake(self.now_ns))

    def check(self) -> None:
        self.table.check()
        there: dict[tuple[str, int], int] = {}
        for app in self.table.apps.values():
            for unit in app.units.values():
                there[app.name, unit.number] = unit.allowed + unit.returning
        for key, count in self.counted.items():
            assert count == there.get(key, 0), key


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_worker_starts_when_it_is_wanted_and_allowed_whichever_comes_first(machine: Machine):
    machine.start(1, 2)
    assert machine.starting == []
    machine.allow(1)
    assert machine.come_up() == [1]
    machine.allow(2)
    assert machine.come_up() == [2]
    machine.start(3)
    assert machine.come_up() == [3]
    machine.check()


def test_sent_twice_it_is_one_also_after_its_end(machine: Machine):
    machine.allow(2)
    machine.start(1)
    machine.start(1)
    assert machine.come_up() == [1]
    machine.stop(1)
    assert machine.go() == [1]
    machine.start(1)
    assert machine.come_up() == []
    machine.check()


def test_a_stop_that_overtakes_the_start_wins(machine: Machine):
    machine.allow(1)
    machine.stop(7)
    machine.start(7)
    assert machine.come_up() == []


def test_resources_are_free_when_the_process_is_gone_and_not_before(machine: Machine):
    machine.allow(1)
    machine.start(1)
    machine.come_up()
    machine.stop(1)
    assert machine.news == []
    machine.go()
    assert machine.news == [Freed("a", 1, 1, "stopped")]
    machine.check()


def test_what_is_taken_back_and_unused_is_free_at_once_the_rest_after_the_grace(machine: Machine):
    machine.allow(4)
    machine.start(1, 2, 3)
    machine.come_up()
    machine.allow(-2)
    assert machine.news == [Freed("a", 1, 1, "not-started")]
    machine.wait(9.9)
    assert machine.killing == []
    machine.wait(0.1)
    # The one that began last.
    assert machine.go() == [3]
    assert machine.news[1:] == [Freed("a", 1, 1, "killed")]
    assert machine.table.apps["a"].gone == [(1, 3, "revoked", 0)]
    machine.check()


def test_what_the_application_ends_within_the_grace_is_not_killed(machine: Machine):
    machine.allow(3)
    machine.start(1, 2, 3)
    machine.come_up()
    machine.allow(-1)
    machine.stop(1)
    machine.go()
    machine.wait(60)
    assert machine.killing == []
    assert machine.table.apps["a"].gone == []
    # What was taken back and is gone is not taken from what is left.
    assert machine.table.apps["a"].units[1].allowed == 2
    machine.check()


def test_a_grant_does_not_undo_what_was_taken_back_before(machine: Machine):
    machine.allow(2)
    machine.start(1, 2)
    machine.come_up()
    machine.allow(-1)
    machine.allow(1)
    machine.start(3)
    assert machine.come_up() == [3]
    machine.wait(10)
    assert machine.go() == [3]
    machine.check()


def test_allowances_that_nobody_uses_are_given_up(machine: Machine):
    machine.allow(3)
    machine.start(1)
    machine.come_up()
    machine.wait(29)
    assert machine.news == []
    machine.wait(1)
    assert machine.news == [Freed("a", 1, 2, "not-started")]
    assert machine.table.apps["a"].gone == [(1, -1, "not-allowed", 2)]
    machine.check()


def test_wishes_that_nobody_allows_are_given_up(machine: Machine):
    machine.start(1, 2)
    machine.wait(30)
    assert machine.table.apps["a"].gone == [(1, 1, "not-allowed", 0), (1, 2, "not-allowed", 0)]
    machine.allow(1)
    assert machine.come_up() == []


def test_a_worker_that_was_stopped_before_it_was_allowed_gives_its_allowance_back(machine: Machine):
    machine.start(1)
    machine.stop(1)
    machine.allow(1)
    assert machine.news == [Freed("a", 1, 1, "not-started")]
    machine.check()


def test_unused_allowances_are_given_back_when_the_application_says_so(machine: Machine):
    machine.allow(3)
    machine.stop(unused=2)
    assert machine.news == [Freed("a", 1, 2, "not-started")]
    machine.check()


def test_a_new_fuxi_master_never_hears_of_what_the_old_one_allowed(machine: Machine):
    machine.start(1)
    machine.do(machine.tubo.welcome(Welcome(2, ("a",)), 0))
    assert machine.table.apps["a"].gone == [(1, 1, "not-allowed", 0)]
    assert machine.tubo.allow(Allow(1, 1, (Allowance("a", 1, UNIT, 1),)), 0)[0] == Heard(2)
    assert "a" in machine.table.apps
    assert machine.table.apps["a"].units[1].allowed == 0


def test_a_fuxi_master_is_asked_about_every_application_also_one_that_only_waits(machine: Machine):
    machine.start(1)
    hello = machine.tubo.hello(1, 1)
    assert (hello.running, hello.masters, hello.others) == ((), (), ("a",))
    machine.do(machine.tubo.welcome(Welcome(1, ("a",)), 0))
    machine.allow(1)
    assert machine.come_up() == [1]
    assert machine.tubo.hello(1, 1).others == ()


def test_an_allowance_that_was_missed_is_noticed(machine: Machine):
    machine.allow(1)
    machine.seq += 1
    assert machine.allow(1) == Heard(1, resync=True)
    assert machine.table.apps["a"].units[1].allowed == 1


@pytest.mark.parametrize("late", ["before the next", "after the next"])
def test_an_allowance_of_before_a_machine_was_given_up_is_void_and_does_not_swallow_the_next(machine: Machine, late: str):
    """It was on its way when the machine was lost; had the next one its number, the Tubo would count it as taken."""
    box = AllowBox()
    box.add("a", 1, UNIT, 1)
    old = box.next(1, GRACE)
    # The machine is lost, and says Hello again having taken nothing.
    box.reset()
    machine.do(machine.tubo.welcome(Welcome(1, (), box.settled), 0))
    box.add("b", 1, UNIT, 2)
    new = box.next(1, GRACE)
    assert old is not None
    assert new is not None
    for message in (old, new) if late == "before the next" else (new, old):
        machine.counted.setdefault(("b", 1), 2)
        answer, effects = machine.tubo.allow(message, 0)
        assert answer == Heard(1)
        machine.do(effects)
    assert box.heard(new)
    assert {name: app.units[1].allowed for name, app in machine.table.apps.items()} == {"b": 2}
    box.add("b", 1, UNIT, 1)
    last = box.next(1, GRACE)
    assert last is not None
    assert machine.tubo.allow(last, 0)[0] == Heard(1)
    assert machine.tubo.table.apps["b"].units[1].allowed == 3


def test_a_welcome_leaves_what_is_under_way_to_be_taken(machine: Machine):
    box = AllowBox()
    box.add("a", 1, UNIT, 1)
    message = box.next(1, GRACE)
    assert message is not None
    machine.do(machine.tubo.welcome(Welcome(1, ("a",), box.settled), 0))
    machine.counted["a", 1] = 1
    answer, effects = machine.tubo.allow(message, 0)
    machine.do(effects)
    assert answer == Heard(1)
    assert machine.table.apps["a"].units[1].allowed == 1


def test_an_earlier_attempt_is_refused(machine: Machine):
    machine.allow(2)
    machine.start(1, attempt=2)
    assert machine.start(2, attempt=1) == "attempt 2 of a has spoken here"


def test_an_application_that_ended_leaves_nothing(machine: Machine):
    machine.allow(3)
    machine.start(1, 2)
    machine.come_up()
    machine.do(machine.tubo.end_app(EndApp(1, "a"), 0)[1])
    machine.go()
    assert machine.table.apps == {}
    assert sum(one.count for one in machine.news) == 3
    # An allowance that was on its way goes back at once, or when nobody uses it.
    machine.allow(1)
    machine.wait(30)
    assert machine.counted["a", 1] == 0


def test_a_master_whose_successor_runs_elsewhere_ends_and_its_workers_stay(machine: Machine):
    machine.allow(1, unit=0)
    machine.allow(1)
    order = StartMaster(1, "a", 1, "job", "ann", None, UNIT)
    machine.do(machine.tubo.start_master(order, 0)[1])
    machine.start(1)
    machine.come_up()
    machine.do(machine.tubo.end_master(EndMaster(1, "a", 1))[1])
    assert machine.go() == [1]
    assert list(machine.table.apps["a"].workers) == [1]
    assert machine.table.apps["a"].master is None
    machine.check()


def test_who_overuses_its_memory_is_killed_at_the_next_look(machine: Machine):
    machine.allow(2)
    machine.start(1, memory=(1 << 30) + 1)
    machine.start(2, memory=1 << 30)
    machine.wait(1)
    machine.come_up()
    machine.wait(1.9)
    assert machine.killing == []
    machine.wait(0.1)
    assert machine.go() == [1]
    assert machine.table.apps["a"].gone == [(1, 1, "memory", 0)]
    machine.check()


EVENTS = st.one_of(
    st.tuples(st.just("allow"), st.integers(1, 4)),
    st.tuples(st.just("revoke"), st.integers(1, 4)),
    st.tuples(st.just("start"), st.integers(1, 12)),
    st.tuples(st.just("stop"), st.integers(1, 12)),
    st.tuples(st.just("unused"), st.integers(1, 3)),
    st.tuples(st.just("up"), st.just(0)),
    st.tuples(st.just("gone"), st.just(0)),
    st.tuples(st.just("die"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 31)),
)


@given(st.lists(EVENTS, max_size=40))
def test_the_accounts_agree_with_the_fuxi_masters_under_any_order_of_events(events: list[tuple[str, int]]):
    machine = Machine()
    machine.table.watcher = lambda process: machine.do(machine.tubo.died(process))
    for what, number in events:
        match what:
            case "allow":
                machine.allow(number)
            case "revoke":
                # The FuxiMaster takes back no more than it has granted.
                app = machine.table.apps.get("a")
                unit = app.units.get(1) if app is not None else None
                if unit is not None and unit.allowed:
                    machine.allow(-min(number, unit.allowed))
            case "start":
                machine.start(number)
            case "stop":
                machine.stop(number)
            case "unused":
                machine.stop(unused=number)
            case "up":
                machine.come_up()
            case "gone":
                machine.go()
            case "die":
                there = machine.table.processes()
                if number < len(there):
                    owner = there[number].owner
                    assert owner is not None
                    machine.starting = [one for one in machine.starting if one is not there[number]]
                    if there[number] not in machine.killing:
                        owner.kill()
            case "wait":
                machine.wait(number)
        machine.check()
