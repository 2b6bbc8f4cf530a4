"""Who is silent for too long, and who may order writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.pangu.leases import Lease, Leases
from feitian_sim.pangu.liveness import FailureDetector


def test_a_silent_server_is_told_once_until_it_is_heard_again():
    detector = FailureDetector(3, timeout_ns=30, scan_ns=10, now_ns=0)
    detector.heard(1, 5)
    assert detector.next_look_ns(5) == 30
    assert detector.silent(30) == [0, 2]
    assert detector.silent(40) == [1]
    assert detector.silent(50) == []
    assert detector.next_look_ns(50) is None
    detector.heard(0, 60)
    assert detector.next_look_ns(60) == 90
    assert detector.silent(90) == [0]


def test_an_elided_server_is_never_silent():
    detector = FailureDetector(2, timeout_ns=30, scan_ns=10, now_ns=0)
    detector.elide(0, True)
    assert detector.silent(100) == [1]
    detector.heard(0, 95)
    detector.elide(0, False)
    assert detector.silent(120) == []
    assert detector.silent(130) == [0]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 12), st.integers(5, 60))
def test_looking_when_told_finds_everybody_at_the_first_tick_past_the_time_out(heard, scan, timeout):
    detector = FailureDetector(len(heard), timeout, scan, 0)
    for server, at in enumerate(heard):
        detector.heard(server, at)
    now, found = max(heard), {}
    while (look := detector.next_look_ns(now)) is not None:
        assert look > now
        assert look % scan == 0
        now = look
        found |= dict.fromkeys(detector.silent(now), now)
    for server, at in enumerate(heard):
        tick = -(-(at + timeout) // scan) * scan
        # Looking does not go back to before the last that was heard.
        first = max(tick, -(-(max(heard) + 1) // scan) * scan)
        assert found[server] == first


def test_a_lease_ends_at_its_time_and_not_after():
    leases = Leases()
    lease = Lease(3, (1, 2, 4), until_ns=100)
    leases.grant(7, lease)
    assert leases.current(7, 99) is lease
    assert leases.current(7, 100) is None
    leases.end(7)
    assert leases.current(7, 0) is None
    leases.end(7)
