"""``feitian diff``: the first event that differs between two stored runs of a scenario.

Where the whole lines of both were stored, they tell by themselves, whatever code made them. Otherwise a run is repeated
from its folder by the code at hand, with the lines of the window kept in which the checkpoints part; a repetition that
is not what was stored (the code is another by now) is refused, for its lines would tell of a third run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feitian_sim.experiments.divergence import Divergence, FactDivergence, Window, first_fact, located, window_of
from feitian_sim.experiments.event_files import StoredEvents
from feitian_sim.experiments.one_run import run_once
from feitian_sim.experiments.progress import Listener, Teller
from feitian_sim.experiments.results import Results
from feitian_sim.kernel import SECOND, EnvironmentRefusal, EventRecorder
from feitian_sim.kernel.event_journal import CHECKPOINT_EVERY, EventLine
from feitian_sim.scenario import load

_AGAIN = "run it again with --events or --event-lines"
#: What two results may differ in before anything is compared: key of the manifest, and in words.
_TOLD = (
    ("seed", "seeds"),
    ("config_hash", "configurations"),
    ("runs", "numbers of runs"),
    ("git_sha", "commits of the code"),
)


@dataclass(frozen=True, slots=True)
class Diff:
    """What came of it: the run that differs (the first of those that do), where, and in which fact first."""

    name: str
    directories: tuple[Path, Path]
    #: Runs that were compared.
    runs: int
    run: int | None
    divergence: Divergence | None
    fact: FactDivergence | None
    #: Differences that are known beforehand: of seed, configuration, number of runs, versions.
    remarks: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether all runs are the same, event by event."""
        return self.run is None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema_version": 1,
            "scenario": self.name,
            "directories": [str(path) for path in self.directories],
            "equal": self.equal,
            "runs": self.runs,
            "run": self.run,
            "event": self.divergence.document() if self.divergence else None,
            "fact": self.fact.document() if self.fact else None,
            "remarks": list(self.remarks),
        }


def diff(first: str | Path, second: str | Path, listener: Listener | None = None) -> Diff:
    """Compare the runs of two results folders, event by event. Raises EnvironmentRefusal when that cannot be done."""
    sides = (Results(first), Results(second))
    if sides[0].name != sides[1].name:
        raise EnvironmentRefusal(
            f"{sides[0].directory} is of the scenario {sides[0].name!r} and {sides[1].directory} of {sides[1].name!r}: "
            "only runs of one scenario can be compared event by event; `feitian compare DIR DIR` compares metrics"
        )
    pairs = list(zip(*(_journals(side) for side in sides), strict=False))
    for number, stored in enumerate(pairs):
        window = window_of(stored[0].checkpoints, stored[1].checkpoints)
        if window is None:
            continue
        read = tuple(_lines(side, number, one, window, listener) for side, one in zip(sides, stored, strict=True))
        divergence = located(window, (read[0], read[1]), (stored[0].facts, stored[1].facts))
        fact = first_fact(stored[0].facts, stored[1].facts)
        return Diff(sides[0].name, _directories(sides), len(pairs), number, divergence, fact, tuple(_remarks(sides)))
    return Diff(sides[0].name, _directories(sides), len(pairs), None, None, None, tuple(_remarks(sides)))


def _directories(sides: tuple[Results, Results]) -> tuple[Path, Path]:
    return sides[0].directory, sides[1].directory


def _journals(results: Results) -> list[StoredEvents]:
    journals = [StoredEvents(folder) for folder in results.run_folders]
    if not journals:
        raise EnvironmentRefusal(f"{results.directory} holds no finished run of `feitian run`")
    if not all(journal.exists for journal in journals):
        raise EnvironmentRefusal(f"{results.directory} was made without its events: {_AGAIN}")
    return journals


def _lines(
    results: Results, number: int, stored: StoredEvents, window: Window, listener: Listener | None
) -> Sequence[EventLine]:
    """The lines of a window and the one before it: as stored, or from a repetition."""
    begin = max(0, window.first - 1)
    if stored.has_lines:
        return stored.lines(begin, window.end)
    every = stored.checkpoints[0].number if len(stored.checkpoints) > 1 else CHECKPOINT_EVERY
    repeated = EventRecorder(every, begin, window.end)
    _repeat(results, number, repeated, listener)
    if repeated.checkpoints != list(stored.checkpoints):
        raise EnvironmentRefusal(
            f"{results.directory} cannot be repeated: the code at hand is not the code that made it, or "
            "it is not deterministic; run both again with --event-lines, each with its own code"
        )
    return list(repeated.lines())


def _repeat(results: Results, number: int, recorder: EventRecorder, listener: Listener | None) -> None:
    manifest = results.manifest
    loaded = load(
        results.directory / "scenario.resolved.yaml",
        seed=results.seed,
        data=[manifest["base_dir"], *manifest.get("data_dirs", ())],
    )
    run_once(loaded, number, Teller(listener, 1, loaded.scenario.duration / SECOND), 0, recorder)


def _remarks(sides: tuple[Results, Results]) -> list[str]:
    found = []
    for key, words in _TOLD:
        values = [side.manifest.get(key) for side in sides]
        if values[0] != values[1]:
            found.append(f"the {words} differ: {values[0]} and {values[1]}")
    then, now = (side.manifest.get("versions", {}) for side in sides)
    found += [
        f"the versions of {name} differ: {then.get(name, 'absent')} and {now.get(name, 'absent')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    return found
