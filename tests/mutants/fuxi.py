"""Bugs in Fuxi's books, fail-overs, snapshots and Tubos, of kinds that YARN, Kubernetes, Spark and HBase have had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from feitian_sim.fuxi.app_link import _Unit
from feitian_sim.fuxi.applications import Applications
from feitian_sim.fuxi.granting import Granting
from feitian_sim.fuxi.job.blacklist import Blacklist
from feitian_sim.fuxi.job.instance_table import ENDED
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.job.shuffle import _Pull
from feitian_sim.fuxi.job.snapshot_file import SnapshotFile
from feitian_sim.fuxi.ledger import Ledger
from feitian_sim.fuxi.machine_keeping import Machines
from feitian_sim.fuxi.make_room import MakeRoom, _Plan
from feitian_sim.fuxi.process_table import RUNNING, STARTING, Process, UnitHere, WorkerProcess
from feitian_sim.fuxi.quota import Group
from feitian_sim.fuxi.scheduler import Scheduler
from feitian_sim.fuxi.tubo import Tubo
from feitian_sim.fuxi.tubo_due import Due
from feitian_sim.fuxi.tubo_effects import Start
from feitian_sim.fuxi.tubo_server import TuboServer
from feitian_sim.fuxi.worker_context import RunningWorker
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_FUXI = "scenarios/check/fuxi.yaml"
_QUOTA = "scenarios/check/quota.yaml"
_PREEMPTION = "scenarios/check/preemption.yaml"
_DISABLED = "scenarios/check/disabled.yaml"


def _nothing(*_: Any) -> None:
    """Nothing."""


# The FuxiMaster


def _empty_until_told(patch: Patch, hit: Hit) -> None:
    take_in = Machines._take_in

    def taken(self: Machines, machine: Any, message: Any, now_ns: int) -> None:
        if message.running:
            hit()
        take_in(self, machine, replace(message, running=()), now_ns)

    patch.setattr(Machines, "_take_in", taken)


def _workers_go_with_their_master(patch: Patch, hit: Hit) -> None:
    ended = Applications.master_ended

    def told(self: Applications, name: str, attempt: int, why: str, now_ns: int) -> None:
        books = self._books
        for machine in dict.fromkeys(place for _, place, _ in books.holdings(name)):
            if machine.standing == "up":
                hit()
                self.order_end(machine, name)
        ended(self, name, attempt, why, now_ns)

    patch.setattr(Applications, "master_ended", told)


def _no_maximum(patch: Patch, hit: Hit) -> None:
    room = Group.room

    def any_number(self: Group, shape: Any) -> int | None:
        if room(self, shape) is not None:
            hit()
        return None

    patch.setattr(Group, "room", any_number)


def _unused_in_silence(patch: Patch, hit: Hit) -> None:
    def forgotten(self: Tubo, unit: UnitHere, count: int) -> None:
        if count > 0:
            hit()
            unit.allowed -= count
            if not unit.unused:
                unit.unused_ns = -1

    patch.setattr(Tubo, "_give_back", forgotten)


def _disabled_and_open(patch: Patch, hit: Hit) -> None:
    def closed(self: Scheduler, machine: int) -> list[Any]:
        hit()
        return []

    patch.setattr(Scheduler, "close", closed)


def _offered_to_nobody(patch: Patch, hit: Hit) -> None:
    def freed(self: Granting, machine: Any) -> None:
        hit()
        self._ledger.show(machine)

    patch.setattr(Granting, "freed", freed)


def _wishes_not_said_again(patch: Patch, hit: Hit) -> None:
    total = _Unit.total

    def none(self: _Unit, unit: int) -> Any:
        known = total(self, unit)
        if known.wanted:
            hit()
        return replace(known, wanted=0, preferences=())

    patch.setattr(_Unit, "total", none)


def _freed_below_nothing(patch: Patch, hit: Hit) -> None:
    news, gone = Machines.news, Ledger.gone

    def told(self: Machines, ticket: int, message: Any, now_ns: int) -> None:
        machine = self._books.machines[self._books.index[message.machine]]
        if message.freed and machine.heard == message.seq and message.epoch == self._books.epoch:
            # Its answer got lost: it is taken for news once more.
            machine.heard -= 1
        news(self, ticket, message, now_ns)

    def counted(self: Ledger, unit: Any, machine: Any, count: int) -> int:
        went = gone(self, unit, machine, count)
        if went < count:
            hit()
            self.take(unit, machine, went - count)
        return count

    patch.setattr(Machines, "news", told)
    patch.setattr(Ledger, "gone", counted)


def _oldest_goes_first(patch: Patch, hit: Hit) -> None:
    in_order = MakeRoom._in_order

    def by_age(self: MakeRoom, unit: Any, machine: Any, why: Any) -> list[Any]:
        victims = in_order(self, unit, machine, why)
        if len({victim.priority for victim in victims}) > 1:
            hit()
        place = {other: arrival for arrival, other in enumerate(machine.units)}
        return sorted(victims, key=place.__getitem__)

    def cost(self: _Plan) -> tuple[int, int, int, int]:
        # Priorities are not looked at here either.
        return (bool(self.victims), 0, sum(count for _, count in self.victims), self.machine.index)

    patch.setattr(MakeRoom, "_in_order", by_age)
    patch.setattr(_Plan, "cost", property(cost))


# Tubos


def _free_when_told_to_go(patch: Patch, hit: Hit) -> None:
    end, release = Tubo._end_process, Tubo._release

    def ended(self: Tubo, process: Process, why: str) -> None:
        goes = process.state in (STARTING, RUNNING)
        end(self, process, why)
        if goes:
            hit()
            self.news.freed(process.unit, 1, "stopped")
            process.ready_ns = -1

    def released(self: Tubo, process: Process, why: str) -> None:
        if process.ready_ns != -1:
            release(self, process, why)
            return
        with Patch.context() as silent:
            silent.setattr(self.news, "freed", _nothing)
            release(self, process, why)

    patch.setattr(Tubo, "_end_process", ended)
    patch.setattr(Tubo, "_release", released)


def _strangers_are_killed(patch: Patch, hit: Hit) -> None:
    adopt = TuboServer._adopt

    def adopted(self: TuboServer) -> None:
        for process in self.table.processes():
            if isinstance(process, WorkerProcess) and process.state == RUNNING:
                hit()
                self.core._end_process(process, "ended")
        self._run(self.core._take())
        adopt(self)

    patch.setattr(TuboServer, "_adopt", adopted)


def _started_without_leave(patch: Patch, hit: Hit) -> None:
    serve = Tubo._serve

    def served(self: Tubo, unit: UnitHere, now_ns: int) -> None:
        serve(self, unit, now_ns)
        while unit.waiting and unit.number:
            hit()
            process = unit.waiting.popleft()
            unit.held += 1
            process.state = STARTING
            process.allowed_ns = now_ns
            self._effects.append(Start(process))

    patch.setattr(Tubo, "_serve", served)


def _memory_unseen(patch: Patch, hit: Hit) -> None:
    found = Due.found

    def none(self: Due, now_ns: int) -> list[WorkerProcess]:
        for _ in found(self, now_ns):
            hit()
        return []

    patch.setattr(Due, "found", none)


# Jobs


def _never_opened_again(patch: Patch, hit: Hit) -> None:
    again = SnapshotFile._again

    def tried(self: SnapshotFile, answer: Any, step: Callable[[], object]) -> None:
        if answer.error == "session-expired":
            hit()
        else:
            again(self, answer, step)

    patch.setattr(SnapshotFile, "_again", tried)


def _committed_before_written(patch: Patch, hit: Hit) -> None:
    write = SnapshotFile.write

    def written(self: SnapshotFile, snapshot: Any, then: Callable[[], object]) -> None:
        hit()
        # All at once, as if the file could wait.
        self._owner.call_later(300_000_000, write, self, snapshot, _nothing)
        then()

    patch.setattr(SnapshotFile, "write", written)


def _begun_on_results(patch: Patch, hit: Hit) -> None:
    is_open = JobMaster._is_open

    def opened(self: JobMaster, task: Any, number: int) -> bool:
        table = self.tasks[task.plan.edges[number].source].table
        if not is_open(self, task, number) and table.done == table.count:
            hit()
            return True
        return is_open(self, task, number)

    patch.setattr(JobMaster, "_is_open", opened)


def _run_again_when_told_twice(patch: Patch, hit: Hit) -> None:
    ended_well = JobMaster._ended_well

    def ended(self: JobMaster, task: Any, machine: int, result: Any, worker: Any, now_ns: int) -> None:
        _, instance, _ = result.piece
        if task.table.state[instance] >= ENDED and worker is None:
            hit()
            task.again(instance)
            return
        ended_well(self, task, machine, result, worker, now_ns)

    patch.setattr(JobMaster, "_ended_well", ended)


def _both_attempts_count(patch: Patch, hit: Hit) -> None:
    ended_well = JobMaster._ended_well

    def ended(self: JobMaster, task: Any, machine: int, result: Any, worker: Any, now_ns: int) -> None:
        _, instance, attempt = result.piece
        table = task.table
        if table.state[instance] < ENDED:
            with Patch.context() as racing:
                # Nobody who lost the race is stopped.
                racing.setattr(task, "others_at", lambda instance: [])
                ended_well(self, task, machine, result, worker, now_ns)
        elif worker is None or table.attempt[instance] == attempt:
            ended_well(self, task, machine, result, worker, now_ns)
        else:
            hit()
            task.leave(worker)
            table.move(instance, ENDED)
            table.machine[instance], table.attempt[instance] = machine, attempt
            self.commits.ended(task.number, instance, result.worker)

    patch.setattr(JobMaster, "_ended_well", ended)


def _pulled_for_ever(patch: Patch, hit: Hit) -> None:
    failed = _Pull._failed

    def again(self: _Pull, index: int, size_bytes: int) -> None:
        hit()
        self._tries.clear()
        failed(self, index, size_bytes)

    patch.setattr(_Pull, "_failed", again)


def _bad_machines_fed(patch: Patch, hit: Hit) -> None:
    for name in ("avoids", "may_run"):
        judged = getattr(Blacklist, name)

        def trusted(self: Blacklist, *args: Any, judged: Any = judged, answer: bool = name == "may_run") -> bool:
            if judged(self, *args) != answer:
                hit()
            return answer

        patch.setattr(Blacklist, name, trusted)


def _half_of_the_work(patch: Patch, hit: Hit) -> None:
    compute = RunningWorker.compute

    def hasty(self: RunningWorker, duration_ns: int, then: Callable[..., object], *args: Any) -> None:
        hit()
        compute(self, duration_ns // 2, then, *args)

    patch.setattr(RunningWorker, "compute", hasty)


def _kept_by_who_borrows(patch: Patch, hit: Hit) -> None:
    rights = MakeRoom._rights

    def by_priority_alone(self: MakeRoom, unit: Any) -> Any:
        for why in rights(self, unit):
            if why == "quota":
                hit()
            else:
                yield why

    patch.setattr(MakeRoom, "_rights", by_priority_alone)


MUTANTS: tuple[Mutant, ...] = (
    _m("FX-01", "a new FuxiMaster counts a machine as empty although its Tubo says what runs there",
       "Kubernetes #45220", ("FX1", "FX9", "FX8"), _empty_until_told, _FUXI),
    _m("FX-02", "what a process holds is free as soon as it is told to go", "Kubernetes #76772",
       ("FX1", "FX9"), _free_when_told_to_go, _FUXI),
    _m("FX-04", "what is freed twice is subtracted twice, below nothing", "YARN-10760", ("FX9", "FX1"),
       _freed_below_nothing, _FUXI),
    _m("FX-06", "an instance that is told twice to have ended is run once more", "YARN-7214", ("FX6", "FX5"),
       _run_again_when_told_twice, _FUXI, "network"),
    _m("FX-07", "an instance and its backup are both committed", "SPARK-4879", ("FX5", "FX6"), _both_attempts_count,
       _FUXI),
    _m("FX-09", "a JobMaster whose session is over waits for ever to commit", "palantir/spark #94", ("FX11",),
       _never_opened_again, _FUXI),
    _m("FX-10", "instances count as committed before the snapshot is written", "generic", ("FX6", "FX4", "FX5"),
       _committed_before_written, _FUXI),
    _m("FX-14", "a Tubo that is started anew kills the workers that it finds", "generic", ("FX8",),
       _strangers_are_killed, _FUXI),
    _m("OWN-130", "what cannot be pulled is tried for ever", "found here, unplanted", ("FX11",), _pulled_for_ever, _FUXI),
    _m("OWN-133", "a task begins on results that are not committed", "generic", ("FX4",), _begun_on_results, _FUXI),
    _m("OWN-134", "a Tubo starts workers beyond what it was allowed", "generic", ("FX1", "FX9"),
       _started_without_leave, _FUXI),
    _m("OWN-135", "a quota group may borrow without a limit", "generic", ("FX2",), _no_maximum, _PREEMPTION),
    _m("OWN-137", "a disabled machine is given work", "generic", ("FX10",), _disabled_and_open, _DISABLED),
    _m("OWN-138", "a job gives instances to machines on its blacklist", "generic", ("FX10j",), _bad_machines_fed, _DISABLED),
    _m("OWN-139", "a Tubo does not see who uses too much memory", "generic", ("FX12",), _memory_unseen, _FUXI),
    _m("OWN-140", "what is freed is offered to nobody who waits", "generic", ("FX11a", "FX9", "FX11"),
       _offered_to_nobody, _FUXI),
    _m("OWN-141", "the workers of an application end with its master", "generic", ("FX8",),
       _workers_go_with_their_master, _FUXI),
    _m("OWN-142", "an application does not tell a new FuxiMaster what it waits for", "generic", ("FX11",),
       _wishes_not_said_again, _FUXI),
    _m("OWN-150", "an instance computes half of what was drawn for it", "generic", ("FX13",), _half_of_the_work, _FUXI),
    _m("OWN-151", "what a quota group has borrowed it does not give back", "generic", ("FX2g",), _kept_by_who_borrows, _QUOTA),
    _m("OWN-143", "of those who must go the oldest goes first, whatever its priority", "generic", ("FX3",),
       _oldest_goes_first, _PREEMPTION),
    _m("OWN-152", "a Tubo keeps to itself what an application does not use of its allowance", "generic", ("FX9",),
       _unused_in_silence, _FUXI),
)  # fmt: skip
