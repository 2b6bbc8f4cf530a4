"""What must hold between the parts of a scenario; each check is a small function over a draft.

A check yields problems and looks only at parts that are sound. Warnings are what may be meant but probably is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from feitian_sim.faults.targets import check_target
from feitian_sim.faults.traces import check_trace
from feitian_sim.kernel.units import format_duration, format_size
from feitian_sim.operations.check import check_operation, racks_left
from feitian_sim.scenario.check_checks import check_is_possible
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.expectations import parse_expectation
from feitian_sim.scenario.fuxi_checks import fuxi_is_possible, jobs_fit_a_machine, packages_are_somewhere
from feitian_sim.scenario.metrics import library
from feitian_sim.scenario.placements import placement_is_known, rebalance_is_known, wants_racks
from feitian_sim.scenario.problems import KeyPath, Problem
from feitian_sim.scenario.roles import MASTER_ROLE, roles
from feitian_sim.scenario.scheduling import scheduling_is_known
from feitian_sim.workloads.check import check_load, missing_files

_MACHINES: tuple[KeyPath, ...] = (("cluster", "racks"), ("cluster", "machines_per_rack"))

_MACHINES_MOST = 200_000
_DISKS_MOST = 2_000_000
_CORES_MOST = 100_000
_CHUNKS_MOST = 2_000_000_000
_SAMPLES_MOST = 1_000_000
_CLIENTS_MOST = 1_000_000
_LOAD_KEYS = (
    ("name", "another load is called"),
    ("machine", "there is no machine"),
    ("over", "there is no dataset"),
    ("over", "over:"),
    ("over", "no load called"),
)

Check = Callable[[Draft], Iterator[Problem]]


def warmup_ends(draft: Draft) -> Iterator[Problem]:
    """The warm-up leaves something to measure."""
    scenario = draft.scenario
    if draft.sound(("duration",), ("warmup",)) and scenario.warmup >= scenario.duration:
        warmup, duration = format_duration(scenario.warmup), format_duration(scenario.duration)
        yield draft.problem(("warmup",), f"the warm-up of {warmup} leaves nothing of the duration, {duration}")


def sampling_fits(draft: Draft) -> Iterator[Problem]:
    """At least one sample is taken."""
    scenario = draft.scenario
    if draft.sound(("duration",), ("sample_every",)) and (scenario.sample_every or 0) > scenario.duration:
        yield draft.problem(("sample_every",), f"longer than the duration, {format_duration(scenario.duration)}")


def cluster_is_not_absurd(draft: Draft) -> Iterator[Problem]:
    """Numbers of parts that no memory holds are mistakes."""
    told: set[str | int] = set()
    for path, found, most in _amounts(draft):
        # Machines and disks are too many because racks are.
        if found > most and path[0] not in told:
            told.add(path[0])
            yield draft.problem(path, f"{found} of them is more than the {most} that can be simulated")


def _amounts(draft: Draft) -> Iterator[tuple[KeyPath, int, int]]:
    scenario = draft.scenario
    cluster, pangu = scenario.cluster, scenario.pangu
    if draft.sound(("cluster",)):
        yield ("cluster", "racks"), cluster.racks, _MACHINES_MOST
        yield ("cluster", "machines_per_rack"), cluster.server_count, _MACHINES_MOST
        yield ("cluster", "machine", "disks"), cluster.server_count * cluster.machine.disks, _DISKS_MOST
        yield ("cluster", "machine", "cores"), cluster.machine.cores, _CORES_MOST
        yield ("cluster", "clients", "machines"), cluster.client_config.machines, _MACHINES_MOST
    if pangu is not None and pangu.dataset is not None and draft.sound(("pangu",)):
        yield ("pangu", "dataset", "bytes"), pangu.dataset.bytes // pangu.chunk_size, _CHUNKS_MOST
    if draft.sound(("duration",), ("sample_every",)):
        yield ("sample_every",), scenario.duration // scenario.sampling_ns, _SAMPLES_MOST
    for path, load in draft.items("load"):
        yield (*path, "clients"), getattr(load, "clients", None) or 0, _CLIENTS_MOST


def _is_absurd(draft: Draft) -> bool:
    return any(found > most for _, found, most in _amounts(draft))


def replicas_fit(draft: Draft) -> Iterator[Problem]:
    """There are machines, and where the placement wants them racks, for all replicas of a chunk."""
    pangu, cluster = draft.scenario.pangu, draft.scenario.cluster
    if pangu is None or not draft.sound(("pangu", "replicas"), ("cluster", "racks"), ("cluster", "machines_per_rack")):
        return
    path = ("pangu", "replicas")
    if pangu.replicas > cluster.server_count:
        message = f"{pangu.replicas} replicas need as many machines; the cluster has {cluster.server_count}"
        yield draft.problem(path, message)
    elif draft.sound(("pangu", "placement")) and pangu.replicas > cluster.racks and wants_racks(pangu.placement):
        yield draft.problem(
            path,
            f"{pangu.replicas} replicas on different racks need as many racks; the cluster has {cluster.racks} "
            "(more cluster.racks, fewer pangu.replicas, or placement: random)",
        )


def dataset_fits(draft: Draft) -> Iterator[Problem]:
    """The preloaded dataset with all its replicas fits on the disks."""
    pangu, cluster = draft.scenario.pangu, draft.scenario.cluster
    if (
        pangu is None
        or pangu.dataset is None
        or not draft.sound(("pangu", "dataset"), ("pangu", "replicas"), ("cluster",))
    ):
        return
    needed, there = pangu.dataset.bytes * pangu.replicas, cluster.capacity_bytes
    if needed > there:
        yield draft.problem(
            ("pangu", "dataset", "bytes"),
            f"the dataset is larger than the cluster: {format_size(pangu.dataset.bytes)} in {pangu.replicas} "
            f"replicas need {needed / 1e12:.4g}TB, the disks hold {there / 1e12:.4g}TB",
        )


def loads_make_sense(draft: Draft) -> Iterator[Problem]:
    """Every load has a name of its own, and what it asks is there to be asked."""
    if not draft.sound(*_MACHINES, ("pangu",), ("load",)) or _is_absurd(draft):
        return
    scenario = draft.scenario
    has_dataset = scenario.pangu is not None and scenario.pangu.dataset is not None
    for position, (path, _) in enumerate(draft.items("load")):
        for message in check_load(
            position,
            scenario.load,
            scenario.cluster,
            has_pangu=scenario.pangu is not None,
            has_dataset=has_dataset,
            has_nuwa=scenario.coordination is not None,
            has_fuxi=scenario.fuxi is not None,
        ):
            about = next((key for key, start in _LOAD_KEYS if message.startswith(start)), None)
            yield draft.problem((*path, about) if about else path, message)


def fault_names_are_unique(draft: Draft) -> Iterator[Problem]:
    """Names of faults are identities in facts and draws."""
    seen: dict[str, KeyPath] = {}
    for path, fault in draft.items("faults"):
        if fault.name is not None and fault.name in seen:
            first = draft.source.value(seen[fault.name])
            yield draft.problem((*path, "name"), f"another fault is called {fault.name!r}, at {first}")
        elif fault.name is not None:
            seen[fault.name] = (*path, "name")


def targets_exist(draft: Draft) -> Iterator[Problem]:
    """Every fault strikes something that is there."""
    cluster = draft.scenario.cluster
    if not draft.sound(*_MACHINES, ("cluster", "machine"), ("pangu",)) or _is_absurd(draft):
        return
    known = roles(draft.scenario)
    for path, fault in draft.items("faults"):
        for message in check_target(fault, cluster, known):
            yield draft.problem(_target_path(draft, path, message), message)


def operations_make_sense(draft: Draft) -> Iterator[Problem]:
    """Every operation is about machines that hold chunks and can be taken out or put in."""
    scenario = draft.scenario
    if not draft.sound(*_MACHINES, ("cluster", "machine"), ("pangu",)) or _is_absurd(draft):
        return
    for path, operation in draft.items("operations"):
        if scenario.pangu is None:
            yield draft.problem(path, "there is no file system whose machines could be added or drained: add pangu:")
            continue
        for message in check_operation(operation, scenario.cluster, roles(scenario), MASTER_ROLE):
            yield draft.problem(_target_path(draft, path, message), message)


def drains_can_end(draft: Draft) -> Iterator[Problem]:
    """Warning: where too few machines or racks are left, a drain waits for ever."""
    scenario, pangu = draft.scenario, draft.scenario.pangu
    if pangu is None or not draft.sound(*_MACHINES, ("pangu",), ("operations",)) or _is_absurd(draft):
        return
    operations = [operation for _, operation in draft.items("operations")]
    machines, racks = racks_left(operations, scenario.cluster, roles(scenario))
    needs_racks = wants_racks(pangu.placement)
    if operations and (machines < pangu.replicas or (needs_racks and racks < pangu.replicas)):
        found, what = (racks, "racks") if machines >= pangu.replicas else (machines, "machines")
        message = f"drains leave {found} {what}, too few for {pangu.replicas} replicas: they cannot end"
        yield draft.problem(("operations",), message)


def expectations_parse(draft: Draft) -> Iterator[Problem]:
    """Every expectation names a metric and a value in its unit."""
    for path, text in draft.items("expect"):
        try:
            parse_expectation(text, library())
        except ValueError as error:
            yield draft.problem(path, str(error))


def published_metrics_exist(draft: Draft) -> Iterator[Problem]:
    """Every published number names a metric."""
    validation = draft.scenario.validation
    if validation is None or not draft.sound(("validation",)):
        return
    for index, published in enumerate(validation.quantities):
        try:
            if published.metric is not None:
                library().split(published.metric)
        except ValueError as error:
            yield draft.problem(("validation", "quantities", index, "metric"), str(error))


def faults_start_in_time(draft: Draft) -> Iterator[Problem]:
    """Warning: a fault or an operation after the end never happens."""
    duration = draft.scenario.duration
    if not draft.sound(("duration",)):
        return
    for path, fault in (*draft.items("faults"), *draft.items("operations")):
        for key in ("at", "start"):
            found = getattr(fault, key, None)
            if found is not None and found >= duration:
                message = f"at {format_duration(found)} the simulation is over: it lasts {format_duration(duration)}"
                yield draft.problem((*path, key), message)


def loads_start_in_time(draft: Draft) -> Iterator[Problem]:
    """Warning: a load that begins after the end asks for nothing."""
    duration = draft.scenario.duration
    for path, load in draft.items("load"):
        if draft.sound(("duration",)) and load.start >= duration:
            message = f"the simulation is over by then: it lasts {format_duration(duration)}"
            yield draft.problem((*path, "start"), message)


def ramps_end_in_time(draft: Draft) -> Iterator[Problem]:
    """Warning: clients whose turn comes after the load has ended never begin."""
    duration = draft.scenario.duration
    for path, load in draft.items("load"):
        ramp = getattr(load, "ramp", 0)
        ends = min(duration, getattr(load, "stop", None) or duration)
        if ramp and draft.sound(("duration",)) and load.start + ramp > ends > load.start:
            share = (ends - load.start) / ramp
            message = f"the load ends at {format_duration(ends)}, when {share:.0%} of its clients have begun"
            yield draft.problem((*path, "ramp"), message)


def racks_are_to_spare(draft: Draft) -> Iterator[Problem]:
    """Warning: after the loss of a rack the rule of placement cannot be kept any more."""
    pangu, racks = draft.scenario.pangu, draft.scenario.cluster.racks
    if pangu is None or pangu.placement == "random" or pangu.replicas == 1:
        return
    if not draft.sound(("cluster", "racks"), ("pangu", "replicas"), ("pangu", "placement")):
        return
    if racks == pangu.replicas:
        yield draft.problem(
            ("cluster", "racks"),
            f"no spare failure domain: {racks} racks for {racks} replicas; after the loss of one no chunk can have "
            "its copies on different racks; a rack more gives it back",
        )
    elif racks < pangu.replicas:
        yield draft.problem(
            ("cluster", "racks"),
            f"fewer racks ({racks}) than replicas ({pangu.replicas}): no placement can keep copies on different racks",
        )


def files_are_there(draft: Draft, base_dir: Path, data_dirs: Sequence[Path]) -> Iterator[Problem]:
    """Warning: a trace that is missing here (it may be there where the scenario is run)."""
    for path, load in draft.items("load"):
        for message in missing_files(load, base_dir, data_dirs):
            yield draft.problem((*path, "file") if hasattr(load, "file") else path, message)
    for path, fault in draft.items("faults"):
        trace = getattr(fault, "trace", None)
        key = (*path, "trace", "file") if (*path, "trace", "file") in draft.source.values else (*path, "trace")
        for message in check_trace(trace, base_dir, data_dirs) if trace is not None else ():
            yield draft.problem(key, message)


CHECKS: tuple[Check, ...] = (
    warmup_ends,
    sampling_fits,
    cluster_is_not_absurd,
    placement_is_known,
    rebalance_is_known,
    scheduling_is_known,
    replicas_fit,
    dataset_fits,
    loads_make_sense,
    fault_names_are_unique,
    targets_exist,
    operations_make_sense,
    fuxi_is_possible,
    jobs_fit_a_machine,
    packages_are_somewhere,
    check_is_possible,
    expectations_parse,
    published_metrics_exist,
)
WARNINGS: tuple[Check, ...] = (
    faults_start_in_time,
    loads_start_in_time,
    ramps_end_in_time,
    racks_are_to_spare,
    drains_can_end,
)


def _target_path(draft: Draft, path: KeyPath, message: str) -> KeyPath:
    """The key of the target that the message is about."""
    target = (*path, "target")
    for key in ("role", "leader", "rack", "power_domain", "machine", "disk", "switch", "link", "value"):
        about = message.startswith((f"there is no {key.replace('_', ' ')} ", f"target.{key} "))
        if about and (*target, key) in draft.source.values:
            return (*target, key)
    return target
