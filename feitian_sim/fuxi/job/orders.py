"""From a decision to the work that a worker gets: what an instance reads, computes and leaves, whether it will fail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from feitian_sim.fuxi.job.effects import Order
from feitian_sim.fuxi.job.instance_table import COMMITTED
from feitian_sim.fuxi.job.instance_work import InstanceWork, StreamInput, TaskInput, output_file
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.job.job_messages import AskOutputs, OutputsAre
from feitian_sim.fuxi.job.plan import EdgePlan
from feitian_sim.fuxi.job.program import MayFail, failure
from feitian_sim.fuxi.job.shuffle import Ints, Offer, Shuffles
from feitian_sim.fuxi.job.sizes import sources_of
from feitian_sim.fuxi.job.split import Split
from feitian_sim.kernel import Stream

#: Along a stream a consumer is offered nothing until this part of the producers is new to it.
_ROUND = 10


class WorkMaker:
    """Makes the work of one job's instances, and answers those that read along streams."""

    def __init__(
        self, app: str, core: JobMaster, shuffles: Shuffles, master: Callable[[], str], call_ns: int, draws: Stream
    ) -> None:
        self._app = app
        self._core = core
        self._draws = draws
        # Offers that many consumers share, until another instance is committed or lost.
        self._offers: dict[tuple[int, int, int], Offer] = {}
        self._fresh_at = -1
        self._inputs = [
            TaskInput(app, task.table.count, shuffles, master, call_ns, self._streams(task.number), task.plan.output_path)
            for task in core.tasks
        ]

    def _streams(self, number: int) -> tuple[StreamInput, ...]:
        edges = self._core.tasks[number].plan.edges
        return tuple(
            StreamInput(place, edge.source) for place, edge in enumerate(edges) if edge.stream and edge.pattern != "none"
        )

    def work(self, order: Order) -> InstanceWork:
        """The work of an attempt."""
        task = self._core.tasks[order.task]
        sizes, instance = task.sizes, order.instance
        splits = sizes.splits[instance] if sizes.splits else ()
        offers: tuple[Offer, ...] = ()
        for place, edge in enumerate(task.plan.edges):
            if edge.stream or edge.pattern == "none":
                continue
            source = self._core.tasks[edge.source]
            if source.plan.output_path:
                splits += self._files(edge, instance, task.table.count)
            elif source.leaves_local:
                offers += (self._offer(order.task, place, instance, 0),)
        return InstanceWork(
            order.piece,
            self._inputs[order.task],
            int(sizes.compute_ns[instance]),
            int(sizes.output_bytes[instance]),
            splits,
            offers,
            self._failure(order),
        )

    def _failure(self, order: Order) -> str:
        """How an attempt will fail; empty when it will not."""
        task = self._core.tasks[order.task]
        program, share = task.plan.program, task.plan.failure_ratio
        if program is not None and isinstance(program, MayFail):
            said = failure(program, task.sizes.sights[order.instance], order.attempt)
            if said:
                return said
        if not share:
            return ""
        name = f"{order.task}:{order.instance}:{order.attempt}"
        return "the instance failed" if self._draws.child(name).uniform() < share else ""

    def _files(self, edge: EdgePlan, instance: int, consumers: int) -> tuple[Split, ...]:
        """What a consumer reads of its producers' files in Pangu."""
        source = self._core.tasks[edge.source]
        first, last = sources_of(edge, instance, source.table.count, consumers)
        found: list[Split] = []
        for producer in range(first, last):
            size = int(source.sizes.output_bytes[producer])
            parts, part = _parts(edge, instance, producer, source.table.count, consumers)
            begin, end = size * part // parts, size * (part + 1) // parts
            if end > begin:
                attempt = int(source.table.attempt[producer])
                path = output_file(source.plan.output_path, (edge.source, producer, attempt))
                found.append(Split(path, begin, end - begin))
        return tuple(found)

    # Streams

    def answer(self, ask: AskOutputs) -> OutputsAre:
        """What is new for an instance along a stream."""
        task = self._core.tasks[ask.task]
        edge = task.plan.edges[ask.edge]
        source = self._core.tasks[edge.source]
        offer = self._offer(ask.task, ask.edge, ask.instance, ask.have)
        first, last = sources_of(edge, ask.instance, source.table.count, task.table.count)
        has = ask.have.bit_count()
        is_all = has + len(offer.instances) == last - first
        if not is_all and len(offer.instances) * _ROUND < last - first:
            none: Ints = np.zeros(0, dtype=np.int64)
            return OutputsAre(Offer(self._app, edge.source, none, none, none), False)
        return OutputsAre(offer, is_all)

    def _offer(self, number: int, place: int, instance: int, have: int) -> Offer:
        """The committed outputs along an edge that a consumer does not have."""
        task = self._core.tasks[number]
        edge = task.plan.edges[place]
        source = self._core.tasks[edge.source]
        now = self._core.commits.changes
        if now != self._fresh_at:
            self._offers.clear()
            self._fresh_at = now
        key = (number, place, have)
        shared = edge.pattern != "one-to-one"
        if shared and key in self._offers:
            return self._offers[key]
        first, last = sources_of(edge, instance, source.table.count, task.table.count)
        there = np.flatnonzero(source.table.state[first:last] == COMMITTED) + first
        if have:
            there = there[~_bits(have, source.table.count)[there]]
        sizes = source.sizes.output_bytes[there]
        if edge.pattern == "shuffle":
            sizes = sizes // task.table.count
        elif edge.pattern == "one-to-one" and source.table.count < task.table.count:
            parts, _ = _parts(edge, instance, first, source.table.count, task.table.count)
            sizes = sizes // parts
        offer = Offer(self._app, edge.source, there, source.table.machine[there].astype(np.int64), sizes)
        if shared:
            self._offers[key] = offer
        return offer


def _bits(mask: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The bits of a number from the lowest on."""
    data = np.frombuffer(mask.to_bytes(-(-count // 8), "little"), dtype=np.uint8)
    return np.unpackbits(data, count=count, bitorder="little").astype(np.bool_)


def _parts(edge: EdgePlan, instance: int, producer: int, producers: int, consumers: int) -> tuple[int, int]:
    """Into how many parts a producer's output is cut over an edge, and which of them a consumer takes."""
    if edge.pattern == "broadcast":
        return 1, 0
    if edge.pattern == "shuffle":
        return consumers, instance
    if producers >= consumers:
        return 1, 0
    first = -(-producer * consumers // producers)
    last = -(-(producer + 1) * consumers // producers)
    return last - first, instance - first
