"""Fair shares in closed form, and the rules of shares that change under those who wait."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.fuxi.messages import UnitDemand
from feitian_sim.fuxi.resources import Dimensions, fits
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler


def _shared(whole, demands, fairness, machines=1):
    """What each application gets of machines that are offered at once: app number -> units."""
    places = [Place(f"m{number}", "r") for number in range(machines)]
    scheduler = Scheduler(places, Dimensions(), ScheduleConfig(fairness=fairness))
    for machine in range(machines):
        scheduler.machine_up(machine, whole)
    scheduler.hold(True)
    for number, (vector, count) in enumerate(demands):
        scheduler.add_app(f"a{number}", "somebody")
        scheduler.wants(f"a{number}", [UnitDemand(1, count, vector)], 0)
    scheduler.hold(False)
    scheduler.check()
    return [sum(scheduler.holdings(f"a{number}").values()) for number in range(len(demands))]


def _water_filled(capacity, demands):
    """Max-min fair counts: everybody gets the same level or its demand; what does not divide goes to the first."""
    shares = [0] * len(demands)
    while sum(shares) < min(capacity, sum(demands)):
        able = [number for number, demand in enumerate(demands) if shares[number] < demand]
        lowest = min(shares[number] for number in able)
        level = [number for number in able if shares[number] == lowest]
        for number in level[: min(capacity, sum(demands)) - sum(shares)]:
            shares[number] += 1
    return shares


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.lists(st.integers(1, 20), min_size=1, max_size=6), st.sampled_from(["max-min", "drf"]))
def test_one_resource_is_filled_like_water(capacity, demands, fairness):
    units = [((1, 0, 0), demand) for demand in demands]
    assert _shared((capacity, 0, 0), units, fairness) == _water_filled(capacity, demands)


_VECTORS = st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(0))


def _progressively_filled(whole, vectors):
    """Algorithm 1 of the DRF paper, in fractions: the smallest dominant share that still fits gets one more."""
    counts = [0] * len(vectors)
    left = list(whole)
    while True:
        able = [number for number, vector in enumerate(vectors) if fits(vector, tuple(left))]
        if not able:
            return counts
        shares = {
            number: max(Fraction(counts[number] * vectors[number][d], whole[d]) for d in range(len(whole)) if whole[d])
            for number in able
        }
        poorest = min(able, key=lambda number: (shares[number], number))
        counts[poorest] += 1
        left = [there - need for there, need in zip(left, vectors[poorest], strict=True)]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.tuples(st.integers(6, 90), st.integers(6, 90), st.just(0)), st.lists(_VECTORS, min_size=1, max_size=4))
def test_dominant_shares_are_filled_progressively(whole, vectors):
    assert _shared(whole, [(vector, 1000) for vector in vectors], "drf") == _progressively_filled(whole, vectors)


def test_the_whole_cell_growing_changes_who_has_least():
    """A holds half of the processors, B two fifths of the memory; then processors become plentiful."""
    scheduler = Scheduler([Place("m0", "r"), Place("m1", "r")], Dimensions(), ScheduleConfig(fairness="drf"))
    scheduler.machine_up(0, (10, 10, 0))
    for app, vector, count in (("A", (5, 1, 0), 1), ("B", (1, 4, 0), 1), ("C", (4, 5, 0), 1)):
        scheduler.add_app(app, "somebody")
        scheduler.wants(app, [UnitDemand(1, count, vector)], 0)
    for app in ("A", "B"):
        scheduler.wants(app, [UnitDemand(2, 1, (3, 3, 0))], 1)
    assert [wanted for _, _, wanted, _ in scheduler.waiting()] == [1, 1]
    scheduler.machine_up(1, (100, 0, 0))
    (grant,) = scheduler.freed("C", 1, 0, 1, 2)
    assert grant.app == "A"


def test_without_the_growth_the_other_has_least():
    scheduler = Scheduler([Place("m0", "r")], Dimensions(), ScheduleConfig(fairness="drf"))
    scheduler.machine_up(0, (10, 10, 0))
    for app, vector in (("A", (5, 1, 0)), ("B", (1, 4, 0)), ("C", (4, 5, 0))):
        scheduler.add_app(app, "somebody")
        scheduler.wants(app, [UnitDemand(1, 1, vector)], 0)
    for app in ("A", "B"):
        scheduler.wants(app, [UnitDemand(2, 1, (3, 3, 0))], 1)
    (grant,) = scheduler.freed("C", 1, 0, 1, 2)
    assert grant.app == "B"
