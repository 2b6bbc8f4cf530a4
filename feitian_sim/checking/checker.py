"""All oracles of one run: they listen to its facts, and leave it as it is.

The invariants stop the run at the first violation; when it is over they judge what can be judged only then, and the
histories of clients are checked against reference models.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from feitian_sim.checking.catalogue import invariants_for
from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Invariant
from feitian_sim.checking.ports import PortsOnly
from feitian_sim.checking.probes import Probes
from feitian_sim.kernel import FactBus


class Checker:
    """The oracles of one run."""

    def __init__(self, config: CheckConfig, facts: FactBus, parts: Collection[str]) -> None:
        self._wanted = config.invariants
        self.invariants = invariants_for(config, parts)
        self._parts = parts
        self._probes = Probes(facts, parts)
        for invariant in self.invariants:
            invariant.is_judging = self._wanted is None or invariant.id in self._wanted
            # When a run may end must not depend on who judges it: a failure that is made smaller keeps its time.
            is_awaited = config.end_early is not None and invariant.when == "liveness"
            if not invariant.is_judging and not invariant.is_built_on and not is_awaited:
                continue
            for kind, hear in invariant.hears().items():
                facts.subscribe(kind, hear)

    @contextmanager
    def watching(self, now: Callable[[], int]) -> Iterator[None]:
        """Guards the host's clock and chance while the block runs (:mod:`.ports`)."""
        with ExitStack() as guards:
            for invariant in self.invariants:
                if isinstance(invariant, PortsOnly):
                    guards.enter_context(invariant.watching(now))
            yield

    def finish(self, now_ns: int) -> None:
        """The run is over. Raises InvariantViolated."""
        for invariant in self.invariants:
            if invariant.is_judging:
                invariant.at_end(now_ns)

    def settled(self, now_ns: int) -> bool:
        """Whether nobody waits for anything any more."""
        return all(invariant.settled(now_ns) for invariant in self.invariants)

    @property
    def evaluated(self) -> Mapping[str, int]:
        """How often each had something to judge; whose silence means nothing here is left out when it was silent."""
        judging = [invariant for invariant in self.invariants if invariant.is_judging]
        return {one.id: one.evaluated for one in judging if one.evaluated or self._must_judge(one)}

    def _must_judge(self, invariant: Invariant) -> bool:
        return not invariant.surely_with or any(part in self._parts for part in invariant.surely_with)

    @property
    def probed(self) -> Mapping[str, int]:
        """How often each interesting moment came."""
        return self._probes.counts
