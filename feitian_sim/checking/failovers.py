"""What must hold of Fuxi's fail-overs: nobody healthy is killed or doubled because a master or a Tubo has died (FX8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant
from feitian_sim.checking.resources import Name, name_of


class HealthyOnesGoOn(Invariant):
    """FX8: judged by each end of a process, and by why its Tubo ended it."""

    id = "FX8"
    needs = ("fuxi",)
    claim = "no fail-over kills a healthy process, or starts an application's master beside a healthy one"

    def __init__(self) -> None:
        super().__init__()
        self._over: dict[str, None] = {}
        #: Machines that a FuxiMaster has given up, with what was there.
        self._given_up: dict[str, int] = {}
        #: Reigns that know of each machine.
        self._known: dict[str, int] = {}
        self._taken_back: dict[tuple[str, int, str], int] = {}
        self._busy: dict[Name, str] = {}
        self._done: dict[tuple[str, str], None] = {}
        self._alive: dict[str, dict[Name, None]] = {}
        self._doubled: dict[Name, str] = {}
        self._started_ns: dict[Name, int] = {}
        self._streams: dict[tuple[str, int], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Processes, what they do, and every reason to end them."""
        return {
            "fuxi.job_ended": self._job_over,
            "fuxi.app_ended": self._app_over,
            "fuxi.task_planned": self._planned,
            "fuxi.tubo_heard": self._heard,
            "fuxi.machine_given_up": self._lost,
            "fuxi.granted": self._granted,
            "fuxi.work_begun": self._work,
            "fuxi.work_done": self._work_done,
            "fuxi.master_ordered": self._ordered,
            "fuxi.process_started": self._started,
            "fuxi.process_ended": self._ended,
            "hardware.machine_crashed": self._crashed,
        }

    # Reasons

    def _job_over(self, now_ns: int, fact: Any) -> None:
        self._over[fact.job] = None

    def _app_over(self, now_ns: int, fact: Any) -> None:
        self._over[fact.app] = None

    def _planned(self, now_ns: int, fact: Any) -> None:
        if fact.is_stream:
            self._streams[fact.app, fact.number + 1] = None

    def _heard(self, now_ns: int, fact: Any) -> None:
        self._known[fact.machine] = max(fact.epoch, self._known.get(fact.machine, 0))

    def _lost(self, now_ns: int, fact: Any) -> None:
        self._given_up[fact.machine] = now_ns
        if self._known.get(fact.machine, 0) <= fact.epoch:
            self._known.pop(fact.machine, None)

    def _granted(self, now_ns: int, fact: Any) -> None:
        if fact.count < 0:
            key = (fact.app, fact.unit, fact.machine)
            self._taken_back[key] = self._taken_back.get(key, 0) - fact.count

    # Work

    def _work(self, now_ns: int, fact: Any) -> None:
        self._busy[name_of(fact)] = fact.piece

    def _work_done(self, now_ns: int, fact: Any) -> None:
        self._busy.pop(name_of(fact), None)
        if fact.ok:
            self._done[fact.app, fact.piece.rpartition("/")[0]] = None

    # Processes

    def _started(self, now_ns: int, fact: Any) -> None:
        # What was allowed before its machine was given up may come after that.
        self._started_ns[name_of(fact)] = now_ns if fact.machine in self._known else -1
        if fact.unit == 0:
            self._alive.setdefault(fact.app, {})[name_of(fact)] = None

    def _ordered(self, now_ns: int, fact: Any) -> None:
        """Another master: there must be none that the reign which orders it knows of."""
        for name in self._alive.get(fact.app, ()):
            self.evaluated += 1
            if self._known.get(name[0]) == fact.epoch and name[3] < fact.attempt:
                self._doubled[name] = f"attempt {fact.attempt} was ordered on {fact.machine}"

    def _ended(self, now_ns: int, fact: Any) -> None:
        name = name_of(fact)
        piece = self._busy.pop(name, "")
        doubled = self._doubled.pop(name, "")
        began_ns = self._started_ns.pop(name, now_ns)
        if fact.unit == 0:
            self._alive.get(fact.app, {}).pop(name, None)
        if fact.app in self._over or self._given_up.get(fact.machine, -1) >= began_ns:
            return
        self.evaluated += 1
        text = f"{fact.app}/{fact.unit}#{fact.worker} on {fact.machine}"
        if fact.why == "ended":
            self.broken(now_ns, f"{text} was ended, and its application goes on")
        if fact.why == "replaced" and doubled:
            self.broken(now_ns, f"{text} was healthy and known, and {doubled}")
        if fact.why == "revoked" and not self._taken(fact):
            self.broken(now_ns, f"{text} was killed as taken back, and nobody had taken it back")
        if fact.why == "stopped" and piece and not self._may_stop(fact, piece):
            self.broken(now_ns, f"{text} was stopped at instance {piece}, which nobody else has run or runs")

    def _taken(self, fact: Any) -> bool:
        key = (fact.app, fact.unit, fact.machine)
        left = self._taken_back.get(key, 0)
        self._taken_back[key] = left - 1
        return left > 0

    def _may_stop(self, fact: Any, piece: str) -> bool:
        instance = piece.rpartition("/")[0]
        if (fact.app, instance) in self._done or (fact.app, fact.unit) in self._streams:
            return True
        if self._taken_back.get((fact.app, fact.unit, fact.machine)):
            return True
        return any(name[1] == fact.app and other.rpartition("/")[0] == instance for name, other in self._busy.items())

    def _crashed(self, now_ns: int, fact: Any) -> None:
        for name in [one for one in self._started_ns if one[0] == fact.machine]:
            del self._started_ns[name]
            self._busy.pop(name, None)
            self._doubled.pop(name, None)
            self._alive.get(name[1], {}).pop(name, None)
