"""Progress: how far an experiment is, told to whoever listens; the command shows it on stderr.

The runner tells simulated time; wall time is read here and nowhere in the simulation. A listener is called at most
a few times a second, so that telling costs nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

_TELL_EVERY_S = 0.1
#: The share of the elapsed time by whose pace the rest is reckoned.
_OF_LATE = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an experiment stands: run ``run`` (from 0) of ``runs``, the instant it has reached, events in all."""

    run: int
    runs: int
    sim_s: float
    duration_s: float
    events: int
    elapsed_s: float
    #: Share of all work that is behind, as far as the scenario lets it be foreseen; None: as simulated time.
    work_ratio: float | None = None
    #: Wall seconds that all the work would take at the pace of late; 0 before it is known.
    pace_s: float = 0.0

    @property
    def done_ratio(self) -> float:
        """Share of all simulated time that is behind, 0 to 1."""
        within = self.sim_s / self.duration_s if self.duration_s > 0 else 1.0
        return min((self.run + min(within, 1.0)) / self.runs, 1.0)

    @property
    def remaining_s(self) -> float | None:
        """Expected wall time to the end if the rest goes as fast as the last part; None before anything is known."""
        if self.done_ratio < 0.01:
            return None
        done = self.done_ratio if self.work_ratio is None else self.work_ratio
        pace_s = self.pace_s or self.elapsed_s / max(done, 0.01)
        return pace_s * (1 - done)

    @property
    def events_per_s(self) -> float:
        """Events per wall second since the experiment began."""
        return self.events / self.elapsed_s if self.elapsed_s > 0 else 0.0


Listener = Callable[[Progress], None]


class Teller:
    """Calls a listener now and then."""

    def __init__(
        self, listener: Listener | None, runs: int, duration_s: float, profile: Callable[[float], float] | None = None
    ) -> None:
        """``profile``: the share of a run's work that lies before an instant in seconds."""
        self._listener = listener
        self._runs = runs
        self._duration_s = duration_s
        self._began = monotonic()
        self._told = -1.0
        self._present = (-1, 0)
        self._events_before = 0
        self._profile = profile
        # (elapsed, done) at each report: the pace of late is that since a quarter of the time ago.
        self._reports: list[tuple[float, float]] = []

    def tell(self, run: int, sim_s: float, events: int, *, last: bool = False) -> None:
        """Report a position; dropped when the last report is fresh, unless it is the last one."""
        if self._listener is None:
            return
        if run != self._present[0]:
            self._events_before += self._present[1]
        self._present = (run, events)
        elapsed_s = monotonic() - self._began
        if last or elapsed_s - self._told >= _TELL_EVERY_S:
            self._told = elapsed_s
            in_all = self._events_before + events
            progress = Progress(run, self._runs, sim_s, self._duration_s, in_all, elapsed_s)
            work = progress.done_ratio
            if self._profile is not None:
                work = min(1.0, (run + self._profile(sim_s)) / self._runs)
            self._listener(replace(progress, work_ratio=work, pace_s=self._pace_s(elapsed_s, work)))

    def _pace_s(self, elapsed_s: float, done: float) -> float:
        self._reports.append((elapsed_s, done))
        since = bisect_left(self._reports, ((1.0 - _OF_LATE) * elapsed_s,))
        began_s, done_then = self._reports[min(since, len(self._reports) - 1)]
        return (elapsed_s - began_s) / (done - done_then) if done > done_then else 0.0
