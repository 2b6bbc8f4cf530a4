"""Single messages lost, late, doubled, overtaken, damaged: by chance, by name, and the one turned into the other."""

from __future__ import annotations

from typing import Any

import pytest
from message_bench import CARD, FAULT, Ask, MessageBench, Note
from pydantic import ValidationError

from feitian_sim.faults.recording import DeviationRecorder, as_scenario
from feitian_sim.faults.targets import check_target
from feitian_sim.hardware import ClusterConfig
from feitian_sim.kernel import MILLISECOND, SECOND
from feitian_sim.scenario import build, load_text

THERE = {"kind": "network-message", "source": "r0/m0", "target": "r1/m0"}
#: Message 0 from r0/m0 to r1/m0 opens the connection.
FIRST = 1


def strike(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": f"network-{kind}", "at": "0s", "target": CARD, **fields}


def effects(bench: MessageBench) -> dict[str, int]:
    found: dict[str, int] = {}
    for deviation in bench.recorder.deviations:
        found[deviation.effect] = found.get(deviation.effect, 0) + 1
    return found


# --- one by name ----------------------------------------------------------------------------------


def test_a_lost_request_is_sent_again_and_the_stream_waits_for_it() -> None:
    bench = MessageBench({**THERE, "number": FIRST, "effect": "lose"})
    for number in range(3):
        bench.call(number)
    bench.run(1)
    assert bench.results == [0, 1, 2]
    assert all(at > 200 * MILLISECOND for at, _ in bench.ends)
    assert [target for _, target in bench.struck] == ["r0/m0>r1/m0#1"]


def test_a_lost_note_is_overtaken() -> None:
    bench = MessageBench({**THERE, "number": FIRST, "effect": "lose"})
    for number in range(3):
        bench.tell(number)
    bench.run(1)
    assert bench.heard(Note) == [1, 2, 0]


def test_a_late_request_holds_up_those_behind_it_and_a_late_note_does_not() -> None:
    late = {**THERE, "number": FIRST, "effect": "delay", "delay": "50ms"}
    calls, notes = MessageBench(late), MessageBench(late)
    for number in range(3):
        calls.call(number)
        notes.tell(number)
    calls.run(1)
    notes.run(1)
    assert calls.results == [0, 1, 2]
    assert calls.ends[0][0] > 50 * MILLISECOND
    assert notes.heard(Note) == [1, 2, 0]


def test_a_doubled_request_is_dropped_by_its_sequence_and_a_doubled_note_is_heard_twice() -> None:
    doubled = {**THERE, "number": FIRST, "effect": "duplicate", "delay": "5ms"}
    calls, notes = MessageBench(doubled), MessageBench(doubled)
    calls.call(0)
    notes.tell(0)
    calls.run(1)
    notes.run(1)
    assert (calls.heard(Ask), calls.dropped) == ([0], ["sequence"])
    assert (notes.heard(Note), notes.dropped) == ([0, 0], [])


def test_a_damaged_message_is_caught_by_its_checksum_and_sent_again() -> None:
    bench = MessageBench({**THERE, "number": FIRST, "effect": "corrupt"})
    bench.call(0)
    bench.run(1)
    assert (bench.results, bench.dropped) == ([0], ["checksum"])
    assert bench.ends[0][0] > 200 * MILLISECOND


def test_a_message_that_is_never_sent_is_not_struck() -> None:
    bench = MessageBench({**THERE, "number": 1000, "effect": "lose"})
    bench.call(0)
    bench.run(1)
    assert bench.results == [0]
    assert not bench.struck


# --- by chance ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "effect"),
    [
        (strike("loss", loss="10%", named=True), "lose"),
        (strike("loss", loss="10%", burst=3), "lose"),
        (strike("delay", delay="1ms", share="10%"), "delay"),
        (strike("duplicate", share="10%"), "duplicate"),
        (strike("reorder", share="10%"), "delay"),
        (strike("corrupt", share="10%"), "corrupt"),
    ],
)
def test_about_its_share_of_messages_is_struck_and_every_call_ends_well(fault: dict[str, Any], effect: str) -> None:
    bench = MessageBench(fault)
    bench.talk(1000, MILLISECOND)
    bench.run(60)
    assert sorted(bench.results) == list(range(1000))
    # Two requests or notes and a reply and some more for what is sent again: 3000 messages pass the card.
    assert effects(bench).keys() == {effect}
    assert 200 < effects(bench)[effect] < 450


