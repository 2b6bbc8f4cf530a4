"""The ServiceMaster's decisions by hand: no clock, no messages (F5)."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.fuxi.service.hotspot import HotLimits, Move, PartitionSight, Split, SplitOrMove, WorkerSight
from feitian_sim.fuxi.service.messages import Holds, PartitionLoad, Renew
from feitian_sim.fuxi.service.service_master import ServiceMaster
from feitian_sim.fuxi.service.table import Partition, Table, decoded, evenly
from feitian_sim.fuxi.worker_messages import WorkerState
from feitian_sim.kernel import SECOND

CONFIG = ServiceConfig()
M = ("r0/m0", "r1/m0", "r2/m0")


def described(instances: int = 3, **partitions: Any) -> ServiceDescription:
    return ServiceDescription.model_validate(
        {
            "name": "kv",
            "roles": {"server": {"instances": instances}},
            "partitions": {"keys": 600, "count": 6, **partitions},
        }
    )


class World:
    """A ServiceMaster with workers that do at once what they are told, and a file that is written at once."""

    def __init__(self, instances: int = 3, **partitions: Any) -> None:
        self.now_ns = 0
        self.description = described(instances, **partitions)
        of = self.description.partitions
        assert of is not None
        self.file: Table = evenly(of.keys, of.count, 1)
        self.core = self.new_master(1)
        #: worker -> (attempt, number, {partition: token}), and its machine.
        self.has: dict[int, tuple[int, int, dict[int, int]]] = {}
        self.machine: dict[int, str] = {}
        self.deaf: dict[int, None] = {}
        self.moves: list[Any] = []

    def new_master(self, attempt: int) -> ServiceMaster:
        return ServiceMaster(self.description, self.file, attempt, CONFIG, SplitOrMove(), self.now_ns)

    def act(self) -> list[Any]:
        """Do what was decided, and what follows from it, until nothing does."""
        held = []
        while True:
            effects = self.core.take_effects()
            self.moves += effects.moved
            for (machine, _), numbers in effects.starts.items():
                for number in numbers:
                    self.has[number], self.machine[number] = (0, 0, {}), machine
                self.core.workers_ready(machine, 0, numbers, self.now_ns)
            for machine, number, _ in effects.assigns:
                assert self.machine[number] == machine
                self.renew(number)
            for order in effects.holds:
                held.append(order)
                if order.worker not in self.deaf:
                    rows = {row.partition: row.token for row in order.rows}
                    self.has[order.worker] = (self.core.book.attempt, order.number, rows)
                    self.core.heard(order.worker, self.holds(order.worker), self.now_ns)
            if self.core.book.dirty:
                self.file = self.core.book.begin_save()
                assert not self.file.problems()
                self.core.saved(self.now_ns)
            elif not effects.holds and not effects.assigns and not effects.starts:
                return held

    def holds(self, worker: int) -> Holds:
        attempt, number, rows = self.has[worker]
        return Holds(attempt, number, tuple(rows.items()))

    def renew(self, worker: int, loads: tuple[PartitionLoad, ...] = ()) -> Any:
        message = Renew("kv", worker, self.machine[worker], self.holds(worker), SECOND if loads else 0, loads)
        return self.core.renew(message, self.now_ns)

    def start(self) -> list[int]:
        self.core.begin(self.now_ns)
        for machine in M[: len(self.core.take_effects().wants) and 3]:
            self.core.granted(0, machine, 1, self.now_ns)
        self.act()
        return list(self.core.force.workers)

    def later(self, seconds: float, *renewing: int) -> None:
        """Time goes by in steps of a second; these workers ask for their leases meanwhile."""
        for _ in range(int(seconds)):
            self.now_ns += SECOND
            for worker in renewing:
                self.renew(worker)
            if self.now_ns >= self.core.next_look_ns():
                self.core.wake(self.now_ns)
            self.act()

    def owners(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row in self.file.partitions:
            found.setdefault(row.worker, []).append(row.number)
        return found


def test_a_table_is_its_bytes_and_says_where_it_is_wrong() -> None:
    table = evenly(1000, 7, 1)
    assert decoded(table.encoded()) == table
    assert not table.problems()
    broken = Table(1, 1, 2, 0, 10, (Partition(1, 0, 4), Partition(2, 5, 10)))
    assert broken.problems() == ["keys 4 to 5: a gap"]
    assert Table(1, 1, 2, 0, 10, (Partition(1, 0, 6), Partition(2, 5, 10))).problems() == ["keys 5 to 6: twice"]
    assert Table(1, 1, 1, 0, 10, (Partition(1, 0, 6),)).problems() == ["keys end at 6, not at 10"]


def test_a_role_is_kept_at_its_number() -> None:
    world = World()
    core = world.core
    core.begin(0)
    assert core.take_effects().wants == [(0, 3)]
    core.granted(0, M[0], 2, 0)
    core.granted(0, M[1], 2, 0)
    effects = core.take_effects()
    assert sum(len(numbers) for numbers in effects.starts.values()) == 3
    assert effects.unused == {(M[1], 0): 1}
    gone = next(iter(core.force.workers))
    core.workers_gone(M[0], [gone], "crashed", 0)
    effects = core.take_effects()
    assert effects.wants == [(0, 1)]
    assert effects.gone == {(M[0], 0): 1}


def test_partitions_are_dealt_out_evenly_when_all_workers_are_there() -> None:
    world = World()
    workers = world.start()
    assert {worker: len(rows) for worker, rows in world.owners().items()} == dict.fromkeys(workers, 2)
    assert sorted(row.token for row in world.file.partitions) == [1, 2, 3, 4, 5, 6]


def test_nobody_is_told_of_what_the_file_does_not_say() -> None:
    world = World()
    core = world.core
    core.begin(0)
    for machine in M:
        core.granted(0, machine, 1, 0)
    for (machine, _), numbers in core.take_effects().starts.items():
        core.workers_ready(machine, 0, numbers, 0)
        for number in numbers:
            world.has[number], world.machine[number] = (0, 0, {}), machine
            world.renew(number)
    effects = core.take_effects()
    assert len(effects.moved) == 6
    assert all(not order.rows for order in effects.holds)
    core.book.begin_save()
    core.saved(0)
    assert sum(len(order.rows) for order in core.take_effects().holds) == 6


def test_a_worker_that_is_certainly_gone_loses_its_partitions_at_once_and_a_lost_machine_not_before_its_lease() -> None:
    world = World()
    first, second, third = world.start()
    mine = world.owners()[first]
    world.core.workers_gone(M[0], [first], "crashed", world.now_ns)
    world.act()
    assert first not in world.owners()
    assert all(row.token > 6 for row in world.file.partitions if row.number in mine)
    theirs = world.owners()[second]
    world.core.lost(M[1], world.now_ns)
    world.act()
    world.later(CONFIG.wait_ns // SECOND, third)
    assert world.owners()[second] == theirs
    world.later(1, third)
    assert second not in world.owners()


def test_a_silent_worker_loses_its_partitions_after_lease_and_margin_and_gets_others_when_it_is_back() -> None:
    world = World()
    first, second, third = world.start()
    world.deaf[first] = None
    world.later(CONFIG.wait_ns // SECOND, second, third)
    assert len(world.owners()[first]) == 2
    world.later(1, second, third)
    assert first not in world.owners()
    del world.deaf[first]
    answer = world.renew(first)
    assert answer.lease_ns == CONFIG.lease
    # What it had is another's: a Hold of before that comes late must not count.
    assert answer.number > world.has[first][1]
    world.act()
    assert world.has[first][2] == {}


def test_a_move_is_let_go_then_kept_then_told() -> None:
    world = World()
    first, second, _ = world.start()
    partition = world.owners()[first][0]
    world.core._leave(partition, world.core.force.workers[second])
    world.deaf[first] = None
    world.core.wake(world.now_ns)
    world.act()
    assert partition in world.owners()[first]
    assert partition not in world.has[second][2]
    del world.deaf[first]
    attempt, _, rows = world.has[first]
    rows.pop(partition)
    world.has[first] = (attempt, world.core.force.workers[first].sent, rows)
    world.renew(first)
    world.act()
    assert partition in world.owners()[second]
    assert world.has[second][2][partition] == 7


def test_a_split_covers_the_same_keys_and_stays_its_owners() -> None:
    world = World()
    first, *_ = world.start()
    partition = world.owners()[first][0]
    world.core._medians[partition] = 30
    world.core._split(partition, world.now_ns)
    world.core.wake(world.now_ns)
    world.act()
    halves = [row for row in world.file.partitions if row.number > 6]
    assert [(row.low, row.high, row.worker) for row in halves] == [(0, 30, first), (30, 100, first)]
    assert partition not in world.has[first][2]
    assert {7, 8} <= set(world.has[first][2])
    assert {row.token for row in halves} == {7, 8}


@pytest.mark.parametrize("when", ["before it let go", "after it let go", "after it was written"])
def test_a_service_master_that_dies_while_it_moves_leaves_each_partition_with_one_owner(when: str) -> None:
    world = World()
    first, second, third = world.start()
    partition = world.owners()[first][0]
    world.core._leave(partition, world.core.force.workers[second])
    world.core.wake(world.now_ns)
    if when != "before it let go":
        attempt, _, rows = world.has[first]
        rows.pop(partition)
        world.has[first] = (attempt, world.core.force.workers[first].sent, rows)
        world.renew(first)
        assert world.core.book.rows[partition].worker == second
        if when == "after it was written":
            world.file = world.core.book.begin_save()
    world.core = core = world.new_master(2)
    core.restore({(0, machine): 1 for machine in M}, world.now_ns)
    for worker, machine in zip((first, second, third), M, strict=True):
        core.adopt(machine, [WorkerState(worker, 1, ("serve", worker))], world.now_ns)
    core.open_up(world.now_ns)
    world.act()
    holders = [worker for worker in (first, second, third) if partition in world.has[worker][2]]
    assert holders == ([second] if when == "after it was written" else [first])
    assert sum(len(world.has[worker][2]) for worker in world.has) == 6
    assert not core.take_effects().starts


def test_what_a_new_master_does_not_find_is_given_out_after_a_lease_and_the_margin() -> None:
    world = World()
    first, second, third = world.start()
    world.core = core = world.new_master(2)
    core.restore({}, world.now_ns)
    core.adopt(M[1], [WorkerState(second, 1, ("serve", second))], world.now_ns)
    core.adopt(M[2], [WorkerState(third, 1, ("serve", third))], world.now_ns)
    core.open_up(world.now_ns)
    world.act()
    assert len(world.owners()[first]) == 2
    world.later(CONFIG.wait_ns // SECOND, second, third)
    assert len(world.owners()[first]) == 2
    world.later(1, second, third)
    assert first not in world.owners()


def test_one_that_was_given_up_and_is_back_is_stopped() -> None:
    world = World()
    first, *_ = world.start()
    world.core.lost(M[0], world.now_ns)
    world.act()
    assert world.renew(first).lease_ns == 0
    assert world.core.take_effects().revoked == {M[0]: [first]}


def test_what_is_taken_back_gives_its_partitions_away_first() -> None:
    world = World()
    first, *_ = world.start()
    world.core.taken_back(0, M[0], 1, world.now_ns)
    effects = world.core.take_effects()
    assert effects.wants == [(0, 1)]
    assert not effects.revoked
    for order in effects.holds:
        world.has[order.worker] = (1, order.number, {row.partition: row.token for row in order.rows})
        world.core.heard(order.worker, world.holds(order.worker), world.now_ns)
    world.file = world.core.book.begin_save()
    world.core.saved(world.now_ns)
    assert world.core.take_effects().revoked == {M[0]: [first]}


def test_a_hot_partition_is_split_at_its_median_and_the_least_loaded_worker_gets_a_half() -> None:
    world = World(hot={"split_above": "100/s", "move_above": "150/s"})
    workers = world.start()
    hot = world.owners()[workers[0]][0]
    for _ in range(80):
        world.now_ns += SECOND
        for worker in workers:
            rows = {row.number: row for row in world.file.partitions if row.worker == worker}
            loads = []
            for row in rows.values():
                inside = max(0, min(row.high, 100) - row.low)
                loads.append(PartitionLoad(row.number, 4 * inside if row.low < 100 else 1, (row.low + row.high) // 2))
            world.renew(worker, tuple(loads))
        if world.now_ns >= world.core.next_look_ns():
            world.core.wake(world.now_ns)
        world.act()
    assert hot not in {row.number for row in world.file.partitions}
    owners = {row.worker for row in world.file.partitions if row.low < 100}
    assert len(owners) > 1
    assert {move.why for move in world.moves} == {"placed", "moved"}


LIMITS = HotLimits(100, 150, 2.0, 10)


def test_the_policy_splits_what_is_hot_but_not_a_single_key() -> None:
    policy = SplitOrMove()
    wide, narrow = PartitionSight(1, 1, 120, 50), PartitionSight(2, 2, 110, 1)
    workers = [WorkerSight(1, 120, 1), WorkerSight(2, 110, 1)]
    assert policy.relieve([wide, narrow], workers, LIMITS) == [Split(1)]
    assert policy.relieve([wide], workers, HotLimits(100, 150, 2.0, 2)) == []


def test_the_policy_moves_to_the_least_loaded_and_makes_nobody_hotter_than_the_giver_was() -> None:
    policy = SplitOrMove()
    sights = [PartitionSight(1, 1, 90, 9), PartitionSight(2, 1, 80, 9), PartitionSight(3, 2, 100, 9)]
    workers = [WorkerSight(1, 170, 2), WorkerSight(2, 100, 1), WorkerSight(3, 20, 0)]
    assert policy.relieve(sights, workers, LIMITS) == [Move(1, 3)]
    alone = [PartitionSight(1, 1, 160, 1)]
    assert policy.relieve(alone, [WorkerSight(1, 160, 1), WorkerSight(2, 0, 0)], LIMITS) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"partitions": {"count": 3, "role": "servr"}}, "the roles are server"),
        ({"partitions": {"count": 3, "keys": 2}}, "2 keys cannot be cut into 3"),
        ({"partitions": {"count": 3, "most": 2}}, "at most 2 may be"),
        ({"partitions": {"count": 3, "hot": {"kind": "coldest"}}}, "none of split-or-move, leave-alone"),
        ({"roles": {"server": {"instances": 1, "program": "x"}}}, "not file.py:Class"),
        ({"name": "a b"}, "a name has letters"),
    ],
)
def test_a_description_says_what_is_wrong(change: dict[str, Any], words: str) -> None:
    good = {"name": "kv", "roles": {"server": {"instances": 1}}}
    ServiceDescription.model_validate(good)
    with pytest.raises(ValueError, match=words):
        ServiceDescription.model_validate({**good, **change})
