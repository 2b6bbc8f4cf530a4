"""The double run: one scenario and seed, twice in this process and once in another, and where the runs part if they do.

Neither alone is enough. What an earlier run left in a module is seen only by a second run in the same process; the
iteration of a set of texts differs only between processes of different hash seeds; addresses, clocks and global chance
differ in both. Each run keeps its whole journal, since what is not deterministic may never happen that way again: the
journals of these very runs are compared. A difference in the same process is told at once, without the other process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from feitian_sim.experiments.divergence import (
    Divergence,
    FactDivergence,
    divergence_words,
    fact_words,
    first_fact,
    located,
    window_of,
)
from feitian_sim.experiments.event_files import StoredEvents
from feitian_sim.experiments.run import copy_own_classes
from feitian_sim.kernel import EventRecorder, FeitianError
from feitian_sim.scenario import Loaded
from feitian_sim.scenario.wiring import Platform, build

SAME_PROCESS = "twice in one process"
_PROBE = "feitian_sim.experiments.double_run_probe"

#: Does something to a platform before it runs.
Prepare = Callable[[Platform], object]


@dataclass(frozen=True, slots=True)
class DoubleRun:
    """What came of it. ``where`` says which of the two comparisons failed; empty when all runs are the same."""

    where: str
    #: Digests of the canonical facts, and of the events, of each run.
    digests: tuple[str, ...]
    event_digests: tuple[str, ...]
    divergence: Divergence | None = None
    fact: FactDivergence | None = None

    @property
    def equal(self) -> bool:
        """Whether all runs were the same, event by event."""
        return not self.where

    def words(self) -> list[str]:
        """For people, a few lines."""
        if self.equal:
            return [f"the same in {len(self.digests)} runs: {self.digests[0]}"]
        lines = [f"not deterministic: {self.where}, the same scenario and seed gave another run"]
        if self.divergence is not None:
            lines += divergence_words(self.divergence, ("the first run", "the other"))
        if self.fact is not None:
            lines.append(f"first fact in the first run  {fact_words(self.fact.first)}")
            lines.append(f"first fact in the other      {fact_words(self.fact.second)}")
        return lines


def double_run(loaded: Loaded, run: int = 0, *, seed: int | None = None, prepare: str = "") -> DoubleRun:
    """Run number ``run`` of a scenario three times, in two processes, and compare digests and events.

    ``seed`` takes the place of the scenario's. ``prepare`` is ``module:function``, called with the platform in each
    process before it runs. Raises what the run raises; DoubleRunError when the other process fails.
    """
    if seed is not None:
        loaded = replace(loaded, scenario=loaded.scenario.model_copy(update={"seed": seed}))
    # The recorder holds its simulation, so that the second run cannot get the addresses of the first.
    first, digest = recorded(loaded, run, prepare)
    second, again = recorded(loaded, run, prepare)
    digests: tuple[str, ...] = (digest, again)
    events: tuple[str, ...] = (first.digest, second.digest)
    if digest != again or first.digest != second.digest:
        return _parted(SAME_PROCESS, digests, events, first, second)
    with TemporaryDirectory(prefix="feitian-double-run-") as folder:
        hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        told = _elsewhere(loaded, run, prepare, Path(folder), hash_seed, first.digest)
        digests, events = (*digests, told["digest"]), (*events, told["event_digest"])
        if told["digest"] == digest and told["event_digest"] == first.digest:
            return DoubleRun("", digests, events)
        where = f"in another process with PYTHONHASHSEED={hash_seed}"
        return _parted(where, digests, events, first, StoredEvents(Path(folder)))


def recorded(loaded: Loaded, run: int, prepare: str = "") -> tuple[EventRecorder, str]:
    """One run with its whole journal, and its digest."""
    recorder = EventRecorder(end=None)
    platform = build(loaded, run, recorder=recorder)
    if prepare:
        _named(prepare)(platform)
    digest = platform.run().digest
    recorder.finish()
    return recorder, digest


def _named(prepare: str) -> Prepare:
    module, _, name = prepare.partition(":")
    function: Prepare = getattr(import_module(module), name)
    return function


def _elsewhere(loaded: Loaded, run: int, prepare: str, folder: Path, hash_seed: str, expected: str) -> dict[str, Any]:
    """The same run in another process, which writes its journal into ``folder`` unless it is the expected one."""
    scenario = folder / "scenario.resolved.yaml"
    scenario.write_text(loaded.resolved_yaml(), encoding="utf-8")
    copy_own_classes(loaded, folder)
    data = [str(path.absolute()) for path in (loaded.base_dir, *loaded.data_dirs)]
    task = {
        "scenario": str(scenario), "run": run, "seed": loaded.scenario.seed, "data": data,
        "prepare": prepare, "folder": str(folder), "expected": expected,
    }  # fmt: skip
    # It must find the same modules as this one, wherever it was started.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-m", _PROBE],
        input=json.dumps(task),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DoubleRunError(f"the run in another process failed, unlike the run in this one: {last}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


class DoubleRunError(FeitianError):
    """The other process ended without an answer."""


def _parted(
    where: str,
    digests: tuple[str, ...],
    events: tuple[str, ...],
    first: EventRecorder,
    second: EventRecorder | StoredEvents,
) -> DoubleRun:
    window = window_of(first.checkpoints, second.checkpoints)
    divergence = None
    if window is not None:
        begin = max(0, window.first - 1)
        theirs = second.lines(begin, window.end) if isinstance(second, StoredEvents) else _part(second, begin, window.end)
        divergence = located(window, (_part(first, begin, window.end), theirs), (first.facts, second.facts))
    return DoubleRun(where, digests, events, divergence, first_fact(first.facts, second.facts))


def _part(recorder: EventRecorder, first: int, end: int) -> Any:
    return islice(recorder.lines(), first, end)
