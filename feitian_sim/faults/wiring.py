"""Puts the faults of a scenario on the clock: triggers become timers, strikes become facts and actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from feitian_sim.faults.actions import action_of
from feitian_sim.faults.facts import FaultAbsorbed, FaultEnded, FaultStarted, TraceDropped, TraceRead
from feitian_sim.faults.fault import Fault, Target
from feitian_sim.faults.machine_config import ProcessKill
from feitian_sim.faults.machines import process_name
from feitian_sim.faults.meddler import MessageMeddler
from feitian_sim.faults.message_config import NetworkMessage, NetworkSwizzle, strikes_messages
from feitian_sim.faults.network_config import NetworkPartition
from feitian_sim.faults.networks import partition_target
from feitian_sim.faults.operator_config import OperatorRollingRestart
from feitian_sim.faults.process_config import ProcessCrashAt, ProcessPause, ProcessRestartStorm, ProcessSlow
from feitian_sim.faults.targets import candidates, select
from feitian_sim.faults.timing import fixed_strike_ns, lasting_ns, time_in_service_ns
from feitian_sim.faults.traces import TraceStrike, read_trace
from feitian_sim.faults.world import Undo, World
from feitian_sim.hardware import Daemon, DataCenter
from feitian_sim.kernel import Simulation, Stream


def install(
    sim: Simulation,
    datacenter: DataCenter,
    daemons: Sequence[Daemon],
    faults: Sequence[Fault],
    data_dirs: Sequence[Path] = (),
    base_dir: Path | None = None,
    duration_ns: int | None = None,
    leaders: Mapping[str, Callable[[], str | None]] | None = None,
) -> list[InstalledFault]:
    """Schedule all faults. Raises ScenarioError for a trace that is missing or does not parse.

    ``daemons`` is read again at each strike, so it may grow. ``duration_ns`` is the end of the run: rows of a
    trace that would strike later are counted as dropped. ``leaders`` says who leads each role that elects a leader.
    """
    world = World(sim, datacenter, daemons, leaders or {})
    if any(strikes_messages(fault) for fault in faults):
        world.meddler = MessageMeddler(sim)
        datacenter.network.meddle(world.meddler)
    installed: list[InstalledFault] = []
    of_kind: dict[str, int] = {}
    for position, fault in enumerate(faults):
        kind = str(getattr(fault, "kind", type(fault).__name__))
        of_kind[kind] = of_kind.get(kind, 0) + 1
        # Draws are keyed by kind and number within the kind, so that a fault of another kind moves none of them.
        key = fault.name or (kind if of_kind[kind] == 1 else f"{kind}#{of_kind[kind]}")
        installed.append(InstalledFault(world, fault, kind, fault.name or f"f{position}-{kind}", key))
    for one in installed:
        one.start(data_dirs, base_dir, duration_ns)
    return installed


class InstalledFault:
    """One fault of the scenario during the run."""

    def __init__(self, world: World, fault: Fault, kind: str, fault_id: str, key: str) -> None:
        self._world = world
        self._sim = world.sim
        self._fault = fault
        self._kind = kind
        self._key = key
        self._action = action_of(fault, kind)
        #: Identity in facts.
        self.id = fault_id

    def start(self, data_dirs: Sequence[Path], base_dir: Path | None, duration_ns: int | None) -> None:
        """Schedule the first strikes."""
        match self._fault.trigger:
            case "at" | "every":
                self._schedule_fixed(0)
            case "trace":
                self._schedule_trace(data_dirs, base_dir, duration_ns)
            case "message":
                self._name_message()
            case _:
                for target in self._targets():
                    self._schedule_next(target, self._fault.start)

    def _name_message(self) -> None:
        fault = self._fault
        assert isinstance(fault, NetworkMessage), fault
        # It strikes when the message leaves, and says so then.
        self._world.striking = self.id
        self._action.begin(self._world, fault, fault.target, self._streams)

    def _streams(self, entity: str, purpose: str) -> Stream:
        return self._sim.stream(f"faults.{self._key}", entity, purpose)

    # --- when -------------------------------------------------------------------------------------

    def _schedule_fixed(self, number: int) -> None:
        time_ns = fixed_strike_ns(self._fault, number, self._streams)
        if time_ns is not None:
            self._sim.call_at(time_ns, self._strike_fixed, number)

    def _strike_fixed(self, number: int) -> None:
        self._schedule_fixed(number + 1)
        for target in self._targets():
            self._strike(target, None)

    def _schedule_next(self, target: str, from_ns: int) -> None:
        time_ns = from_ns + time_in_service_ns(self._fault, target, self._streams)
        if self._fault.until is None or time_ns <= self._fault.until:
            self._sim.call_at(time_ns, self._strike_in_service, target)

    def _strike_in_service(self, target: str) -> None:
        self._strike(target, None, lambda: self._schedule_next(target, self._sim.now))

    def _schedule_trace(self, data_dirs: Sequence[Path], base_dir: Path | None, duration_ns: int | None) -> None:
        trace = getattr(self._fault, "trace", None)
        assert trace is not None, self._fault
        cluster = self._world.datacenter.config
        reading = read_trace(trace, self._fault.unit, cluster, base_dir, data_dirs, duration_ns)
        kept = len(reading.strikes)
        why = "; ".join(f"{reason}: {count}" for reason, count in reading.dropped.items())
        self._sim.emit(TraceRead(self.id, reading.file, reading.rows, kept, reading.rows - kept, why))
        for reason, count in reading.dropped.items():
            self._sim.emit(TraceDropped(self.id, reason, count))
        for strike in reading.strikes:
            self._sim.call_at(strike.time_ns, self._strike_traced, strike)

    def _strike_traced(self, strike: TraceStrike) -> None:
        self._strike(strike.target, strike.duration_ns)

    # --- where ------------------------------------------------------------------------------------

    def _targets(self) -> tuple[str, ...]:
        fault, world = self._fault, self._world
        where = world.places()
        target: Target | None = getattr(fault, "target", None)
        leader = world.leader(target.leader) if target is not None and target.leader is not None else None
        if target is not None and target.leader in world.leaders and leader is None:
            # Nobody leads at this moment: there is no one to strike.
            return ()
        names = where.servers if target is None else candidates(target, fault.unit, where, leader)
        stream = self._streams("", "target")
        if isinstance(fault, NetworkPartition):
            return (partition_target(fault, names, where, stream),)
        struck = select(target, names, stream)
        if isinstance(fault, NetworkSwizzle):
            return (",".join(struck),)
        if isinstance(fault, OperatorRollingRestart):
            return (",".join(process_name(fault.target.role or "", machine) for machine in struck),)
        if isinstance(fault, ProcessKill | ProcessPause | ProcessCrashAt | ProcessSlow | ProcessRestartStorm):
            role = fault.target.role or fault.target.leader or ""
            return tuple(process_name(role, machine) for machine in struck)
        return struck

    # --- what -------------------------------------------------------------------------------------

    def _strike(self, target: str, duration_ns: int | None, then: Callable[[], None] | None = None) -> None:
        """Strike; ``then`` is called when the target is in service again."""
        lasting = lasting_ns(self._fault.lasting, target, self._streams)
        why = self._action.absorbs(self._world, self._fault, target)
        if why:
            self._sim.emit(FaultAbsorbed(self.id, self._kind, target, why))
            if then is not None:
                then()
            return
        self._sim.emit(FaultStarted(self.id, self._kind, target))
        self._world.striking = self.id
        undo = self._action.begin(self._world, self._fault, target, self._streams)
        held_ns = lasting if duration_ns is None else duration_ns
        if undo is None:
            self._end(target, None, then)
        elif held_ns is not None:
            self._sim.call_later(held_ns, self._end, target, undo, then)

    def _end(self, target: str, undo: Undo | None, then: Callable[[], None] | None) -> None:
        self._sim.emit(FaultEnded(self.id, self._kind, target))
        if undo is not None:
            undo()
        if then is not None:
            then()
