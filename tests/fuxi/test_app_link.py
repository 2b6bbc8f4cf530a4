"""The application's link by hand: a FuxiMaster that is a script, over a real network."""

from __future__ import annotations

from typing import Any

import pytest
from plain_guard import PlainGuard

from feitian_sim.fuxi.app_link import AppLink
from feitian_sim.fuxi.messages import Demand, Ended, Granted, Heard, Holding, Preference, Register, Registered
from feitian_sim.fuxi.needs import BE_HEARD_BY_MASTER
from feitian_sim.fuxi.outbox import GrantBox
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import SECOND, Simulation
from feitian_sim.kuafu import CallError, Kuafu

CORE = (1000, 1 << 30, 0)


class Directory:
    """Where the master is, as the test says."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: list[Any] = []

    def follow(self, endpoint: Any, on_address: Any) -> None:
        self.told.append(on_address)
        on_address(self.address)

    def doubt(self, address: str) -> None:
        pass

    def move(self, address: str) -> None:
        for told in self.told:
            told(address)


class Bench:
    """A link, what its application heard, and what its FuxiMaster was told."""

    def __init__(self, registered: Registered | None = None) -> None:
        self.sim = Simulation(seed=1)
        self.registered = registered
        machines = ClusterConfig.model_validate({"racks": 2, "machines_per_rack": 2, "machine": {"cores": 4, "disks": 1}})
        self.hardware = DataCenter(self.sim, machines)
        self.kuafu = Kuafu(self.sim, self.hardware, PlainGuard())
        self.heard: list[Any] = []
        self.said: list[Any] = []
        self.epoch = 1
        self.answers = True
        self.master = self.listen("r0/m0")
        self.directory = Directory(self.master.address)
        self.endpoint = self.kuafu.endpoint(self.sim.owner("app"), self.hardware.machine("r1/m1"), 100, self._name("app"))
        self.link = AppLink(self.sim, self.endpoint, self.directory, "a", 1, self, call_ns=5 * SECOND, retry_ns=SECOND)
        self.run()

    def _name(self, name: str) -> Any:
        return PlainGuard().user(name)

    def listen(self, machine: str) -> Any:
        owner = self.sim.owner(f"master@{machine}")
        endpoint = self.kuafu.endpoint(owner, self.hardware.machine(machine), 7100, self._name("master"))
        for kind in (Register, Demand, Ended):
            endpoint.serve(kind, self._serve, BE_HEARD_BY_MASTER)
        return endpoint

    def _serve(self, call: Any) -> None:
        if not self.answers:
            return
        self.said.append(call.message)
        if isinstance(call.message, Register):
            call.reply(self.registered or Registered(self.epoch, ()))
        else:
            call.reply(Heard(self.epoch))

    def run(self, seconds: float = 0.1) -> None:
        self.sim.run_until(self.sim.now + int(seconds * SECOND))

    def grant(self, seq: int, *grants: tuple[int, str, int], epoch: int = 1, **more: Any) -> Heard:
        return self.tell(Granted("a", epoch, seq, tuple(Holding(*one) for one in grants), **more))

    def tell(self, message: Granted) -> Heard:
        answers: list[Any] = []
        self.master.call(self.endpoint.address, message, SECOND, answers.append, answers.append)
        self.run()
        (answer,) = answers
        return answer

    # What the application hears

    def granted(self, *what: Any) -> None:
        self.heard.append(("granted", *what))

    def taken_back(self, *what: Any) -> None:
        self.heard.append(("taken_back", *what))

    def lost(self, *what: Any) -> None:
        self.heard.append(("lost", *what))

    def disabled(self, *what: Any) -> None:
        self.heard.append(("disabled", *what))

    def enabled(self, *what: Any) -> None:
        self.heard.append(("enabled", *what))

    def restored(self, *what: Any) -> None:
        self.heard.append(("restored", *what))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_all_wishes_of_an_instant_go_in_one_message(bench: Bench):
    bench.link.want(1, 5, vector=CORE, priority=2, preferences=[Preference("machine", "r0/m1", 2)])
    bench.link.want(2, 1, vector=CORE)
    bench.link.want(1, -1)
    bench.run()
    register, demand = bench.said
    assert register == Register("a", 1, bench.endpoint.address, (), ())
    one, two = demand.changes
    assert (one.unit, one.wanted, one.priority, one.preferences) == (1, 4, 2, (Preference("machine", "r0/m1", 2),))
    assert (two.unit, two.wanted) == (2, 1)


def test_a_demand_that_is_not_answered_is_sent_again_under_its_number(bench: Bench):
    bench.answers = False
    bench.link.want(1, 5, vector=CORE)
    bench.run(5.5)
    bench.answers = True
    bench.link.want(1, 1)
    bench.run(2)
    first, second = bench.said[1:]
    assert (first.seq, first.changes[0].wanted) == (1, 5)
    assert (second.seq, second.changes[0].wanted) == (2, 1)


def test_grants_count_once_and_in_order(bench: Bench):
    bench.link.want(1, 5, vector=CORE)
    bench.run()
    assert bench.grant(1, (1, "r0/m1", 2)) == Heard(1)
    assert bench.grant(1, (1, "r0/m1", 2)) == Heard(1)
    assert bench.heard[1:] == [("granted", 1, "r0/m1", 2)]
    assert bench.link.wanted(1) == 3
    # One that skips a number makes it tell everything.
    assert bench.grant(3, (1, "r0/m0", 1)) == Heard(1, resync=True)
    register = bench.said[-1]
    assert isinstance(register, Register)
    assert (register.epoch, register.heard, register.seq) == (1, 1, 1)
    assert register.demands[0].wanted == 3
    assert register.holdings == (Holding(1, "r0/m1", 2),)


@pytest.mark.parametrize("late", ["before the next", "after the next"])
def test_a_grant_of_before_a_master_registered_is_void_and_does_not_swallow_the_next(late: str):
    """It was on its way to the master's former attempt, or the answer was lost that told of the same units."""
    box = GrantBox()
    box.add(1, "r0/m1", 2)
    old = box.next("a", 1)
    box.reset()
    bench = Bench(Registered(1, (Holding(1, "r0/m1", 2),), settled=box.settled))
    box.add(1, "r0/m0", 1)
    new = box.next("a", 1)
    assert old is not None
    assert new is not None
    for message in (old, new) if late == "before the next" else (new, old):
        assert bench.tell(message) == Heard(1)
    assert box.heard(new)
    assert bench.link.holdings == {(1, "r0/m1"): 2, (1, "r0/m0"): 1}


