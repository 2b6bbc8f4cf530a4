"""Room for a copy of a chunk that a master has ordered here, a replica (:mod:`.cloning`) or a temporary one."""

from __future__ import annotations

from feitian_sim.hardware import Disk
from feitian_sim.kernel import SimulatedError
from feitian_sim.kuafu import IncomingCall
from feitian_sim.pangu.fencing import Fence
from feitian_sim.pangu.messages import CloneFailed
from feitian_sim.pangu.replica_keeper import ReplicaKeeper


def room_for(call: IncomingCall, fence: Fence, keeper: ReplicaKeeper, refused: str) -> Disk | None:
    """The disk on which the room has been taken; None when the order was answered with why not.

    ``refused``: why this server makes no such copy, if it does not, told to a master that still leads.
    """
    order = call.message
    if not fence.admits(order.epoch):
        refused = "another master has been elected since"
    elif not refused:
        try:
            disk = keeper.emptiest_disk(order.length_bytes)
            disk.allocate(order.length_bytes)
            return disk
        except SimulatedError as error:
            refused = str(error)
    call.reply(CloneFailed(order.chunk, refused))
    return None