def test_the_stream_keeps_its_order_and_notes_do_not() -> None:
    bench = MessageBench(strike("reorder", share="20%", gap="20ms"))
    for number in range(200):
        bench.sim.call_later(number * MILLISECOND, bench.call, number)
        bench.sim.call_later(number * MILLISECOND, bench.tell, number)
    bench.run(10)
    assert bench.heard(Ask) == list(range(200))
    assert bench.heard(Note) != list(range(200))
    assert sorted(bench.heard(Note)) == list(range(200))


def test_jitter_is_added_up_to_its_bound() -> None:
    bench = MessageBench(strike("delay", delay="1ms", delay_jitter="4ms"))
    bench.talk(300)
    bench.run(10)
    delays = sorted(deviation.delay_ns for deviation in bench.recorder.deviations)
    assert MILLISECOND <= delays[0] < 2 * MILLISECOND
    assert 4 * MILLISECOND < delays[-1] <= 5 * MILLISECOND


@pytest.mark.parametrize("burst", [1, 4])
def test_losses_come_in_bursts_of_the_mean_length(burst: int) -> None:
    bench = MessageBench(strike("loss", loss="20%", burst=burst, named=True))
    network, (one, other) = bench.network, (bench.datacenter.machine("r0/m0"), bench.datacenter.machine("r1/m0"))
    got: list[int] = []
    for number in range(20_000):
        bench.sim.call_later(number * MILLISECOND, network.send, one, other, 100, None, got.append, number)
    bench.run(30)
    arrived = dict.fromkeys(got)
    lost = dict.fromkeys(number for number in range(20_000) if number not in arrived)
    bursts = sum(number - 1 not in lost for number in lost)
    expected = burst if burst > 1 else 1 / 0.8
    assert len(lost) / 20_000 == pytest.approx(0.2, rel=0.1)
    assert len(lost) / bursts == pytest.approx(expected, rel=0.1)


def test_a_fault_that_strikes_twice_at_once_strikes_a_message_once() -> None:
    once = MessageBench(strike("duplicate", share="30%", duration="10s"))
    twice = MessageBench({**strike("duplicate", share="30%", duration="10s"), "at": None, "every": "1ns", "until": "2ns"})
    for bench in (once, twice):
        bench.talk(50)
        bench.run(20)
    assert effects(once) == effects(twice)


def test_other_faults_move_no_draw() -> None:
    alone = MessageBench(strike("duplicate", share="10%"))
    crowded = MessageBench(strike("delay", delay="1us", share="10%"), strike("duplicate", share="10%"))
    for bench in (alone, crowded):
        bench.talk(100)
        bench.run(10)

    def doubled(bench: MessageBench) -> list[tuple[str, str, int]]:
        found = bench.recorder.deviations
        return [(one.source, one.target, one.number) for one in found if one.effect == "duplicate"]

    assert doubled(alone)
    assert sorted(doubled(alone)) == sorted(doubled(crowded))


def test_what_ends_strikes_no_more() -> None:
    bench = MessageBench(strike("corrupt", share="50%", duration="1s"))
    bench.talk(300)
    bench.run(1)
    before = len(bench.recorder.deviations)
    bench.run(10)
    assert before == len(bench.recorder.deviations) > 0


def test_without_names_a_plain_loss_leaves_the_run_as_it_was() -> None:
    bench = MessageBench(strike("loss", loss="10%"), strike("delay", delay="1ms"))
    bench.talk()
    bench.run(30)
    assert sorted(bench.results) == list(range(200))
    assert bench.network.messenger.meddler is None
    assert not bench.recorder.deviations


# --- from chance to names -------------------------------------------------------------------------

