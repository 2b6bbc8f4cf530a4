"""All invariants, in the order in which they hear of a fact: of several that it breaks, the first here is told."""

from __future__ import annotations

from collections.abc import Collection
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
from feitian_sim.checking.packages import package_invariants
from feitian_sim.checking.partitions import KeySpaceIsCovered, OneOwner, TokensGrow
from feitian_sim.checking.ports import PortsOnly
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


def invariants_for(config: CheckConfig, parts: Collection[str]) -> list[Invariant]:
    """All that have something to judge in a scenario of these parts and loads."""
    return [one for one in _all(config) if not one.needs or any(part in parts for part in one.needs)]


def known_ids() -> tuple[str, ...]:
    """The ids of all invariants."""
    whole: dict[str, Any] = {"liveness": {"after": "1s", "core": ["r0/m0"]}}
    return tuple(invariant.id for invariant in _all(CheckConfig.model_validate(whole)))


def _all(config: CheckConfig) -> list[Invariant]:
    tree = TreeIsAsCommanded()
    found: list[Invariant] = [
        TimeNeverGoesBack(),
        DeadIsDead(),
        EverythingEnds(),
        OneFate(config),
        QueuesAreBounded(),
        PortsOnly(),
        *_of_the_log(),
        *_of_nuwa(tree),
        *_of_histories(),
        *_of_calls(config),
        *_of_rights(),
        *pangu_invariants(config),
        *resource_invariants(config),
        *job_invariants(),
        *bound_invariants(),
        *package_invariants(),
        BorrowedIsGivenBack(),
        HealthyOnesGoOn(),
        OneOwner(),
        KeySpaceIsCovered(),
        TokensGrow(),
    ]
    return found if config.liveness is None else [*found, *_in_time(config, tree)]


def _of_the_log() -> list[Invariant]:
    return [
        Agreement(),
        PromisesAreKept(),
        NothingBelowAPromise(),
        PromisedBeforeUsed(),
        OneLeaderPerBallot(),
        AppliedPrefix(),
        AcknowledgedIsDurable(),
        MembersChangeByOne(),
        CommandsOnce(),
    ]


def _of_nuwa(tree: TreeIsAsCommanded) -> list[Invariant]:
    return [
        tree,
        StateIsTheLog(tree),
        ReadsNeverGoBack(),
        NoticesInOrder(tree),
        NoticeBeforeEffect(tree),
        FencedExclusion(),
        SessionsEndLate(),
    ]


def _of_histories() -> list[Invariant]:
    return [LinearizableNodes(), LinearizableTree(), FreshReadsAreFresh(), ReadsAskTheNewestLeader()]


def _of_calls(config: CheckConfig) -> list[Invariant]:
    return [
        AtMostOnce(),
        RepliesMatch(),
        EndsByItsDeadline(),
        CreditsAreConserved(),
        NobodyStarves(config),
        StreamsKeepTheirOrder(),
    ]


def _of_rights() -> list[Invariant]:
    return [
        NothingWithoutRight(),
        NarrowedOnly(),
        EverybodyIsVerified(),
        EachVerdictIsRecorded(),
        KeysChangeForNobody(),
    ]


def _in_time(config: CheckConfig, tree: TreeIsAsCommanded) -> list[Invariant]:
    """What must come about within a bound, once faults have ended."""
    recoverable = Recoverable()
    return [
        recoverable,
        AnsweredAgain(config, recoverable),
        OneLeaderStays(config),
        SilentSessionsEnd(config, tree, recoverable),
        NoticesArrive(config, tree, recoverable),
        NobodyDeadIsListed(config, recoverable),
        FoundAgain(config, recoverable),
        JobsEnd(config, recoverable),
    ]
