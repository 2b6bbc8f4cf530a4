"""The driver of one life of a JobMaster: hears and tells, keeps the snapshot, and does what the core decides.

It comes up in three steps that run side by side: it registers with the FuxiMaster, looks up the job's input files in
Pangu, and, as a later life, takes over the snapshot. A later life then asks every machine on which the job holds anything
what runs there, and goes on once all have answered, are lost, or have been waited for long enough.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

from feitian_sim.fuxi.app_link import AppLink
from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.job.cell import JobCell
from feitian_sim.fuxi.job.effects import Effects
from feitian_sim.fuxi.job.inputs import splits_of
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.job.job_messages import AskOutputs
from feitian_sim.fuxi.job.orders import WorkMaker
from feitian_sim.fuxi.job.plan import JobPlan
from feitian_sim.fuxi.job.recording import JobRecorder
from feitian_sim.fuxi.job.sizes import sizes_of
from feitian_sim.fuxi.job.snapshot import Snapshot, too_large
from feitian_sim.fuxi.job.snapshot_file import SnapshotFile
from feitian_sim.fuxi.job.split import Split
from feitian_sim.fuxi.job.worker_calls import WorkerCalls
from feitian_sim.fuxi.messages import Heard, Preference
from feitian_sim.fuxi.needs import BE_HEARD_BY_APPLICATION
from feitian_sim.fuxi.worker_messages import Results, WorkersAre, WorkersGone, WorkersReady
from feitian_sim.kernel import SimulatedError, Timer
from feitian_sim.kuafu import IncomingCall

Holdings = Mapping[tuple[int, str], int]


class JobServer:
    """One life of one job's master. It is told of the FuxiMaster's decisions as :class:`AppEvents`."""

    def __init__(self, host: ApplicationHost, cell: JobCell, plan: JobPlan) -> None:
        self._host = host
        self._cell = cell
        self._plan = plan
        self._sim = host.sim
        self._owner = host.owner
        self._app = host.start.app
        self._attempt = host.start.attempt
        self._machines = host.datacenter.machines
        self.core: JobMaster | None = None
        # What the three steps of coming up have found; None until then.
        self._splits: list[list[Split]] | None = None
        self._held: Holdings | None = None
        self._snapshot: Snapshot | None = None
        self._is_claimed = False
        # Machines that have not said what runs there.
        self._asked: dict[str, None] = {}
        self._save_timer: Timer | None = None
        self._is_saving = False
        self._saved_ns = -(10**18)
        self._look: Timer | None = None
        self._look_ns = -1
        self._file = SnapshotFile(
            self._owner,
            self._app,
            self._attempt,
            lambda number: host.nuwa(f"fuxi.job.{self._app}.{self._attempt}.{number}"),
            self._replaced,
            host.config.retry,
        )
        self.calls = WorkerCalls(host, cell.config.decision_cost)
        self._serve()
        self.link = AppLink(
            host.sim,
            host.endpoint,
            host.directory,
            self._app,
            self._attempt,
            self,
            call_ns=host.config.call,
            retry_ns=host.config.retry,
        )
        self.link.on_registered.append(self._look_round)

    def _serve(self) -> None:
        endpoint = self._host.endpoint
        self._cell.masters[self._app] = endpoint.address
        endpoint.serve(WorkersReady, self._workers_ready, BE_HEARD_BY_APPLICATION)
        endpoint.serve(WorkersGone, self._workers_gone, BE_HEARD_BY_APPLICATION)
        endpoint.serve(Results, self._results, BE_HEARD_BY_APPLICATION)
        endpoint.serve(AskOutputs, self._ask_outputs, BE_HEARD_BY_APPLICATION)

    # Coming up

    def start(self) -> None:
        """Begin all three steps."""
        self._owner.process(self._look_up())
        self._file.open(self._opened)

    def _look_up(self) -> Generator[Any, Any, None]:
        client = None
        if any(task.files for task in self._plan.tasks) and self._host.pangu is not None:
            client = self._host.pangu(f"fuxi.job.{self._app}.{self._attempt}")
        try:
            self._splits = yield from splits_of(self._plan, client)
        except SimulatedError as error:
            self.link.end(False, str(error))
            return
        self._go_on()

    def _opened(self) -> None:
        if self._attempt == 1:
            self._claimed(None)
        else:
            self._file.claim(self._claimed)

    def _claimed(self, snapshot: Snapshot | None) -> None:
        self._snapshot, self._is_claimed = snapshot, True
        self._go_on()

    def _go_on(self) -> None:
        """With everything known, begin, or find out what runs."""
        if self.core is not None or self._splits is None or self._held is None or not self._is_claimed:
            return
        draws = self._sim.stream("fuxi.job", self._app)
        sizes = sizes_of(self._plan, self._splits, draws)
        refusal = too_large([(size.instances, noted) for size, noted in zip(sizes, self._plan.noted(), strict=True)])
        if refusal:
            self.link.end(False, refusal)
            return
        core = self.core = JobMaster(
            self._plan, sizes, self._cell.config, [machine.rack for machine in self._machines], self._attempt
        )
        master = self._cell.masters
        address = self._host.endpoint.address
        self._work = WorkMaker(
            self._app,
            core,
            self._cell.shuffles,
            lambda: master.get(self._app, address),
            self._host.config.call,
            draws.child("failures"),
        )
        self._record = JobRecorder(self._sim, self._app, core, self._machines)
        if self._attempt == 1 and not self._held:
            core.begin(self._sim.now)
            self._record.planned()
            self._record.started()
            self._act()
            return
        held = {(unit - 1, self._index(machine)): count for (unit, machine), count in self._held.items()}
        core.restore(self._snapshot, held)
        self._record.planned()
        self._asked = dict.fromkeys(machine for _, machine in self._held)
        for machine in list(self._asked):
            self.calls.ask(machine, lambda reply, name=machine: self._heard_of(name, reply))  # type: ignore[misc]
        self._owner.call_later(self._cell.config.adopt_within, self._open_up)
        self._open_up_if_all()

    def _heard_of(self, machine: str, reply: WorkersAre) -> None:
        core = self.core
        assert core is not None, "machines are asked for the core"
        core.adopt(self._index(machine), reply.workers, reply.kept, self._sim.now)
        self._asked.pop(machine, None)
        if core.force.is_held:
            self._open_up_if_all()
        else:
            self._act()

    def _open_up_if_all(self) -> None:
        if not self._asked:
            self._open_up()

    def _open_up(self) -> None:
        core = self.core
        if core is not None and core.force.is_held:
            core.open_up(self._sim.now)
            self._record.started()
            self._act()

    def _replaced(self) -> None:
        """A later life has taken over: this process ends."""
        self.kill()

    def kill(self) -> None:
        """End the process."""
        self._owner.kill()

    def _index(self, machine: str) -> int:
        return self._host.datacenter.machine(machine).index

    # What the FuxiMaster says

    def restored(self, holdings: Holdings) -> None:
        """What an earlier life held."""
        self._held = dict(holdings)
        self._go_on()

    def granted(self, unit: int, machine: str, count: int) -> None:
        """More workers of a task may run."""
        self._tell("granted", unit - 1, self._index(machine), count)

    def taken_back(self, unit: int, machine: str, count: int) -> None:
        """Workers of a task are to end."""
        self._tell("taken_back", unit - 1, self._index(machine), count)

    def lost(self, machine: str) -> None:
        """A machine is gone."""
        if self._held is not None:
            self._held = {key: count for key, count in self._held.items() if key[1] != machine}
        self.calls.lost(machine)
        self._tell("lost", self._index(machine))
        if self._asked.pop(machine, machine) is None:
            self._open_up_if_all()

    def disabled(self, machine: str) -> None:
        """A machine gets nothing new."""
        self._tell("disabled", self._index(machine))

    def enabled(self, machine: str) -> None:
        """A machine that was disabled may get something again."""
        self._tell("enabled", self._index(machine))

    def _look_round(self) -> None:
        """There is a new FuxiMaster: a machine that came and went while there was none is told by nobody, so ask all."""
        core = self.core
        if core is None or core.force.is_held or core.is_over:
            return
        for index in core.force.machines():
            known = {worker.number: worker.ready for worker in core.force.on(index)}
            name = self._machines[index].name
            for task in core.tasks:
                starting = [number for number, ready in known.items() if not ready and number in task.workers]
                if starting:
                    # Said twice it is once, and who has forgotten it starts them now.
                    self.calls.start_of_task(name, task.number, task.plan, starting)
            self.calls.ask(name, partial(self._looked, index, [number for number, ready in known.items() if ready]))

    def _looked(self, index: int, known: list[int], reply: WorkersAre) -> None:
        """What a machine says; workers that were up when it was asked, and are not there, are gone."""
        there = {state.worker: state.unit for state in reply.workers}
        self._tell("results", index, reply.kept)
        self._tell("workers_gone", index, [number for number in known if number not in there], "vanished")
        for number, unit in there.items():
            self._tell("workers_ready", index, unit - 1, [number])

    # What Tubos, workers and instances say

    def _workers_ready(self, call: IncomingCall) -> None:
        message: WorkersReady = call.message
        call.reply(Heard(self.link.epoch))
        if self.core is not None:
            self._record.ready(message.workers)
        self._tell("workers_ready", self._index(message.machine), message.unit - 1, message.workers)

    def _workers_gone(self, call: IncomingCall) -> None:
        message: WorkersGone = call.message
        call.reply(Heard(self.link.epoch))
        if message.unused:
            self.link.given_back(message.unit, message.machine, message.unused)
        self._tell("workers_gone", self._index(message.machine), message.workers, message.why)

    def _results(self, call: IncomingCall) -> None:
        core = self.core
        if core is None:
            # Not yet: the workers keep what they have, and say it again.
            call.fail("the master is coming up")
            return
        message: Results = call.message
        call.reply(Heard(self.link.epoch))
        self._record.results(message.results)
        self._tell("results", self._index(message.machine), message.results)

    def _ask_outputs(self, call: IncomingCall) -> None:
        core = self.core
        if core is None or core.force.is_held:
            call.fail("the master is coming up")
            return
        ask: AskOutputs = call.message
        edge = core.tasks[ask.task].plan.edges[ask.edge]
        for machine in ask.gone:
            # Or it is there, and out of reach.
            core.output_lost(edge.source, machine, self._sim.now)
        call.reply(self._work.answer(ask))
        if ask.gone:
            self._tell("wake")

    def _tell(self, method: str, *args: Any) -> None:
        """Tell the core, and do what it decides."""
        core = self.core
        if core is not None and not core.is_over:
            getattr(core, method)(*args, self._sim.now)
            self._act()

    # Acting

    def _act(self) -> None:
        core = self.core
        assert core is not None, "there is nobody to act for"
        effects = core.take_effects()
        self._record.effects(effects)
        self._units(effects)
        names = self._machines
        for (index, task), workers in effects.starts.items():
            self.calls.start_of_task(names[index].name, task, core.tasks[task].plan, workers)
        if effects.orders:
            work = [(order, self._work.work(order)) for order in effects.orders]
            self.calls.assign(work, names, core)
        for index, pieces in effects.forget.items():
            self.calls.forget(names[index].name, pieces)
        for index, why in effects.bad:
            self.link.bad_machine(names[index].name, why)
        if effects.ended is not None:
            self._end(*effects.ended)
            return
        self._save_soon(core)
        self._look_later(core)

    def _units(self, effects: Effects) -> None:
        """Tell the FuxiMaster and the Tubos what is wanted, given back and stopped."""
        names, link = self._machines, self.link
        for (index, task), workers in effects.stops.items():
            self.calls.stop(names[index].name, workers)
            link.given_back(task + 1, names[index].name, len(workers))
        for index, workers in effects.revoked.items():
            self.calls.stop(names[index].name, workers)
        for (index, task), count in effects.gone.items():
            link.given_back(task + 1, names[index].name, count)
        for (index, task), count in effects.unused.items():
            link.return_unused(task + 1, names[index].name, count)
        for want in effects.wants:
            plan = self._plan.tasks[want.task]
            preferences = [Preference("machine", names[index].name, count) for index, count in want.preferences.items()]
            avoid = None if want.avoid is None else tuple(names[index].name for index in want.avoid)
            link.want(
                want.task + 1,
                want.delta,
                vector=plan.vector,
                priority=plan.priority,
                preferences=preferences,
                avoid=avoid,
            )

    def _end(self, ok: bool, why: str) -> None:
        self._record.ended(ok, why, self._file.writes)
        self._record.decisions(self.calls.scheduled, self.calls.deciding_ns)
        self._cell.outputs.end(self._app)
        self._cell.masters.pop(self._app, None)
        self.link.end(ok, why)
        self._file.close()

    # The snapshot

    def _save_soon(self, core: JobMaster) -> None:
        if not core.commits.dirty or self._is_saving:
            return
        now_ns = self._sim.now
        due_ns = now_ns if core.commits.is_urgent else max(now_ns, self._saved_ns + self._cell.config.snapshot_every)
        if self._save_timer is not None and self._save_timer.active:
            if due_ns > now_ns:
                return
            self._save_timer.cancel()
        if due_ns == now_ns:
            self._save()
        else:
            self._save_timer = self._owner.timer(due_ns - now_ns, self._save)

    def _save(self) -> None:
        core = self.core
        if core is None or core.is_over or self._is_saving or not core.commits.dirty:
            return
        self._is_saving = True
        self._saved_ns = self._sim.now
        self._file.write(core.commits.begin(), self._saved)

    def _saved(self) -> None:
        self._is_saving = False
        self._tell("saved")

    # Time

    def _look_later(self, core: JobMaster) -> None:
        look_ns = core.next_look_ns(self._sim.now)
        if look_ns is None or (self._look is not None and self._look.active and self._look_ns <= look_ns):
            return
        if self._look is not None:
            self._look.cancel()
        self._look_ns = look_ns
        self._look = self._owner.timer(look_ns - self._sim.now, self._wake)

    def _wake(self) -> None:
        self._tell("wake")
