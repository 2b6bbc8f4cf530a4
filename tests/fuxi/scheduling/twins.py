"""Both schedulers side by side: every event goes to both, and they must answer the same."""

from __future__ import annotations

from feitian_sim.fuxi.fairness import FAIRNESS
from feitian_sim.fuxi.messages import Preference, UnitDemand
from feitian_sim.fuxi.quota import QuotaGroupConfig
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler
from tests.fuxi.scheduling.brute_force import BruteForce, FirstFit

RACKS = [0, 0, 1, 1]
CAPACITIES = [(8, 8, 0, 2), (8, 16, 0, 1), (16, 8, 4, 0), (3, 3, 0, 1)]
APPS = ["a", "b", "c", "d"]
#: The vector of each application's units, so that it never changes while something runs.
VECTORS = {
    ("a", 1): (1, 1, 0, 0), ("a", 2): (2, 3, 0, 0), ("b", 1): (3, 1, 0, 0), ("b", 2): (1, 1, 0, 1),
    ("c", 1): (1, 4, 0, 0), ("c", 2): (2, 2, 1, 0), ("d", 1): (1, 1, 0, 0), ("d", 2): (2, 3, 0, 0),
}  # fmt: skip
GROUPS = {"one": {"default": (1.0, 1.0)}, "three": {"x": (0.3, 0.6), "y": (0.4, 1.0), "z": (0.0, 0.5)}}


class Twins:
    """The incremental scheduler and the one that scans everything."""

    def __init__(self, fairness, groups):
        self.groups = GROUPS[groups]
        policy = FAIRNESS[fairness]()
        config = ScheduleConfig(
            groups=[QuotaGroupConfig(name=name, minimum=low, maximum=high) for name, (low, high) in self.groups.items()]
        )
        places = [Place(f"m{number}", f"r{rack}") for number, rack in enumerate(RACKS)]
        self.fast = Scheduler(places, Dimensions(("seat",)), config, fairness=policy, machine_choice=FirstFit())
        self.slow = BruteForce(RACKS, 4, self.groups, policy)
        self.now = 0
        self.order = 0
        for app in APPS:
            self.add(app)

    def add(self, app):
        self.order += 1
        group = list(self.groups)[APPS.index(app) % len(self.groups)]
        user = "u" if app in "cd" else "v"
        self.slow.apps[app] = (group, user, 0, self.order)
        self.fast.add_app(app, user, group, 0)

    def same(self, moves, expected):
        self.now += 1
        counts = {(move.app, move.unit, move.machine): move.count for move in moves}
        assert counts == expected
        assert len(counts) == len(moves)
        self.fast.check()
        self.same_books()

    def same_books(self):
        for machine in range(len(RACKS)):
            assert self.fast.free(machine) == self.slow.free(machine)
        waiting = {(app, unit): wanted for app, unit, wanted, _ in self.fast.waiting()}
        assert waiting == {key: unit.wanted for key, unit in self.slow.units.items() if unit.wanted}
        for app in APPS:
            held = {(u.number, m): n for u in self.slow.units.values() if u.app == app for m, n in u.held.items()}
            assert self.fast.holdings(app) == held

    def wants(self, app, changes):
        """``changes``: (unit, wanted, priority, machine wishes, rack wishes, avoid or None)."""
        told, plain = [], []
        for number, wanted, priority, wishes, rack_wishes, avoid in changes:
            vector = VECTORS[app, number]
            preferences = [Preference("machine", f"m{place}", count) for place, count in wishes]
            preferences += [Preference("rack", f"r{place}", count) for place, count in rack_wishes]
            names = None if avoid is None else tuple(f"m{place}" for place in avoid)
            told.append(UnitDemand(number, wanted, vector, priority, tuple(preferences), names))
            plain.append((number, wanted, vector, priority, wishes, rack_wishes, None if avoid is None else tuple(avoid)))
        self.same(self.fast.wants(app, told, self.now), self.slow.wants(app, plain, self.now))

    def freed(self, pick, share):
        """A part of what somebody holds; ``pick`` and ``share`` say of whom and which part."""
        held = [(unit, machine) for unit in self.slow.units.values() for machine in unit.held]
        if not held:
            return
        unit, machine = held[pick % len(held)]
        count = max(1, unit.held[machine] // share)
        fast = self.fast.freed(unit.app, unit.number, machine, count, self.now)
        self.same(fast, self.slow.freed(unit.app, unit.number, machine, count))

    def machine_gone(self, machine):
        self.same(self.fast.machine_gone(machine), self.slow.machine_gone(machine))

    def machine_up(self, machine, capacity):
        if machine not in self.slow.capacity:
            self.same(self.fast.machine_up(machine, capacity), self.slow.machine_up(machine, capacity))

    def close(self, machine, closed):
        fast = self.fast.close(machine) if closed else self.fast.open(machine)
        self.same(fast, self.slow.set_closed(machine, closed))

    def hold(self, on):
        self.same(self.fast.hold(on), self.slow.hold(on))

    def end(self, app):
        """The application ends, all its processes go, and one of the same name begins."""
        self.same(self.fast.remove_app(app), self.slow.remove_app(app))
        for unit in [unit for unit in self.slow.units.values() if unit.app == app]:
            for machine, count in list(unit.held.items()):
                fast = self.fast.freed(app, unit.number, machine, count, self.now)
                self.same(fast, self.slow.freed(app, unit.number, machine, count))
            del self.slow.units[app, unit.number]
        self.add(app)
