"""The driver of one life of a ServiceMaster: holds the lock, hears and tells, keeps the table, does what is decided.

It comes up in two steps side by side: it registers with the FuxiMaster, and waits for the service's lock, reads the table
and writes it as its own. A later life then asks every machine on which the service holds anything what runs there. It
renews leases and tells owners only while nobody else can hold the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from feitian_sim.fuxi.app_link import AppLink
from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.messages import Heard
from feitian_sim.fuxi.needs import BE_HEARD_BY_APPLICATION
from feitian_sim.fuxi.resources import Vector
from feitian_sim.fuxi.service.cell import ServiceCell
from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.fuxi.service.facts import PartitionMoved, PartitionSplit, ServiceStarted, TableWritten
from feitian_sim.fuxi.service.messages import Holds, Renew
from feitian_sim.fuxi.service.service_calls import ServiceCalls
from feitian_sim.fuxi.service.service_master import ServiceMaster
from feitian_sim.fuxi.service.serving import ServePlan, ServeWork
from feitian_sim.fuxi.service.table import Table, evenly
from feitian_sim.fuxi.service.table_file import TableFile
from feitian_sim.fuxi.service.workforce import Effects, HoldOrder
from feitian_sim.fuxi.worker_messages import WorkersAre, WorkersGone, WorkerSpec, WorkersReady
from feitian_sim.kernel import Timer
from feitian_sim.kuafu import IncomingCall

Holdings = Mapping[tuple[int, str], int]


class ServiceServer:
    """One life of one service's master. It is told of the FuxiMaster's decisions as :class:`AppEvents`."""

    def __init__(
        self, host: ApplicationHost, cell: ServiceCell, service: ServiceDescription, vectors: tuple[Vector, ...]
    ) -> None:
        self._host = host
        self._cell = cell
        self._service = service
        self._vectors = vectors
        self._roles = tuple(service.roles.values())
        self._sim = host.sim
        self._owner = host.owner
        self._clock = host.machine.clock
        self._app = host.start.app
        self._attempt = host.start.attempt
        self.core: ServiceMaster | None = None
        # What the two steps of coming up have found; None until then.
        self._held: Holdings | None = None
        self._table: Table | None = None
        self._has_table = False
        self._asked: dict[str, None] = {}
        self._is_saving = False
        self._look: Timer | None = None
        self._look_ns = -1
        self._plans = [self._plan(role) for role in range(len(self._roles))]
        client = host.nuwa(f"fuxi.service.{self._app}.{self._attempt}", timeout_ns=cell.config.session)
        of = host.config
        self._file = TableFile(self._sim, self._owner, self._app, client, self.kill, of.retry)
        self.calls = ServiceCalls(host)
        serve = host.endpoint.serve
        serve(WorkersReady, self._workers_ready, BE_HEARD_BY_APPLICATION)
        serve(WorkersGone, self._workers_gone, BE_HEARD_BY_APPLICATION)
        serve(Renew, self._renew, BE_HEARD_BY_APPLICATION)
        self.link = AppLink(
            self._sim,
            host.endpoint,
            host.directory,
            self._app,
            self._attempt,
            self,
            call_ns=of.call,
            retry_ns=of.retry,
        )
        self.link.on_registered.append(self._look_round)
        self._clock.on_change(self._owner, self._clock_changed)

    def _plan(self, role: int) -> ServePlan | None:
        """How the workers of a role serve; None for a role that serves no partitions."""
        of, config, fuxi = self._service.partitions, self._roles[role], self._host.config
        if of is None or role != self._service.serving_role:
            return None
        store = self._cell.store(self._app, of.keys)
        program = self._cell.program(config.program)
        return ServePlan(
            self._cell,
            store.address,
            fuxi.call,
            fuxi.retry,
            config.threads,
            config.service,
            program,
            of.load,
            of.unload,
        )

    # Coming up

    def start(self) -> None:
        """Begin."""
        self._file.acquire(self._locked)

    def _locked(self) -> None:
        if self._service.partitions is None:
            self._has_table = True
            self._go_on()
        else:
            self._file.read(self._found)

    def _found(self, table: Table | None) -> None:
        of = self._service.partitions
        assert of is not None, "there is a table to be found"
        if table is None:
            claimed = evenly(of.keys, of.count, self._attempt)
        else:
            claimed = Table(self._attempt, table.number + 1, table.last, table.token, table.keys, table.partitions)
        self._file.write(claimed, partial(self._claimed, claimed))

    def _claimed(self, table: Table) -> None:
        self._table, self._has_table = table, True
        self._tell_table(table)
        self._go_on()

    def _go_on(self) -> None:
        """With everything known, begin, or find out what runs."""
        if self.core is not None or self._held is None or not self._has_table:
            return
        of = self._service.partitions
        policy = self._cell.policy(of.hot.kind if of is not None else "leave-alone")
        now_ns = self._clock.monotonic_ns
        core = self.core = ServiceMaster(self._service, self._table, self._attempt, self._cell.config, policy, now_ns)
        if self._attempt == 1 and not self._held:
            core.begin(now_ns)
            self._tell_started()
            self._act()
            return
        held = {(unit - 1, machine): count for (unit, machine), count in self._held.items()}
        core.restore(held, now_ns)
        self._asked = dict.fromkeys(machine for _, machine in self._held)
        for machine in list(self._asked):
            self.calls.ask(machine, partial(self._heard_of, machine))
        self._owner.call_later(self._cell.config.adopt_within, self._open_up)
        self._open_up_if_all()

    def _heard_of(self, machine: str, reply: WorkersAre) -> None:
        self._asked.pop(machine, None)
        self._tell("adopt", machine, reply.workers)
        self._open_up_if_all()

    def _open_up_if_all(self) -> None:
        if not self._asked:
            self._open_up()

    def _open_up(self) -> None:
        if self.core is not None and self.core.is_held:
            self._tell_started()
            self._tell("open_up")

    def kill(self) -> None:
        """End the process: it is replaced, or must take itself to be."""
        self._owner.kill()

    # What the FuxiMaster says

    def restored(self, holdings: Holdings) -> None:
        """What an earlier life held."""
        self._held = dict(holdings)
        self._go_on()

    def granted(self, unit: int, machine: str, count: int) -> None:
        """More workers of a role may run."""
        self._tell("granted", unit - 1, machine, count)

    def taken_back(self, unit: int, machine: str, count: int) -> None:
        """Workers of a role are to end."""
        self._tell("taken_back", unit - 1, machine, count)

    def lost(self, machine: str) -> None:
        """A machine is gone, or cut off."""
        if self._held is not None:
            self._held = {key: count for key, count in self._held.items() if key[1] != machine}
        self.calls.lost(machine)
        self._tell("lost", machine)
        if self._asked.pop(machine, machine) is None:
            self._open_up_if_all()

    def disabled(self, machine: str) -> None:
        """A machine gets nothing new."""
        self._tell("disabled", machine)

    def enabled(self, machine: str) -> None:
        """A machine may get something again: whoever was moved from it stays where it is."""

    def _look_round(self) -> None:
        """There is a new FuxiMaster: what came and went while there was none is told by nobody, so ask all."""
        core = self.core
        if core is None or core.is_held:
            return
        for machine in dict.fromkeys(worker.machine for worker in core.force.workers.values()):
            there = [worker for worker in core.force.workers.values() if worker.machine == machine]
            for role in dict.fromkeys(worker.role for worker in there):
                starting = [worker.number for worker in there if worker.role == role and not worker.ready]
                if starting:
                    # Said twice it is once, and who has forgotten it starts them now.
                    self.calls.start(machine, self._spec(role), starting)
            known = [worker.number for worker in there if worker.ready]
            self.calls.ask(machine, partial(self._looked, machine, known))

    def _looked(self, machine: str, known: list[int], reply: WorkersAre) -> None:
        """What a machine says; workers that were up when it was asked, and are not there, are gone."""
        there = {state.worker: state for state in reply.workers}
        self._tell("workers_gone", machine, [number for number in known if number not in there], "vanished")
        for state in reply.workers:
            if state.piece is None:
                self._tell("workers_ready", machine, state.unit - 1, [state.worker])

    # What Tubos and workers say

    def _workers_ready(self, call: IncomingCall) -> None:
        message: WorkersReady = call.message
        call.reply(Heard(self.link.epoch))
        self._tell("workers_ready", message.machine, message.unit - 1, message.workers)

    def _workers_gone(self, call: IncomingCall) -> None:
        message: WorkersGone = call.message
        if self.core is None:
            call.fail("the master is coming up")
            return
        call.reply(Heard(self.link.epoch))
        if message.unused:
            self.link.given_back(message.unit, message.machine, message.unused)
        self._tell("workers_gone", message.machine, message.workers, message.why)

    def _renew(self, call: IncomingCall) -> None:
        core = self.core
        if core is None or core.is_over or not self._file.is_certain:
            call.fail("the master is coming up")
            return
        answer = core.renew(call.message, self._clock.monotonic_ns)
        if answer is None:
            call.fail("the master is coming up")
        else:
            call.reply(answer)
        self._act()

    def _held_by(self, order: HoldOrder, holds: Holds) -> None:
        self._tell("heard", order.worker, holds)

    def _tell(self, method: str, *args: Any) -> None:
        """Tell the core, and do what it decides."""
        core = self.core
        if core is not None and not core.is_over:
            getattr(core, method)(*args, self._clock.monotonic_ns)
            self._act()

    # Acting

    def _act(self) -> None:
        core = self.core
        assert core is not None, "there is nobody to act for"
        effects = core.take_effects()
        if effects.ended:
            # Lock and workers go with the processes, which the FuxiMaster has ended, as when somebody stops a service.
            self.link.end(False, effects.ended)
            return
        self._units(effects)
        work: dict[str, list[tuple[int, ServeWork]]] = {}
        for machine, worker, role in effects.assigns:
            made = ServeWork(("serve", worker), self._plans[role], self._host.endpoint.address)
            work.setdefault(machine, []).append((worker, made))
        for machine, given in work.items():
            self.calls.assign(machine, given)
        for order in effects.holds:
            again = partial(self._tell, "hold_again", order.worker, order.number)
            if self._file.is_certain:
                self.calls.hold(order, partial(self._held_by, order), again)
            else:
                # Perhaps it is cut off for a moment only; if not, this process ends.
                self._owner.call_later(self._host.config.retry, again)
        for moved in effects.moved:
            row = (moved.partition, moved.source, moved.worker, moved.machine, moved.token, moved.why)
            self._sim.emit(PartitionMoved(self._app, *row))
        for split in effects.splits:
            row_of = (split.partition, split.low, split.middle, split.high, split.first, split.second)
            self._sim.emit(PartitionSplit(self._app, *row_of))
        self._save(core)
        self._look_later(core)

    def _spec(self, role: int) -> WorkerSpec:
        return WorkerSpec(role + 1, self._vectors[role], self._roles[role].package)

    def _units(self, effects: Effects) -> None:
        """Tell the FuxiMaster and the Tubos what is wanted, started, stopped and given back."""
        link = self.link
        for (machine, role), workers in effects.starts.items():
            self.calls.start(machine, self._spec(role), workers)
        for (machine, role), workers in effects.stops.items():
            self.calls.stop(machine, workers)
            link.given_back(role + 1, machine, len(workers))
        for machine, workers in effects.revoked.items():
            self.calls.stop(machine, workers)
        for (machine, role), count in effects.gone.items():
            link.given_back(role + 1, machine, count)
        for (machine, role), count in effects.unused.items():
            link.return_unused(role + 1, machine, count)
        for role, delta in effects.wants:
            link.want(role + 1, delta, vector=self._vectors[role], priority=self._roles[role].priority)

    # The table

    def _save(self, core: ServiceMaster) -> None:
        if core.book.dirty and not self._is_saving:
            self._is_saving = True
            # What else is decided at this instant goes with it.
            self._owner.call_later(0, self._write)

    def _write(self) -> None:
        core = self.core
        assert core is not None, "there is nothing to write"
        table = core.book.begin_save()
        self._file.write(table, partial(self._saved, table))

    def _saved(self, table: Table) -> None:
        self._is_saving = False
        self._tell_table(table)
        self._tell("saved")

    def _tell_table(self, table: Table) -> None:
        if self._sim.facts.wants(TableWritten):
            rows = ",".join(f"{one.number}:{one.low}-{one.high}:{one.worker}:{one.token}" for one in table.partitions)
            self._sim.emit(TableWritten(self._app, table.attempt, table.number, table.keys, rows))

    def _tell_started(self) -> None:
        core = self.core
        assert core is not None, "it has started"
        workers = len(core.force.workers)
        self._sim.emit(ServiceStarted(self._app, self._attempt, len(core.book.rows), workers))

    # Time

    def _clock_changed(self) -> None:
        if self.core is not None:
            self._look_ns = -1
            self._look_later(self.core)

    def _look_later(self, core: ServiceMaster) -> None:
        look_ns = core.next_look_ns()
        if self._look is not None and self._look.active and 0 <= self._look_ns <= look_ns:
            return
        if self._look is not None:
            self._look.cancel()
        self._look_ns = look_ns
        self._look = self._clock.timer(self._owner, look_ns, self._wake)

    def _wake(self) -> None:
        self._tell("wake")