MIXED = (
    strike("loss", loss="5%", burst=2),
    strike("loss", loss="5%", duration="1s", target={"rack": "r1"}),
    strike("delay", delay="1ms", delay_jitter={"kind": "exponential", "mean": "3ms"}, share="20%"),
    strike("delay", delay="100us", target={"machine": "r1/m0"}),
    strike("duplicate", share="10%", target={"machine": "r*/m0", "mode": "all"}),
    strike("reorder", share="10%"),
    strike("corrupt", share="5%"),
)


def test_the_deviations_of_a_run_named_one_by_one_give_the_run_again() -> None:
    drawn = MessageBench(*MIXED)
    named = None
    for bench_of in (lambda: drawn, lambda: MessageBench(*map(as_scenario, drawn.recorder.deviations))):
        named = bench_of()
        named.talk()
        named.run(60)
    assert named is not None
    assert set(effects(drawn)) == {"lose", "delay", "duplicate", "corrupt"}
    assert named.seen == drawn.seen
    assert [d.fault for d in named.recorder.deviations] != [d.fault for d in drawn.recorder.deviations]
    assert list(map(as_scenario, named.recorder.deviations)) == list(map(as_scenario, drawn.recorder.deviations))
    assert sorted(drawn.results) == list(range(200))


NUWA = """\
name: elect
seed: 5
duration: 20s
sample_every: 10s
cluster: {racks: 3, machines_per_rack: 2, machine: {cores: 8, disks: 2}, clients: {machines: 3}}
nuwa: {servers: 3, session: 6s}
load:
  - {kind: lock, name: workers, clients: 4, locks: 2, hold: 500ms, think: 300ms, touch_every: 200ms}
faults:
"""
RANDOM = """\
  - {kind: network-loss, at: 1s, duration: 15s, loss: 5%, named: true, target: {machine: "r0/m0"}}
  - {kind: network-delay, at: 1s, duration: 15s, delay: 1ms, delay_jitter: 20ms, share: 20%, target: {machine: "r1/m0"}}
  - {kind: network-duplicate, at: 1s, duration: 15s, share: 20%, target: {machine: "r*/m0", mode: all}}
"""
CUT = "  - {kind: network-partition, at: 8s, duration: 3s, groups: [[r0]]}\n"


def test_a_coordination_service_runs_the_same_under_named_deviations() -> None:
    def run(faults: str) -> tuple[list[Any], DeviationRecorder]:
        platform = build(load_text(NUWA + faults + CUT))
        recorder, seen = DeviationRecorder(platform.sim), []
        platform.sim.facts.subscribe(
            "*",
            lambda at, what: (
                seen.append((at, what.kind, type(what).values(what)))
                if what.canonical and not what.kind.startswith("faults.")
                else None
            ),
        )
        platform.run()
        return seen, recorder

    drawn, recorder = run(RANDOM)
    assert recorder.deviations
    messages = [str(as_scenario(one)).replace("'", "") for one in recorder.deviations]
    named, _ = run("".join(f"  - {message}\n" for message in messages))
    assert named == drawn
    assert max(at for at, *_ in drawn) > 16 * SECOND


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({**THERE, "number": 1, "effect": "delay"}, "needs a delay above 0"),
        ({**THERE, "number": 1, "effect": "lose", "delay": "1ms"}, "delay goes with effect"),
        ({**THERE, "number": 1, "effect": "lose", "at": "1s"}, "leave at out"),
        ({**THERE, "target": "r0/m0", "number": 1, "effect": "lose"}, "must be two machines"),
        (strike("loss", loss="80%", burst=2), "at most 0.667"),
        (strike("swizzle"), "duration"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FAULT.validate_python(fields)
    assert says in str(caught.value)


def test_a_machine_that_is_not_there_is_refused_with_the_nearest() -> None:
    fault = FAULT.validate_python({**THERE, "target": "r1/m9", "number": 1, "effect": "lose"})
    (problem,) = check_target(fault, ClusterConfig(racks=2, machines_per_rack=3), {})
    assert "no machine 'r1/m9'" in problem


def test_a_jitter_of_a_time_is_written_out_and_read_again() -> None:
    fault = FAULT.validate_python(strike("delay", delay="1ms", delay_jitter="4ms"))
    assert FAULT.validate_python(fault.model_dump(mode="json", exclude_none=True)) == fault
