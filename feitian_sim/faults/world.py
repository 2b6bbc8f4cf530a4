"""The world that faults act on, and what an action is.

An action knows one kind of fault: whether a strike would have no effect (``absorbs``), how to begin it, and, as
``begin``'s result, how to end it. The fault kinds of a user's own are classes with these two methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from feitian_sim.faults.fault import Fault
from feitian_sim.faults.meddler import MessageMeddler
from feitian_sim.faults.overlap import Holds, Stack
from feitian_sim.faults.places import Places, places
from feitian_sim.faults.timing import Streams
from feitian_sim.hardware import Daemon, DataCenter
from feitian_sim.kernel import Simulation

Undo = Callable[[], None]
C = TypeVar("C", bound=Fault, contravariant=True)


@dataclass(frozen=True, slots=True)
class LinkEffect:
    """What one fault does to a link."""

    up: bool = True
    loss: float = 0.0
    delay_ns: int = 0
    capacity_factor: float = 1.0


@dataclass
class World:
    """The hardware and processes that can be struck, and who holds what down at present."""

    sim: Simulation
    datacenter: DataCenter
    daemons: Sequence[Daemon]
    #: For each role that elects a leader: on which machine it is now, if there is one.
    leaders: Mapping[str, Callable[[], str | None]] = field(default_factory=dict)
    holds: Holds = field(default_factory=Holds)
    slow_machines: Stack[float] = field(default_factory=Stack)
    slow_disks: Stack[float] = field(default_factory=Stack)
    slow_processes: Stack[float] = field(default_factory=Stack)
    link_effects: Stack[LinkEffect] = field(default_factory=Stack)
    #: Parts per million by which readings of clocks go wrong.
    clock_drifts: Stack[int] = field(default_factory=Stack)
    #: Since when readings of clocks stand still.
    clocks_stood_ns: dict[str, int] = field(default_factory=dict)
    #: Who strikes single messages, in a run in which they are numbered.
    meddler: MessageMeddler | None = None
    #: The fault that strikes at this moment: its identity in facts.
    striking: str = ""

    def __post_init__(self) -> None:
        self._places = places(self.datacenter.config, {})

    def places(self) -> Places:
        """Names of everything, with the roles as they are hosted now."""
        roles: dict[str, dict[str, None]] = {}
        for daemon in self.daemons:
            roles.setdefault(daemon.role, {})[daemon.machine.name] = None
        return replace(self._places, roles=roles)

    def daemon(self, role: str, machine: str) -> Daemon | None:
        """The process of ``role`` on ``machine``."""
        for daemon in self.daemons:
            if daemon.role == role and daemon.machine.name == machine:
                return daemon
        return None

    def leader(self, role: str) -> str | None:
        """The machine of the leader of ``role``; of a role that elects none, the first process of it that runs."""
        if role in self.leaders:
            return self.leaders[role]()
        return next((daemon.machine.name for daemon in self.daemons if daemon.role == role and daemon.alive), None)


class Action(Protocol[C]):
    """What one kind of fault does."""

    def absorbs(self, world: World, fault: C, target: str) -> str:
        """Why a strike on ``target`` would have no effect now; empty when it has one."""
        ...

    def begin(self, world: World, fault: C, target: str, streams: Streams) -> Undo | None:
        """Strike ``target``; the result ends the fault, or is None when it has ended already."""
        ...
