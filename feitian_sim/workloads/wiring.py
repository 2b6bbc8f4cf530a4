"""Sets the loads of a scenario up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import ScenarioError, Simulation
from feitian_sim.workloads.attack import Attack
from feitian_sim.workloads.cell import Cell
from feitian_sim.workloads.check import load_names
from feitian_sim.workloads.context import LoadContext, RunningLoad, Services
from feitian_sim.workloads.file_history import FileHistory
from feitian_sim.workloads.file_load import FileLoad
from feitian_sim.workloads.flows import FlowReplay
from feitian_sim.workloads.fuxi_load import FuxiJobs, FuxiTrace
from feitian_sim.workloads.fuxi_service_load import FuxiService
from feitian_sim.workloads.key_rotation import KeyRotation
from feitian_sim.workloads.lock_load import LockClients
from feitian_sim.workloads.nuwa_history import NuwaHistory
from feitian_sim.workloads.nuwa_load import NuwaClients
from feitian_sim.workloads.requests import RequestQueue
from feitian_sim.workloads.rpc_load import RpcProcesses

#: What runs each kind of load.
LOADS: Mapping[str, Callable[[Any, str], RunningLoad]] = MappingProxyType(
    {
        "write": FileLoad,
        "read": FileLoad,
        "append": FileLoad,
        "mix": FileLoad,
        "flows": FlowReplay,
        "requests": RequestQueue,
        "nuwa": NuwaClients,
        "nuwa-history": NuwaHistory,
        "file-history": FileHistory,
        "lock": LockClients,
        "rpc": RpcProcesses,
        "attack": Attack,
        "key-rotation": KeyRotation,
        "fuxi-jobs": FuxiJobs,
        "fuxi-trace": FuxiTrace,
        "fuxi-service": FuxiService,
    }
)


def set_up(
    sim: Simulation,
    datacenter: DataCenter,
    cell: Cell | None,
    loads: Sequence[Any],
    data_dirs: Sequence[Path] = (),
    base_dir: Path | None = None,
    services: Services | None = None,
) -> list[RunningLoad]:
    """Set up all loads; ``start()`` each when the platform runs, ``check()`` each in the end.

    Raises ScenarioError for bad input files. A load that is no configuration from the table but has ``setup``, ``start``
    and ``check`` itself is the user's own and runs as it is.
    """
    context = LoadContext(sim, datacenter, cell, base_dir, data_dirs, services)
    running = [_running(load, name) for load, name in zip(loads, load_names(loads), strict=True)]
    for load in running:
        load.setup(context)
    return running


def _running(load: Any, name: str) -> RunningLoad:
    kind = str(getattr(load, "kind", ""))
    if kind in LOADS:
        return LOADS[kind](load, name)
    missing = [method for method in ("setup", "start", "check") if not callable(getattr(load, method, None))]
    if missing:
        raise ScenarioError(
            f"load {name!r} ({type(load).__name__}) lacks {', '.join(missing)}: a load of your own is a class with "
            "setup(context), start() and check()"
        )
    own: RunningLoad = load
    return own
