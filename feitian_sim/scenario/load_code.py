"""Classes of users' own that loads name: of jobs, their tasks, services' roles, and what is done about hot spots.

What a scenario names is loaded and tried with it, so that a mistake has its line there. The tasks of a job that a class
describes are known only when it does: they may name classes of files that the scenario names anyhow, which are loaded
then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from feitian_sim.fuxi.job.description import TaskConfig
from feitian_sim.fuxi.job.program import Reference, key_of
from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.data_files import find_data_file
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.own_parts import Named, OwnPart
from feitian_sim.scenario.plugins import instance_of, is_reference, load_class
from feitian_sim.scenario.problems import KeyPath, Position
from feitian_sim.workloads.fuxi_config import FuxiJobsLoad
from feitian_sim.workloads.fuxi_service_config import FuxiServiceLoad
from feitian_sim.workloads.job_templates import JobFile
from feitian_sim.workloads.own_jobs import OwnJob

#: The class that a user's own extends, with the methods that it must have.
TASK = ("feitian_sim.fuxi.job.program.TaskProgram", ("compute_ns", "output_bytes"))
JOB = ("feitian_sim.fuxi.job.program.JobProgram", ("describe",))
ROLE = ("feitian_sim.fuxi.service.program.RoleProgram", ("compute_ns",))
HOTSPOT = ("feitian_sim.fuxi.service.hotspot.HotspotPolicy", ("relieve",))


def named_by_loads(draft: Draft, base_dir: Path, data_dirs: Sequence[Path]) -> Iterator[Named]:
    """Every class that a load names."""
    for path, load in draft.items("load"):
        if isinstance(load, FuxiServiceLoad):
            yield from _of_service(path, load)
        elif isinstance(load, FuxiJobsLoad):
            for number, choice in enumerate(load.jobs):
                top = _written(draft, (*path, "jobs", number))
                yield from _of_job(draft, top, choice.job, base_dir, data_dirs)


def _of_service(path: KeyPath, load: FuxiServiceLoad) -> Iterator[Named]:
    service = load.service
    for name, role in service.roles.items():
        if role.program:
            yield Named((*path, "service", "roles", name, "program"), role.program, {}, *ROLE)
    if service.partitions is not None and is_reference(service.partitions.hot.kind):
        yield Named((*path, "service", "partitions", "hot", "kind"), service.partitions.hot.kind, {}, *HOTSPOT)


def _of_job(draft: Draft, top: KeyPath, job: Any, base_dir: Path, data_dirs: Sequence[Path]) -> Iterator[Named]:
    if isinstance(job, OwnJob):
        said = _at(draft, top)
        place = (*top, "kind") if isinstance(said, Mapping) and is_reference(said.get("kind")) else (*top, "program")
        yield Named(top, job.program, job.options, *JOB, place)
        return
    if isinstance(job, JobFile):
        try:
            tasks: Mapping[str, Any] = job.read(find_data_file(job.file, base_dir, data_dirs)).tasks
        except ScenarioError:
            # Said by who reads the file in order to run it.
            return
        yield from _of_tasks(tasks, (*top, "file"), at_file=True)
    elif hasattr(job, "tasks"):
        yield from _of_tasks(job.tasks, (*top, "tasks"))
    else:
        yield from _of_tasks({name: getattr(job, name) for name in type(job).model_fields}, top)


def _of_tasks(tasks: Mapping[str, Any], path: KeyPath, *, at_file: bool = False) -> Iterator[Named]:
    for name, task in tasks.items():
        if isinstance(task, TaskConfig) and task.program is not None:
            reference, options = _taken_apart(task.program)
            place = (*path, name, "program")
            yield Named(place, reference, options, *TASK, path if at_file else place)


def _taken_apart(value: Reference) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return value, {}
    return str(value["kind"]), {name: option for name, option in value.items() if name != "kind"}


def _written(draft: Draft, number: KeyPath) -> KeyPath:
    """A job stands under ``job``, or by itself."""
    said = _at(draft, number)
    return (*number, "job") if isinstance(said, Mapping) and "job" in said else number


def _at(draft: Draft, path: KeyPath) -> Any:
    said: Any = draft.source.data
    for part in path:
        said = said[part]
    return said


class LoadCode(Mapping[str, Any]):
    """An object of each class that loads name, made when it is first asked for; one for each way of naming it."""

    def __init__(self, parts: Sequence[OwnPart], base_dir: Path) -> None:
        self._base_dir = base_dir
        self._parts = {_key(part): part for part in parts if part.key.startswith("load[")}
        self._made: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._made:
            self._made[key] = self._parts[key].create() if key in self._parts else self._beside(key)
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def _beside(self, key: str) -> Any:
        """A class that only a described job names, out of a file that is known. Raises KeyError, ScenarioError."""
        reference, options = _taken_apart(json.loads(key) if key.startswith("{") else key)
        name = reference.rpartition(":")[0]
        if all(part.reference.rpartition(":")[0] != name for part in self._parts.values()):
            raise KeyError(key)
        position = Position(str(self._base_dir / name))
        return instance_of(load_class(reference, self._base_dir, position), options, position)


def _key(part: OwnPart) -> str:
    return key_of({"kind": part.reference, **part.options} if part.options else part.reference)
