"""What must hold of Fuxi's resources: machines, quota, preemption, books, processes, disabled machines (FX1-3, 8-12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Hears, Invariant

_FUXI = ("fuxi",)
#: Loads that ask for more than there is; services may have all that they ask for.
_RIVALS = ("fuxi-jobs", "fuxi-trace")
#: A process: machine, application, unit, number.
Name = tuple[str, str, int, int]


def name_of(fact: Any) -> Name:
    """The process that a fact is about."""
    return fact.machine, fact.app, fact.unit, fact.worker


def vector_of(text: str) -> tuple[int, ...]:
    """A vector as facts have it."""
    return tuple(map(int, text.split(","))) if text else ()


class MachinesHoldWhatFits(Invariant):
    """FX1: by the processes that are really there, whatever anybody's books say."""

    id = "FX1"
    needs = _FUXI
    claim = "the processes on a machine never have more of anything than the machine has"

    def __init__(self) -> None:
        super().__init__()
        self._free: dict[str, list[int]] = {}
        self._there: dict[Name, tuple[int, ...]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Machines, and processes that come and go."""
        return {
            "fuxi.machine_offered": self._offered,
            "fuxi.process_started": self._started,
            "fuxi.process_ended": self._ended,
            "hardware.machine_crashed": self._crashed,
        }

    def _offered(self, now_ns: int, fact: Any) -> None:
        self._free.setdefault(fact.machine, list(vector_of(fact.vector)))

    def _started(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        vector = self._there[name_of(fact)] = vector_of(fact.vector)
        free = self._free[fact.machine]
        for place, amount in enumerate(vector):
            free[place] -= amount
            if free[place] < 0:
                text = f"{fact.app}/{fact.unit}#{fact.worker} was started on {fact.machine}, which is now over its"
                self.broken(now_ns, f"{text} capacity in dimension {place} by {-free[place]}")

    def _ended(self, now_ns: int, fact: Any) -> None:
        self._gone(name_of(fact))

    def _gone(self, name: Name) -> None:
        for place, amount in enumerate(self._there.pop(name, ())):
            self._free[name[0]][place] += amount

    def _crashed(self, now_ns: int, fact: Any) -> None:
        for name in [one for one in self._there if one[0] == fact.machine]:
            self._gone(name)


class QuotaIsKept(Invariant):
    """FX2: judged at each grant; what is above by itself, because machines are gone, is no grant's fault."""

    id = "FX2"
    needs = _FUXI
    claim = "nobody is granted anything that takes a quota group above what it may borrow"

    def hears(self) -> Mapping[str, Hears]:
        """What groups use after each grant."""
        return {"fuxi.group_charged": self._charged}

    def _charged(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        for place, most in enumerate(vector_of(fact.maximum)):
            used = vector_of(fact.used)[place]
            if vector_of(fact.vector)[place] and used > most:
                text = f"{fact.app}/{fact.unit} was granted, and group {fact.group} uses {used} in dimension {place}"
                self.broken(now_ns, f"{text}, of at most {most}")


class TheLeastGoesFirst(Invariant):
    """FX3."""

    id = "FX3"
    needs = _FUXI
    surely_with = _RIVALS
    claim = "nobody is told to go while somebody of lower priority of the same group may stay; masters are spared"

    def hears(self) -> Mapping[str, Hears]:
        """Who is told to go, and who stays."""
        return {"fuxi.displaced": self._displaced}

    def _displaced(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.unit == 0:
            self.broken(now_ns, f"the master of {fact.app} on {fact.machine} was told to go")
        for line in fact.spared.split():
            app, unit, group, priority = line.rsplit(":", 3)
            if int(unit) and group == fact.group and int(priority) < fact.priority:
                text = f"{fact.app}/{fact.unit} of priority {fact.priority} was told to leave {fact.machine} ({fact.why})"
                self.broken(now_ns, f"{text}, and {app}/{unit} of priority {priority} stays")


class BooksBalance(Invariant):
    """FX9."""

    id = "FX9"
    needs = _FUXI
    claim = "granted is in use and returning, never less than nothing; at rest the FuxiMaster and Tubos count the same"

    #: Nothing has changed for so long: whatever was on its way has arrived.
    _AT_REST_NS = 2_000_000_000

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        self._core = dict.fromkeys(config.liveness.core if config.liveness is not None else ())
        self._changed_ns = config.liveness.after if config.liveness is not None else 0

    def hears(self) -> Mapping[str, Hears]:
        """Books of both sides, and what shows that something goes on."""
        return {
            "fuxi.books_audited": self._audited,
            "fuxi.machine_booked": self._booked,
            "fuxi.process_started": self._change,
            "fuxi.process_ended": self._change,
            "fuxi.granted": self._change,
            "fuxi.allowed": self._change,
            "fuxi.tubo_heard": self._change,
            "fuxi.machine_given_up": self._change,
            "fuxi.master_stopped": self._change,
        }

    def _change(self, now_ns: int, fact: Any) -> None:
        self._changed_ns = max(self._changed_ns, now_ns)

    def _audited(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.problem:
            self.broken(now_ns, f"{fact.whose}: {fact.problem}")

    def _booked(self, now_ns: int, fact: Any) -> None:
        if fact.machine not in self._core or now_ns - self._changed_ns < self._AT_REST_NS:
            return
        self.evaluated += 1
        if fact.at_master != fact.at_tubo:
            text = f"of {fact.app}/{fact.unit} on {fact.machine} the FuxiMaster counts {fact.at_master}"
            self.broken(now_ns, f"{text}, and its Tubo {fact.at_tubo}")


class DisabledGetNothing(Invariant):
    """FX10, the cluster's half."""

    id = "FX10"
    needs = _FUXI
    claim = "nobody is granted anything on a machine that is disabled, and only a share of the machines is"

    def __init__(self) -> None:
        super().__init__()
        self._disabled: dict[str, None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Who is disabled, and grants; one that is enabled is granted at once, before it is counted."""
        return {
            "fuxi.disabled_counted": self._counted,
            "fuxi.machine_enabled": self._enabled,
            "fuxi.granted": self._granted,
        }

    def _enabled(self, now_ns: int, fact: Any) -> None:
        self._disabled.pop(fact.machine, None)

    def _counted(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        self._disabled = dict.fromkeys(fact.machines.split())
        if len(self._disabled) > fact.most:
            self.broken(now_ns, f"{len(self._disabled)} machines are disabled, of at most {fact.most}: {fact.machines}")

    def _granted(self, now_ns: int, fact: Any) -> None:
        if self._disabled and fact.count > 0:
            self.evaluated += 1
            if fact.machine in self._disabled:
                self.broken(now_ns, f"{fact.app}/{fact.unit} was granted on {fact.machine}, which is disabled")


class NothingFreeBesideWhoWaits(Invariant):
    """FX11a: looked at whenever the FuxiMaster has done its work of a fixed interval."""

    id = "FX11a"
    needs = _FUXI
    surely_with = _RIVALS
    claim = "nobody waits for what is free on a machine that he would take"

    def __init__(self) -> None:
        super().__init__()
        self._at_ns = -1
        self._free: dict[str, tuple[int, ...]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What is free, then who waits."""
        return {"fuxi.machine_free": self._is_free, "fuxi.unit_waits": self._waits}

    def _is_free(self, now_ns: int, fact: Any) -> None:
        if now_ns != self._at_ns:
            self._at_ns = now_ns
            self._free.clear()
        self._free[fact.machine] = vector_of(fact.vector)

    def _waits(self, now_ns: int, fact: Any) -> None:
        if now_ns != self._at_ns or not fact.room:
            return
        self.evaluated += 1
        needs, avoided = vector_of(fact.vector), dict.fromkeys(fact.avoid.split())
        for machine, free in self._free.items():
            if machine not in avoided and all(need <= left for need, left in zip(needs, free, strict=True)):
                self.broken(now_ns, f"{fact.app}/{fact.unit} waits for {fact.vector}, and {machine} has {free} free")


class ProcessesAreWatched(Invariant):
    """FX12: starts and ends are told once; whoever uses too much memory is ended."""

    id = "FX12"
    needs = _FUXI
    claim = "each start and end of a process is told once, and one that uses too much memory ends soon"

    #: From the look that finds it until it is gone, on a machine that nothing ails.
    _GONE_WITHIN_NS = 100_000_000

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        self._healed_ns = config.liveness.after if config.liveness is not None else None
        self._core = dict.fromkeys(config.liveness.core if config.liveness is not None else ())
        self._there: dict[Name, None] = {}
        self._over: dict[Name, int] = {}
        self._crashed_ns: dict[str, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Processes and their memory."""
        return {
            "fuxi.process_started": self._started,
            "fuxi.process_ended": self._ended,
            "fuxi.memory_overused": self._overused,
            "hardware.machine_crashed": self._crashed,
        }

    def _started(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if name_of(fact) in self._there:
            self.broken(now_ns, f"{fact.app}/{fact.unit}#{fact.worker} on {fact.machine} was started twice")
        self._there[name_of(fact)] = None

    def _ended(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if self._there.pop(name_of(fact), 0) == 0 and self._crashed_ns.get(fact.machine) != now_ns:
            self.broken(now_ns, f"{fact.app}/{fact.unit}#{fact.worker} on {fact.machine} ended and was not there")
        self._late(now_ns, name_of(fact), self._over.pop(name_of(fact), now_ns))

    def _crashed(self, now_ns: int, fact: Any) -> None:
        self._crashed_ns[fact.machine] = now_ns
        for name in [one for one in self._there if one[0] == fact.machine]:
            del self._there[name]
            self._over.pop(name, None)

    def _overused(self, now_ns: int, fact: Any) -> None:
        # Before that its Tubo may be stopped, or die.
        if self._healed_ns is not None and now_ns >= self._healed_ns and fact.machine in self._core:
            self._over.setdefault(name_of(fact), fact.due_ns)

    def _late(self, now_ns: int, name: Name, due_ns: int) -> None:
        self.evaluated += 1
        if now_ns > due_ns + self._GONE_WITHIN_NS:
            machine, app, unit, worker = name
            text = f"{app}/{unit}#{worker} on {machine} uses too much memory, and was there"
            self.broken(now_ns, f"{text} {(now_ns - due_ns) / 1e9:.2f} s after its Tubo had looked")

    def at_end(self, now_ns: int) -> None:
        """See who is there still."""
        for name, due_ns in self._over.items():
            self._late(now_ns, name, due_ns)


def resource_invariants(config: CheckConfig) -> list[Invariant]:
    """All of them."""
    return [
        MachinesHoldWhatFits(),
        QuotaIsKept(),
        TheLeastGoesFirst(),
        BooksBalance(config),
        DisabledGetNothing(),
        NothingFreeBesideWhoWaits(),
        ProcessesAreWatched(config),
    ]
