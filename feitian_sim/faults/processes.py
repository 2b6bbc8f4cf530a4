"""Faults of single processes: stopped for a while, slow, or dying again and again."""

from __future__ import annotations

from feitian_sim.faults.machines import product, split_process
from feitian_sim.faults.process_config import ProcessPause, ProcessRestartStorm, ProcessSlow
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World


class PauseProcess:
    """``process-pause``: the process goes on when the last fault on it ends; one that died meanwhile stays as it is."""

    def absorbs(self, world: World, fault: ProcessPause, target: str) -> str:
        """A process that does not run cannot stop."""
        daemon = world.daemon(*split_process(target))
        return "" if daemon is not None and daemon.alive else "the process does not run"

    def begin(self, world: World, fault: ProcessPause, target: str, streams: Streams) -> Undo:
        """Stop; go on at the end."""
        daemon = world.daemon(*split_process(target))
        assert daemon is not None, f"nobody runs {target}"
        incarnation = daemon.incarnation
        if world.holds.take("pause", f"{target}#{incarnation}"):
            daemon.pause()

        def end() -> None:
            if world.holds.release("pause", f"{target}#{incarnation}") and daemon.incarnation == incarnation:
                daemon.resume()

        return end


class SlowProcess:
    """``process-slow``: factors of overlapping faults multiply, with each other and with the machine's."""

    def absorbs(self, world: World, fault: ProcessSlow, target: str) -> str:
        """Never, where there is such a process: one that is down is slow when it is started."""
        return "" if world.daemon(*split_process(target)) is not None else "the process does not exist"

    def begin(self, world: World, fault: ProcessSlow, target: str, streams: Streams) -> Undo:
        """Slow its computing down; as before at the end."""
        daemon = world.daemon(*split_process(target))
        assert daemon is not None, f"nobody runs {target}"
        remove = world.slow_processes.add(target, fault.factor)
        daemon.slow_factor = product(world.slow_processes.of(target))

        def end() -> None:
            remove()
            daemon.slow_factor = product(world.slow_processes.of(target))

        return end


class StormRestarts:
    """``process-restart-storm``: the supervisor alone brings it back, and never what another fault holds down."""

    def absorbs(self, world: World, fault: ProcessRestartStorm, target: str) -> str:
        """A process that does not run cannot die."""
        daemon = world.daemon(*split_process(target))
        return "" if daemon is not None and daemon.alive else "the process does not run"

    def begin(self, world: World, fault: ProcessRestartStorm, target: str, streams: Streams) -> Undo:
        """Kill at once and at every interval, until the end."""
        daemon = world.daemon(*split_process(target))
        assert daemon is not None, f"nobody runs {target}"
        goes_on = [True]

        def die() -> None:
            if not goes_on[0]:
                return
            if daemon.alive:
                daemon.machine.fail_stop(daemon.owner)
            world.sim.call_later(fault.interval, die)

        def end() -> None:
            goes_on[0] = False
            # Whoever mended what killed it does not wait for the supervisor's next attempt.
            if not world.holds.count("process", target):
                daemon.start()

        die()
        return end
