"""The contracts of Fuxi's swappable parts: fairness, machine choice, preemption.

``check_fairness_policy(MyPolicy())`` and its like raise AssertionError with what was broken. Each looks at the policy's
answers first and then lets a scheduler use it in a small cell, where nothing that fits may be left waiting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from feitian_sim.fuxi.fairness import FairnessPolicy, Party
from feitian_sim.fuxi.free_index import FreeIndex, machines_of
from feitian_sim.fuxi.machine_choice import MachineChoice
from feitian_sim.fuxi.messages import UnitDemand
from feitian_sim.fuxi.preemption import PreemptionPolicy, Victim
from feitian_sim.fuxi.resources import Dimensions, Vector
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler
from feitian_sim.kernel import Simulation, Stream

_CAPACITY = (8, 16, 0)
_SHAPES: tuple[Vector, ...] = ((1, 1, 0), (2, 1, 0), (1, 4, 0), (3, 3, 0))


def check_fairness_policy(policy: FairnessPolicy) -> None:
    """Raises AssertionError when ``policy`` breaks the contract of :class:`FairnessPolicy`."""
    known = ("nothing", "app", "user", "group")
    assert policy.parties in known, f"{policy!r} compares {policy.parties!r}, which is none of {', '.join(known)}"
    for totals in ((100, 100, 10), (100, 0, 0), (0, 0, 0), (7, 10**15, 3)):
        minimum = [whole // 2 for whole in totals]
        for used in ([0, 0, 0], [10, 0, 0], [10, 20, 3], [200, 200, 20]):
            _check_key(policy, used, totals, minimum)
    scheduler = _cell(fairness=policy)
    scheduler.hold(True)
    for number, shape in enumerate(_SHAPES):
        scheduler.add_app(f"app{number}", f"user{number % 2}", submitted_ns=number)
        scheduler.wants(f"app{number}", [UnitDemand(1, 10, shape)], number)
    scheduler.hold(False)
    _check_nothing_fits(scheduler, f"{policy!r} in a cell that all ask at once")
    for machine in (3, 0, 2):
        app, unit, _, held, _ = scheduler.on_machine(machine)[0]
        scheduler.freed(app, unit, machine, held, 9)
        _check_nothing_fits(scheduler, f"{policy!r} after something was freed")


def check_machine_choice(policy: MachineChoice, *, seed: int = 1) -> None:
    """Raises AssertionError when ``policy`` breaks the contract of :class:`MachineChoice`."""
    for what, index in _indexes():
        for vector in _SHAPES:
            shape = index.shape(vector)
            for candidates in (index.with_room(shape), index.with_room(shape) & 0x5555, 1 << 11):
                candidates &= index.with_room(shape)
                if candidates:
                    _check_choice(policy, index, candidates, vector, seed, what)
    scheduler = _cell(machine_choice=policy)
    scheduler.close(2)
    for number, vector in enumerate(_SHAPES):
        scheduler.add_app(f"app{number}", "somebody", submitted_ns=number)
        scheduler.wants(f"app{number}", [UnitDemand(1, 30, vector)], number)
    assert not scheduler.on_machine(2), f"{policy!r}: a closed machine got something"
    _check_nothing_fits(scheduler, f"{policy!r} in a cell that is asked for more than it has")


def check_preemption_policy(policy: PreemptionPolicy) -> None:
    """Raises AssertionError when ``policy`` breaks the contract of :class:`PreemptionPolicy`."""
    victims = [
        Victim(f"app{number}", 1, number % 2, shape, 1 + number, 10 * number, number, shape[0] / _CAPACITY[0])
        for number, shape in enumerate(_SHAPES)
    ]
    ranks = [policy.rank(victim) for victim in victims]
    for victim, rank in zip(victims, ranks, strict=True):
        assert isinstance(rank, tuple), f"{policy!r}: the rank of {victim} is {rank!r}, not a tuple"
        assert not any(math.isnan(part) for part in rank), f"{policy!r}: the rank of {victim} has no order: {rank}"
        assert policy.rank(victim) == rank, f"{policy!r}: the same victim was ranked {rank}, then otherwise"
    assert len({len(rank) for rank in ranks}) == 1, f"{policy!r}: ranks of different lengths: {ranks}"
    scheduler = _cell(preemption=policy)
    for number in range(4):
        scheduler.add_app(f"app{number}", "somebody", submitted_ns=number)
        scheduler.wants(f"app{number}", [UnitDemand(1, 8, _SHAPES[number % 2], number % 3)], number)
    scheduler.add_app("urgent", "somebody", submitted_ns=9)
    scheduler.wants("urgent", [UnitDemand(1, 2, (3, 3, 0), 9)], 9)
    priority = {f"app{number}": number % 3 for number in range(4)}
    told = [move for move in scheduler.wake(10) if move.count < 0]
    scheduler.check()
    assert told, f"{policy!r}: nobody went for a demand of higher priority"
    for move in told:
        for app, _, _, held, _ in scheduler.on_machine(move.machine):
            spared = app in priority and held > 0 and priority[app] < priority[move.app]
            assert not spared, f"{policy!r}: {app} was spared on machine {move.machine}, {move.app} was not"


def _check_key(policy: FairnessPolicy, used: list[int], totals: Vector, minimum: list[int]) -> None:
    party = Party("somebody", list(used), totals, minimum)
    key = policy.key(party)
    where = f"{policy!r}: the key of who uses {used} of {totals}"
    assert not math.isnan(key), f"{where} has no order: {key}"
    assert policy.key(party) == key, f"{where} was {key}, then otherwise"
    assert party.used == used, f"{where}: asking for it changed the books"
    for dimension in range(len(used)):
        more = list(used)
        more[dimension] += 5
        then = policy.key(Party("somebody", more, totals, minimum))
        assert then >= key, f"{where} is {key}, and with {more} it falls to {then}"


def _check_choice(policy: MachineChoice, index: FreeIndex, candidates: int, vector: Vector, seed: int, what: str) -> None:
    shape = index.shape(vector)
    where = f"{policy!r} on {what}, a unit of {vector}, of the machines {list(machines_of(candidates))}"
    for latest in (-1, 0, 7, len(index.bits) - 1):
        before = (list(index.levels), index.open)
        cluster = _Cluster(index, latest, seed)
        machine = policy.choose(cluster, candidates, shape)
        assert machine >= 0, f"{where}: chose {machine}"
        assert candidates >> machine & 1, f"{where}: chose {machine}, which is none of them"
        again = policy.choose(_Cluster(index, latest, seed), candidates, shape)
        assert again == machine, f"{where}: the same draws gave {machine}, then {again}"
        fit = shape.fit(index.free(machine))
        count = policy.at_once(cluster, machine, shape, fit)
        assert 1 <= count <= fit, f"{where}: puts {count} on machine {machine}, where {fit} have room"
        assert before == (index.levels, index.open), f"{where}: choosing changed the books"


class _Cluster:
    """What a policy sees, with the same draws each time."""

    def __init__(self, index: FreeIndex, latest: int, seed: int) -> None:
        self._index = index
        self._latest = latest
        self._stream = Simulation(seed=seed).stream("testing.scheduling")

    @property
    def index(self) -> FreeIndex:
        return self._index

    @property
    def latest(self) -> int:
        return self._latest

    @property
    def stream(self) -> Stream:
        return self._stream


def _indexes() -> Iterator[tuple[str, FreeIndex]]:
    yield "empty machines", _index([_CAPACITY] * 12)
    yield "machines from full to empty", _index([(number * 8 // 11, 16, 0) for number in range(12)])
    yield "machines with one resource each", _index([(8, 1, 0) if number % 2 else (1, 16, 0) for number in range(12)])


def _index(free: list[Vector]) -> FreeIndex:
    index = FreeIndex(len(free), 3)
    for machine, amounts in enumerate(free):
        index.set_capacity(machine, _CAPACITY)
        index.show(machine, amounts)
    index.open = (1 << len(free)) - 1
    return index


def _cell(
    fairness: FairnessPolicy | None = None,
    machine_choice: MachineChoice | None = None,
    preemption: PreemptionPolicy | None = None,
) -> Scheduler:
    scheduler = Scheduler(
        [Place(f"m{number}", f"r{number % 2}") for number in range(4)],
        Dimensions(),
        ScheduleConfig(),
        stream=Simulation(seed=1).stream("testing.scheduling"),
        fairness=fairness,
        machine_choice=machine_choice,
        preemption=preemption,
    )
    for machine in range(4):
        scheduler.machine_up(machine, _CAPACITY)
    return scheduler


def _check_nothing_fits(scheduler: Scheduler, where: str) -> None:
    scheduler.check()
    for app, unit, _, _ in scheduler.waiting():
        shape = _SHAPES[int(app[3:])]
        for machine in range(4):
            free = scheduler.free(machine)
            fits = all(need <= there for need, there in zip(shape, free, strict=True))
            assert not fits or (machine == 2 and not scheduler.on_machine(2)), (
                f"{where}: {app} waits for unit {unit} of {shape}, and machine {machine} has {free} free"
            )
