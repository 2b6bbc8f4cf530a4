"""Carrying out a bundle of repairs: one transfer from rack to rack in place of a clone a chunk (DESIGN rule 5).

The bundle has a number of clone slots. Each slot would spend, per chunk, the dispatch cost and then the transfer at
the clone rate; so the bundle is one flow over the network between the two racks, capped at the rate at which so many
slots would move such chunks in the long run. It shares rack links with everything else as its clones would. What
differs from clone by clone: no messages; no links of disks and machines (the flow ends at one machine of each rack);
no waiting for a slot of a server; all chunks at the end instead of one after the other; a partly used last round of
slots is not seen. For a bundle of n chunks on s slots the end differs by less than one clone's time, plus whatever
a bottleneck at a single disk or card would have added.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import SECOND, Owner, SimulatedError
from feitian_sim.pangu.config import RepairConfig
from feitian_sim.pangu.effects import Bundle
from feitian_sim.pangu.replica_keeper import ReplicaKeeper
from feitian_sim.pangu.replica_store import Replica

Ints = npt.NDArray[np.int64]
#: Told the number of the bundle, and which of its chunks could not be restored after all.
Done = Callable[[int, dict[int, None]], object]


def bundle_rate_bps(config: RepairConfig, slots: float, lengths: Ints) -> int:
    """Bits per second that ``slots`` clones of such chunks move in the long run, dispatch included."""
    bits = 8 * int(lengths.sum())
    moving_ns = bits * SECOND // config.rate
    return max(1, int(slots * bits * SECOND) // max(1, moving_ns + len(lengths) * config.dispatch_cost))


class BundleRunner:
    """Runs bundles for the master of the moment."""

    def __init__(self, datacenter: DataCenter, keepers: dict[int, ReplicaKeeper], config: RepairConfig) -> None:
        self._datacenter = datacenter
        self._keepers = keepers
        self._config = config

    def start(self, bundle: Bundle, owner: Owner, done: Done) -> None:
        """Move a bundle; ``done`` when it has ended."""
        source, target = self._first_up(bundle.sources), self._first_up(bundle.targets)
        if source is None or target is None:
            owner.call_later(self._config.retry_after, self.start, bundle, owner, done)
            return
        self._datacenter.network.transfer(
            source,
            target,
            max(1, int(bundle.lengths.sum())),
            cap_bps=bundle_rate_bps(self._config, bundle.slots, bundle.lengths),
            # So many clones at once, each of which would have its share.
            weight=self._config.weight * max(1.0, bundle.slots),
            owner=owner,
            on_done=lambda _: done(bundle.number, self._arrive(bundle)),
            on_fail=lambda _flow, _reason: self.start(bundle, owner, done),
        )

    def _first_up(self, servers: Ints) -> Machine | None:
        machines = self._datacenter.machines
        return next((machines[server] for server in servers.tolist() if machines[server].up), None)

    def _arrive(self, bundle: Bundle) -> dict[int, None]:
        """Put the replicas where they belong; returns the chunks for which that could not be done."""
        failed: dict[int, None] = {}
        for source, target in _pairs(bundle):
            chunks = bundle.chunks[(bundle.sources == source) & (bundle.targets == target)]
            keeper = self._keepers[target]
            if not keeper.machine.up or not self._keepers[source].machine.up:
                failed.update(dict.fromkeys(chunks.tolist()))
                continue
            for chunk in self._put_rows(source, keeper, chunks).tolist():
                replica = self._sound_at(source, chunk)
                if replica is None or not self._put(keeper, chunk, replica):
                    failed[chunk] = None
        return failed

    def _put_rows(self, source: int, keeper: ReplicaKeeper, chunks: Ints) -> Ints:
        """Put what nobody has touched since it was placed, in one step; returns the others."""
        plain, versions, lengths = self._keepers[source].store.untouched(chunks)
        plain &= ~keeper.store.has(chunks)
        disks = keeper.disks_for(lengths[plain])
        if disks is None:
            return chunks
        keeper.add_rows(chunks[plain], versions[plain], lengths[plain], disks)
        return chunks[~plain]

    def _sound_at(self, source: int, chunk: int) -> Replica | None:
        replica = self._keepers[source].store.get(chunk)
        return replica if replica is not None and replica.sound else None

    @staticmethod
    def _put(keeper: ReplicaKeeper, chunk: int, replica: Replica) -> bool:
        try:
            disk = keeper.emptiest_disk(replica.length_bytes)
            disk.allocate(replica.length_bytes)
        except SimulatedError:
            return False
        keeper.put_clone(chunk, replica.version, disk, replica.extents, replica.crc, known=True)
        return True


def _pairs(bundle: Bundle) -> list[tuple[int, int]]:
    """Sources and targets that occur together, in order of their first chunk."""
    return list(dict.fromkeys(zip(bundle.sources.tolist(), bundle.targets.tolist(), strict=True)))
