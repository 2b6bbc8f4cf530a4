"""Bugs in services: leases that are not looked at, owners that are not waited for, tokens and keys that get lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from feitian_sim.fuxi.service.partition_book import PartitionBook
from feitian_sim.fuxi.service.service_master import ServiceMaster
from feitian_sim.fuxi.service.serving import Serving
from feitian_sim.fuxi.service.table import NOBODY, Partition
from tests.mutants.mutant import Hit, Mutant, Patch

_SERVICES = "scenarios/check/services.yaml"
_m = Mutant


def _serves_on_after_its_lease(patch: Patch, hit: Hit) -> None:
    def blind(self: Serving) -> bool:
        if self._has_lease and self._clock.monotonic_ns >= self._until_ns:
            hit()
        return self._has_lease

    patch.setattr(Serving, "_in_lease", blind)


def _silence_is_death(patch: Patch, hit: Hit) -> None:
    depart = ServiceMaster._depart

    def at_once(self: ServiceMaster, worker: Any, until_ns: int) -> None:
        if until_ns:
            hit()
        depart(self, worker, 0)

    patch.setattr(ServiceMaster, "_depart", at_once)


def _median_is_lost(patch: Patch, hit: Hit) -> None:
    split = PartitionBook.split

    def gap(self: PartitionBook, number: int, middle: int) -> tuple[Partition, Partition]:
        first, second = split(self, number, middle)
        if second.low + 1 < second.high:
            hit()
            second = self.rows[second.number] = replace(second, low=second.low + 1)
        return first, second

    patch.setattr(PartitionBook, "split", gap)


def _token_of_before(patch: Patch, hit: Hit) -> None:
    give = PartitionBook.give

    def same(self: PartitionBook, number: int, worker: int, machine: str) -> Partition:
        before = self.rows[number].token
        if before:
            hit()
            self._token = before - 1
        return give(self, number, worker, machine)

    patch.setattr(PartitionBook, "give", same)


def _gives_before_it_is_let_go(patch: Patch, hit: Hit) -> None:
    leave = ServiceMaster._leave

    def at_once(self: ServiceMaster, partition: int, target: Any) -> None:
        hit()
        leave(self, partition, target)
        self._give(self.book.rows[partition], target, 0, "moved")

    patch.setattr(ServiceMaster, "_leave", at_once)


def _recovered_twice(patch: Patch, hit: Hit) -> None:
    expire, look, init = ServiceMaster._expire, ServiceMaster.wake, ServiceMaster.__init__
    begun: dict[int, list[int]] = {}

    def fresh(self: ServiceMaster, *args: Any, **named: Any) -> None:
        # Identities come again.
        begun.pop(id(self), None)
        init(self, *args, **named)

    def first(self: ServiceMaster, now_ns: int) -> None:
        before = {number: row.token for number, row in self.book.rows.items() if number not in self.book.free}
        expire(self, now_ns)
        begun.setdefault(id(self), []).extend(number for number in before if number in self.book.free)

    def second(self: ServiceMaster, now_ns: int) -> None:
        # Another procedure has begun with the same dead worker, and comes to its partitions a little later.
        for number in begun.pop(id(self), ()):
            row = self.book.rows.get(number)
            others = [one for one in self._candidates(now_ns) if row is not None and one.number != row.worker]
            if row is not None and self.book.is_settled(number) and others:
                hit()
                # It knows of no owner but the dead one, so that nobody is told to let go.
                self.book.durable[number] = replace(row, worker=NOBODY, machine="")
                self._give(row, others[0], now_ns, "placed")
        look(self, now_ns)

    patch.setattr(ServiceMaster, "__init__", fresh)
    patch.setattr(ServiceMaster, "_expire", first)
    patch.setattr(ServiceMaster, "wake", second)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "OWN-120",
        "a worker serves on when its lease has run out",
        "Gray and Cheriton, SOSP 1989, sec. 2",
        ("FX7", "FX7t"),
        _serves_on_after_its_lease,
        _SERVICES,
        "network",
    ),
    _m(
        "OWN-121",
        "a machine that is silent is taken to be dead",
        "Gray and Cheriton, SOSP 1989, sec. 2",
        ("FX7",),
        _silence_is_death,
        _SERVICES,
        "network",
    ),
    _m("OWN-122", "a split loses the key in the middle", "HBASE-4335", ("FX7k",), _median_is_lost, _SERVICES),
    _m(
        "OWN-123",
        "a partition goes to another under the token that it had",
        "Burrows, OSDI 2006, sec. 2.4",
        ("FX7k",),
        _token_of_before,
        _SERVICES,
    ),
    _m(
        "OWN-124",
        "a partition is given away before its owner has let go",
        "Bigtable, OSDI 2006, sec. 5.2",
        ("FX7",),
        _gives_before_it_is_let_go,
        _SERVICES,
    ),
    _m(
        "FX-12",
        "what a dead worker had is given away twice",
        "HBASE-22263",
        ("FX7",),
        _recovered_twice,
        _SERVICES,
        "network",
    ),
)
