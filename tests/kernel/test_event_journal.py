"""The journal of events: what each is called, what the chain sees, and that keeping it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import pytest
import simpy

from feitian_sim.kernel import EventRecorder, Fact, Simulation, fact
from feitian_sim.kernel.event_journal import EventLine
from feitian_sim.kernel.event_names import EventName

HERE = f"{__name__.replace('.', '/')}.py:"


@fact("test.happened")
class Happened(Fact):
    what: str


@fact("test.seen", canonical=False)
class Seen(Fact):
    what: str


class Actor:
    """Somebody with a name."""

    def __init__(self, sim: Simulation, name: str = "actor") -> None:
        self.sim = sim
        self.name = name

    def act(self, *given: Any) -> None:
        """A handler."""

    def live(self, number: int):
        yield self.sim.timeout(1)
        yield from self.wait()

    def wait(self):
        yield self.sim.timeout(2) | self.sim.event()


class Parcel:
    """Something that carries a call, as a message does."""

    def __init__(self, handler: Any, *args: Any) -> None:
        self.handler, self.args = handler, args

    def event_carried(self) -> tuple[str, Any, tuple[Any, ...]]:
        return "carrier", self.handler, self.args


def recorded(*, every: int = 4, first: int = 0, end: int | None = None) -> tuple[Simulation, EventRecorder]:
    recorder = EventRecorder(every, first, end)
    return Simulation(recorder=recorder), recorder


def _only(recorder: EventRecorder) -> EventName:
    (line,) = recorder.lines()
    return line.name


def test_a_bound_method_is_named_with_its_module_owner_arguments_and_line() -> None:
    sim, recorder = recorded()
    sim.call_later(5, Actor(sim).act, "text", 3, None, Actor(sim, "other"), (1, Actor))
    sim.run()
    (line,) = recorder.lines()
    assert (line.number, line.time_ns) == (0, 5)
    code = Actor.act.__code__
    expected = (
        "actor",
        f"{__name__}.Actor.act",
        "text, 3, None, Actor other, (1, Actor)",
        HERE + str(code.co_firstlineno),
    )
    assert tuple(line.name) == expected


def test_partials_carriers_and_decorated_functions_are_opened() -> None:
    @wraps(Actor.act)
    def decorated(self: Actor, *given: Any) -> None:
        """Stands for the method."""

    sim, recorder = recorded()
    actor = Actor(sim)
    calls = [partial(actor.act, 1), partial(decorated, actor), partial(actor.act, Parcel(partial(actor.act, 4), 5))]
    for call in calls:
        sim.call_later(1, call, 2)
    sim.run()
    names = [line.name for line in recorder.lines()]
    assert {name.source for name in names} == {HERE + str(Actor.act.__code__.co_firstlineno)}
    assert [name.detail for name in names] == ["1, 2", "Actor actor, 2", "4, 5"]
    assert names[2].owner == "carrier"
    assert names[2].handler == f"{__name__}.Actor.act via Actor.act"


@dataclass(frozen=True)
class Ask:
    path: str
    number: int
    heard: list[str]


class Envelope:
    address = "tcp://m1"

    def __init__(self, message: object) -> None:
        self.message = message


def test_a_message_is_named_with_its_plain_values_and_no_address() -> None:
    sim, recorder = recorded()
    for message in (Ask("/a", 3, ["x"]), object()):
        sim.call_later(0, Actor(sim).act, Envelope(message), object())
    sim.run()
    details = [line.name.detail for line in recorder.lines()]
    assert details == ["Envelope of Ask(/a, 3) tcp://m1, object", "Envelope of object tcp://m1, object"]


def test_what_is_built_in_has_a_name_and_no_line() -> None:
    sim, recorder = recorded()
    sim.call_later(0, list[int]().append, 1)
    sim.run()
    assert tuple(_only(recorder)) == ("", "list.append", "1", "")


@pytest.mark.parametrize("kind", ["call_later", "timer"])
def test_what_an_owner_does_is_its_own(kind: str) -> None:
    sim, recorder = recorded()
    getattr(sim.owner("daemon#2"), kind)(1, Actor(sim).act, "x")
    sim.run()
    name = _only(recorder)
    assert (name.owner, name.handler, name.detail) == ("daemon#2", f"{__name__}.Actor.act", "x")


@pytest.mark.parametrize("owned", [False, True])
def test_a_process_is_named_by_its_generator_and_where_it_waits(owned: bool) -> None:
    sim, recorder = recorded()
    actor = Actor(sim)
    if owned:
        sim.owner("daemon#1").process(actor.live(7))
    else:
        sim.process(actor.live(7))
    sim.run()
    started, first, second, condition, end = (line.name for line in recorder.lines())
    handler = f"{__name__}.Actor.live on "
    kinds = ["Initialize", "Timeout", "Timeout", "Condition"]
    assert [name.handler for name in (started, first, second, condition)] == [handler + kind for kind in kinds]
    assert {name.owner for name in (started, first, second, condition)} == {"daemon#1" if owned else "actor"}
    assert {name.detail for name in (started, first)} == {"7"}
    live, wait = (method.__code__.co_firstlineno for method in (Actor.live, Actor.wait))
    assert first.source == HERE + str(live + 1)
    assert second.source == condition.source == HERE + str(wait + 1)
    assert end.handler.startswith("end of ")


def _busy(sim: simpy.Environment, log: list[Any]) -> None:
    """Calls, timers that are cancelled, and processes."""
    assert isinstance(sim, Simulation)
    actor = Actor(sim)
    for number in range(20):
        sim.call_later(number * 3, log.append, number)
        timer = sim.timer(number * 2, actor.act)
        if number % 3:
            timer.cancel()
        sim.process(actor.live(number))
        sim.call_later(number * 3, sim.emit, Happened(f"h{number}"))


def test_recording_changes_nothing_and_counts_as_the_simulation_does() -> None:
    plain = Simulation(event_hash=True)
    recorder = EventRecorder()
    watched = Simulation(event_hash=True, recorder=recorder)
    for sim in (plain, watched):
        _busy(sim, [])
        sim.run()
    assert recorder.count == plain.event_count == watched.event_count
    assert plain.event_digest() == watched.event_digest()
    assert plain.facts.digest() == watched.facts.digest()


def test_a_window_is_a_part_of_all_lines_and_checkpoints_are_the_same() -> None:
    found: list[tuple[list[EventLine], Any, Any]] = []
    for first, end in ((0, None), (5, 9), (0, 0)):
        sim, recorder = recorded(first=first, end=end)
        _busy(sim, [])
        sim.run()
        recorder.finish()
        found.append((list(recorder.lines()), recorder.checkpoints, recorder.facts))
    (every, checkpoints, facts), *others = found
    assert [line.number for line in every] == list(range(len(every)))
    assert [part for part, *_ in others] == [every[5:9], []]
    assert all((marks, kept) == (checkpoints, facts) for _, marks, kept in others)
    assert [mark.number for mark in checkpoints] == [*range(4, len(every), 4), len(every)]


def _chains(change: int | None) -> list[str]:
    sim, recorder = recorded()
    for number in range(20):
        sim.call_later(number, sim.emit, (Happened if number < 10 else Seen)("x" if number != change else "y"))
    sim.run()
    recorder.finish()
    recorder.finish()
    return [mark.chain for mark in recorder.checkpoints]


def test_the_chain_differs_ever_after_it_differed_once_also_by_a_fact() -> None:
    assert _chains(None) == _chains(None)
    same = [one == other for one, other in zip(_chains(None), _chains(6), strict=True)]
    # Event 6 lies between the checkpoints after 4 and after 8 events.
    assert same == [True, False, False, False, False]


def test_facts_that_are_not_canonical_are_not_in_the_chain_but_arguments_are_named_by_class() -> None:
    assert _chains(None) == _chains(15)


def test_facts_know_their_event() -> None:
    sim, recorder = recorded()
    sim.emit(Happened("before"))
    sim.call_later(1, Actor(sim).act)
    sim.call_later(2, sim.emit, Happened("second"))
    sim.run()
    assert [(one.number, one.time_ns) for one in recorder.facts] == [(-1, 0), (1, 2)]


def test_details_survive_their_packing() -> None:
    sim, recorder = recorded(every=1000)
    texts = [f"text \u2713 {number}" if number % 5 else "" for number in range(5000)]
    texts[7] = "with\x1ea separator"
    for number, text in enumerate(texts):
        sim.call_later(number, Actor(sim).act, text)
    sim.run()
    texts[7] = "with a separator"
    assert [line.name.detail for line in recorder.lines()] == texts
