"""What can be wrong with ``fuxi``: machines that offer nothing, masters that fit nowhere, packages that lie nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from feitian_sim.fuxi.resources import MILLICORES, fits
from feitian_sim.kernel.units import format_size
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.problems import Problem


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
