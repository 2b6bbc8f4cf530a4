"""``operator-rolling-restart``: one process after another, by a plan that looks at no group's health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feitian_sim.faults.machines import split_process
from feitian_sim.faults.operator_config import OperatorRollingRestart
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World


@dataclass(frozen=True, slots=True)
class Step:
    """Stop a process so long after the fault began, and start it again at another time."""

    process: str
    stop_ns: int
    start_ns: int


def plan(fault: OperatorRollingRestart, processes: Sequence[str]) -> list[Step]:
    """What the operator does when. Pure."""
    order = list(processes)
    if fault.rollback and fault.pause_after is not None:
        done = order[: fault.pause_after]
        order = done + done[::-1]
    steps: list[Step] = []
    clock_ns = 0
    for number, process in enumerate(order):
        if fault.pause_after is not None and number == fault.pause_after:
            clock_ns += fault.pause_for
        steps.append(Step(process, clock_ns, clock_ns + fault.down))
        clock_ns += fault.down + fault.pause
    return steps


class RollingRestart:
    """The target is all processes, joined by commas: the restart is one fault, not one for each."""

    def absorbs(self, world: World, fault: OperatorRollingRestart, target: str) -> str:
        """An operator who finds nothing running restarts nothing."""
        daemons = [world.daemon(*split_process(process)) for process in target.split(",")]
        return "" if any(one is not None and one.alive for one in daemons) else "no process of the role runs"

    def begin(self, world: World, fault: OperatorRollingRestart, target: str, streams: Streams) -> Undo:
        """Go through the plan; at the end, start what is still down and do no more."""
        restart = _Restart(world)
        for step in plan(fault, target.split(",")):
            world.sim.call_later(step.stop_ns, restart.stop, step.process)
            world.sim.call_later(step.start_ns, restart.start, step.process)
        return restart.end


class _Restart:
    """One restart under way."""

    def __init__(self, world: World) -> None:
        self._world = world
        # What it holds down at present; never more than one with the plans above.
        self._down: dict[str, None] = {}
        self._ended = False

    def stop(self, process: str) -> None:
        daemon = self._world.daemon(*split_process(process))
        # What does not run is not the operator's to bring back: its machine or another fault has it.
        if self._ended or daemon is None or not daemon.alive:
            return
        self._world.holds.take("process", process)
        self._down[process] = None
        daemon.kill()

    def start(self, process: str) -> None:
        if process not in self._down:
            return
        del self._down[process]
        daemon = self._world.daemon(*split_process(process))
        if self._world.holds.release("process", process) and daemon is not None:
            daemon.start()

    def end(self) -> None:
        self._ended = True
        for process in list(self._down):
            self.start(process)
