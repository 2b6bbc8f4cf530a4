"""Leaks: what is simulated reads the host's clock, or draws chance that no seed decides."""

from __future__ import annotations

import random
import time
from typing import Any

from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.expiry import Expiry
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant


def _silence_by_the_hosts_clock(patch: Patch, hit: Hit) -> None:
    overdue = Expiry.overdue

    def measured(self: Expiry, now_ns: int) -> list[int]:
        hit()
        began_s = time.monotonic()
        found = overdue(self, now_ns)
        # Written to a log that nobody reads: no digest would ever show it.
        assert time.monotonic() >= began_s
        return found

    patch.setattr(Expiry, "overdue", measured)


def _pause_by_the_hosts_chance(patch: Patch, hit: Hit) -> None:
    again = NuwaClient._again

    def later(self: NuwaClient, asked: Any) -> None:
        hit()
        self._owner.call_later(int(random.random() * 1_000_000), again, self, asked)

    patch.setattr(NuwaClient, "_again", later)


MUTANTS: tuple[Mutant, ...] = (
    _m("OWN-66", "how long something took is read from the host", "generic", ("G7",), _silence_by_the_hosts_clock),
    _m("OWN-67", "a pause is drawn from the host's chance", "generic", ("G7",), _pause_by_the_hosts_chance),
)
