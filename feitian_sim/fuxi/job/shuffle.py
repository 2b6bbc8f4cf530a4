"""How consumers pull what producers left on local disks: over the network, one machine to another, or in bundles.

Machine by machine, a consumer has a few transfers at a time, each from one producer's disk through both cards and the
racks' links between them. Where producers' machines times consumers are many, that is a million transfers; then
consumers of one rack that begin within a window share *bundles*: one flow for each rack that has something for them
(DESIGN rule 5). A bundle has the bytes of the transfers that it stands for, crosses the same links between the racks,
weighs as much as the transfers that would be under way, and is bounded by the cards of the machines it is for. Cards and
disks of the machines of a rack are one link each, of their capacities together, on which bundles of different
consumers share.

What differs: machines of a rack count as equally loaded, so one slow disk or card slows nobody; bundles do not see
what else crosses a single card or disk; consumers of one batch get their last byte together, and each waits up to a
window at its beginning. So many small things even out; a test holds both forms to each other on 100 machines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from feitian_sim.fuxi.job.config import ShuffleConfig
from feitian_sim.fuxi.job.local_outputs import LocalOutputs
from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner
from feitian_sim.kernel.units import bytes_per_s

Ints = npt.NDArray[np.int64]
#: Told the machines whose outputs are not there any more.
Done = Callable[[tuple[int, ...]], object]


class Offer:
    """Outputs of one task for one consumer: of which instances, on which machine each, how much of each.

    Shared by all consumers that are offered the same; never changed.
    """

    __slots__ = ("_by_machine", "app", "instances", "machines", "sizes", "task")

    def __init__(self, app: str, task: int, instances: Ints, machines: Ints, sizes: Ints) -> None:
        self.app = app
        self.task = task
        self.instances = instances
        self.machines = machines
        self.sizes = sizes
        self._by_machine: list[tuple[int, int]] | None = None

    def by_machine(self) -> list[tuple[int, int]]:
        """Each machine that has something, and how many bytes."""
        if self._by_machine is None:
            if not len(self.machines):
                self._by_machine = []
            else:
                sums = np.zeros(int(self.machines.max()) + 1, dtype=np.int64)
                np.add.at(sums, self.machines, self.sizes)
                there = np.flatnonzero(sums)
                self._by_machine = list(zip(there.tolist(), sums[there].tolist(), strict=True))
        return self._by_machine

    def of(self, machine: int) -> list[int]:
        """Instances whose output is on a machine."""
        found: list[int] = self.instances[self.machines == machine].tolist()
        return found


class Shuffles:
    """All pulling of one cell."""

    def __init__(self, datacenter: DataCenter, outputs: LocalOutputs, config: ShuffleConfig) -> None:
        self._datacenter = datacenter
        self.outputs = outputs
        self.config = config
        self._bundles = Bundles(datacenter, config)
        #: Transfers and bundles begun.
        self.transfers = 0

    @property
    def bundles(self) -> int:
        """Bundles begun so far."""
        return self._bundles.begun

    def pull(self, machine: Machine, owner: Owner, offer: Offer, consumers: int, done: Done) -> None:
        """Have a consumer's process pull an offer to its machine, one of so many consumers; then ``done(lost)``."""
        sources = offer.by_machine()
        if not sources:
            owner.run(done, self._lost(offer))
        elif len(sources) * consumers > self.config.bundle_above:
            self._bundles.pull(machine, owner, offer, lambda: done(self._lost(offer)))
        else:
            _Pull(self, self._datacenter, machine, owner, offer, done).start()
            self.transfers += len(sources)

    def _lost(self, offer: Offer) -> tuple[int, ...]:
        """Machines that do not have what was offered of theirs (any more)."""
        return tuple(
            machine
            for machine, _ in offer.by_machine()
            if self.outputs.is_struck(machine)
            and not self.outputs.has_all(offer.app, machine, offer.task, offer.of(machine))
        )


