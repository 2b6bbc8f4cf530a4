"""Faults of power below and above the rack: strips of sockets, and a voltage that sags everywhere."""

from __future__ import annotations

from feitian_sim.faults.machines import product
from feitian_sim.faults.operator_config import ClusterBrownout, RackPdu
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import Undo, World
from feitian_sim.hardware import Machine


class LosePdu:
    """``rack-pdu``: each strike draws its part of the rack; a machine comes up when rack and strip both have power."""

    def absorbs(self, world: World, fault: RackPdu, target: str) -> str:
        """A machine that is dark already stays dark longer: never without effect."""
        return ""

    def begin(self, world: World, fault: RackPdu, target: str, streams: Streams) -> Undo:
        """Cut the power of the drawn machines; restore it at the end."""
        machines = world.datacenter.rack(target).machines
        count = max(1, int(len(machines) * fault.share + 0.5))
        chosen = sorted(streams(target, "strip").permutation(len(machines)).tolist()[:count])
        struck = [machines[position] for position in chosen]
        for machine in struck:
            darken(world, machine, fault.kind)

        def end() -> None:
            for machine in struck:
                lighten(world, machine)

        return end


class Brownout:
    """``cluster-brownout``: slow factors multiply with those of other faults; a dark machine returns by itself."""

    def absorbs(self, world: World, fault: ClusterBrownout, target: str) -> str:
        """Never: a machine that is down is slow when it comes up."""
        return ""

    def begin(self, world: World, fault: ClusterBrownout, target: str, streams: Streams) -> Undo:
        """Throttle, and let go if drawn; as before at the end."""
        machine = world.datacenter.machine(target)
        remove = world.slow_machines.add(target, fault.factor)
        machine.slow_factor = product(world.slow_machines.of(target))
        dark = [streams(target, "dark").uniform() < fault.dark]

        def light() -> None:
            if dark[0]:
                dark[0] = False
                lighten(world, machine)

        if dark[0]:
            darken(world, machine, fault.kind)
            world.sim.call_later(fault.dark_for, light)

        def end() -> None:
            light()
            remove()
            machine.slow_factor = product(world.slow_machines.of(target))

        return end


def darken(world: World, machine: Machine, cause: str) -> None:
    """One more fault keeps the machine's own feed without power."""
    if world.holds.take("feed", machine.name):
        machine.lose_feed(cause)


def lighten(world: World, machine: Machine) -> None:
    """One fault less does; the last gives the power back."""
    if world.holds.release("feed", machine.name):
        machine.restore_feed()
