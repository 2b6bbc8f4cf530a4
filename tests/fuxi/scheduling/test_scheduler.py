"""The scheduler's face, event by event, and the features of Fuxi that it carries: F2, F3 and F8."""

from __future__ import annotations

import pytest

from feitian_sim.fuxi.messages import Preference, UnitDemand
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.fuxi.schedule_config import ScheduleConfig, fairness_from, machine_choice_from, preemption_from
from feitian_sim.fuxi.scheduler import AccessDenied, Place, Scheduler, UnitRefused

_ONE = (1, 1, 0)


def _cell(machines=4, capacity=(10, 10, 0), dimensions=None, **config):
    places = [Place(f"m{number}", f"r{number // 2}") for number in range(machines)]
    scheduler = Scheduler(places, dimensions or Dimensions(), ScheduleConfig(**config))
    for machine in range(machines):
        scheduler.machine_up(machine, capacity)
    return scheduler


def _asks(scheduler, app, count, vector=_ONE, now=0, **more):
    scheduler.add_app(app, "somebody")
    return {m.machine: m.count for m in scheduler.wants(app, [UnitDemand(1, count, vector, **more)], now)}


def test_f2_quota_access_priority_and_fairness_decide_in_this_order():
    groups = ({"name": "x", "minimum": "60%", "users": ["ann"]}, {"name": "y", "minimum": "40%"})
    scheduler = _cell(machines=1, groups=groups, fairness="drf")
    scheduler.hold(True)
    for app, user, group, priority in (
        ("y-urgent", "bob", "y", 9), ("x-low", "ann", "x", 0), ("x-high", "ann", "x", 1), ("x-high-too", "ann", "x", 1),
    ):  # fmt: skip
        scheduler.add_app(app, user, group)
        scheduler.wants(app, [UnitDemand(1, 4, _ONE, priority)], 0)
    granted = {move.app: move.count for move in scheduler.hold(False)}
    # Each group up to its minimum; in it the higher priority; of equals both alike.
    assert granted == {"y-urgent": 4, "x-high": 3, "x-high-too": 3}
    with pytest.raises(AccessDenied, match="user 'bob' may not use quota group 'x'"):
        scheduler.add_app("intruder", "bob", "x")
    with pytest.raises(AccessDenied, match=r"no quota group 'z' \(x, y\)"):
        scheduler.add_app("lost", "bob", "z")


def test_f3_any_number_of_virtual_resources_count_like_the_physical_ones():
    names = tuple(f"licence{number}" for number in range(5))
    dimensions = Dimensions(names)
    scheduler = _cell(2, (100, 100, 100, 9, 9, 9, 2, 9), dimensions)
    vector = dimensions.vector({"cpu": 1, "licence3": 1})
    assert _asks(scheduler, "app", 10, vector) == {0: 2, 1: 2}
    assert scheduler.free(0) == (98, 100, 100, 9, 9, 9, 0, 9)


def test_f8_a_unit_goes_to_its_machine_then_to_its_rack_then_anywhere():
    scheduler = _cell()
    wishes = (Preference("machine", "m3", 2), Preference("rack", "r1", 4))
    granted = _asks(scheduler, "app", 4, (4, 4, 0), preferences=wishes)
    assert granted == {3: 2, 2: 2}
    assert _asks(scheduler, "another", 1, (4, 4, 0), preferences=(Preference("rack", "r1", 1),)) in ({0: 1}, {1: 1})


def test_f8_what_is_freed_goes_to_who_prefers_the_machine_then_its_rack_then_to_who_came_first():
    scheduler = _cell(2, (1, 1, 0))
    _asks(scheduler, "running", 2)
    _asks(scheduler, "first", 1, now=1)
    _asks(scheduler, "of-the-rack", 1, now=2, preferences=(Preference("rack", "r0", 1),))
    _asks(scheduler, "of-the-machine", 1, now=3, preferences=(Preference("machine", "m1", 1),))
    order = []
    for app in ("running", "of-the-machine", "of-the-rack"):
        (grant,) = scheduler.freed(app, 1, 1, 1, 9)
        order.append((grant.app, grant.since_ns))
    assert order == [("of-the-machine", 3), ("of-the-rack", 2), ("first", 1)]


def test_a_closed_machine_gets_nothing_and_keeps_what_runs():
    scheduler = _cell(2)
    _asks(scheduler, "app", 4, preferences=(Preference("machine", "m0", 4),))
    assert scheduler.close(0) == []
    assert _asks(scheduler, "late", 30) == {1: 10}
    assert scheduler.freed("app", 1, 0, 4, 0) == []
    assert {move.machine: move.count for move in scheduler.open(0)} == {0: 10}


