"""Targets: from what the scenario says to the names that are struck. Pure.

A target's conditions must all hold; what they leave are the candidates, in the order of the hardware. ``mode`` then
picks one, some or all of them. :func:`check_target` refuses at load time what matches nothing, with what there is,
and what matches several without saying how many of them: a silent default would surprise one reader in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from feitian_sim.faults.fault import Fault, Target, Unit
from feitian_sim.faults.message_config import NetworkHalfOpen, NetworkMessage
from feitian_sim.faults.network_config import NetworkPartition
from feitian_sim.faults.places import Places, machine_of, places, rack_of
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import Stream

#: The conditions that make sense for each unit.
_KEYS: Mapping[Unit, tuple[str, ...]] = {
    "machine": ("role", "leader", "rack", "power_domain", "machine"),
    "disk": ("role", "leader", "rack", "power_domain", "machine", "disk"),
    "rack": ("rack", "power_domain"),
    "switch": ("switch", "rack"),
    "link": ("link", "role", "leader", "rack", "machine"),
    "role": ("role", "leader", "rack", "power_domain", "machine"),
    "groups": ("role", "leader", "rack", "power_domain", "machine"),
}
_ALL_KEYS = ("role", "leader", "rack", "power_domain", "machine", "disk", "switch", "link")
_LISTED = 8


def check_target(fault: Fault, cluster: ClusterConfig, roles: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with the fault's target in this cluster, each with its remedy; empty when all is well.

    ``roles`` maps each role to the names of the machines that run it.
    """
    where = places(cluster, roles)
    if isinstance(fault, NetworkPartition) and fault.among is not None and fault.among not in where.roles:
        return [_unknown("role", fault.among, tuple(where.roles))]
    if isinstance(fault, NetworkPartition) and fault.groups is not None:
        return _group_problems(fault.groups, where)
    if isinstance(fault, NetworkMessage):
        ends = (fault.source, fault.target)
        return [_unknown("machine", name, where.machines) for name in ends if name not in where.machines]
    if isinstance(fault, NetworkHalfOpen) and fault.peer is not None:
        unknown = [name for name in fault.peer if not any(fnmatchcase(machine, name) for machine in where.machines)]
        if unknown:
            return [_unknown("machine", name, where.machines) for name in unknown]
    target: Target | None = getattr(fault, "target", None)
    if target is None:
        return _split_problems(fault, where.servers) or _trace_problems(fault, where)
    problems = _key_problems(fault, target) or _name_problems(target, where)
    return problems or _count_problems(fault, target, candidates(target, fault.unit, where))


def candidates(target: Target, unit: Unit, where: Places, leader: str | None = None) -> tuple[str, ...]:
    """The names that the target's conditions leave; ``leader`` is the machine that leads now, if it is known."""
    if unit == "rack":
        # The clients' rack stands for many places and is in no power domain.
        return tuple(rack for rack in where.power_domain_of if _rack_fits(target, rack, where))
    if unit == "switch":
        return tuple(name for name in where.switches if _switch_fits(target, name))
    if unit == "link":
        return _links(target, where, leader)
    machines = dict.fromkeys(name for name in where.machines if _machine_fits(target, name, where, leader))
    if unit == "disk":
        return tuple(disk for disk in where.disks if machine_of(disk) in machines and _any(target.disk, disk))
    return tuple(machines)


def select(target: Target | None, names: tuple[str, ...], stream: Stream) -> tuple[str, ...]:
    """The struck ones among ``names``, in their order; spends as many draws as there are names, or none."""
    mode = target.mode if target is not None else "all"
    if mode in (None, "all") or len(names) <= 1:
        return names
    count = _amount(target, len(names)) if target is not None else len(names)
    chosen = sorted(stream.permutation(len(names)).tolist()[:count])
    return tuple(names[position] for position in chosen)


def _amount(target: Target, available: int) -> int:
    if target.mode == "one" or target.value is None:
        return 1
    if target.mode == "fixed":
        return min(int(target.value), available)
    return max(1, int(available * target.value / 100 + 0.5))


# --- conditions -----------------------------------------------------------------------------------


def _any(patterns: tuple[str, ...] | None, name: str) -> bool:
    return patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns)


def _rack_fits(target: Target, rack: str, where: Places) -> bool:
    domain = where.power_domain_of.get(rack)
    if target.power_domain is not None and (domain is None or not _any(target.power_domain, domain)):
        return False
    return _any(target.rack, rack)


def _machine_fits(target: Target, machine: str, where: Places, leader: str | None) -> bool:
    if target.role is not None and not where.runs(machine, target.role):
        return False
    if target.leader is not None and not _may_lead(machine, target.leader, where, leader):
        return False
    return _rack_fits(target, rack_of(machine), where) and _any(target.machine, machine)


