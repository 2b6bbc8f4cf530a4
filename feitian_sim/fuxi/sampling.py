"""What is looked at from time to time: how full the cell is by three counts, quota groups, the master's decisions.

The counts of the Fuxi paper (VLDB 2014, fig. 10): what the FuxiMaster has granted, what applications' masters know to be
theirs, and what Tubos have as processes. They differ by what is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.check_facts import MachineBooked
from feitian_sim.fuxi.hearing import Hearing
from feitian_sim.fuxi.hosting import MachineHost
from feitian_sim.fuxi.reign import Reign
from feitian_sim.fuxi.samples import QuotaSampled, UsageSampled
from feitian_sim.kernel import Simulation


class Sampling:
    """Of one cell."""

    def __init__(self, sim: Simulation, hearing: Hearing, hosts: Sequence[MachineHost], names: tuple[str, ...]) -> None:
        self._sim = sim
        self._hearing = hearing
        self._hosts = hosts
        self._names = names

    def sample(self) -> None:
        """Emit what there is to see now; nothing while no FuxiMaster serves."""
        reign = self._hearing.reign
        if reign is None:
            return
        reign.sample()
        if self._sim.facts.wants(UsageSampled):
            self._usage(reign)
        if self._sim.facts.wants(QuotaSampled):
            self._quota(reign)

    def _usage(self, reign: Reign) -> None:
        scheduler = reign.core.books.scheduler
        names = self._names
        capacity, granted = scheduler.capacity(), scheduler.used()
        wanted, coming = [0] * len(names), [0] * len(names)
        for name, unit, count, _ in scheduler.waiting():
            _add(wanted, _vector(reign, name, unit), count)
        for app in reign.core.books.apps.values():
            for unit, count in app.grants.coming().items():
                _add(coming, app.units[unit].vector, count)
        told, free = self._free(reign, len(names))
        used, ending = self._processes(len(names))
        for place, name in enumerate(names):
            self._sim.emit(
                UsageSampled(
                    resource=name,
                    capacity=capacity[place],
                    wanted=granted[place] + wanted[place],
                    planned=granted[place] - told[place],
                    obtained=max(used[place], granted[place] - coming[place] - free[place]) - ending[place],
                    used=used[place] - ending[place],
                )
            )

    def _free(self, reign: Reign, width: int) -> tuple[list[int], list[int]]:
        """What the books have as granted though it is free: what of it the FuxiMaster was told, and all of it."""
        told, free = [0] * width, [0] * width
        books, waiting = reign.core.books, reign.waiting_news()
        for host in self._hosts:
            news, machine = host.tubo.news, books.machines[host.machine.index]
            if news is None or machine.standing != "up":
                continue
            way = news.under_way
            on_way = [(one.app, one.unit, one.count) for one in way.freed] if way and way.seq > machine.heard else []
            untold = news.untold()
            if not on_way and not untold:
                continue
            vectors = {(app, unit): vector for app, unit, vector, *_ in books.scheduler.on_machine(machine.index)}
            for app, unit, count in (*on_way, *untold):
                _add(free, vectors.get((app, unit), ()), count)
            if way is not None and (way.machine, way.seq) in waiting:
                for app, unit, count in on_way:
                    _add(told, vectors.get((app, unit), ()), count)
        return told, free

    def show_books(self) -> None:
        """When the run is over: the counts of both sides, for who compares them."""
        reign = self._hearing.reign
        if reign is None or not self._sim.facts.wants(MachineBooked):
            return
        for host in self._hosts:
            here = {(app.name, unit.number): unit for app in host.table.apps.values() for unit in app.units.values()}
            counted = {
                (app, unit): held + returning
                for app, unit, _, held, returning in reign.core.books.scheduler.on_machine(host.machine.index)
            }
            for key in dict.fromkeys([*here, *counted]):
                unit = here.get(key)
                at_tubo, held = (unit.allowed + unit.returning, unit.held) if unit is not None else (0, 0)
                self._sim.emit(MachineBooked(host.machine.name, *key, counted.get(key, 0), at_tubo, held))

    def _processes(self, width: int) -> tuple[list[int], list[int]]:
        """What all processes hold, and what those of them hold that are being ended."""
        used, ending = [0] * width, [0] * width
        for host in self._hosts:
            for app in host.table.live:
                for unit in app.units.values():
                    if unit.held:
                        _add(used, unit.vector, unit.held)
                    if unit.ending and unit.number:
                        _add(ending, unit.vector, unit.ending)
        return used, ending

    def _quota(self, reign: Reign) -> None:
        scheduler = reign.core.books.scheduler
        capacity = scheduler.capacity()
        wanted: dict[str, list[int]] = {name: list(group.used) for name, group in scheduler.groups.items()}
        for name, unit, count, _ in scheduler.waiting():
            app = reign.core.books.apps.get(name)
            if app is not None:
                _add(wanted[app.record.group], _vector(reign, name, unit), count)
        for name, group in scheduler.groups.items():
            self._sim.emit(
                QuotaSampled(
                    group=name,
                    share_ratio=_dominant(group.used, capacity),
                    guaranteed_ratio=group.config.minimum,
                    wanted_ratio=_dominant(wanted[name], capacity),
                )
            )


def _add(amounts: list[int], vector: Sequence[int], count: int) -> None:
    for place, amount in enumerate(vector):
        amounts[place] += amount * count


def _vector(reign: Reign, name: str, unit: int) -> Sequence[int]:
    """What one of an application's unit takes; unit 0 is its master."""
    app = reign.core.books.apps.get(name)
    book = app.units.get(unit) if app is not None else None
    return book.vector if book is not None else reign.core.books.config.master_unit


def _dominant(amounts: Sequence[int], capacity: Sequence[int]) -> float:
    return max((amount / whole for amount, whole in zip(amounts, capacity, strict=True) if whole), default=0.0)