class _Pull:
    """One consumer's transfers, machine by machine, a few at a time."""

    __slots__ = (
        "_active", "_datacenter", "_done", "_lost", "_machine", "_offer", "_owner", "_shuffles", "_tries", "_waiting",
    )  # fmt: skip

    def __init__(
        self, shuffles: Shuffles, datacenter: DataCenter, machine: Machine, owner: Owner, offer: Offer, done: Done
    ) -> None:
        self._shuffles = shuffles
        self._datacenter = datacenter
        self._machine = machine
        self._owner = owner
        self._offer = offer
        self._done = done
        sources = offer.by_machine()
        # Not all begin with the same machine: each with the one behind its own.
        first = next((place for place, (index, _) in enumerate(sources) if index >= machine.index), 0)
        self._waiting = deque(sources[first:] + sources[:first])
        self._active = 0
        self._lost: list[int] = []
        # Transfers that came to nothing, by machine.
        self._tries: dict[int, int] = {}

    def start(self) -> None:
        """Begin with as many as may run at once."""
        for _ in range(min(self._shuffles.config.fetches, len(self._waiting))):
            self._next()

    def _next(self) -> None:
        if not self._waiting:
            if not self._active:
                self._done(tuple(self._lost))
            return
        index, size_bytes = self._waiting.popleft()
        offer, outputs = self._offer, self._shuffles.outputs
        source = self._datacenter.machines[index]
        disk = outputs.disk_of(offer.app, index, offer.task, offer.of(index)[0])
        self._active += 1
        if disk is None and source.up:
            # It is asked, and says so.
            network = self._datacenter.network
            self._owner.call_later(2 * network.message_latency_ns(self._machine, source, 128), self._ended, index)
            return
        self._datacenter.network.transfer(
            source,
            self._machine,
            size_bytes,
            disks_read=disk.read_links if disk is not None else (),
            owner=self._owner,
            on_done=lambda _: self._ended(index),
            on_fail=lambda _flow, _why: self._failed(index, size_bytes),
        )

    def _failed(self, index: int, size_bytes: int) -> None:
        """Nothing moved for long: what is there still is tried again, and given up when it is out of reach for good."""
        tries = self._tries[index] = self._tries.get(index, 0) + 1
        if tries < self._shuffles.config.tries and not self._is_gone(index):
            self._waiting.append((index, size_bytes))
        else:
            self._lost.append(index)
        self._active -= 1
        self._next()

    def _ended(self, index: int) -> None:
        if self._is_gone(index):
            self._lost.append(index)
        self._active -= 1
        self._next()

    def _is_gone(self, index: int) -> bool:
        outputs, offer = self._shuffles.outputs, self._offer
        return outputs.is_struck(index) and not outputs.has_all(offer.app, index, offer.task, offer.of(index))


class _Batch:
    """Consumers of one rack that share bundles."""

    __slots__ = ("left", "machines", "told", "total_bytes")

    def __init__(self) -> None:
        self.told: list[tuple[Owner, Callable[[], object]]] = []
        #: Bytes from each rack.
        self.total_bytes: dict[int, int] = {}
        self.machines: dict[int, None] = {}
        self.left = 0


class Bundles:
    """Pulls of many consumers together, one flow for each pair of racks."""

    def __init__(self, datacenter: DataCenter, config: ShuffleConfig) -> None:
        self._datacenter = datacenter
        self._config = config
        # What has left a process is in the hands of the network; who dies meanwhile is told nothing.
        self._owner = datacenter.sim.owner("fuxi.shuffle")
        self._racks = np.array([machine.rack for machine in datacenter.machines], dtype=np.int64)
        self._gathering: dict[int, _Batch] = {}
        self._links: dict[tuple[int, str], int] = {}
        self.begun = 0

    def pull(self, machine: Machine, owner: Owner, offer: Offer, done: Callable[[], object]) -> None:
        """Have a consumer take part in its rack's next bundles."""
        batch = self._gathering.get(machine.rack)
        if batch is None:
            batch = self._gathering[machine.rack] = _Batch()
            self._owner.call_later(self._config.window, self._go, machine.rack)
        batch.told.append((owner, done))
        batch.machines[machine.index] = None
        for index, size_bytes in offer.by_machine():
            rack = int(self._racks[index])
            batch.total_bytes[rack] = batch.total_bytes.get(rack, 0) + size_bytes

    def _go(self, rack: int) -> None:
        batch = self._gathering.pop(rack)
        total = sum(batch.total_bytes.values())
        card_bps = self._datacenter.config.machine.nic
        transfers = len(batch.told) * self._config.fetches
        batch.left = len(batch.total_bytes)
        for source, size_bytes in batch.total_bytes.items():
            # Shares of the batch, so that what shares a bottleneck ends together.
            share = size_bytes / total
            self._send(batch, source, rack, size_bytes, transfers * share, int(len(batch.machines) * card_bps * share))

    def _send(self, batch: _Batch, source: int, target: int, size_bytes: int, weight: float, cap_bps: int) -> None:
        network = self._datacenter.network
        way = network.topology.between_racks(source, target, self.begun)
        self.begun += 1
        cards = (self._link(source, "cards-up"), *way, self._link(target, "cards-down"))
        links = (self._link(source, "disks"), *cards) if self._datacenter.config.machine.disks else cards

        def again(_flow: Any, _why: str) -> None:
            # Nothing moved for long: perhaps there is another way by now.
            self._send(batch, source, target, size_bytes, weight, cap_bps)

        network.transfer_over(
            links,
            size_bytes,
            cap_bps=max(8, cap_bps),
            weight=max(weight, 1e-6),
            owner=self._owner,
            on_done=lambda _: self._ended(batch),
            on_fail=again,
        )

    def _ended(self, batch: _Batch) -> None:
        batch.left -= 1
        if not batch.left:
            for owner, done in batch.told:
                owner.run(done)

    def _link(self, rack: int, what: str) -> int:
        """All disks or all cards of a rack's machines, as one link."""
        link = self._links.get((rack, what))
        if link is None:
            machines = self._datacenter.racks[rack].machines
            rate = sum(bytes_per_s(self._datacenter.config.machine.nic) for _ in machines)
            kind = "nic"
            if what == "disks":
                rate = sum(bytes_per_s(disk.config.read_bandwidth) for machine in machines for disk in machine.disks)
                kind = "disk-read"
            name = f"{self._datacenter.racks[rack].name}/shuffle/{what}"
            link = self._links[rack, what] = self._datacenter.network.add_link(name, float(rate), kind)
        return link
