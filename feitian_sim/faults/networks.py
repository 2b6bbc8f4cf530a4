"""Faults of the network: switches, links, partitions. The effects of overlapping faults on a link add up."""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.faults.machines import product
from feitian_sim.faults.network_config import (
    LinkLoss,
    NetworkBandwidth,
    NetworkDelay,
    NetworkLoss,
    NetworkPartition,
    SwitchLoss,
)
from feitian_sim.faults.places import Places
from feitian_sim.faults.targets import members_of
from feitian_sim.faults.timing import Streams
from feitian_sim.faults.world import LinkEffect, Undo, World
from feitian_sim.hardware.topology import Station
from feitian_sim.kernel import Stream

_SIDES = " | "
LinkFault = LinkLoss | NetworkLoss | NetworkDelay | NetworkBandwidth


class LoseSwitch:
    """``switch-loss``: it forwards again when the last fault ends."""

    def absorbs(self, world: World, fault: SwitchLoss, target: str) -> str:
        """Never: a switch that is down stays down longer."""
        return ""

    def begin(self, world: World, fault: SwitchLoss, target: str, streams: Streams) -> Undo:
        """Switch off; on at the end."""
        network = world.datacenter.network
        if world.holds.take("switch", target):
            network.set_switch(target, False)

        def end() -> None:
            if world.holds.release("switch", target):
                network.set_switch(target, True)

        return end


class ImpairLink:
    """``link-loss``, ``network-loss``, ``network-delay``, ``network-bandwidth``."""

    def absorbs(self, world: World, fault: LinkFault, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: LinkFault, target: str, streams: Streams) -> Undo:
        """Add the fault's effect to the link's; take it away at the end."""
        return _add(world, target, _effect(fault))


class Partition:
    """``network-partition``: partitions in force at one time cut together."""

    def absorbs(self, world: World, fault: NetworkPartition, target: str) -> str:
        """Never."""
        return ""

    def begin(self, world: World, fault: NetworkPartition, target: str, streams: Streams) -> Undo:
        """Cut; heal at the end."""
        network = world.datacenter.network
        if fault.split in ("ring", "bridge"):
            token = network.limit_sight(_sight(world, target, is_ring=fault.split == "ring"))
            return lambda: network.heal(token)
        where = world.places()
        named = sides_of(target, where)
        if fault.among is not None:
            members = where.roles.get(fault.among, {})
            named = [tuple(name for name in side if name in members) for side in named]
        sides = [[world.datacenter.machine(name) for name in side] for side in named]
        if fault.direction == "in":
            sides.reverse()
        token = network.partition(sides, one_way=fault.direction != "both", bystanders=fault.among is not None)

        def end() -> None:
            network.heal(token)

        return end


def partition_target(fault: NetworkPartition, names: tuple[str, ...], where: Places, stream: Stream) -> str:
    """Who is cut off from whom, as one text: ``r0,r1/m3 | r2``; ``names`` are those to draw from."""
    if fault.groups is not None:
        return _SIDES.join(",".join(group) for group in fault.groups)
    if fault.split == "racks":
        return _SIDES.join(where.racks)
    if fault.split in ("ring", "bridge"):
        order = [names[position] for position in stream.permutation(len(names)).tolist()]
        if fault.split == "ring":
            return ",".join(order)
        half = len(order) // 2
        sides = (sorted(order[1 : half + 1]), order[:1], sorted(order[half + 1 :]))
        return _SIDES.join(",".join(side) for side in sides)
    role = fault.target.leader if fault.target is not None else None
    if role is not None and fault.split == "majority" and len(names) == 1:
        # The leader with as many of its group as make no majority.
        others = [one for one in where.roles.get(role, {}) if one != names[0]]
        drawn = sorted(stream.permutation(len(others)).tolist()[: max(0, len(others) // 2 - 1)])
        return ",".join((names[0], *(others[position] for position in drawn)))
    count = 1 if fault.split == "one" else max(1, (len(names) - 1) // 2)
    apart = sorted(stream.permutation(len(names)).tolist()[:count])
    return ",".join(names[position] for position in apart)


def sides_of(target: str, where: Places) -> list[tuple[str, ...]]:
    """The machines of each side of :func:`partition_target`; who is named nowhere is on the last side."""
    sides = [_members(side.split(","), where) for side in target.split(_SIDES)]
    named = {machine for side in sides for machine in side}
    rest = tuple(machine for machine in where.machines if machine not in named)
    if len(sides) == 1:
        return [*sides, rest]
    return [*sides[:-1], sides[-1] + rest]


def _sight(world: World, target: str, *, is_ring: bool) -> dict[Station, list[Station]]:
    """Whom each machine of a ring (in its order) or a bridge (one half, the bridge, the other half) still reaches."""
    sides: list[list[Station]] = [
        [world.datacenter.machine(name) for name in side.split(",")] for side in target.split(_SIDES)
    ]
    if is_ring:
        (ring,) = sides
        return {one: [ring[number - 1], ring[(number + 1) % len(ring)]] for number, one in enumerate(ring)}
    left, middle, right = sides
    return {
        **{one: [*left, *middle] for one in left},
        **{one: [*left, *middle, *right] for one in middle},
        **{one: [*right, *middle] for one in right},
    }


def _members(names: Sequence[str], where: Places) -> tuple[str, ...]:
    return tuple(dict.fromkeys(machine for name in names for machine in members_of(name, where)))


def hold_down(world: World, link: str) -> Undo:
    """Take a link down for as long as the result is not called."""
    return _add(world, link, LinkEffect(up=False))


def _add(world: World, link: str, effect: LinkEffect) -> Undo:
    remove = world.link_effects.add(link, effect)
    _apply(world, link)

    def end() -> None:
        remove()
        _apply(world, link)

    return end


def _effect(fault: LinkFault) -> LinkEffect:
    match fault:
        case LinkLoss():
            return LinkEffect(up=False)
        case NetworkLoss():
            return LinkEffect(loss=fault.loss)
        case NetworkDelay():
            return LinkEffect(delay_ns=fault.delay)
        case NetworkBandwidth():
            return LinkEffect(capacity_factor=fault.factor)


def _apply(world: World, link: str) -> None:
    effects = world.link_effects.of(link)
    world.datacenter.network.set_link(
        link,
        up=all(effect.up for effect in effects),
        loss=1.0 - product(tuple(1.0 - effect.loss for effect in effects)),
        delay_ns=sum(effect.delay_ns for effect in effects),
        capacity_factor=product(tuple(effect.capacity_factor for effect in effects)),
    )
