"""``process-crash-at``: deaths exactly around durable writes, by the disks' own word of when a write is durable."""

from __future__ import annotations

from feitian_sim.faults.machines import split_process
from feitian_sim.faults.process_config import ProcessCrashAt
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World
from feitian_sim.hardware.disk import SyncPoint
from feitian_sim.kernel import Owner


class CrashAtSync:
    """Waits for the sync from the strike on, strikes once, and starts again what died."""

    def absorbs(self, world: World, fault: ProcessCrashAt, target: str) -> str:
        """A process that does not run writes nothing."""
        daemon = world.daemon(*split_process(target))
        return "" if daemon is not None and daemon.alive else "the process does not run"

    def begin(self, world: World, fault: ProcessCrashAt, target: str, streams: Streams) -> Undo:
        """Watch the disks of the process's machine."""
        daemon = world.daemon(*split_process(target))
        assert daemon is not None, f"nobody runs {target}"
        machine, watched = daemon.machine, daemon.owner
        left = [fault.count]
        what = "machine" if fault.machine else "process"
        name = machine.name if fault.machine else target

        def synced(point: SyncPoint, owner: Owner) -> None:
            if point != fault.point or owner is not watched:
                return
            left[0] -= 1
            if left[0]:
                return
            stop()
            world.holds.take(what, name)
            if fault.machine:
                machine.crash(fault.kind)
            else:
                daemon.kill()
            world.sim.call_later(fault.restart_after, again)

        def again() -> None:
            if world.holds.release(what, name):
                if fault.machine:
                    machine.restart()
                else:
                    daemon.start()

        def stop() -> None:
            for disk in machine.disks:
                if synced in disk.sync_watches:
                    disk.sync_watches.remove(synced)

        for disk in machine.disks:
            disk.sync_watches.append(synced)
        return stop
