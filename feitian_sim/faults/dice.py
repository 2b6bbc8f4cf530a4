"""What a seed of a check draws with: the ground that can be struck, and dice for one family of faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from feitian_sim.kernel import Stream

Line = dict[str, Any]
_US = 1_000


@dataclass(frozen=True, slots=True)
class Ground:
    """What can be struck: machines by role, and the roles whose members form groups that elect a leader."""

    servers: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    groups: tuple[str, ...]
    has_disks: bool
    clients: tuple[str, ...] = ()
    #: Roles of which every machine has a process, and that are struck as often as groups are.
    crowds: tuple[str, ...] = ()
    #: How wrong clocks may go such that leases must still be kept, in parts per million.
    drift_ppm: int = 0
    #: How long members of groups bear a leader's silence, milliseconds.
    patience_ms: float = 150.0

    @property
    def restartable(self) -> tuple[str, ...]:
        """Roles of which single processes can die."""
        return tuple(role for role in self.roles if role != "zhongkui.agent")


class Dice:
    """Draws for one family of one seed."""

    def __init__(self, stream: Stream, ground: Ground, until_ns: int, haste: float = 1.0) -> None:
        self.stream = stream
        self.ground = ground
        self._until_ns = until_ns
        # How much shorter than usual faults last in this seed.
        self._haste = haste

    def of(self, options: Sequence[Any]) -> Any:
        """One of them."""
        return options[self.stream.integer(len(options))]

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self.stream.uniform() < probability

    def between(self, low: float, high: float) -> float:
        """Between two numbers above 0, each order of size as likely as any other."""
        # Square roots are steady on every processor, powers are not; five halvings are fine enough.
        ratio, factor, draw = high / low, 1.0, self.stream.uniform()
        for _ in range(5):
            ratio, draw = sqrt(ratio), draw * 2
            if draw >= 1:
                factor, draw = factor * ratio, draw - 1
        return low * factor

    def when(self, longest_ms: float, shortest_ms: float = 5.0, *, hasty: bool = True) -> Line:
        """When a fault begins, and how long it lasts: it ends before the phase does."""
        at_us = int(self.stream.uniform() * self._until_ns * 0.9) // _US
        left_us = self._until_ns // _US - at_us
        lasts_us = min(int(self.between(shortest_ms, longest_ms) * (self._haste if hasty else 1.0) * 1000), left_us)
        return {"at": f"{at_us}us", "duration": f"{lasts_us}us"}

    def left(self, when: Line) -> str:
        """What is left of the phase after something began at ``when`` and took its duration; a microsecond at least."""
        at_us, lasts_us = (int(str(when[key]).removesuffix("us")) for key in ("at", "duration"))
        return f"{max(1, self._until_ns // _US - at_us - lasts_us)}us"

    def again(self) -> Line:
        """When a fault strikes again and again, how far apart and how long: about as long as a leader is waited for."""
        # The first strike comes after one interval, and must be over before the phase is.
        longest_ms = min(8 * self.ground.patience_ms, self._until_ns / 1_000_000 / 2.5)
        every_us = int(self.between(min(self.ground.patience_ms, 0.9 * longest_ms), longest_ms) * 1000)
        lasts_us = int(every_us * self.of((0.5, 0.9, 1.2)))
        last_us = self._until_ns // _US - lasts_us
        start_us = int(self.stream.uniform() * 0.5 * (last_us - every_us))
        return {
            "every": f"{every_us}us",
            "start": f"{start_us}us",
            "until": f"{last_us}us",
            "duration": f"{lasts_us}us",
        }

    def every(self, every_ms: float) -> Line:
        """When a fault of no length strikes again and again, from some instant of the phase on until its end."""
        every_us, until_us = int(every_ms * 1000), self._until_ns // _US
        start_us = int(self.stream.uniform() * 0.5 * until_us)
        return {"every": f"{every_us}us", "start": f"{start_us}us", "until": f"{until_us}us"}

    def machine(self) -> str:
        """A machine with servers on it: mostly one of a group."""
        groups = [one for role in self.ground.groups for one in self.ground.roles[role]]
        return str(self.of(groups if groups and self.chance(0.7) else self.ground.servers))

    def process(self) -> Line:
        """A process: mostly of a group, and often its leader."""
        groups, crowds = self.ground.groups, self.ground.crowds
        if crowds and self.chance(0.5):
            role = self.of(crowds)
            return {"role": role, "machine": self.of(self.ground.roles[role])}
        if groups and self.chance(0.3):
            return {"leader": self.of(groups)}
        role = self.of(groups if groups and self.chance(0.7) else self.ground.restartable)
        return {"role": role, "machine": self.of(self.ground.roles[role])}

    def cards(self) -> Line:
        """The card of one machine, or those of a whole group."""
        if self.ground.groups and self.chance(0.4):
            return {"role": self.of(self.ground.groups), "mode": "all"}
        return {"machine": self.machine()}

    def disk(self) -> Line:
        """A disk of such a machine."""
        return {"machine": self.machine(), "mode": "one"}
