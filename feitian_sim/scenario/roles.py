"""Which machines run what: the roles that a fault's target can name."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.scenario.model import Scenario


def roles(scenario: Scenario) -> Mapping[str, tuple[str, ...]]:
    """Each role with the names of its machines, in the order of the hardware."""
    if scenario.pangu is None:
        return {}
    cluster = scenario.cluster
    servers = [f"r{rack}/m{number}" for rack in range(cluster.racks) for number in range(cluster.machines_per_rack)]
    return {"pangu.master": tuple(servers[:1]), "pangu.chunkserver": tuple(servers)}
