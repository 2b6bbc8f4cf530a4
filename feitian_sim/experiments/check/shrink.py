"""Makes a failing trial small: faults, operations, knobs, servers and time that the failure does not need are taken out.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", TSE 2002): halves, then
quarters and so on are left out as long as the very same invariant is violated. First the operations that were drawn
become a script, so that each can be left out by itself; whole clients go before single operations. Random losses,
delays and copies of messages become a list of single messages, of which most turn out not to matter.

What cannot go under this seed may be able to under another: a fault may do no more than turn elections or delays the
way that the others need. So when nothing else goes, each fault is left out under some other seeds too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from feitian_sim.experiments.check.judge import BOOKS, UNHANDLED, Finding, judge
from feitian_sim.experiments.check.trial import Arena, Trial
from feitian_sim.experiments.interruption import raise_if_requested
from feitian_sim.kernel import ScenarioError, Simulation

T = TypeVar("T")
#: Runs that a shrinker may spend.
BUDGET = 2000
_HISTORIES = ("nuwa-history", "file-history")
_MS = 1_000_000
#: Seeds under which it is tried once more to leave a fault out.
_OTHER_SEEDS = 10
#: So few single messages say more than a rate of losses.
_FEW = 3
Judging = Callable[..., Finding]


@dataclass
class Shrunk:
    """The smallest trial that still fails, and what it took."""

    trial: Trial
    finding: Finding
    runs: int = 0
    #: Why it is not certainly the smallest; empty when it is.
    stopped: str = ""

    @property
    def faults(self) -> int:
        """Faults that are left."""
        return len(self.trial.faults)

    @property
    def operations(self) -> int:
        """Scripted operations that are left."""
        return sum(len(load.get("script") or ()) for load in self.trial.loads)


class Shrinker:
    """Shrinks one failing trial; :attr:`best` is always a trial that fails."""

    def __init__(
        self, arena: Arena, trial: Trial, finding: Finding, budget: int = BUDGET, judging: Judging = judge
    ) -> None:
        self._arena = arena
        self._judging = judging
        self._invariant = finding.invariant
        self._left = budget
        self._told_by_rates: list[Mapping[str, Any]] = []
        self.best = Shrunk(trial, finding)

    def run(self) -> Shrunk:
        """Shrink as far as the budget goes. An interruption leaves the best so far in :attr:`best`."""
        wanted = () if self._invariant in (UNHANDLED, BOOKS) else (self._invariant,)
        self._try(replace(self.best.trial, invariants=wanted))
        if self.best.trial.ties:
            self._try(replace(self.best.trial, ties=False))
        self._cut_short(slack=1.25)
        self._script()
        while self._left > 0:
            self._smaller()
            if not self._under_other_seeds():
                break
        self._cut_short(slack=1.0)
        if self._left <= 0:
            self.best.stopped = "the budget of runs was spent"
        return self.best

    def _smaller(self) -> None:
        """Until nothing can be left out any more."""
        before = None
        while before != self._size() and self._left > 0:
            before = self._size()
            self._faults()
            self._loads()
            self._operations()
            self._deviations()
            self._knobs()

    def _size(self) -> tuple[int, int, int, int]:
        best = self.best
        return best.faults, best.operations, len(best.trial.loads), len(best.trial.knobs)

    def _try(self, trial: Trial) -> bool:
        """Whether a trial fails in the same way; then it is the best."""
        if self._left <= 0:
            return False
        raise_if_requested()
        self._left -= 1
        self.best.runs += 1
        try:
            finding = self._judging(self._arena, trial)
        except ScenarioError:
            return False
        if finding.invariant != self._invariant:
            return False
        self.best = Shrunk(trial, finding, self.best.runs)
        return True

    # What can be left out

    def _script(self) -> None:
        """Operations that were drawn become a script."""
        trial = self.best.trial
        if not any(load.get("kind") in _HISTORIES and not load.get("script") for load in trial.loads):
            return
        steps: dict[str, list[dict[str, Any]]] = {}
        self._judging(self._arena, trial, lambda sim: _record_operations(sim, steps))
        names = _names(trial.loads)
        loads = tuple(
            {**load, "script": steps.get(name, [])} if load.get("kind") in _HISTORIES else load
            for load, name in zip(trial.loads, names, strict=True)
        )
        self._try(replace(trial, loads=loads))

    def _faults(self) -> None:
        minimised(list(self.best.trial.faults), lambda left: self._try(replace(self.best.trial, faults=tuple(left))))

    def _loads(self) -> None:
        minimised(list(self.best.trial.loads), lambda left: self._try(replace(self.best.trial, loads=tuple(left))))

    def _operations(self) -> None:
        for place, load in enumerate(self.best.trial.loads):
            if not load.get("script"):
                continue
            for client in dict.fromkeys(step["client"] for step in load["script"]):
                self._try_script(place, [step for step in self._steps(place) if step["client"] != client])
            minimised(self._steps(place), lambda left, place=place: self._try_script(place, left))  # type: ignore[misc]

    def _steps(self, place: int) -> list[dict[str, Any]]:
        return list(self.best.trial.loads[place]["script"])

    def _try_script(self, place: int, steps: Sequence[Mapping[str, Any]]) -> bool:
        loads = list(self.best.trial.loads)
        loads[place] = {**loads[place], "script": list(steps)}
        return self._try(replace(self.best.trial, loads=tuple(loads)))

    def _deviations(self) -> None:
        """Random trouble of messages becomes the messages that it struck, if few of them matter."""
        rates = [fault for fault in self.best.trial.faults if fault["kind"] in _MESSAGES]
        if not rates or rates == self._told_by_rates:
            return
        self._told_by_rates = rates
        before = self.best
        struck: list[dict[str, Any]] = []
        self._judging(self._arena, before.trial, lambda sim: _record_deviations(sim, struck))
        others = tuple(one for one in before.trial.faults if one["kind"] not in _MESSAGES)
        if not self._try(replace(before.trial, faults=(*others, *struck))):
            return
        self._faults()
        if self.best.faults > max(before.faults, _FEW):
            before.runs = self.best.runs
            self.best = before

    def _under_other_seeds(self) -> bool:
        """Whether a fault can be left out if the seed is another; 0 faults are fewest."""
        trial = self.best.trial
        if trial.faults and any(load.get("kind") in _HISTORIES and not load.get("script") for load in trial.loads):
            # Operations that are drawn would be others.
            return False
        for place in range(len(trial.faults)):
            left = trial.faults[:place] + trial.faults[place + 1 :]
            for seed in range(trial.seed + 1, trial.seed + 1 + _OTHER_SEEDS):
                if self._try(replace(trial, faults=left, seed=seed)):
                    return True
        return False

    def _knobs(self) -> None:
        minimised(list(self.best.trial.knobs), lambda left: self._try(replace(self.best.trial, knobs=tuple(left))))

    def _cut_short(self, slack: float) -> None:
        """What comes after the violation does not matter; ``slack``: how much later it may come in what is smaller."""
        if self.best.trial.after is not None and self._invariant not in ("NW15", "NW9L", "NW10L"):
            self._try(replace(self.best.trial, after=None, core=()))
        trial, time_ns = self.best.trial, self.best.finding.time_ns
        lasts_ms = self._arena.loaded.scenario.duration // _MS
        if trial.duration is not None:
            lasts_ms = int(trial.duration.removesuffix("ms"))
        enough_ms = int(time_ns * slack) // _MS + 1
        if time_ns and enough_ms < lasts_ms:
            self._try(replace(trial, duration=f"{enough_ms}ms"))


#: Faults that strike single messages by chance.
_MESSAGES = ("network-loss", "network-delay", "network-duplicate", "network-reorder", "network-corrupt")


def _names(loads: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(load.get("name", load.get("kind"))) for load in loads]


def _record_operations(sim: Simulation, steps: dict[str, list[dict[str, Any]]]) -> None:
    def invoked(now_ns: int, fact: Any) -> None:
        client = int(fact.client.rsplit("-", 1)[1])
        step = {"client": client, "at": f"{now_ns}ns", "op": fact.op, "key": fact.key}
        if fact.argument:
            step["argument"] = fact.argument
        steps.setdefault(fact.load, []).append(step)

    sim.facts.subscribe("history.invoked", invoked)


def _record_deviations(sim: Simulation, struck: list[dict[str, Any]]) -> None:
    def deviated(_: int, fact: Any) -> None:
        line = {
            "kind": "network-message",
            "source": fact.source,
            "target": fact.target,
            "number": fact.number,
            "effect": fact.effect,
        }
        if fact.delay_ns:
            line["delay"] = f"{fact.delay_ns}ns"
        struck.append(line)

    sim.facts.subscribe("faults.deviation", deviated)


def minimised(items: list[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """A list from which no single one can be left out so that it still fails; asks about shorter lists only.

    Parts of half the list go first, then of a quarter and so on; single ones until none of them can go any more.
    """
    if items and fails([]):
        return []
    size = len(items) // 2
    while size >= 1 and len(items) > 1:
        start, went = 0, False
        while start < len(items):
            left = items[:start] + items[start + size :]
            if left and fails(left):
                items, went = left, True
            else:
                start += size
        if size > 1:
            size //= 2
        elif not went:
            break
    return items
