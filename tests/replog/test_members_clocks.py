"""Leases under clocks that go wrong: a leader's is over before the others are free, as far as the bound promises.

The instants are computed from the clocks' own inverse, so that what is compared is simulated time, which no member sees.
"""

from __future__ import annotations

import pytest
from replog_bench import MILLISECOND, SECOND, Bench

from feitian_sim.hardware import TRUE_RATE_PPB
from feitian_sim.paxos.lease import LeaderLease
from feitian_sim.replog import ReplogConfig

BOUND_PPM = ReplogConfig().drift_ppm


def worst_overlap_ns(leader_ppm: int, others_ppm: int) -> int:
    """By how much the leader's lease outlasted the instant at which a majority was free; looked at again and again."""
    bench = Bench()
    bench.run(1)
    for number in range(5):
        ppm = others_ppm if number else leader_ppm
        if ppm:
            bench.logs[number].machine.clock.set_rate(TRUE_RATE_PPB + 1000 * ppm)
    worst_ns, looked = -SECOND, 0
    for _ in range(1000):
        bench.run(0.001)
        leader = bench.logs[0]
        if not leader.is_leader or leader.lease_until_ns <= leader.machine.clock.monotonic_ns:
            continue
        looked += 1
        end_ns = leader.machine.clock.until(leader.lease_until_ns)
        assert end_ns is not None
        free_ns = []
        for number in range(1, 5):
            log = bench.logs[number]
            until_ns = log.machine.clock.until(log.replica._role.patience.allegiance.bound_until_ns)
            assert until_ns is not None
            free_ns.append(until_ns)
        # Three of the four others make a majority without the leader.
        worst_ns = max(worst_ns, end_ns - sorted(free_ns)[2])
    assert looked > 900
    return worst_ns


def no_epsilon(self: LeaderLease, me: int, lease_ns: int, clock_error_ns: int) -> None:
    self._length_ns = lease_ns
    self._me = me
    self._sent_ns = {}


def test_the_bound_follows_from_the_lease_and_its_margin() -> None:
    config = ReplogConfig()
    rho = config.drift_ppm / 1e6
    slow_end, fast_end = (config.lease - config.clock_error) / (1 - rho), config.lease / (1 + rho)
    assert 0 < (fast_end - slow_end) / config.lease < 1e-5
    assert ReplogConfig.model_validate({"clock_error": "0s"}).drift_ppm == 0


@pytest.mark.parametrize("leader_ppm", [-BOUND_PPM, BOUND_PPM])
@pytest.mark.parametrize("others_ppm", [-BOUND_PPM, 0, BOUND_PPM])
def test_within_the_bound_a_lease_is_over_before_a_majority_is_free(leader_ppm: int, others_ppm: int) -> None:
    assert worst_overlap_ns(leader_ppm, others_ppm) <= 0


def test_far_beyond_the_bound_it_is_not() -> None:
    assert worst_overlap_ns(-3 * BOUND_PPM, 3 * BOUND_PPM) > MILLISECOND


def test_a_planted_lease_without_epsilon_is_caught_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeaderLease, "__init__", no_epsilon)
    assert worst_overlap_ns(-BOUND_PPM, BOUND_PPM) > MILLISECOND
    assert worst_overlap_ns(BOUND_PPM, -BOUND_PPM) <= 0


def test_clocks_that_go_wrong_wake_a_quiet_group_and_depose_nobody() -> None:
    bench = Bench()
    bench.run(5)
    assert bench.logs[0]._quiet.holds
    bench.logs[3].machine.clock.set_rate(TRUE_RATE_PPB - 10_000_000)
    assert not bench.logs[0]._quiet.holds
    bench.run(10)
    assert not bench.logs[0]._quiet.holds
    assert bench.leader == 0
    assert [what.epoch for _, what in bench.facts[1:]] == []


def test_a_frozen_follower_never_stands_and_stands_after_its_time_when_it_goes_again() -> None:
    bench = Bench(3)
    bench.run(1)
    for number in (1, 2):
        bench.logs[number].machine.clock.set_rate(0)
    bench.daemons[0].machine.crash("test")
    bench.run(20)
    assert bench.leader is None
    bench.logs[1].machine.clock.set_rate(TRUE_RATE_PPB)
    bench.logs[2].machine.clock.set_rate(TRUE_RATE_PPB)
    began_ns = bench.sim.now
    bench.run(3)
    assert bench.leader in (1, 2)
    config, (at_ns, _) = bench.config, bench.facts[-1]
    assert at_ns - began_ns > config.election_timeout - config.heartbeat - MILLISECOND
