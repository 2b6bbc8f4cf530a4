"""What a worker offers the work that it runs; see :class:`feitian_sim.fuxi.work.WorkContext`.

Computing takes the time that it would on a healthy machine, times the pace of this one; when the pace changes, what
is left of it is stretched or shortened from that instant on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feitian_sim.fuxi.process_table import WorkerProcess
from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import Endpoint
from feitian_sim.pangu.client import PanguClient

if TYPE_CHECKING:
    from feitian_sim.fuxi.worker_runtime import WorkerRuntime

_FEW = 64


class _Computation:
    """One computation that is under way: how much of it was left at ``since_ns``, on a healthy machine."""

    __slots__ = ("args", "left_ns", "owner", "pace", "since_ns", "then", "timer")

    def __init__(self, owner: Owner, left_ns: int, then: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.owner = owner
        self.left_ns = left_ns
        self.then = then
        self.args = args
        self.since_ns = 0
        self.pace = 1.0
        self.timer: Timer | None = None


class Computing:
    """All computations of one machine's workers."""

    def __init__(self, sim: Simulation, pace: Callable[[], float]) -> None:
        self._sim = sim
        self._pace_now = pace
        self._pace = 1.0
        self._there: dict[_Computation, None] = {}
        self._tidy_at = _FEW

    def clear(self) -> None:
        """All workers are dead."""
        self._there.clear()
        self._pace = self._pace_now()

    def begin(self, owner: Owner, duration_ns: int, then: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Compute for so long, then call."""
        one = _Computation(owner, duration_ns, then, args)
        self._there[one] = None
        if len(self._there) > self._tidy_at:
            self._tidy()
        self._go(one)

    def _tidy(self) -> None:
        """Forget those whose worker is dead."""
        self._there = {one: None for one in self._there if one.owner.alive}
        self._tidy_at = 2 * len(self._there) + _FEW

    def _go(self, one: _Computation) -> None:
        one.pace, one.since_ns = self._pace, self._sim.now
        takes_ns = one.left_ns if one.pace == 1.0 else int(one.left_ns * one.pace)
        one.timer = one.owner.timer(takes_ns, self._over, one)

    def _over(self, one: _Computation) -> None:
        self._there.pop(one, None)
        one.then(*one.args)

    def pace_changed(self) -> None:
        """The machine or the runtime has become slower or faster."""
        pace = self._pace_now()
        if pace == self._pace:
            return
        self._pace = pace
        for one in list(self._there):
            assert one.timer is not None, one
            if not one.timer.active:
                # Its worker is dead.
                del self._there[one]
                continue
            one.timer.cancel()
            done_ns = self._sim.now - one.since_ns
            one.left_ns = max(0, one.left_ns - (done_ns if one.pace == 1.0 else int(done_ns / one.pace)))
            self._go(one)


class RunningWorker:
    """A worker at a piece of work."""

    __slots__ = ("_runtime", "_worker")

    def __init__(self, runtime: WorkerRuntime, worker: WorkerProcess) -> None:
        self._runtime = runtime
        self._worker = worker

    @property
    def sim(self) -> Simulation:
        """The simulation."""
        return self._runtime.sim

    @property
    def owner(self) -> Owner:
        """The worker's process."""
        assert self._worker.owner is not None, "a worker that runs is a process"
        return self._worker.owner

    @property
    def machine(self) -> Machine:
        """Where it runs."""
        return self._runtime.machine

    @property
    def datacenter(self) -> DataCenter:
        """The hardware."""
        return self._runtime.datacenter

    @property
    def app(self) -> str:
        """The application."""
        return self._worker.app.name

    @property
    def worker(self) -> int:
        """The worker's number."""
        return self._worker.number

    @property
    def endpoint(self) -> Endpoint:
        """That of the runtime."""
        return self._runtime.endpoint

    def compute(self, duration_ns: int, then: Callable[..., object], *args: Any) -> None:
        """Compute on cores of the worker's own."""
        self._runtime.computing.begin(self.owner, duration_ns, then, args)

    def pangu(self) -> PanguClient:
        """The machine's client of Pangu."""
        return self._runtime.pangu()