def test_what_an_application_avoids_it_is_not_given():
    scheduler = _cell(2)
    assert _asks(scheduler, "app", 15, avoid=("m0",)) == {1: 10}
    assert _asks(scheduler, "other", 20) == {0: 10}
    (grant,) = scheduler.freed("other", 1, 0, 1, 0)
    assert grant.app == "other"
    assert scheduler.wants("app", [UnitDemand(1, 0, avoid=())], 1) == []
    (grant,) = scheduler.freed("other", 1, 0, 1, 0)
    assert grant.app == "app"


def test_a_lost_machine_is_told_and_asked_for_anew():
    scheduler = _cell(2)
    _asks(scheduler, "app", 12, preferences=(Preference("machine", "m0", 8),))
    moves = scheduler.machine_gone(0)
    assert [(move.machine, move.count, move.why) for move in moves] == [(0, -8, "machine-gone")]
    assert scheduler.freed("app", 1, 0, 8, 0) == []
    assert scheduler.capacity() == (10, 10, 0)
    assert {m.machine: m.count for m in scheduler.wants("app", [UnitDemand(1, 8)], 1)} == {1: 6}
    scheduler.check()


def test_who_ended_waits_no_more_and_leaves_nothing_behind():
    scheduler = _cell(1)
    _asks(scheduler, "app", 20)
    assert scheduler.remove_app("app") == []
    assert list(scheduler.waiting()) == []
    assert _asks(scheduler, "next", 20) == {}
    assert {move.app: move.count for move in scheduler.freed("app", 1, 0, 10, 0)} == {"next": 10}
    assert "app" not in scheduler._apps
    scheduler.check()


def test_a_group_at_its_maximum_is_served_when_it_gives_something_back_anywhere():
    groups = ({"name": "default", "minimum": "0%", "maximum": "50%"},)
    scheduler = _cell(2, groups=groups)
    assert sum(_asks(scheduler, "app", 10).values()) == 10
    _asks(scheduler, "picky", 5, avoid=("m0",))
    place = next(iter(scheduler.holdings("app")))[1]
    (grant,) = scheduler.freed("app", 1, place, 1, 0)
    assert (grant.app, grant.machine) == ("picky", 1)


def test_a_unit_keeps_its_vector_while_it_runs():
    scheduler = _cell(1)
    _asks(scheduler, "app", 1)
    with pytest.raises(UnitRefused, match="another vector"):
        scheduler.define("app", 1, (2, 2, 0))
    scheduler.freed("app", 1, 0, 1, 0)
    scheduler.define("app", 1, (2, 2, 0))
    assert [move.count for move in scheduler.wants("app", [UnitDemand(1, 9)], 1)] == [5]
    for vector in ((0, 0, 0), (1, 1), (-1, 2, 0), ()):
        with pytest.raises(UnitRefused, match="unit 7 needs a vector"):
            scheduler.define("app", 7, vector)


def test_a_priority_that_rises_goes_first():
    scheduler = _cell(1)
    _asks(scheduler, "running", 10)
    _asks(scheduler, "first", 5, now=1)
    _asks(scheduler, "second", 5, now=2)
    scheduler.define("second", 1, _ONE, 3)
    (grant,) = scheduler.freed("running", 1, 0, 1, 3)
    assert grant.app == "second"
    scheduler.check()


def test_a_registration_replaces_all_wishes():
    scheduler = _cell(1, (1, 1, 0))
    _asks(scheduler, "app", 5, preferences=(Preference("machine", "m0", 3),))
    scheduler.wants("app", [UnitDemand(2, 4, _ONE)], 0)
    assert scheduler.register("app", [UnitDemand(1, 2, _ONE)], 1) == []
    assert list(scheduler.waiting()) == [("app", 1, 2, 0)]
    scheduler.check()


@pytest.mark.parametrize(
    ("part", "wrong", "near"),
    [(fairness_from, "drff", "drf"), (machine_choice_from, "spreed", "spread"), (preemption_from, "largets", "largest")],
)
def test_an_unknown_policy_is_refused_with_the_nearest_name(part, wrong, near):
    with pytest.raises(ValueError, match=f"called '{wrong}'.*did you mean '{near}'"):
        part(wrong)
    assert part({"kind": near}).kind == near
