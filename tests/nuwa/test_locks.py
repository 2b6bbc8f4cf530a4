"""Locks and elections with their fencing tokens (N6), and publishing to many (N5), in a whole cell.

What must hold whatever is cut off: a holder knows that it has lost the office before another has it, tokens grow from
holder to holder, and a resource that knows the tokens takes nothing of an older holder after a newer one's.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from nuwa_bench import MILLISECOND, SECOND, Bench

from feitian_sim.nuwa.election import Candidate, token_of
from feitian_sim.nuwa.facts import Deposed, Elected
from feitian_sim.nuwa.fenced import FencedResource
from feitian_sim.nuwa.lock import Lock
from feitian_sim.nuwa.publish import Publisher, Subscription

#: Machines of clients: a's, b's, c's.
HOMES = {"a": "r0/m2", "b": "r3/m2", "c": "r4/m2"}


class Contest:
    """Clients that want the office at /l/; ``told`` are elections and depositions, as (time, who, token or 0)."""

    def __init__(self, kind: type[Lock] | type[Candidate] = Lock, first: int = 2, **nuwa: object) -> None:
        self.bench = Bench(**nuwa)
        self.maker = self.bench.client("r1/m2", "maker", first=3)
        assert self.bench.do(self.maker.create, "/l/", b"").ok
        self.told: list[tuple[int, str, int]] = []
        self.bench.sim.facts.subscribe(Elected, lambda at, fact: self.told.append((at, fact.owner, fact.token)))
        self.bench.sim.facts.subscribe(Deposed, lambda at, fact: self.told.append((at, fact.owner, 0)))
        self.clients = {}
        self.locks: dict[str, Lock | Candidate] = {}
        for number, (name, home) in enumerate(HOMES.items()):
            self.clients[name] = client = self.bench.client(home, name, first=(first, 3, 4)[number])
            args = self.bench.sim, self.bench.owners[name], client, "/l/"
            self.locks[name] = kind(*args, lambda token: None, lambda: None)

    def acquire(self, *names: str) -> None:
        for name in names:
            lock = self.locks[name]
            lock.acquire() if isinstance(lock, Lock) else lock.stand()
            self.bench.run(0.5)

    def cut(self, *machines: str) -> int:
        """Cut the machines, together, from all others."""
        every = self.bench.datacenter.machines
        side = [one for one in every if one.name in machines]
        return self.bench.datacenter.network.partition([side, [one for one in every if one not in side]])

    def holders(self) -> list[str]:
        return [who for _, who, token in self.told if token]

    def files(self) -> tuple[str, ...]:
        return self.bench.do(self.maker.read, "names", "/l/", fresh=True).value

    def assert_sound(self) -> None:
        """One at a time, each with a larger token than all before."""
        holder = ""
        for _, who, token in self.told:
            assert holder == ("" if token else who), self.told
            holder = who if token else ""
        tokens = [token for _, _, token in self.told if token]
        assert all(one < other for one, other in pairwise(tokens))


def test_n6_a_lock_goes_from_one_to_the_next_in_the_order_of_asking_with_growing_tokens() -> None:
    contest = Contest()
    contest.acquire("b", "a", "c")
    for name in ("b", "a", "c"):
        assert [one for one, lock in contest.locks.items() if lock.token] == [name]
        contest.locks[name].release()
        contest.bench.run(0.5)
    assert contest.holders() == ["b", "a", "c"]
    contest.assert_sound()
    assert contest.files() == ()
    contest.acquire("a")
    contest.assert_sound()
    assert contest.holders()[-1] == "a"


def test_n6_who_waits_no_longer_is_passed_over() -> None:
    contest = Contest()
    contest.acquire("a", "b", "c")
    contest.locks["b"].release()
    contest.bench.run(0.5)
    contest.locks["a"].release()
    contest.bench.run(0.5)
    assert contest.holders() == ["a", "c"]


@pytest.mark.parametrize("after_ns", range(0, 20 * MILLISECOND, MILLISECOND // 5))
def test_n6_who_lets_go_at_whatever_moment_of_acquiring_keeps_nothing(after_ns: int) -> None:
    contest = Contest()
    contest.locks["a"].acquire()
    contest.bench.sim.run_until(contest.bench.sim.now + after_ns)
    contest.locks["a"].release()
    contest.bench.run(1)
    assert contest.locks["a"].token == 0
    assert contest.files() == ()
    contest.acquire("b")
    assert contest.locks["b"].token > 0
    contest.assert_sound()


def test_n6_who_asks_twice_has_one_place_in_the_queue() -> None:
    contest = Contest()
    contest.locks["a"].acquire()
    contest.locks["a"].acquire()
    contest.bench.run(1)
    assert len(contest.files()) == 1
    contest.locks["a"].release()
    contest.bench.run(1)
    assert contest.files() == ()


#: What is cut off with a's machine, and the server to which a is connected: the last four leave a server on a's side.
CUTS = [(("r0/m2",), 0), (("r0/m2",), 2), (("r0/m2", "r2/m1"), 2), (("r0/m2", "r0/m1"), 0)]
CUTS += [(("r0/m2", "r0/m1", "r1/m1"), 0), (("r0/m2", "r0/m1", "r1/m1"), 1)]


@pytest.mark.parametrize("elide", [True, False])
@pytest.mark.parametrize(("machines", "first"), CUTS)
@pytest.mark.parametrize("kind", [Lock, Candidate])
def test_n6_a_holder_that_is_cut_off_is_deposed_before_another_is_elected(
    kind: type, machines: tuple[str, ...], first: int, elide: bool
) -> None:
    contest = Contest(kind, first, elide=elide)
    contest.acquire("a", "b", "c")
    cut_ns = contest.bench.sim.now
    contest.cut(*machines)
    contest.bench.run(10)
    assert contest.holders() == ["a", "b"]
    contest.assert_sound()
    assert contest.told[-1][0] - cut_ns < 5 * SECOND
    assert contest.clients["a"].is_over


@pytest.mark.parametrize("server", range(5))
def test_n6_a_holder_whose_server_alone_is_cut_off_keeps_its_office(server: int) -> None:
    contest = Contest(first=server)
    contest.acquire("a", "b")
    contest.cut(contest.bench.cell.servers[server].machine.name)
    contest.bench.run(20)
    assert contest.holders() == ["a"]
    assert contest.locks["a"].token > 0
    assert contest.clients["a"].server != server
    contest.assert_sound()


def test_n6_the_resource_takes_nothing_of_a_holder_after_its_successors_work_though_it_never_learned_of_its_loss() -> (
    None
):
    """A paused holder comes back with the token in hand and does not look again: only the resource can refuse."""
    contest = Contest()
    resource = FencedResource()
    contest.acquire("a", "b")
    paused_with = contest.locks["a"].token
    assert resource.touch(paused_with)
    assert not contest.locks["b"].token
    cut = contest.cut("r0/m2")
    contest.bench.run(1)
    # Its session may still live: nobody has been there since.
    assert resource.touch(paused_with)
    contest.bench.run(6)
    newer = contest.locks["b"].token
    assert newer > paused_with
    assert resource.touch(newer)
    contest.bench.datacenter.network.heal(cut)
    contest.bench.run(1)
    assert not resource.touch(paused_with)
    assert resource.touch(newer)
    assert resource.accepted == sorted(resource.accepted)
    assert resource.refused == [paused_with]


def test_n6_a_resource_takes_no_work_of_who_holds_nothing() -> None:
    contest = Contest()
    resource = FencedResource()
    assert contest.locks["b"].token == 0
    assert not resource.touch(contest.locks["b"].token)
    assert resource.accepted == []


@pytest.mark.parametrize("seed", range(4))
def test_n6_through_the_deaths_of_leaders_and_holders_there_is_one_holder_at_a_time(seed: int) -> None:
    contest = Contest(kind=Candidate, seed=seed)
    contest.acquire("a", "b", "c")
    bench = contest.bench
    for round_ in range(3):
        leader = bench.leader()
        bench.cell.daemons[leader].kill()
        bench.run(0.1 * (seed + 1))
        bench.cell.daemons[leader].start()
        bench.run(3)
        assert len(contest.holders()) == round_ + 1
        holder = contest.holders()[-1]
        contest.told.append((bench.sim.now, holder, 0))
        bench.owners[holder].kill()
        bench.run(7)
    assert contest.holders() == ["a", "b", "c"]
    contest.assert_sound()
    assert contest.files() == ()


def test_n6_tokens_grow_with_the_slot_and_in_one_slot_with_the_number() -> None:
    paths = [f"/l/candidate-{number:010d}" for number in (0, 1, 9_999_999_999)]
    tokens = [token_of(zxid, path) for zxid in (1, 2, 3) for path in paths]
    assert tokens == sorted(set(tokens))


def test_n5_every_subscriber_hears_the_last_value_and_all_in_one_order_through_the_death_of_the_leader() -> None:
    bench = Bench()
    writer = bench.client("r1/m2", "writer", first=1)
    assert bench.do(writer.create, "/news/", b"").ok
    assert bench.do(writer.create, "/news/today", b"0").ok
    slots: list[int] = []
    read: dict[int, list[int]] = {}
    for number in range(10):
        reader = bench.client(f"r{number % 5}/m2", first=number % 5)
        slots_heard: list[int] = []
        read[number] = []

        def heard(_: str, zxid: int, number: int = number, reader=reader, slots_heard: list[int] = slots_heard) -> None:
            assert not slots_heard or zxid > slots_heard[-1]
            slots_heard.append(zxid)
            reader.read("get", "/news/today", lambda answer: read[number].append(int(answer.value)))

        Subscription(reader, "/news/", heard)
    bench.run(1)
    publisher = Publisher(writer, "/news/today")
    for value in range(1, 41):
        publisher.publish(str(value).encode(), lambda answer: slots.append(answer.zxid))
        bench.run(0.02)
        if value == 20:
            bench.cell.daemons[0].kill()
    bench.run(5)
    assert slots == sorted(set(slots))
    assert len(slots) == 40
    for values in read.values():
        assert values == sorted(values)
        assert values[-1] == 40


def test_n5_a_value_that_cannot_be_published_is_told_to_the_publisher_and_to_nobody_else() -> None:
    bench = Bench()
    writer, reader = bench.client("r1/m2"), bench.client("r3/m2")
    assert bench.do(writer.create, "/news/", b"").ok
    heard: list[str] = []
    Subscription(reader, "/news/", lambda path, zxid: heard.append(path))
    bench.run(1)
    assert bench.do(Publisher(writer, "/news/today").publish, b"x").error == "no-node"
    bench.run(1)
    assert heard == []
