"""One run: build the platform, let it run, and turn what happened into metrics.

Wall and processor time are read here, outside the simulation, and never reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, process_time

from feitian_sim.experiments.interruption import raise_if_requested
from feitian_sim.experiments.manifest import RunRecord
from feitian_sim.experiments.progress import Teller
from feitian_sim.kernel import SECOND, EventRecorder, FactTables, InvariantError
from feitian_sim.kernel.metric import Tables
from feitian_sim.scenario import Loaded
from feitian_sim.scenario.wiring import build


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run with its facts."""

    record: RunRecord
    facts: FactTables
    tables: Tables
    #: Its events, if they were asked for.
    recorder: EventRecorder | None = None


def run_once(
    loaded: Loaded, run: int, teller: Teller, position: int | None = None, recorder: EventRecorder | None = None
) -> Done:
    """Simulate run number ``run`` of a scenario; ``position`` is its place in the experiment, if another.

    A ``recorder`` keeps the journal of its events.
    """
    place = run if position is None else position
    wall_s, cpu_s = monotonic(), process_time()
    platform = build(loaded, run, recorder=recorder)
    sim = platform.sim

    def tell() -> None:
        raise_if_requested()
        teller.tell(place, sim.now / SECOND, sim.event_count)

    sim.probes.append(tell)
    try:
        ran = platform.run()
    except InvariantError as error:
        error.add_note(f"in run {run} with seed {loaded.scenario.seed} of {loaded.path}: run it again to see it again")
        raise
    raise_if_requested()
    if recorder is not None:
        recorder.finish()
    record = RunRecord(
        run=run,
        digest=ran.digest,
        events=sim.event_count,
        facts=sim.facts.canonical_count,
        cpu_seconds=round(process_time() - cpu_s, 3),
        wall_seconds=round(monotonic() - wall_s, 3),
        metrics=ran.metrics,
        warmup_s=ran.tables.warmup_s,
    )
    return Done(record, ran.facts, ran.tables, recorder)
