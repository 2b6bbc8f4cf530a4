"""What can be wrong with a load in its scenario, found before anything is built. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.data_files import find_data_file
from feitian_sim.workloads.attack_config import AttackLoad, KeyRotationLoad
from feitian_sim.workloads.config import ClientLoad, MixLoad, RequestsLoad
from feitian_sim.workloads.fuxi_config import FuxiJobsLoad, FuxiTraceLoad
from feitian_sim.workloads.fuxi_service_config import FuxiServiceLoad
from feitian_sim.workloads.history_config import FileHistoryLoad, NuwaHistoryLoad, unscripted
from feitian_sim.workloads.job_templates import JobFile
from feitian_sim.workloads.lock_config import LockLoad
from feitian_sim.workloads.nuwa_config import NuwaLoad
from feitian_sim.workloads.paced_config import Load
from feitian_sim.workloads.rpc_config import RpcLoad
from feitian_sim.workloads.traces import FORMATS


def load_names(loads: Sequence[Any]) -> list[str]:
    """The name of each load: its own, or its kind, numbered from the second of a kind on."""
    names: list[str] = []
    for load in loads:
        kind = str(getattr(load, "kind", type(load).__name__))
        given = getattr(load, "name", None)
        if given:
            names.append(str(given))
            continue
        number = 1 + sum(1 for earlier in loads[: len(names)] if _unnamed(earlier) == kind)
        names.append(kind if number == 1 else f"{kind}-{number}")
    return names


def check_load(
    position: int,
    loads: Sequence[Any],
    cluster: ClusterConfig,
    *,
    has_pangu: bool,
    has_dataset: bool,
    has_nuwa: bool,
    has_fuxi: bool = False,
) -> list[str]:
    """What is wrong with load ``position`` of a scenario, each with its remedy; empty when all is well."""
    load = loads[position]
    names = load_names(loads)
    problems = _name_problems(position, names)
    if isinstance(load, RequestsLoad):
        problems += _machine_problems(load.machine, cluster)
    if isinstance(load, NuwaLoad | NuwaHistoryLoad | LockLoad | AttackLoad | KeyRotationLoad) and not has_nuwa:
        problems.append("this load needs coordination: add a nuwa section to the scenario")
    if isinstance(load, FuxiServiceLoad) and not has_fuxi:
        problems.append("this load submits a service: add a fuxi section to the scenario")
    if isinstance(load, FuxiJobsLoad | FuxiTraceLoad) and not has_fuxi:
        problems.append("this load submits jobs: add a fuxi section to the scenario")
    if isinstance(load, NuwaHistoryLoad | FileHistoryLoad) and load.script is not None:
        problems += unscripted(load.script, load.clients, tuple(type(load.ratios).model_fields))
    if isinstance(load, RpcLoad):
        problems += _rpc_problems(load, cluster, has_nuwa)
    if isinstance(load, AttackLoad):
        problems += _machine_problems(load.machine, cluster)
    if isinstance(load, ClientLoad | FileHistoryLoad) and not has_pangu:
        problems.append("this load reads or writes files: add a pangu section to the scenario")
    if isinstance(load, ClientLoad):
        over = getattr(load, "over", None)
        if over is not None and _reads(load):
            problems += _over_problems(load, over, names, loads, has_dataset)
    return problems


def missing_files(load: Any, base_dir: Path | None, data_dirs: Sequence[Path]) -> list[str]:
    """The data files of a load that are nowhere, each with what it is where that is known; empty when all are there."""
    wanted: list[tuple[str, str]] = []
    if isinstance(load, FuxiTraceLoad):
        wanted = [(name, f"It is {FORMATS[load.format].what_it_is}") for name in load.file]
    elif isinstance(load, FuxiJobsLoad):
        wanted = [(choice.job.file, "It describes a job") for choice in load.jobs if isinstance(choice.job, JobFile)]
    elif getattr(load, "file", None) is not None:
        wanted = [(load.file, "")]
    problems = []
    for name, about in wanted:
        try:
            find_data_file(name, base_dir, data_dirs, about)
        except ScenarioError as error:
            problems.append(str(error))
    return problems


def _unnamed(load: Any) -> str | None:
    return None if getattr(load, "name", None) else str(getattr(load, "kind", type(load).__name__))


def _name_problems(position: int, names: Sequence[str]) -> list[str]:
    if names[position] in names[:position]:
        return [f"another load is called {names[position]!r} already: give each its own name"]
    return []


def _machine_problems(machine: str, cluster: ClusterConfig) -> list[str]:
    known = [f"r{rack}/m{number}" for rack in range(cluster.racks) for number in range(cluster.machines_per_rack)]
    if machine in known:
        return []
    near = get_close_matches(machine, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return [f"there is no machine {machine!r}{hint} (machines: {known[0]} ... {known[-1]})"]


def _rpc_problems(load: RpcLoad, cluster: ClusterConfig, has_nuwa: bool) -> list[str]:
    problems = []
    if load.discovery is not None and not has_nuwa:
        problems.append("discovery finds servers through Nuwa: add a nuwa section to the scenario")
    for machine in (*(load.callers.machines or ()), *(load.servers.machines or ())):
        problems += _machine_problems(machine, cluster)
    callers = load.callers.machines or ("all",)
    servers = load.servers.machines or ("all",)
    if load.discovery is None and len({*callers, *servers}) == 1 and cluster.racks * cluster.machines_per_rack == 1:
        problems.append("callers call servers of other machines: there is only one machine")
    return problems


def _reads(load: Load) -> bool:
    ratios = getattr(load, "ratios", None)
    return ratios is None or ratios.read > 0


def _over_problems(
    load: ClientLoad, over: str, names: Sequence[str], loads: Sequence[Any], has_dataset: bool
) -> list[str]:
    if over == "dataset":
        return [] if has_dataset else ["there is no dataset to read: add pangu.dataset, or say over: <name of a load>"]
    if over == "own":
        ratios = getattr(load, "ratios", None)
        writes = ratios is not None and ratios.write > 0
        return [] if writes else ["over: own needs a load that also writes: a mix with ratios.write above 0"]
    writers = [name for name, other in zip(names, loads, strict=True) if _writes(other)]
    if over in writers:
        return []
    return [f"no load called {over!r} writes files (over: dataset, own{''.join(', ' + name for name in writers)})"]


def _writes(load: Any) -> bool:
    if isinstance(load, MixLoad):
        return load.ratios.write > 0
    return getattr(load, "kind", "") in ("write", "append")
