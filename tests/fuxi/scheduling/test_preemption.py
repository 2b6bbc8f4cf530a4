"""Who must go for whom: two levels, the lowest first, nobody twice, and no more than is right."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from feitian_sim.fuxi.messages import UnitDemand
from feitian_sim.fuxi.preemption import PREEMPTION, PreemptionPolicy
from feitian_sim.fuxi.resources import Dimensions, fits
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler
from tests.fuxi.scheduling.vectors import plus, times

_ONE = (1, 1, 0)


def _cell(machines=2, size=10, groups=(), **config):
    places = [Place(f"m{number}", "r") for number in range(machines)]
    scheduler = Scheduler(places, Dimensions(), ScheduleConfig(groups=groups, **config))
    for machine in range(machines):
        scheduler.machine_up(machine, (size, size, 0))
    return scheduler


def _wants(scheduler, app, count, vector=_ONE, priority=0, group="default", unit=1, now=0):
    scheduler.add_app(app, "somebody", group, now)
    return scheduler.wants(app, [UnitDemand(unit, count, vector, priority)], now)


def _go(scheduler, moves):
    """All that was told to go has gone; what is granted for it."""
    found = []
    for move in moves:
        if move.count < 0:
            found += scheduler.freed(move.app, move.unit, move.machine, -move.count, 0)
            scheduler.check()
    return found


def _sums(moves):
    sums = Counter()
    for move in moves:
        sums[move.app] += move.count
    return dict(sums)


_TWO_GROUPS = (
    {"name": "owner", "minimum": "50%"},
    {"name": "guest", "minimum": "25%"},
)


def test_a_higher_priority_displaces_the_lowest_of_its_group():
    scheduler = _cell()
    _wants(scheduler, "low", 10, priority=1)
    _wants(scheduler, "middle", 10, priority=2)
    assert _wants(scheduler, "high", 4, (2, 2, 0), priority=3) == []
    moves = scheduler.wake(0)
    scheduler.check()
    assert _sums(moves) == {"low": -8}
    assert all(move.why == "preempted" for move in moves)
    assert _sums(_go(scheduler, moves)) == {"high": 4}


def test_equal_priorities_displace_nobody():
    scheduler = _cell()
    _wants(scheduler, "first", 20, priority=1)
    _wants(scheduler, "second", 5, priority=1)
    assert scheduler.wake(0) == []


def test_the_same_wish_displaces_once():
    scheduler = _cell()
    _wants(scheduler, "low", 20)
    _wants(scheduler, "high", 3, priority=1)
    assert _sums(scheduler.wake(0)) == {"low": -3}
    assert scheduler.wake(1) == []
    scheduler.check()


def test_what_was_displaced_for_one_goes_to_no_other():
    scheduler = _cell(machines=1)
    _wants(scheduler, "low", 10)
    _wants(scheduler, "large", 1, (4, 4, 0), priority=1)
    moves = scheduler.wake(0)
    assert _sums(moves) == {"low": -4}
    _wants(scheduler, "small", 10, priority=0)
    assert scheduler.freed("low", 1, 0, 1, 0) == []
    assert scheduler.freed("low", 1, 0, 2, 0) == []
    assert _sums(scheduler.freed("low", 1, 0, 1, 0)) == {"large": 1}
    scheduler.check()


def test_who_gives_up_waiting_leaves_its_claim_to_the_others():
    scheduler = _cell(machines=1)
    _wants(scheduler, "low", 10)
    _wants(scheduler, "high", 1, (4, 4, 0), priority=1)
    scheduler.wake(0)
    scheduler.freed("low", 1, 0, 3, 0)
    _wants(scheduler, "small", 10)
    assert _sums(scheduler.wants("high", [UnitDemand(1, -1)], 1)) == {"small": 3}
    scheduler.check()


def test_an_owner_gets_its_minimum_back_and_no_more():
    scheduler = _cell(groups=_TWO_GROUPS)
    assert _sums(_wants(scheduler, "guest", 40, group="guest")) == {"guest": 20}
    assert _wants(scheduler, "owner", 40, group="owner") == []
    moves = scheduler.wake(0)
    assert _sums(moves) == {"guest": -10}
    assert {move.why for move in moves} == {"quota"}
    assert _sums(_go(scheduler, moves)) == {"owner": 10}
    assert scheduler.wake(1) == []


def test_who_is_within_its_minimum_is_spared():
    scheduler = _cell(groups=({"name": "owner", "minimum": "75%"}, {"name": "guest", "minimum": "25%"}))
    _wants(scheduler, "guest", 20, group="guest")
    _wants(scheduler, "owner", 20, group="owner", priority=9)
    assert _sums(_go(scheduler, scheduler.wake(0))) == {"owner": 15}
    assert scheduler.wake(1) == []


def test_one_unit_takes_nobody_below_its_minimum_either():
    """The guest borrows one unit; the owner's would need two of its to go from a machine."""
    scheduler = _cell(groups=({"name": "owner", "minimum": "30%"}, {"name": "guest", "minimum": "70%"}))
    _wants(scheduler, "guest", 15, group="guest")
    _wants(scheduler, "owner", 1, (5, 5, 0), group="owner")
    assert scheduler.wake(0) == []
    _wants(scheduler, "small", 1, (4, 4, 0), group="owner")
    assert _sums(scheduler.wake(1)) == {"guest": -1}


