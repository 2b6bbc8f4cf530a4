"""Runs one trial with all oracles on and says what did not hold; an error of the platform's code is a violation too."""

from __future__ import annotations

import gc
import traceback
from dataclasses import dataclass, field
from time import process_time
from typing import Any

from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.experiments.check.trial import Arena, Trial
from feitian_sim.kernel import InvariantError, ScenarioError
from feitian_sim.scenario.wiring import Platform

#: What an error in the platform's code counts as.
UNHANDLED = "G5"
#: Trials between two looks at old objects, among which hardly anything is to be found.
_LOOK_AT_ALL_EVERY = 200
#: What books that do not balance count as.
BOOKS = "G6"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one seed showed; ``invariant`` is empty when everything held."""

    seed: int
    invariant: str = ""
    claim: str = ""
    text: str = ""
    time_ns: int = 0
    digest: str = ""
    evaluated: dict[str, int] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)
    events: int = 0
    cpu_s: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether something did not hold."""
        return bool(self.invariant)


def judge(arena: Arena, trial: Trial, recorder: Any = None) -> Finding:
    """Run a trial. ``recorder(sim)`` may listen to more facts."""
    # A run is over before looking for cycles pays; what it leaves is taken away at once, while it is in the cache.
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return _judged(arena, trial, recorder)
    finally:
        arena.judged += 1
        gc.collect(2 if not arena.judged % _LOOK_AT_ALL_EVERY else 0)
        if was_collecting:
            gc.enable()


def _judged(arena: Arena, trial: Trial, recorder: Any) -> Finding:
    began_s = process_time()
    platform: Platform | None = None
    wrong: dict[str, Any] = {}
    try:
        platform = Platform(arena.scenario(trial), 0, tables=False)
        if recorder is not None:
            recorder(platform.sim)
        platform.simulate()
    except InvariantViolated as error:
        found = error.violation
        wrong = {"invariant": found.invariant, "claim": found.claim, "text": found.text, "time_ns": found.time_ns}
    except ScenarioError:
        raise
    except InvariantError as error:
        wrong = {"invariant": BOOKS, "claim": "the books balance", "text": str(error)}
    except Exception as error:
        wrong = {"invariant": UNHANDLED, "claim": "no error is left unhandled", "text": _place_of(error)}
    if platform is None:
        return Finding(trial.seed, **wrong, cpu_s=process_time() - began_s)
    sim, checker = platform.sim, platform.checker
    assert checker is not None
    if wrong and not wrong.get("time_ns"):
        wrong["time_ns"] = sim.now
    finding = Finding(
        trial.seed,
        **wrong,
        digest=sim.facts.digest(),
        evaluated=dict(checker.evaluated),
        probes=dict(checker.probed),
        events=sim.event_count,
        cpu_s=process_time() - began_s,
    )
    if recorder is None:
        platform.dissolve()
    return finding


def _place_of(error: BaseException) -> str:
    """An error and the line of ours where it was raised."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "feitian_sim" in one.filename]
    where = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    file = where.filename[where.filename.rfind("feitian_sim") :]
    return f"{type(error).__name__}: {error} at {file}:{where.lineno} in {where.name}"
