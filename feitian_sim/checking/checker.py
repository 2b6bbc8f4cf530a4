"""All oracles of one run: they listen to its facts, and leave it as it is.

The invariants stop the run at the first violation; when it is over they judge what can be judged only then, and the
histories of clients are checked against reference models.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from feitian_sim.checking.ballots import PromisedBeforeUsed
from feitian_sim.checking.bounds import bound_invariants
from feitian_sim.checking.calls import AtMostOnce, EndsByItsDeadline, RepliesMatch
from feitian_sim.checking.client_histories import LinearizableNodes, LinearizableTree
from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.consensus import (
    AcknowledgedIsDurable,
    Agreement,
    AppliedPrefix,
    MembersChangeByOne,
    NothingBelowAPromise,
    OneLeaderPerBallot,
    PromisesAreKept,
)
from feitian_sim.checking.coordination import (
    FencedExclusion,
    NoticeBeforeEffect,
    NoticesInOrder,
    ReadsNeverGoBack,
    SessionsEndLate,
    StateIsTheLog,
    TreeIsAsCommanded,
)
from feitian_sim.checking.failovers import HealthyOnesGoOn
from feitian_sim.checking.files import pangu_invariants
from feitian_sim.checking.flow_control import CreditsAreConserved, NobodyStarves, StreamsKeepTheirOrder
from feitian_sim.checking.freshness import FreshReadsAreFresh, ReadsAskTheNewestLeader
from feitian_sim.checking.general import DeadIsDead, EverythingEnds, TimeNeverGoesBack
from feitian_sim.checking.give_back import BorrowedIsGivenBack
from feitian_sim.checking.invariant import Invariant
from feitian_sim.checking.jobs import JobsEnd, job_invariants
from feitian_sim.checking.liveness import AnsweredAgain, NoticesArrive, OneLeaderStays, Recoverable, SilentSessionsEnd
from feitian_sim.checking.naming import FoundAgain, NobodyDeadIsListed
from feitian_sim.checking.partitions import KeySpaceIsCovered, OneOwner, TokensGrow
from feitian_sim.checking.ports import PortsOnly
from feitian_sim.checking.probes import Probes
from feitian_sim.checking.replies import CommandsOnce
from feitian_sim.checking.resources import resource_invariants
from feitian_sim.checking.rights import (
    EachVerdictIsRecorded,
    EverybodyIsVerified,
    KeysChangeForNobody,
    NarrowedOnly,
    NothingWithoutRight,
)
from feitian_sim.checking.transport import OneFate, QueuesAreBounded
from feitian_sim.kernel import FactBus


def invariants_for(config: CheckConfig, parts: Collection[str]) -> list[Invariant]:
    """All that have something to judge in a scenario of these parts and loads."""
    return [one for one in _all(config) if not one.needs or any(part in parts for part in one.needs)]


def _all(config: CheckConfig) -> list[Invariant]:
    tree = TreeIsAsCommanded()
    found: list[Invariant] = [
        TimeNeverGoesBack(),
        DeadIsDead(),
        EverythingEnds(),
        OneFate(config),
        QueuesAreBounded(),
        PortsOnly(),
        Agreement(),
        PromisesAreKept(),
        NothingBelowAPromise(),
        PromisedBeforeUsed(),
        OneLeaderPerBallot(),
        AppliedPrefix(),
        AcknowledgedIsDurable(),
        MembersChangeByOne(),
        CommandsOnce(),
        tree,
        StateIsTheLog(tree),
        ReadsNeverGoBack(),
        NoticesInOrder(tree),
        NoticeBeforeEffect(tree),
        FencedExclusion(),
        SessionsEndLate(),
        LinearizableNodes(),
        LinearizableTree(),
        FreshReadsAreFresh(),
        ReadsAskTheNewestLeader(),
        AtMostOnce(),
        RepliesMatch(),
        EndsByItsDeadline(),
        CreditsAreConserved(),
        NobodyStarves(config),
        StreamsKeepTheirOrder(),
        NothingWithoutRight(),
        NarrowedOnly(),
        EverybodyIsVerified(),
        EachVerdictIsRecorded(),
        KeysChangeForNobody(),
        *pangu_invariants(config),
        *resource_invariants(config),
        *job_invariants(),
        *bound_invariants(),
        BorrowedIsGivenBack(),
        HealthyOnesGoOn(),
        OneOwner(),
        KeySpaceIsCovered(),
        TokensGrow(),
    ]
    if config.liveness is not None:
        recoverable = Recoverable()
        found += [
            recoverable,
            AnsweredAgain(config, recoverable),
            OneLeaderStays(config),
            SilentSessionsEnd(config, tree, recoverable),
            NoticesArrive(config, tree, recoverable),
            NobodyDeadIsListed(config, recoverable),
            FoundAgain(config, recoverable),
            JobsEnd(config, recoverable),
        ]
    return found


class Checker:
    """The oracles of one run."""

    def __init__(self, config: CheckConfig, facts: FactBus, parts: Collection[str]) -> None:
        self._wanted = config.invariants
        self.invariants = invariants_for(config, parts)
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
        """How often each had something to judge."""
        return {invariant.id: invariant.evaluated for invariant in self.invariants if invariant.is_judging}

    @property
    def probed(self) -> Mapping[str, int]:
        """How often each interesting moment came."""
        return self._probes.counts


def known_ids() -> tuple[str, ...]:
    """The ids of all invariants."""
    whole: dict[str, Any] = {"liveness": {"after": "1s", "core": ["r0/m0"]}}
    return tuple(invariant.id for invariant in _all(CheckConfig.model_validate(whole)))