def test_one_wake_makes_room_for_all_of_a_kind():
    scheduler = _cell()
    _wants(scheduler, "low", 20)
    for number in range(3):
        _wants(scheduler, f"high{number}", 1, priority=1)
    assert _sums(scheduler.wake(0)) == {"low": -3}


def test_what_was_kept_is_granted_after_a_hold():
    scheduler = _cell(machines=1)
    _wants(scheduler, "low", 10)
    _wants(scheduler, "high", 1, (4, 4, 0), priority=1)
    moves = scheduler.wake(0)
    scheduler.hold(True)
    assert _go(scheduler, moves) == []
    assert _sums(scheduler.hold(False)) == {"high": 1}
    scheduler.check()


def test_what_is_kept_waits_for_quota_too():
    """Somebody else goes from the machine first: there is room then, but the group is still at its maximum."""
    scheduler = _cell(machines=1, groups=({"name": "x", "minimum": "0%", "maximum": "50%"}, {"name": "y"}))
    _wants(scheduler, "low", 5, group="x")
    _wants(scheduler, "other", 5, group="y")
    _wants(scheduler, "high", 1, group="x", priority=1)
    moves = scheduler.wake(0)
    assert _sums(moves) == {"low": -1}
    assert scheduler.freed("other", 1, 0, 1, 1) == []
    scheduler.check()
    assert _sums(_go(scheduler, moves)) == {"high": 1}


def test_priority_does_not_cross_groups():
    scheduler = _cell(groups=_TWO_GROUPS)
    _wants(scheduler, "owner", 20, group="owner")
    _wants(scheduler, "guest", 1, (6, 6, 0), group="guest", priority=9)
    assert scheduler.wake(0) == []


def test_masters_are_spared():
    scheduler = _cell(machines=1, size=2)
    _wants(scheduler, "low", 2, unit=0)
    _wants(scheduler, "high", 1, priority=5)
    assert scheduler.wake(0) == []


def test_nobody_is_displaced_where_the_scenario_says_so():
    scheduler = _cell(preempts=False)
    _wants(scheduler, "low", 20)
    _wants(scheduler, "high", 1, priority=5)
    assert scheduler.wake(0) == []


@pytest.mark.parametrize(("kind", "expected"), [("latest", "late"), ("largest", "large"), ("smallest", "small")])
def test_the_policy_decides_among_equals(kind, expected):
    scheduler = _cell(machines=1, preemption=kind)
    _wants(scheduler, "large", 1, (5, 5, 0), now=1)
    _wants(scheduler, "small", 2, (1, 1, 0), now=2)
    _wants(scheduler, "late", 1, (3, 3, 0), now=3)
    _wants(scheduler, "high", 1, (1, 1, 0), priority=1, now=4)
    assert list(_sums(scheduler.wake(5))) == [expected]


_VECTORS = [(1, 1, 0), (2, 3, 0), (3, 1, 0), (2, 2, 0), (1, 2, 1)]
_GROUPS = (
    {"name": "x", "minimum": "40%", "maximum": "70%"},
    {"name": "y", "minimum": "30%"},
    {"name": "z", "minimum": "10%", "maximum": "50%"},
)


