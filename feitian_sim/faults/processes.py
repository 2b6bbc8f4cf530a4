"""Faults of single processes that leave them alive."""

from __future__ import annotations

from feitian_sim.faults.machines import split_process
from feitian_sim.faults.process_config import ProcessPause
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
