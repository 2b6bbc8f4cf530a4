"""The code of users' own that services of a scenario name: of their roles, and of what is done about hot spots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feitian_sim.scenario.load import Loaded
from feitian_sim.scenario.plugins import instance_of, is_reference, load_class
from feitian_sim.scenario.problems import Position
from feitian_sim.workloads.fuxi_service_config import FuxiServiceLoad


def service_code(loaded: Loaded) -> dict[str, Any]:
    """An object of each class that is named, by its reference. Raises ScenarioProblems."""
    position = Position(str(loaded.path))
    return {
        reference: instance_of(load_class(reference, loaded.base_dir, position), {}, position)
        for reference in _references(loaded)
    }


def _references(loaded: Loaded) -> Iterator[str]:
    for load in loaded.scenario.load:
        if not isinstance(load, FuxiServiceLoad):
            continue
        service = load.service
        named = [role.program for role in service.roles.values()]
        if service.partitions is not None:
            named.append(service.partitions.hot.kind)
        yield from dict.fromkeys(name for name in named if is_reference(name))
