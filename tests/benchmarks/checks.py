"""Seeds of checks per second of processor time, drawing, building, running and judging included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import process_time

from feitian_sim.experiments.check.judge import judge
from feitian_sim.experiments.check.trial import Arena
from feitian_sim.scenario import load
from tests.benchmarks.line import Line

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios" / "check"
ROUNDS = 5


def lines() -> Iterator[Line]:
    """The check of coordination, and that of the whole platform."""
    for name, seeds, aim in (("nuwa", 60, 30.0), ("platform", 2, 0.5)):
        per_s, events = rate(name, seeds)
        yardstick = f"processor time, {events} events a seed"
        yield Line(f"check/{name}: seeds per CPU second", per_s, "1/s", yardstick, at_least=aim)


def rate(name: str, seeds: int) -> tuple[float, int]:
    """Seeds per second, and events of a seed.

    Of some rounds over the same seeds the best of each seed: others on the machine only ever add.
    """
    arena = Arena(load(SCENARIOS / f"{name}.yaml"))
    best_s, events = [float("inf")] * seeds, 0
    for _ in range(ROUNDS):
        events = 0
        for seed in range(seeds):
            began_s = process_time()
            finding = judge(arena, arena.trial(seed))
            best_s[seed] = min(best_s[seed], process_time() - began_s)
            assert not finding.failed, f"seed {seed} of check/{name}: {finding.text}"
            events += finding.events
    return seeds / sum(best_s), events // seeds
