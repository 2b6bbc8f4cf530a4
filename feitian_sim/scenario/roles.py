"""Which machines run what: the roles that a fault's target can name."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.faults.places import places
from feitian_sim.scenario.model import Scenario

# As the wiring calls them; written here too, since reading a scenario must not load Pangu's machinery.
MASTER_ROLE = "pangu.master"
CHUNK_SERVER_ROLE = "pangu.chunkserver"


def roles(scenario: Scenario) -> Mapping[str, tuple[str, ...]]:
    """Each role with the names of its machines, in the order of the hardware."""
    if scenario.pangu is None:
        return {}
    # The master is on the first machine, a chunk server on every one (feitian_sim.pangu.wiring).
    servers = places(scenario.cluster, {}).servers
    return {MASTER_ROLE: servers[:1], CHUNK_SERVER_ROLE: servers}
