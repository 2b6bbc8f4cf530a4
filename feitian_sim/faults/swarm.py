"""Random faults for one seed of a check: most families are off, those that are on strike hard (swarm testing).

After Groce et al. ("Swarm testing", ISSTA 2012): a seed draws which families of faults are on, how strong, when and
where, so that one kind of trouble is not always hidden by another. Everything is drawn before the run and comes out as
plain lines of a scenario, so that a failing seed can be made smaller line by line. Profiles say how likely each is.

All faults of the first phase end by its end; then a core that holds a majority of every group is whole for good, and
what is outside may stay broken for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from feitian_sim.faults.dice import Dice, Ground, Line
from feitian_sim.faults.duels import alone, bridge, chairs, crash_when_asked, forgetful
from feitian_sim.faults.places import rack_of
from feitian_sim.kernel import Stream

_MS = 1_000_000
_US = 1_000
_CHUNK_SERVERS = "pangu.chunkserver"


def _kill(dice: Dice) -> Line:
    when = dice.when(1500)
    return {"kind": "process-kill", "at": when["at"], "restart_after": when["duration"], "target": dice.process()}


def _pause(dice: Dice) -> Line:
    return {"kind": "process-pause", **dice.when(1000, 20), "target": dice.process()}


def _crash_at(dice: Dice) -> Line:
    when = dice.when(400, 1)
    return {
        "kind": "process-crash-at",
        "at": when["at"],
        # It lies in wait until what it strikes is back in time.
        "duration": dice.left(when),
        "restart_after": when["duration"],
        "point": dice.of(("before-sync", "after-sync")),
        "machine": dice.chance(0.7),
        "count": 1 + dice.stream.integer(4),
        "target": dice.process(),
    }


def _crash(dice: Dice) -> Line:
    return {"kind": "machine-crash", **dice.when(1500), "target": {"machine": dice.machine()}}


def _slow_machine(dice: Dice) -> Line:
    factor = round(dice.between(2, 40), 1)
    return {"kind": "machine-slow", **dice.when(2000), "factor": factor, "target": {"machine": dice.machine()}}


def _slow_disk(dice: Dice) -> Line:
    return {"kind": "disk-slow", **dice.when(2000), "factor": round(dice.between(2, 60), 1), "target": dice.disk()}


def _torn(dice: Dice) -> Line:
    return {"kind": "disk-torn", **dice.when(2000, 100), "target": dice.disk()}


def _io(dice: Dice) -> Line:
    kind = dice.of(("disk-fsync-fail", "disk-io-error", "disk-hang", "disk-readonly"))
    when = dice.when(800, 10)
    if kind == "disk-fsync-fail":
        return {"kind": kind, "at": when["at"], "target": dice.disk()}
    if kind == "disk-io-error":
        return {"kind": kind, **when, "share": round(dice.between(0.02, 0.5), 3), "target": dice.disk()}
    return {"kind": kind, **when, "target": dice.disk()}


def _cut(dice: Dice) -> Line:
    line: Line = {"kind": "network-partition", **dice.when(2000, 150, hasty=False)}
    line["direction"] = dice.of(("both", "both", "in", "out"))
    groups = dice.ground.groups
    if groups and dice.chance(0.6):
        # Between the members of one group alone: their clients reach them all.
        role = dice.of(groups)
        line["among"] = role
        if dice.chance(0.6):
            # The leader of the moment, mostly with others that make no majority.
            line |= {"split": dice.of(("one", "majority")), "target": {"leader": role}}
        else:
            line |= {"split": dice.of(("one", "majority")), "target": {"role": role}}
    elif dice.chance(0.5):
        line["split"] = dice.of(("one", "majority"))
    else:
        line["groups"] = [[dice.machine()]]
    return line


def _loss(dice: Dice) -> Line:
    loss = round(dice.between(0.01, 0.6), 3)
    return {"kind": "network-loss", **dice.when(2000, 50), "loss": loss, "named": True, "target": dice.cards()}


def _delay(dice: Dice) -> Line:
    delay = f"{int(dice.between(0.2, 300) * 1000)}us"
    return {
        "kind": "network-delay",
        **dice.when(2000, 50),
        "delay": delay,
        "named": True,
        "target": {"machine": dice.machine()},
    }


def _jitter(dice: Dice) -> Line:
    most = f"{int(dice.between(1, 200) * 1000)}us"
    line: Line = {
        "kind": "network-delay",
        **dice.when(2000, 100),
        "delay": "10us",
        "jitter": most,
        "target": dice.cards(),
    }
    if dice.chance(0.5):
        line["share"] = round(dice.between(0.05, 1.0), 3)
    return line


def _copies(dice: Dice) -> Line:
    after = f"{int(dice.between(0.1, 300) * 1000)}us"
    share = round(dice.between(0.02, 0.5), 3)
    return {"kind": "network-duplicate", **dice.when(2000, 100), "share": share, "after": after, "target": dice.cards()}


def _overtaking(dice: Dice) -> Line:
    gap = f"{int(dice.between(0.5, 200) * 1000)}us"
    share = round(dice.between(0.02, 0.5), 3)
    return {"kind": "network-reorder", **dice.when(2000, 100), "share": share, "gap": gap, "target": dice.cards()}


def _flips(dice: Dice) -> Line:
    share = round(dice.between(0.01, 0.3), 3)
    return {"kind": "network-corrupt", **dice.when(2000, 50), "share": share, "target": dice.cards()}


def _clog(dice: Dice) -> Line:
    if dice.ground.groups and dice.chance(0.3):
        target = {"role": dice.of(dice.ground.groups), "mode": "all"}
        return {"kind": "network-swizzle", **dice.when(1000, 50), "target": target}
    return {"kind": "network-clog", **dice.when(800, 20), "target": dice.cards()}


def _flap(dice: Dice) -> Line:
    period = f"{int(dice.between(5, 300) * 1000)}us"
    return {"kind": "network-flap", **dice.when(1500, 100), "period": period, "target": {"machine": dice.machine()}}


def _reset(dice: Dice) -> Line:
    kind = dice.of(("network-reset", "network-half-open"))
    return {"kind": kind, "at": dice.when(10)["at"], "target": {"machine": dice.machine()}}


def _link(dice: Dice) -> Line:
    return {"kind": "link-loss", **dice.when(1000), "target": {"machine": dice.machine()}}


def _clock(dice: Dice) -> Line:
    clients, groups, target = dice.ground.clients, dice.ground.groups, {}
    if groups and dice.chance(0.5):
        # Leases are the leader's, mostly.
        target["leader"] = dice.of(groups)
    else:
        target["machine"] = dice.of(clients) if clients and dice.chance(0.3) else dice.machine()
    when = dice.when(2000, 50, hasty=False)
    if dice.ground.drift_ppm and dice.chance(0.5):
        # What measures durations may go wrong within the bound alone that leases allow for.
        ppm = max(1, int(dice.between(0.05, 1.0) * dice.ground.drift_ppm))
        return {"kind": "clock-drift", **when, "ppm": ppm if dice.chance(0.5) else -ppm, "target": target}
    by, kind = f"{int(dice.between(1, 5000) * 1000)}us", dice.of(("skew", "step", "strobe", "freeze"))
    if kind == "skew":
        return {"kind": "clock-skew", **when, "offset": by, "direction": dice.of(("ahead", "behind")), "target": target}
    if kind == "step":
        direction = dice.of(("forwards", "backwards"))
        return {"kind": "clock-step", "at": when["at"], "by": by, "direction": direction, "target": target}
    if kind == "strobe":
        interval = f"{int(dice.between(1, 200) * 1000)}us"
        return {"kind": "clock-strobe", **when, "by": by, "interval": interval, "target": target}
    then = dice.of(("jumps", "goes-on"))
    return {"kind": "clock-freeze", **when, "which": "wall", "then": then, "target": target}


def _slow_process(dice: Dice) -> Line:
    factor = round(dice.between(2, 40), 1)
    return {"kind": "process-slow", **dice.when(2000), "factor": factor, "target": dice.process()}


def _storm(dice: Dice) -> Line:
    interval = f"{int(dice.between(20, 600) * 1000)}us"
    return {"kind": "process-restart-storm", **dice.when(1500, 100), "interval": interval, "target": dice.process()}


def _strip(dice: Dice) -> Line:
    rack = rack_of(dice.machine())
    share = dice.of((0.3, 0.5, 0.7))
    return {"kind": "rack-pdu", **dice.when(1500), "share": share, "target": {"rack": rack}}


def _brownout(dice: Dice) -> Line:
    line: Line = {"kind": "cluster-brownout", **dice.when(1500, 50), "factor": round(dice.between(1.2, 8), 1)}
    dark_for = f"{int(dice.between(10, 800) * 1000)}us"
    return {**line, "dark": dice.of((0.0, 0.1, 0.3, 0.6)), "dark_for": dark_for}


def _rolling(dice: Dice) -> Line:
    role = dice.of(dice.ground.groups if dice.ground.groups and dice.chance(0.7) else dice.ground.restartable)
    down, pause = (f"{int(dice.between(5, longest) * 1000)}us" for longest in (400, 300))
    line: Line = {"kind": "operator-rolling-restart", **dice.when(3000, 300, hasty=False), "down": down, "pause": pause}
    if dice.chance(0.4):
        pause_for = f"{int(dice.between(50, 800) * 1000)}us"
        line |= {"pause_after": 1 + dice.stream.integer(2), "pause_for": pause_for, "rollback": dice.chance(0.6)}
    return {**line, "target": {"role": role, "mode": "all"}}


def _rot(dice: Dice) -> Line:
    kind = dice.of(("disk-bitrot", "disk-sector-error"))
    machine = dice.of(dice.ground.roles[_CHUNK_SERVERS])
    return {"kind": kind, "at": dice.when(10)["at"], "target": {"machine": machine, "mode": "one"}}


#: A family and how it strikes once; and whether it needs disks.
FAMILIES: Mapping[str, Callable[[Dice], Line]] = MappingProxyType(
    {
        "kill": _kill,
        "crash": _crash,
        "pause": _pause,
        "crash-at": _crash_at,
        "slow-machine": _slow_machine,
        "slow-disk": _slow_disk,
        "torn": _torn,
        "io": _io,
        "partition": _cut,
        "loss": _loss,
        "delay": _delay,
        "link": _link,
        "jitter": _jitter,
        "copies": _copies,
        "overtaking": _overtaking,
        "flips": _flips,
        "clog": _clog,
        "flap": _flap,
        "reset": _reset,
        "clock": _clock,
        "slow-process": _slow_process,
        "storm": _storm,
        "strip": _strip,
        "brownout": _brownout,
        "rolling": _rolling,
        "rot": _rot,
        "chairs": chairs,
        "crash-when-asked": crash_when_asked,
        "alone": alone,
        "bridge": bridge,
        "forgetful": forgetful,
    }
)
#: Families that a swarm is without: they aim at groups that choose leaders, of which it has its share by chance.
_AIMED = ("chairs", "crash-when-asked", "alone", "bridge", "forgetful")
#: Families that need disks.
_ON_DISKS = ("slow-disk", "torn", "io", "rot")
#: Families that strike replicas of chunks.
_ON_CHUNKS = ("rot",)
_PROCESSES = ("kill", "crash", "pause", "crash-at", "torn")
_NETWORK = (
    "partition", "loss", "delay", "link", "jitter", "copies", "overtaking", "flips", "clog", "flap", "reset",
)  # fmt: skip
_GRAY = ("pause", "slow-machine", "slow-disk", "delay", "jitter", "clog", "clock", "slow-process", "brownout")
_DISKS = ("slow-disk", "torn", "io", "crash", "crash-at", "rot")


#: Share of a swarm's seeds that are crash-heavy: the hardest bugs need several crashes in a row.
_CRASHING = 0.3


@dataclass(frozen=True, slots=True)
class Profile:
    """How likely each family is to be on, and how often one that is on strikes at most."""

    on: Mapping[str, float]
    strikes: int


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "swarm": Profile(dict.fromkeys((one for one in FAMILIES if one not in _AIMED), 0.22), 3),
        "crash-heavy": Profile(dict.fromkeys(_PROCESSES, 0.95), 8),
        "network": Profile(dict.fromkeys(_NETWORK, 0.4), 4),
        "disks": Profile(dict.fromkeys(_DISKS, 0.7), 4),
        "gray": Profile(dict.fromkeys(_GRAY, 0.7), 4),
        "clocks": Profile({"clock": 1.0, "partition": 0.6, "kill": 0.3, "pause": 0.3, "delay": 0.3}, 4),
        "operator": Profile({"kill": 1.0, "rolling": 0.9, "storm": 0.3}, 6),
        "duels": Profile(
            {"chairs": 1.0, "crash-when-asked": 0.7, "slow-disk": 0.3, "pause": 0.3, "reset": 0.5, "kill": 0.5}, 4
        ),
        "amnesia": Profile({"alone": 1.0, "bridge": 1.0, "forgetful": 1.0}, 3),
        "none": Profile({}, 0),
    }
)


def draw_faults(profile: str, ground: Ground, stream: Callable[[str], Stream], until_ns: int) -> list[Line]:
    """The first phase's faults; ``stream(purpose)`` gives the seed's draws."""
    chosen = PROFILES[profile]
    lines: list[Line] = []
    mood = stream("mood")
    haste = (1.0, 1.0, 0.3, 0.1)[mood.integer(4)]
    if profile == "swarm" and mood.uniform() < _CRASHING:
        chosen = PROFILES["crash-heavy"]
    for family, strike in FAMILIES.items():
        likely = chosen.on.get(family, 0.0)
        if not likely or (family in _ON_DISKS and not ground.has_disks):
            continue
        if family in _ON_CHUNKS and _CHUNK_SERVERS not in ground.roles:
            continue
        if family in _AIMED and not ground.groups:
            continue
        dice = Dice(stream(family), ground, until_ns, haste)
        if not dice.chance(likely):
            continue
        for _ in range(1 + dice.stream.integer(chosen.strikes)):
            lines.append(strike(dice))
    return lines


def _broken_for_good(stream: Stream, machine: str, after_ns: int, patience_ns: int) -> Line:
    """Down, cut off, or, worst of neighbours, there again and again for a moment."""
    at = f"{after_ns // _US}us"
    draw, target = stream.uniform(), {"machine": machine}
    if draw < 0.3:
        return {"kind": "machine-crash", "at": at, "target": target}
    if draw < 0.6:
        direction = ("both", "in", "out")[stream.integer(3)]
        return {"kind": "network-partition", "at": at, "groups": [[machine]], "direction": direction}
    # Away for longer than anybody waits for a leader: after a shorter absence it would still be in office.
    period = f"{int((0.25 + 0.2 * stream.uniform()) * patience_ns) // _MS}ms"
    # From a while before: who leads when the core is whole should not be this one.
    at = f"{after_ns // 2 // _US}us"
    return {"kind": "network-flap", "at": at, "period": period, "down": 0.8, "target": target}


def draw_losses(ground: Ground, stream: Stream, until_ns: int, disks_lost: int) -> list[Line]:
    """Disks that lose what they held, as many as must be survived: of one group each at most."""
    lines: list[Line] = []
    for role in ground.groups:
        if not disks_lost or stream.uniform() < 0.5:
            continue
        members = ground.roles[role]
        for place in stream.permutation(len(members)).tolist()[: min(disks_lost, 1 + stream.integer(disks_lost))]:
            kind = ("disk-wiped", "disk-lost-write", "disk-fail")[stream.integer(3)]
            at = f"{int(stream.uniform() * until_ns * 0.8) // _US}us"
            line: Line = {"kind": kind, "at": at, "target": {"machine": members[place], "mode": "all"}}
            if kind == "disk-lost-write":
                line["of"] = "journal"
            lines.append(line)
    return lines


def draw_core(
    ground: Ground, stream: Stream, after_ns: int, servers_down: int, clients: Sequence[str], patience_ns: int
) -> tuple[list[Line], tuple[str, ...]]:
    """What stays broken for good from ``after_ns`` on, and the machines of the core.

    ``patience_ns``: within which the core must have settled; every time-out of the scenario is well below it.
    """
    outside: dict[str, None] = {}
    for role in ground.groups:
        members = ground.roles[role]
        most = min(servers_down, (len(members) - 1) // 2) - sum(one in outside for one in members)
        count = stream.integer(max(0, most) + 1)
        for place in stream.permutation(len(members)).tolist()[:count]:
            outside[members[place]] = None
    lines: list[Line] = []
    for machine in outside:
        lines.append(_broken_for_good(stream, machine, after_ns, patience_ns))
    core = tuple(one for one in (*ground.servers, *clients) if one not in outside)
    return lines, core
