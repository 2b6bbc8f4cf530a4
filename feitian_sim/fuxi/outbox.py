"""What the FuxiMaster has to tell a Tubo or an application's master: gathered, numbered, one message at a time. Pure.

What is added while a message is under way goes in the next. Additions and subtractions are kept apart: a grant that is
taken back before it was told must still be told, since whoever holds it gives it back by name.
"""

from __future__ import annotations

from feitian_sim.fuxi.messages import Allow, Allowance, Granted, Holding
from feitian_sim.fuxi.resources import Vector


class AllowBox:
    """The numbered allowances of one Tubo."""

    __slots__ = ("_less", "_more", "_seq", "under_way")

    def __init__(self) -> None:
        self._seq = 0
        self.reset()

    def reset(self) -> None:
        """Nothing is to be told, and what was is void.

        Numbers go on from the last one that was used: a message of before may still be on its way, and if its number
        came again, whichever arrived second would count as taken and be lost.
        """
        self._more: dict[tuple[str, int], tuple[Vector, int]] = {}
        self._less: dict[tuple[str, int], tuple[Vector, int]] = {}
        self.under_way: Allow | None = None

    def add(self, app: str, unit: int, vector: Vector, delta: int) -> None:
        """A change of what is allowed."""
        box = self._more if delta > 0 else self._less
        key = (app, unit)
        before = box.get(key)
        box[key] = (vector, delta if before is None else before[1] + delta)

    def next(self, epoch: int, grace_ns: int) -> Allow | None:
        """A message to send now, if there is something to tell and nothing under way."""
        if self.under_way is not None or not (self._more or self._less):
            return None
        changes = tuple(
            Allowance(app, unit, vector, delta)
            for box in (self._more, self._less)
            for (app, unit), (vector, delta) in box.items()
        )
        self._more, self._less = {}, {}
        self._seq += 1
        self.under_way = Allow(epoch, self._seq, changes, grace_ns)
        return self.under_way

    @property
    def settled(self) -> int:
        """The last number that was taken or is void: no message up to it may be taken any more."""
        return self._seq if self.under_way is None else self._seq - 1

    def heard(self, message: Allow) -> bool:
        """It was answered; whether that was still awaited."""
        if message is not self.under_way:
            return False
        self.under_way = None
        return True

    def heard_up_to(self, seq: int) -> None:
        """The Tubo says that it has taken everything up to this number."""
        if self.under_way is not None and self.under_way.seq <= seq:
            self.under_way = None

    def coming(self) -> dict[tuple[str, int], tuple[int, int]]:
        """What the Tubo has not taken yet: how many more and how many less of each unit."""
        found: dict[tuple[str, int], tuple[int, int]] = {}
        told = self.under_way.changes if self.under_way is not None else ()
        changes = [((one.app, one.unit), one.delta) for one in told]
        changes += [(key, delta) for box in (self._more, self._less) for key, (_, delta) in box.items()]
        for key, delta in changes:
            more, less = found.get(key, (0, 0))
            found[key] = (more + delta, less) if delta > 0 else (more, less - delta)
        return found


class GrantBox:
    """The numbered grants of one application's master."""

    __slots__ = ("_less", "_lost", "_may_use", "_more", "_seq", "under_way")

    def __init__(self) -> None:
        self._seq = 0
        self.reset()

    def reset(self) -> None:
        """Nothing is to be told: who holds the box learns all in another way. Numbers go on, as those of allowances."""
        self._more: dict[tuple[int, str], int] = {}
        self._less: dict[tuple[int, str], int] = {}
        self._lost: dict[str, None] = {}
        # Machines that nobody is to use any more, or may use again: what was said last.
        self._may_use: dict[str, bool] = {}
        self.under_way: Granted | None = None

    def add(self, unit: int, machine: str, count: int) -> None:
        """Units granted, or taken back."""
        box = self._more if count > 0 else self._less
        key = (unit, machine)
        box[key] = box.get(key, 0) + count

    def lost(self, machine: str) -> None:
        """A machine is gone: what was not told of it need not be."""
        for box in (self._more, self._less):
            for key in [key for key in box if key[1] == machine]:
                del box[key]
        self._lost[machine] = None

    def disabled(self, machine: str) -> None:
        """Nobody is to use a machine any more."""
        self._may_use[machine] = False

    def enabled(self, machine: str) -> None:
        """A machine that was disabled may be used again."""
        self._may_use[machine] = True

    def next(self, app: str, epoch: int) -> Granted | None:
        """A message to send now, if there is something to tell and nothing under way."""
        if self.under_way is not None or not (self._more or self._less or self._lost or self._may_use):
            return None
        grants = tuple(
            Holding(unit, machine, count) for box in (self._more, self._less) for (unit, machine), count in box.items()
        )
        lost = tuple(self._lost)
        disabled = tuple(name for name, may in self._may_use.items() if not may)
        enabled = tuple(name for name, may in self._may_use.items() if may)
        self._more, self._less, self._lost, self._may_use = {}, {}, {}, {}
        self._seq += 1
        self.under_way = Granted(app, epoch, self._seq, grants, lost, disabled, enabled)
        return self.under_way

    @property
    def settled(self) -> int:
        """The last number that was heard or is void: no message up to it may count any more."""
        return self._seq if self.under_way is None else self._seq - 1

    def heard(self, message: Granted | None) -> bool:
        """It was answered; whether that was still awaited."""
        if message is None or message is not self.under_way:
            return False
        self.under_way = None
        return True

    def heard_up_to(self, seq: int) -> None:
        """The application's master says that it has heard everything up to this number."""
        if self.under_way is not None and self.under_way.seq <= seq:
            self.under_way = None

    def coming(self) -> dict[int, int]:
        """Units granted that the application has not heard of, by unit."""
        found: dict[int, int] = {}
        told = self.under_way.grants if self.under_way is not None else ()
        for one in told:
            if one.count > 0:
                found[one.unit] = found.get(one.unit, 0) + one.count
        for (unit, _), count in self._more.items():
            found[unit] = found.get(unit, 0) + count
        return found