class _Walk:
    """Random events, with everything that must hold looked at after each."""

    def __init__(self, seed, groups, policy):
        self.rng = np.random.Generator(np.random.Philox(seed))
        self.names = [group["name"] for group in groups] or ["default"]
        self.minimum = {group["name"]: float(group["minimum"].rstrip("%")) / 100 for group in groups}
        self.scheduler = _cell(4, 10, groups, preemption=policy)
        for machine in range(4):
            self.scheduler.machine_up(machine, (10, 12, 2))
        self.closed = {}
        self.told_to_go = 0
        self.group_of, self.priority, self.vector = {}, {}, {}
        for number in range(6):
            app = f"a{number}"
            self.group_of[app] = self.names[number % len(self.names)]
            self.scheduler.add_app(app, "somebody", self.group_of[app], number)
            for unit in (0, 1, 2):
                self.priority[app, unit] = int(self.rng.integers(4))
                self.vector[app, unit] = _VECTORS[int(self.rng.integers(len(_VECTORS)))]

    def step(self):
        app, unit = f"a{self.rng.integers(6)}", int(self.rng.integers(3))
        machine = int(self.rng.integers(4))
        scheduler = self.scheduler
        match int(self.rng.integers(12)):
            case 0:
                moves = scheduler.machine_gone(machine)
                self.look(moves)
                moves = scheduler.machine_up(machine, (10, 12, 2))
            case 1:
                self.closed[machine] = not self.closed.get(machine)
                moves = scheduler.close(machine) if self.closed[machine] else scheduler.open(machine)
            case 2 | 3 | 4 | 5:
                count = int(self.rng.integers(-3, 12)) if unit else 1
                change = UnitDemand(unit, count, self.vector[app, unit], self.priority[app, unit])
                moves = scheduler.wants(app, [change], 0)
            case 6 | 7:
                before = self.held()
                moves = scheduler.wake(0)
                self.look_at_victims(moves, before)
                # What goes may leave more room than it was told to go for; when nobody is told any more, nothing is.
                while scheduler.wake(0):
                    scheduler.check()
                self.look_for_more()
            case _:
                there = scheduler.on_machine(machine)
                if not there:
                    return
                app, unit, _, held, returning = there[int(self.rng.integers(len(there)))]
                moves = scheduler.freed(app, unit, machine, returning or held, 0)
        self.look(moves)

    def held(self):
        found = {}
        for app in self.group_of:
            for (unit, machine), count in self.scheduler.holdings(app).items():
                found[app, unit, machine] = count
        return found

    def look(self, moves):
        scheduler = self.scheduler
        scheduler.check()
        for move in moves:
            if move.count > 0:
                assert not self.closed.get(move.machine), "a closed machine got something"
        capped = {name: group.room for name, group in scheduler.groups.items()}
        for app, unit, _, _ in scheduler.waiting():
            shape = scheduler._apps[app].units[unit].shape
            if capped[self.group_of[app]](shape) == 0:
                continue
            for machine in range(4):
                free = scheduler.free(machine)
                assert self.closed.get(machine) or not fits(shape.vector, free), f"{app}/{unit} starves at {machine}"

    def look_at_victims(self, moves, before):
        told = {(m.app, m.unit, m.machine): -m.count for m in moves if m.count < 0}
        why = {(m.app, m.unit, m.machine): m.why for m in moves if m.count < 0}
        for (app, unit, machine), count in told.items():
            assert unit, "a master was preempted"
            self.told_to_go += count
            assert count <= before[app, unit, machine]
            mine = self.priority[app, unit]
            for (other, number, place), left in self.held().items():
                same = self.group_of[other] == self.group_of[app]
                if place == machine and same and number and left:
                    assert self.priority[other, number] >= mine, f"{other}/{number} was spared, {app}/{unit} not"
            if why[app, unit, machine] == "preempted":
                waits = [self.priority[a, u] for a, u, _, _ in self.scheduler.waiting()
                         if self.group_of[a] == self.group_of[app]]  # fmt: skip
                assert max(waits) > mine

    def look_for_more(self):
        """No unit still waits without a claim where those of lower priority in its group could go for it."""
        for app, unit, wanted, _ in self.scheduler.waiting():
            books = self.scheduler._apps[app].units[unit]
            if wanted <= sum(books.claimed.values()) or books.group.maximum is not None:
                continue
            for machine in range(4):
                if self.closed.get(machine):
                    continue
                room, victims = self.scheduler.free(machine), 0
                for other, number, vector, held, returning in self.scheduler.on_machine(machine):
                    mine = self.group_of[other] == self.group_of[app]
                    lower = number and mine and self.priority[other, number] < self.priority[app, unit]
                    room = plus(room, times(vector, returning + (held if lower else 0)))
                    victims += held if lower else 0
                assert not victims or not fits(books.shape.vector, room), f"{app}/{unit} could displace on {machine}"


@pytest.mark.parametrize("groups", [(), _GROUPS], ids=["one-group", "three-groups"])
@pytest.mark.parametrize("policy", list(PREEMPTION))
def test_whatever_happens_preemption_is_right(policy, groups):
    """The walk looks at everything after each step; on most walks somebody is told to go."""
    told_to_go = []
    for seed in range(12):
        walk = _Walk(seed, groups, policy)
        for _ in range(60):
            walk.step()
        told_to_go.append(walk.told_to_go)
    assert sum(count > 0 for count in told_to_go) > 6


def test_what_an_owner_asks_for_comes_back_whatever_happened_before():
    """With units of one size nothing is lost to fragments: the owner ends with its minimum."""
    for seed in range(20):
        rng = np.random.Generator(np.random.Philox(seed))
        scheduler = _cell(4, 10, _TWO_GROUPS)
        for number in range(12):
            group = ("owner", "guest")[number % 2]
            _wants(scheduler, f"{group}{number}", int(rng.integers(1, 30)), priority=int(rng.integers(3)), group=group)
            for move in scheduler.wake(number):
                _go(scheduler, [move])
        _wants(scheduler, "owner-last", 40, group="owner")
        for _ in range(3):
            _go(scheduler, scheduler.wake(99))
        assert scheduler.groups["owner"].used[0] >= 20
        assert scheduler.groups["guest"].used[0] >= 10


def test_a_policy_without_a_rule_says_so():
    with pytest.raises(NotImplementedError, match="who goes first"):
        PreemptionPolicy().rank(None)