def _may_lead(machine: str, role: str, where: Places, leader: str | None) -> bool:
    # Before the run nobody leads yet: the first that runs the role stands for the leader.
    return machine == (where.first_of(role) if leader is None else leader)


def _switch_fits(target: Target, switch: str) -> bool:
    return _any(target.switch, switch) and _any(target.rack, rack_of(switch))


def _links(target: Target, where: Places, leader: str | None) -> tuple[str, ...]:
    if target.link is not None:
        return tuple(name for name in where.links if _any(target.link, name))
    if target.machine is None and target.role is None and target.leader is None:
        return tuple(name for name in where.links if name.endswith("/uplink") and _any(target.rack, rack_of(name)))
    machines = (name for name in where.machines if _machine_fits(target, name, where, leader))
    return tuple(f"{machine}/nic" for machine in machines)


# --- problems -------------------------------------------------------------------------------------


def _key_problems(fault: Fault, target: Target) -> list[str]:
    allowed = _KEYS[fault.unit]
    given = [key for key in _ALL_KEYS if getattr(target, key) is not None]
    kind = getattr(fault, "kind", type(fault).__name__)
    wrong = [f"target.{key} does not go with {kind}: say {' or '.join(allowed)}" for key in given if key not in allowed]
    if wrong:
        return wrong
    return [] if given else [f"target names nothing: say {', '.join(allowed[:-1])} or {allowed[-1]}"]


def _name_problems(target: Target, where: Places) -> list[str]:
    problems = []
    for key in ("role", "leader"):
        role = getattr(target, key)
        if role is not None and role not in where.roles:
            problems.append(_unknown("role", role, tuple(where.roles)))
    known = (
        ("rack", target.rack, where.racks),
        ("power_domain", target.power_domain, where.power_domains),
        ("machine", target.machine, where.machines),
        ("disk", target.disk, where.disks),
        ("switch", target.switch, where.switches),
        ("link", target.link, where.links),
    )
    for key, patterns, names in known:
        for pattern in patterns or ():
            if not any(fnmatchcase(name, pattern) for name in names):
                problems.append(_unknown(key, pattern, names))
    return problems


def _unknown(what: str, found: str, names: tuple[str, ...]) -> str:
    if not names:
        return f"there is no {what.replace('_', ' ')} in this scenario, so not {found!r}"
    near = get_close_matches(found, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no {what.replace('_', ' ')} {found!r}{hint} (there are {_listed(names)})"


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _LISTED:
        return ", ".join(names)
    return f"{', '.join(names[: _LISTED - 1])} ... {names[-1]}, {len(names)} in all"


def _count_problems(fault: Fault, target: Target, names: tuple[str, ...]) -> list[str]:
    unit = {"role": "process", "groups": "machine"}.get(fault.unit, fault.unit)
    if not names:
        return [f"target matches no {unit}: its conditions hold together nowhere"]
    if isinstance(fault, NetworkPartition):
        return _split_problems(fault, names)
    if len(names) > 1 and target.mode is None:
        return [f"target matches {len(names)} ({_listed(names)}): add mode: one, all, fixed or percent to it"]
    if target.mode == "fixed" and target.value is not None and target.value > len(names):
        return [f"target wants {target.value:g}, but only {len(names)} match ({_listed(names)})"]
    return []


def _split_problems(fault: Fault, names: Sequence[str]) -> list[str]:
    split = fault.split if isinstance(fault, NetworkPartition) else None
    least = {"ring": 4, "bridge": 3}.get(split or "", 0)
    return [f"split: {split} cuts nobody off among {len(names)}: it needs {least} machines"] if len(names) < least else []


def _trace_problems(fault: Fault, where: Places) -> list[str]:
    if fault.unit == "disk" and not where.disks:
        return ["the machines of this cluster have no disks: set cluster.machine.disks"]
    return []


def _group_problems(groups: tuple[tuple[str, ...], ...], where: Places) -> list[str]:
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, group in enumerate(groups):
        for name in group:
            members = members_of(name, where)
            if not members:
                problems.append(_unknown("rack or machine", name, where.racks + where.machines))
            for machine in members:
                if seen.setdefault(machine, number) != number:
                    problems.append(f"{machine} is in two groups: a machine can be on one side only")
    if not problems and len(groups) == 1 and len(seen) == len(where.machines):
        problems.append("the only group holds every machine: nobody is cut off")
    return problems


def members_of(name: str, where: Places) -> tuple[str, ...]:
    """The machines that a group's entry (a rack, a machine or a pattern) stands for."""
    return tuple(
        machine for machine in where.machines if fnmatchcase(machine, name) or fnmatchcase(rack_of(machine), name)
    )
