"""When a run whose core was healed has shown what it was to show, and may end before its time.

What comes after healing is in the end heartbeats and pings of a platform that works again, a fifth of a seed's events. So
a check may say that its second phase ends on evidence: every operation was answered, silent sessions are over, notices
have come, one leader has stayed (:meth:`Invariant.settled`), and the loads that begin within the bound are done. What
does not recover never gives this evidence, and is judged at the bound as ever. What recovers and breaks again is for
the share of seeds that run to their end all the same, and for loads that begin after the bound.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.checking.checker import Checker
from feitian_sim.checking.config import EndEarlyConfig
from feitian_sim.kernel import Simulation
from feitian_sim.scenario.model import Scenario
from feitian_sim.workloads.context import Finite, RunningLoad


class Evidence:
    """What a run still waits for."""

    def __init__(self, checker: Checker, loads: Sequence[RunningLoad], config: EndEarlyConfig, healed_ns: int) -> None:
        self._checker = checker
        self._loads = [load for load in loads if isinstance(load, Finite)]
        self._first_ns = healed_ns + config.quiet
        self._every_ns = config.look_every

    def next_look_ns(self, now_ns: int) -> int:
        """When to look next."""
        looks = max(0, (now_ns - self._first_ns) // self._every_ns + 1)
        return self._first_ns + looks * self._every_ns

    def is_enough(self, now_ns: int) -> bool:
        """Whether all has been shown."""
        return all(load.finished for load in self._loads) and self._checker.settled(now_ns)


def evidence(sim: Simulation, scenario: Scenario, checker: Checker, loads: Sequence[RunningLoad]) -> Evidence | None:
    """That of this run; None where it runs to its end, as a drawn share of seeds does."""
    check = scenario.check
    if check is None or check.liveness is None or check.end_early is None:
        return None
    if sim.stream("check", "", "end").uniform() < check.end_early.whole:
        return None
    bound_ns = check.liveness.after + check.converge
    begun = [load for load, line in zip(loads, scenario.load, strict=True) if _start_ns(line) < bound_ns]
    return Evidence(checker, begun, check.end_early, check.liveness.after)


def _start_ns(line: object) -> int:
    return getattr(line, "start", 0)
