"""What an instance does on its worker: reads its input, computes, writes its output; each phase is measured.

Input is parts of files in Pangu, outputs in Pangu of tasks before it, and what is pulled from producers' machines
(:mod:`.shuffle`), at once behind a barrier, round by round along a stream. Output goes to one of the machine's own disks
or into a file of Pangu named after instance and attempt, so that two attempts never write the same file: which
counts is in the snapshot. The phases come one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from feitian_sim.fuxi.job.effects import Piece
from feitian_sim.fuxi.job.job_master import INPUT_LOST
from feitian_sim.fuxi.job.job_messages import AskOutputs, OutputsAre
from feitian_sim.fuxi.job.shuffle import Offer, Shuffles
from feitian_sim.fuxi.job.split import Split
from feitian_sim.fuxi.work import Done, WorkContext
from feitian_sim.hardware.disk import Disk
from feitian_sim.kernel import SimulatedError
from feitian_sim.kuafu import CallError


@dataclass(frozen=True, slots=True)
class InstanceOutput:
    """What an instance tells of itself when it has ended well."""

    output_bytes: int
    read_ns: int
    compute_ns: int
    write_ns: int


@dataclass(frozen=True, slots=True)
class StreamInput:
    """An edge along which a task reads while it is produced."""

    edge: int
    #: Position of the task before it.
    source: int


@dataclass(frozen=True, slots=True)
class TaskInput:
    """What all instances of a task share: made once by the JobMaster."""

    app: str
    instances: int
    shuffles: Shuffles
    #: The address of the application's master of the moment, as the machine's runtime knows it.
    master: Callable[[], str]
    #: Deadline of a call to it.
    call_ns: int
    streams: tuple[StreamInput, ...] = ()
    #: Directory in Pangu that output goes to; empty: a disk of the machine.
    output_path: str = ""


@dataclass(frozen=True, slots=True)
class InstanceWork:
    """The work of one attempt of an instance. It is not changed by running."""

    piece: Piece
    task: TaskInput
    compute_ns: int
    output_bytes: int
    splits: tuple[Split, ...] = ()
    offers: tuple[Offer, ...] = ()
    #: How it will fail after computing; empty: it will not.
    failure: str = ""

    def start(self, context: WorkContext, done: Done) -> None:
        """Run on a worker."""
        if self.splits or self.offers or self.task.streams or self.output_bytes:
            _Run(self, context, done).start()
        else:
            self._compute_only(context, done)

    def _compute_only(self, context: WorkContext, done: Done) -> None:
        """Most instances of traces: nothing to read or write, so nothing to remember."""
        output = InstanceOutput(0, 0, self.compute_ns, 0)
        context.compute(self.compute_ns, done, not self.failure, self.failure, None if self.failure else output)


class _Run:
    """An instance that runs."""

    __slots__ = ("_began_ns", "_computed_ns", "_context", "_done", "_gone", "_have", "_read_ns", "_work")

    def __init__(self, work: InstanceWork, context: WorkContext, done: Done) -> None:
        self._work = work
        self._context = context
        self._done = done
        self._began_ns = context.sim.now
        self._read_ns = self._computed_ns = 0
        # Of each producer along the present stream, a bit: whether its output is here.
        self._have = 0
        # Machines that did not have what they should, to be told.
        self._gone: tuple[int, ...] = ()

    def start(self) -> None:
        """Read what is in Pangu first."""
        if self._work.splits:
            self._context.owner.process(self._read_files())
        else:
            self._pull(0)

    # Reading

    def _read_files(self) -> Generator[Any, Any, None]:
        try:
            client = self._context.pangu()
            for split in self._work.splits:
                yield from client.read_file(split.path, split.offset_bytes, split.length_bytes)
        except SimulatedError as error:
            self._done(False, f"input cannot be read: {error}", None)
            return
        self._pull(0)

    def _pull(self, number: int) -> None:
        """Pull the offers one after the other, then read along the streams."""
        work = self._work
        if number == len(work.offers):
            self._follow(0)
            return
        offer = work.offers[number]

        def pulled(lost: tuple[int, ...]) -> None:
            if lost:
                self._done(False, INPUT_LOST, tuple((offer.task, machine) for machine in lost))
            else:
                self._pull(number + 1)

        work.task.shuffles.pull(self._context.machine, self._context.owner, offer, work.task.instances, pulled)

    def _follow(self, number: int) -> None:
        """Read along a stream, round by round."""
        task = self._work.task
        if number == len(task.streams):
            self._compute()
            return
        _, instance, _ = self._work.piece
        ask = AskOutputs(task.app, self._work.piece[0], instance, task.streams[number].edge, self._have, self._gone)
        self._context.endpoint.call(
            task.master(),
            ask,
            task.call_ns,
            lambda reply: self._context.owner.run(self._offered, number, reply),
            lambda error: self._context.owner.run(self._not_offered, number, error),
        )

    def _not_offered(self, number: int, _: CallError) -> None:
        """There is no master at present: workers run on, and ask again."""
        self._context.owner.call_later(self._work.task.shuffles.config.retry, self._follow, number)

    def _offered(self, number: int, reply: OutputsAre) -> None:
        self._gone = ()
        offer = reply.offer

        def pulled(lost: tuple[int, ...]) -> None:
            self._gone = lost
            for machine, instance in zip(offer.machines.tolist(), offer.instances.tolist(), strict=True):
                if machine not in lost:
                    self._have |= 1 << instance
            if reply.is_all and not lost:
                self._have = 0
                self._follow(number + 1)
            else:
                self._context.owner.call_later(self._work.task.shuffles.config.retry, self._follow, number)

        if len(offer.instances):
            task = self._work.task
            task.shuffles.pull(self._context.machine, self._context.owner, offer, task.instances, pulled)
        else:
            pulled(())

    # Computing and writing

    def _compute(self) -> None:
        self._read_ns = self._context.sim.now
        self._context.compute(self._work.compute_ns, self._write)

    def _write(self) -> None:
        work = self._work
        self._computed_ns = self._context.sim.now
        if work.failure:
            self._done(False, work.failure, None)
        elif not work.output_bytes:
            self._end()
        elif work.task.output_path:
            self._context.owner.process(self._write_file())
        else:
            self._write_local()

    def _write_file(self) -> Generator[Any, Any, None]:
        work = self._work
        try:
            yield from self._context.pangu().write_file(output_file(work.task.output_path, work.piece), work.output_bytes)
        except SimulatedError as error:
            self._done(False, f"output cannot be written: {error}", None)
            return
        self._end()

    def _write_local(self) -> None:
        machine, size_bytes = self._context.machine, self._work.output_bytes
        disk = self._work.task.shuffles.outputs.disk_for(machine, size_bytes)
        if disk is None:
            self._done(False, "no disk of the machine has room for the output", None)
            return
        self._context.datacenter.network.transfer(
            machine,
            machine,
            size_bytes,
            disks_write=disk.write_links,
            owner=self._context.owner,
            on_done=lambda _: self._written(disk),
            on_fail=lambda _flow, why: self._done(False, f"the disk does not take the output: {why}", None),
        )

    def _written(self, disk: Disk) -> None:
        work = self._work
        task, instance, _ = work.piece
        if work.task.shuffles.outputs.put(work.task.app, task, instance, disk, work.output_bytes):
            self._end()
        else:
            self._done(False, "the disk does not take the output", None)

    def _end(self) -> None:
        read_ns, computed_ns = self._read_ns - self._began_ns, self._computed_ns - self._read_ns
        written_ns = self._context.sim.now - self._computed_ns
        self._done(True, "", InstanceOutput(self._work.output_bytes, read_ns, computed_ns, written_ns))


def output_file(path: str, piece: Piece) -> str:
    """The file in Pangu that an attempt of an instance writes."""
    _, instance, attempt = piece
    return f"{path}/part-{instance:06d}.{attempt}"
