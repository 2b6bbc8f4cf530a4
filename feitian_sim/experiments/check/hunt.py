"""Many seeds, one after the other or in processes beside each other, and what they showed together.

Workers are told seeds in small batches and answer with findings; the results are the same however many there are. Some
of the seeds are run twice in one process and once in another with another ``PYTHONHASHSEED``: what differs is a leak of
chance, and a finding like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from feitian_sim.experiments.check.judge import Finding, judge
from feitian_sim.experiments.check.trial import Arena
from feitian_sim.experiments.engines import one_process
from feitian_sim.experiments.interruption import raise_if_requested
from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import load

#: Seeds that a worker takes at a time.
_BATCH = 25
_LOOK_EVERY_S = 0.5
#: Below so many seeds, what was never judged may just not have come up.
ENOUGH_SEEDS = 50


@dataclass
class Told:
    """How far the hunt is."""

    done: int
    seeds: int
    failed: int
    elapsed_s: float


@dataclass
class Hunt:
    """What all seeds showed."""

    seeds: int = 0
    cpu_s: float = 0.0
    events: int = 0
    failed: list[Finding] = field(default_factory=list)
    evaluated: Counter[str] = field(default_factory=Counter)
    #: In how many seeds each interesting moment came.
    reached: Counter[str] = field(default_factory=Counter)
    #: A digest over the digests of all seeds, in order of the seeds.
    digests: dict[int, str] = field(default_factory=dict)

    def take(self, finding: Finding) -> None:
        """One more seed."""
        self.seeds += 1
        self.cpu_s += finding.cpu_s
        self.events += finding.events
        self.evaluated.update(finding.evaluated)
        self.reached.update({name: int(count > 0) for name, count in finding.probes.items()})
        self.digests[finding.seed] = finding.digest
        if finding.failed:
            self.failed.append(finding)
            self.failed.sort(key=lambda one: one.seed)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Invariants that never had anything to judge."""
        return tuple(name for name, count in self.evaluated.items() if not count)

    @property
    def unreached(self) -> tuple[str, ...]:
        """Interesting moments that no seed had."""
        return tuple(name for name, count in self.reached.items() if not count)


def hunt(
    arena: Arena,
    first: int,
    seeds: int,
    jobs: int = 1,
    told: Callable[[Told], None] | None = None,
    most_failures: int | None = None,
) -> Hunt:
    """Judge the seeds from ``first`` on; ends early after ``most_failures``. An interruption keeps what is there."""
    found, began_s = Hunt(), monotonic()
    findings = _here(arena, first, seeds) if jobs == 1 else _beside(arena, first, seeds, jobs)
    try:
        for finding in findings:
            found.take(finding)
            if told is not None:
                told(Told(found.seeds, seeds, len(found.failed), monotonic() - began_s))
            if most_failures is not None and len(found.failed) >= most_failures:
                break
    except KeyboardInterrupt as error:
        error.add_note(f"{found.seeds} of {seeds} seeds were judged, {len(found.failed)} failed")
        error.found = found  # type: ignore[attr-defined]
        raise
    return found


def _here(arena: Arena, first: int, seeds: int) -> Iterator[Finding]:
    for seed in range(first, first + seeds):
        raise_if_requested()
        yield judge(arena, arena.trial(seed))


def _beside(arena: Arena, first: int, seeds: int, jobs: int) -> Iterator[Finding]:
    loaded = arena.loaded
    batches = [(start, min(_BATCH, first + seeds - start)) for start in range(first, first + seeds, _BATCH)]
    pools = [one_process() for _ in range(min(jobs, len(batches)))]
    running: dict[Future[Any], ProcessPoolExecutor] = {}
    waiting = iter(batches)

    def begin(pool: ProcessPoolExecutor) -> None:
        batch = next(waiting, None)
        if batch is not None:
            running[pool.submit(judge_batch, loaded.path, loaded.overrides, arena.profile, *batch)] = pool

    try:
        for pool in pools:
            begin(pool)
        while running:
            done, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
            raise_if_requested()
            for future in done:
                pool = running.pop(future)
                findings = future.result()
                begin(pool)
                yield from findings
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)


_arenas: dict[tuple[str, tuple[str, ...], str], Arena] = {}


def judge_batch(path: Path, overrides: tuple[str, ...], profile: str, first: int, seeds: int) -> list[Finding]:
    """In a worker: judge some seeds. The scenario is read once in each process."""
    key = (str(path), overrides, profile)
    arena = _arenas.get(key)
    if arena is None:
        arena = _arenas[key] = Arena(load(path, overrides), profile)
    return [judge(arena, arena.trial(seed)) for seed in range(first, first + seeds)]


def fails_by_itself(arena: Arena) -> Finding:
    """Run the scenario as it is written, without any fault. Raises ScenarioError when it fails already."""
    finding = judge(Arena(arena.loaded, "none"), Arena(arena.loaded, "none").trial(arena.loaded.scenario.seed))
    if finding.failed:
        raise ScenarioError(
            f"{arena.loaded.path}: this scenario fails without any fault: {finding.invariant} at "
            f"{finding.time_ns / 1e9:.3f} s: {finding.text}. Mend that first; no faults were drawn"
        )
    return finding
