"""What can be wrong with ``fuxi``: machines that offer nothing, masters that fit nowhere, packages that lie nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from feitian_sim.fuxi.resources import CPU, MILLICORES, PHYSICAL, fits
from feitian_sim.kernel.units import format_size
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.problems import KeyPath, Problem, nearest


def fuxi_is_possible(draft: Draft) -> Iterator[Problem]:
    """There is something to hand out, and somebody to do it."""
    fuxi, cluster = draft.scenario.fuxi, draft.scenario.cluster
    if fuxi is None or not draft.sound(("fuxi",), ("cluster",), ("cluster", "machine"), ("pangu",)):
        return
    if fuxi.masters > cluster.server_count:
        message = f"{fuxi.masters} FuxiMasters need as many machines; the cluster has {cluster.server_count}"
        yield draft.problem(("fuxi", "masters"), message)
    machine, reserved = cluster.machine, fuxi.resources
    if reserved.reserved_cores >= machine.cores:
        message = f"nothing is left to hand out: machines have {machine.cores} cores"
        yield draft.problem(("fuxi", "resources", "reserved_cores"), message)
    elif reserved.reserved_memory >= machine.memory:
        message = f"nothing is left to hand out: machines have {format_size(machine.memory)} of memory"
        yield draft.problem(("fuxi", "resources", "reserved_memory"), message)
    else:
        there = reserved.capacity(machine.cores, machine.memory, machine.disks)
        if not fits(fuxi.master_unit, there):
            offered = f"{there[0] / MILLICORES:g} cores and {format_size(there[1])}"
            message = f"no machine could run an application's master: each offers {offered}"
            yield draft.problem(("fuxi", "application_master"), message)
    if fuxi.packages and draft.scenario.pangu is None:
        yield draft.problem(("fuxi", "packages"), "packages are kept in the file system: add pangu:")


def jobs_fit_a_machine(draft: Draft) -> Iterator[Problem]:
    """A worker of each task that the scenario describes fits on a machine."""
    fuxi, machine = draft.scenario.fuxi, draft.scenario.cluster.machine
    if fuxi is None or not draft.sound(("fuxi",), ("cluster",), ("cluster", "machine")):
        return
    dimensions = fuxi.resources.dimensions
    there = fuxi.resources.capacity(machine.cores, machine.memory, machine.disks)
    for path, load in draft.items("load"):
        for number, choice in enumerate(getattr(load, "jobs", ())):
            for name, task in getattr(choice.job, "tasks", {}).items():
                for resource, amount in task.resources.amounts().items():
                    most = there[dimensions.names.index(resource)] if resource in dimensions.names else 0
                    if amount > most:
                        where = _written(draft, (*path, "jobs", number), ("tasks", name, "resources", resource))
                        yield draft.problem(where, _too_much(resource, amount, most))


def packages_are_somewhere(draft: Draft) -> Iterator[Problem]:
    """What workers need is a package of the cell or a file of Pangu."""
    fuxi = draft.scenario.fuxi
    if fuxi is None or not draft.sound(("fuxi",), ("pangu",)):
        return
    known = f"packages of the cell: {', '.join(fuxi.packages)}" if fuxi.packages else "fuxi.packages has none"
    for path, load in draft.items("load"):
        for where, name in _packages(draft, path, load):
            if isinstance(name, str) and name and name not in fuxi.packages and not name.startswith("/"):
                near = nearest(name, fuxi.packages)
                hint = f"; did you mean {near}?" if near else ""
                message = f"there is no package {name!r}{hint} ({known}; a file of Pangu has a path: /apps/{name})"
                yield draft.problem(where, message)


def _packages(draft: Draft, path: KeyPath, load: Any) -> Iterator[tuple[KeyPath, Any]]:
    """Each package that a load's workers need, and where it stands."""
    yield (*path, "package"), getattr(load, "package", "")
    for number, choice in enumerate(getattr(load, "jobs", ())):
        job = _place_of_job(draft, (*path, "jobs", number))
        yield (*job, "package"), getattr(choice.job, "package", "")
        for name, task in getattr(choice.job, "tasks", {}).items():
            yield (*job, "tasks", name, "package"), task.package
    for name, role in getattr(getattr(load, "service", None), "roles", {}).items():
        yield (*path, "service", "roles", name, "package"), role.package


def _written(draft: Draft, number: KeyPath, below: KeyPath) -> KeyPath:
    """Where the scenario says it: a virtual resource stands among its like."""
    top, resource = _place_of_job(draft, number), below[-1]
    return (*top, *below) if resource in PHYSICAL else (*top, *below[:-1], "virtual", resource)


def _place_of_job(draft: Draft, number: KeyPath) -> KeyPath:
    """Where a job stands: under ``job`` or by itself."""
    said: Any = draft.source.data
    for part in number:
        said = said[part]
    # A class of the user's own is a text, and may well have "job" in its name.
    return (*number, "job") if isinstance(said, Mapping) and "job" in said else number


def _too_much(resource: str, amount: int, most: int) -> str:
    if resource == CPU:
        return f"a worker needs {amount / MILLICORES:g} cores, and a machine offers {most / MILLICORES:g}"
    if resource in PHYSICAL:
        return f"a worker needs {format_size(amount)} of {resource}, and a machine offers {format_size(most)}"
    return f"a worker needs {amount} of {resource}, and a machine offers {most}: see fuxi.resources.virtual"