def test_a_wish_taken_back_that_crossed_its_grant_is_levelled_at_both_ends(bench: Bench):
    bench.link.want(1, 3, vector=CORE)
    bench.run()
    bench.link.want(1, -3)
    bench.run()
    bench.grant(1, (1, "r0/m1", 3))
    assert bench.link.wanted(1) == 0
    # The FuxiMaster's count stood at -3: it hears of 3.
    assert [one.changes[0].wanted for one in bench.said if isinstance(one, Demand)] == [3, -3, 3]


def test_what_is_taken_back_and_lost_is_told(bench: Bench):
    bench.link.want(1, 4, vector=CORE)
    bench.run()
    bench.grant(1, (1, "r0/m1", 2), (1, "r0/m0", 2))
    bench.grant(2, (1, "r0/m1", -1), lost=("r0/m0",), disabled=("r1/m0",))
    assert bench.heard[3:] == [("lost", "r0/m0"), ("disabled", "r1/m0"), ("taken_back", 1, "r0/m1", 1)]
    assert bench.link.holdings == {(1, "r0/m1"): 1}


def test_a_machine_that_may_be_used_again_is_told_once(bench: Bench):
    bench.link.want(1, 4, vector=CORE)
    bench.run()
    bench.grant(1, disabled=("r1/m0",))
    bench.grant(2, (1, "r1/m0", 1), enabled=("r1/m0", "r0/m0"))
    bench.grant(3, enabled=("r1/m0",))
    said = [one for one in bench.heard if one[0] in ("disabled", "enabled", "granted")]
    # Before what is granted there; and nothing of one that it was never told of.
    assert said == [("disabled", "r1/m0"), ("enabled", "r1/m0"), ("granted", 1, "r1/m0", 1)]


def test_a_new_fuxi_master_is_told_everything_and_an_old_one_is_refused(bench: Bench):
    bench.link.want(1, 4, vector=CORE)
    bench.run()
    bench.grant(1, (1, "r0/m1", 3))
    bench.epoch = 2
    old, bench.master = bench.master, bench.listen("r0/m1")
    bench.directory.move(bench.master.address)
    bench.run()
    register = bench.said[-1]
    assert (register.epoch, register.heard, register.demands[0].wanted) == (1, 1, 1)
    assert bench.link.epoch == 2
    answers: list[Any] = []
    old.call(
        bench.endpoint.address, Granted("a", 1, 2, (Holding(1, "r0/m0", 1),)), SECOND, answers.append, answers.append
    )
    bench.run()
    assert answers == [Heard(2)]
    # Numbers begin anew.
    assert bench.grant(1, (1, "r0/m0", 1), epoch=2) == Heard(2)
    assert bench.link.holdings == {(1, "r0/m1"): 3, (1, "r0/m0"): 1}


def test_a_new_fuxi_master_where_the_old_one_was_is_told_everything_when_it_greets(bench: Bench):
    bench.link.want(1, 4, vector=CORE)
    bench.run()
    bench.grant(1, (1, "r0/m1", 3))
    # Nobody has moved, and the application has nothing to say.
    bench.epoch = 2
    bench.run(60)
    assert bench.link.epoch == 1
    assert bench.grant(0, epoch=2).resync
    register = bench.said[-1]
    assert isinstance(register, Register)
    assert register.holdings == (Holding(1, "r0/m1", 3),)
    assert bench.link.epoch == 2
    said = len(bench.said)
    assert bench.grant(0, epoch=2) == Heard(2)
    assert len(bench.said) == said


def test_the_end_is_said_until_it_is_answered(bench: Bench):
    bench.answers = False
    bench.link.end(True, "")
    bench.link.end(False, "twice is once")
    bench.run(6)
    bench.answers = True
    bench.run(6)
    assert [one for one in bench.said if isinstance(one, Ended)] == [Ended("a", 1, True, "")]
    assert not isinstance(bench.said[-1], CallError)
