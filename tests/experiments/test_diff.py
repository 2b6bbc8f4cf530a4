"""The first event that differs between two runs: from stored lines, from a repetition, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments import run as running
from feitian_sim.experiments.diff import Diff, diff
from feitian_sim.experiments.divergence import BEFORE_FIRST, Divergence, first_fact, located, window_of
from feitian_sim.experiments.event_files import CHECKPOINTS, LINES, StoredEvents
from feitian_sim.experiments.run import Options, run
from feitian_sim.kernel import EnvironmentRefusal, EventRecorder, Fact, Simulation, fact
from feitian_sim.kernel.event_journal import FactLine
from feitian_sim.workloads.requests import RequestQueue

ARRIVE, SERVED = (f"feitian_sim.workloads.requests.RequestQueue.{name}" for name in ("_arrive", "_served"))


@fact("test.happened")
class Happened(Fact):
    number: int


def _changed(monkeypatch: pytest.MonkeyPatch, method: str, change: Callable[[RequestQueue, Any], None]) -> None:
    """Another line in a method of the load: ``change`` is called before the rest."""
    ordinary = getattr(RequestQueue, method)

    @wraps(ordinary)
    def other(self: RequestQueue, *given: Any) -> None:
        change(self, given)
        ordinary(self, *given)

    monkeypatch.setattr(RequestQueue, method, other)


def _draws_once_more(queue: RequestQueue, _: Any) -> None:
    if queue.arrived == 50:
        queue._service.uniform()


def _tells_more(queue: RequestQueue, given: Any) -> None:
    if queue.served == 30:
        queue._sim.emit(Happened(30))


class Made:
    """Results of the queue, each in a folder of its own."""

    def __init__(self, queue: Path) -> None:
        self._queue = queue
        self._count = 0

    def __call__(self, events: str = "lines", **options: Any) -> Path:
        self._count += 1
        output = self._queue.parent / f"out{self._count}"
        return run(self._queue, Options(output=output, events=events, **options)).directory


@pytest.fixture
def made(queue: Path) -> Made:
    return Made(queue)


@pytest.fixture
def changed(made: Made) -> Callable[..., Path]:
    """Results of code that differs in one line."""

    def make(method: str, change: Callable[[RequestQueue, Any], None], **options: Any) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            _changed(patch, method, change)
            return made(**options)

    return make


def _divergence(found: Diff) -> Divergence:
    assert not found.equal
    assert found.divergence is not None
    return found.divergence


@pytest.mark.parametrize("events", [("lines", "lines"), ("checkpoints", "lines"), ("checkpoints", "checkpoints")])
def test_equal_runs_are_the_same(made: Made, events: tuple[str, str]) -> None:
    found = diff(made(events[0]), made(events[1]))
    assert found.equal
    assert (found.runs, found.run, found.divergence, found.fact, found.remarks) == (1, None, None, None, ())


def test_keeping_the_events_changes_no_digest(made: Made) -> None:
    digests = {
        json.loads((made(events) / "manifest.json").read_text())["digest"] for events in ("", "checkpoints", "lines")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("plain", ["lines", "checkpoints"])
def test_one_line_of_code_is_found_at_the_first_event_that_it_changes(
    made: Made, changed: Callable[..., Path], plain: str
) -> None:
    # The plain one is either stored whole, or repeated by the plain code.
    folder, other = made(plain), changed("_arrive", _draws_once_more)
    found = diff(folder, other)
    divergence = _divergence(found)
    first, second = divergence.first, divergence.second
    assert first is not None
    assert second is not None
    assert first.number == second.number == divergence.number
    assert {first.name.handler, second.name.handler} <= {ARRIVE, f"{SERVED} via ServiceQueue._end"}
    served = [one for one in (first, second) if one.name.handler.startswith(SERVED)]
    assert served
    assert served[0].name.owner == "load.requests"
    assert served[0].name.source == f"feitian_sim/workloads/requests.py:{RequestQueue._served.__code__.co_firstlineno}"
    assert divergence.common is not None
    assert divergence.common.number == divergence.number - 1
    assert found.fact is not None
    every = StoredEvents(other / "runs/base/run=0000").lines(0, 1 << 30)
    assert second == every[divergence.number]
    assert divergence.common.compared == every[divergence.number - 1].compared


def test_an_event_with_another_outcome_is_named_with_the_fact(made: Made, changed: Callable[..., Path]) -> None:
    found = diff(made(), changed("_served", _tells_more))
    divergence = _divergence(found)
    assert divergence.same_event
    assert divergence.first is not None
    assert divergence.first.name.handler.startswith(SERVED)
    assert found.fact is not None
    assert found.fact.first is None
    assert found.fact.second == FactLine(divergence.number, divergence.first.time_ns, "test.happened\x1f30")


def test_repeated_runs_tell_what_stored_lines_tell(made: Made) -> None:
    stored = diff(made(seed=1), made(seed=2))
    repeated = diff(made("checkpoints", seed=1), made("checkpoints", seed=2))
    assert _divergence(stored) == _divergence(repeated)
    assert stored.fact == repeated.fact
    assert repeated.remarks == ("the seeds differ: 1 and 2",)


@pytest.mark.parametrize("plain", ["lines", "checkpoints"])
def test_the_run_that_differs_is_named(made: Made, changed: Callable[..., Path], plain: str) -> None:
    def only_in_the_second(queue: RequestQueue, given: Any) -> None:
        if queue._sim.run_number == 1:
            _draws_once_more(queue, given)

    found = diff(made(plain, runs=3), changed("_arrive", only_in_the_second, runs=2))
    assert (found.run, found.runs) == (1, 2)
    assert found.remarks == ("the numbers of runs differ: 3 and 2",)


@pytest.mark.parametrize("events", ["lines", "checkpoints"])
def test_the_last_common_event_may_lie_before_the_window(
    made: Made, events: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _divergence(diff(made(seed=1), made(overrides=("duration=10s",), seed=1)))
    end = None if events == "lines" else 0
    monkeypatch.setattr(running, "recorder_for", lambda _: EventRecorder(every=1, end=end))
    found = _divergence(diff(made(events, seed=1), made(events, overrides=("duration=10s",), seed=1)))
    assert found == expected
    assert found.common is not None


def test_a_run_that_ended_earlier_has_no_event_there(made: Made) -> None:
    whole, half = made(), made(overrides=("duration=10s",))
    divergence = _divergence(diff(whole, half))
    assert divergence.number > 100
    assert divergence.common is not None
    assert divergence.common.time_ns <= 10 * 10**9


def test_what_cannot_be_repeated_is_refused(made: Made, changed: Callable[..., Path]) -> None:
    other = changed("_arrive", _draws_once_more, events="checkpoints")
    with pytest.raises(EnvironmentRefusal, match="cannot be repeated"):
        diff(made(), other)


def test_what_was_made_without_events_is_refused(made: Made) -> None:
    with pytest.raises(EnvironmentRefusal, match="without its events: run it again with --events or --event-lines"):
        diff(made(), made(""))


def test_a_broken_file_is_refused(made: Made) -> None:
    folder = made()
    (folder / "runs/base/run=0000" / CHECKPOINTS).write_bytes(b"nothing")
    with pytest.raises(EnvironmentRefusal, match="cannot be read"):
        diff(made(), folder)


def test_another_scenario_is_refused(made: Made) -> None:
    with pytest.raises(EnvironmentRefusal, match="only runs of one scenario"):
        diff(made(), made(overrides=("name=other",)))


def _command(*arguments: object) -> ExitCode:
    return invoke(["diff", "-q", *map(str, arguments)])


def test_the_command_says_the_same_or_where(
    made: Made, changed: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plain = made()
    assert _command(plain, made()) == ExitCode.DONE
    assert "the same, event by event, in 1 run\n" in capsys.readouterr().out
    assert _command(plain, changed("_arrive", _draws_once_more)) == ExitCode.FAILED
    shown = capsys.readouterr().out
    assert "last common event  event " in shown
    assert "[feitian_sim/workloads/requests.py:" in shown
    assert "first fact in B    hardware.request(" in shown
    assert len(shown.splitlines()) <= 25


def test_the_command_answers_in_json(
    made: Made, changed: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _command(made(), changed("_served", _tells_more), "--json") == ExitCode.FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["equal"] is False
    assert document["event"]["same_event"] is True
    assert {"number", "time_ns", "owner", "handler", "detail", "source"} == set(document["event"]["first"])
    assert document["fact"]["second"] == {**document["fact"]["second"], "kind": "test.happened", "values": ["30"]}


def test_the_command_refuses_with_exit_code_2(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = made()
    for other in (tmp_path / "absent", made(""), made(overrides=("name=other",))):
        assert _command(plain, other) == ExitCode.REFUSED
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("feitian: ")


def test_run_stores_events_when_asked(queue: Path, tmp_path: Path) -> None:
    for arguments, stored in (([], []), (["--events"], [CHECKPOINTS]), (["--event-lines"], [CHECKPOINTS, LINES])):
        output = tmp_path / f"run{len(arguments)}{len(stored)}"
        assert invoke(["run", str(queue), "-q", "--no-figures", "-o", str(output), *arguments]) == ExitCode.DONE
        assert [name for name in (CHECKPOINTS, LINES) if list(output.rglob(name))] == stored


def _journal(numbers: list[int], every: int) -> EventRecorder:
    recorder = EventRecorder(every, end=None)
    sim = Simulation(recorder=recorder)
    for place, number in enumerate(numbers):
        if number < 4:
            sim.call_later(place, sim.now.__add__, number)
        else:
            sim.call_later(place, sim.emit, Happened(number))
    sim.run()
    recorder.finish()
    return recorder


@given(st.lists(st.integers(0, 6), max_size=30), st.lists(st.integers(0, 6), max_size=30), st.integers(1, 7), st.data())
def test_bisection_finds_what_a_look_at_every_event_finds(
    first: list[int], second: list[int], every: int, data: st.DataObject
) -> None:
    shared = data.draw(st.integers(0, len(first)))
    second = first[:shared] + second
    one, other = _journal(first, every), _journal(second, every)
    window = window_of(one.checkpoints, other.checkpoints)
    differs = [
        place for place in range(max(len(first), len(second))) if first[place : place + 1] != second[place : place + 1]
    ]
    if not differs:
        assert window is None
        return
    assert window is not None
    assert window.first <= differs[0] < window.end
    begin = max(0, window.first - 1)
    lines = [islice(journal.lines(), begin, window.end) for journal in (one, other)]
    found = located(window, (lines[0], lines[1]), (one.facts, other.facts))
    assert found is not None
    assert found.number == differs[0]
    assert (found.common.number if found.common else -1) == differs[0] - 1


def test_what_differs_in_the_set_up_is_before_the_first_event() -> None:
    journals = []
    for number in (1, 2):
        recorder = EventRecorder(end=None)
        sim = Simulation(recorder=recorder)
        sim.emit(Happened(number))
        sim.call_later(1, sim.now.__add__, 1)
        sim.run()
        recorder.finish()
        journals.append(recorder)
    one, other = journals
    window = window_of(one.checkpoints, other.checkpoints)
    assert window is not None
    found = located(window, (one.lines(), other.lines()), (one.facts, other.facts))
    assert found is not None
    assert found.number == BEFORE_FIRST
    assert found.same_event


def test_facts_of_one_instant_have_no_order() -> None:
    def facts(*lines: tuple[int, str]) -> list[FactLine]:
        return [FactLine(0, time_ns, line) for time_ns, line in lines]

    plain = facts((1, "a"), (1, "b"), (2, "c"))
    assert first_fact(plain, facts((1, "b"), (1, "a"), (2, "c"))) is None
    found = first_fact(plain, facts((1, "b"), (1, "x"), (2, "d")))
    assert found is not None
    assert (found.first, found.second) == (FactLine(0, 1, "a"), FactLine(0, 1, "x"))
    found = first_fact(plain, facts((1, "a"), (1, "b"), (3, "c")))
    assert found is not None
    assert (found.first, found.second) == (plain[2], FactLine(0, 3, "c"))
    found = first_fact(plain, plain[:2])
    assert found is not None
    assert (found.first, found.second) == (plain[2], None)
    found = first_fact(plain, facts((1, "a"), (2, "c")))
    assert found is not None
    assert (found.first, found.second) == (plain[1], None)
    found = first_fact(facts((1, "a"), (1, "a")), facts((1, "a"), (1, "b")))
    assert found is not None
    assert (found.first, found.second) == (FactLine(0, 1, "a"), FactLine(0, 1, "b"))
