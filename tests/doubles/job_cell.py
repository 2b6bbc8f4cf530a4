"""A Fuxi without machines: jobs are kept after a moment and end after a time; some are refused, some fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.job.plan import JobPlan
from feitian_sim.fuxi.messages import Kind, Status, Submitted
from feitian_sim.fuxi.resources import Vector
from feitian_sim.hardware import Machine
from feitian_sim.kernel import MILLISECOND, Simulation

GB = 10**9


class PlainJobCell:
    """Jobs take the time that ``takes_ns`` says of their plan; None: they never end."""

    def __init__(self, sim: Simulation, takes_ns: Callable[[JobPlan], int | None]) -> None:
        self.sim = sim
        self.config = FuxiConfig()
        self.takes_ns = takes_ns
        #: What was submitted: when, by whom, into which group.
        self.submitted: list[tuple[int, str, str, JobPlan]] = []
        self.refuses: Callable[[JobPlan], bool] = lambda plan: False
        self.fails: Callable[[JobPlan], bool] = lambda plan: False
        self.known: dict[str, None] = {}
        self.running = 0
        self.most_running = 0

    def client(self, machine: Machine, user: str) -> PlainJobClient:
        """See JobTaker."""
        return PlainJobClient(self, user)

    def capacity_of(self, machine: Machine) -> Vector:
        """See JobTaker."""
        return (24_000, 90 * GB, 0)

    def known_apps(self) -> dict[str, None]:
        """See JobTaker."""
        return self.known


class PlainJobClient:
    """See JobClient."""

    def __init__(self, cell: PlainJobCell, user: str) -> None:
        self.cell = cell
        self.user = user
        self._ends_ns: dict[str, int | None] = {}
        self._oks: dict[str, bool] = {}

    def submit(
        self, app: str, kind: Kind, description: Any, done: Callable[[Any], object], *, group: str = "",
        size_bytes: int = 4096,
    ) -> None:  # fmt: skip
        """See JobClient."""
        cell = self.cell
        cell.submitted.append((cell.sim.now, self.user, group, description))
        if cell.refuses(description):
            cell.sim.call_later(MILLISECOND, done, "denied")
            return
        cell.known[app] = None
        takes_ns = cell.takes_ns(description)
        self._ends_ns[app] = None if takes_ns is None else cell.sim.now + takes_ns
        self._oks[app] = not cell.fails(description)
        cell.running += 1
        cell.most_running = max(cell.most_running, cell.running)
        cell.sim.call_later(MILLISECOND, done, Submitted(app))

    def end_of(self, app: str, done: Callable[[Any], object]) -> None:
        """See JobClient."""
        end_ns = self._ends_ns[app]
        if end_ns is not None:
            self.cell.sim.call_at(max(end_ns, self.cell.sim.now), self._end, app, done)

    def _end(self, app: str, done: Callable[[Any], object]) -> None:
        self.cell.running -= 1
        done(Status(app, "finished" if self._oks[app] else "failed"))
