"""Which machines run what: the roles that a fault's target can name."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.faults.places import places, rack_of
from feitian_sim.hardware.spread import spread_over_racks
from feitian_sim.scenario.model import Scenario

# As the wirings call them; written here too, since reading a scenario must not load anybody's machinery.
MASTER_ROLE = "pangu.master"
CHUNK_SERVER_ROLE = "pangu.chunkserver"
NUWA_ROLE = "nuwa.server"
PROXY_ROLE = "kuafu.proxy"
AUTHORITY_ROLE = "zhongkui.authority"
NEWS_ROLE = "zhongkui.agent"
FUXI_MASTER_ROLE = "fuxi.master"
TUBO_ROLE = "fuxi.tubo"
WORKER_ROLE = "fuxi.worker"
APPLICATION_ROLE = "fuxi.jobmaster"
STORE_ROLE = "fuxi.store"
_NUWA_PLACE = 1
_AUTHORITY_PLACE = 2
_FUXI_PLACE = 3


def roles(scenario: Scenario) -> Mapping[str, tuple[str, ...]]:
    """Each role with the names of its machines, in the order of the hardware."""
    where = places(scenario.cluster, {})
    servers = where.servers
    racks = [[one for one in servers if rack_of(one) == rack] for rack in dict.fromkeys(map(rack_of, servers))]
    found: dict[str, tuple[str, ...]] = {}
    if scenario.kuafu.proxies:
        found[PROXY_ROLE] = where.machines
    if scenario.pangu is not None:
        found[MASTER_ROLE] = spread_over_racks(racks, scenario.pangu.masters)
        found[CHUNK_SERVER_ROLE] = servers
    if scenario.coordination is not None:
        found[AUTHORITY_ROLE] = spread_over_racks(racks, scenario.zhongkui.servers, _AUTHORITY_PLACE)
        found[NEWS_ROLE] = where.machines
        found[NUWA_ROLE] = spread_over_racks(racks, scenario.coordination.servers, _NUWA_PLACE)
    if scenario.fuxi is not None:
        found[FUXI_MASTER_ROLE] = spread_over_racks(racks, scenario.fuxi.masters, _FUXI_PLACE)
        found |= dict.fromkeys((TUBO_ROLE, WORKER_ROLE, APPLICATION_ROLE), servers)
        if has_services(scenario):
            found[STORE_ROLE] = servers[-1:]
    return found


def has_services(scenario: Scenario) -> bool:
    """Whether a load brings a service, which needs a storage."""
    return any(getattr(load, "kind", "") == "fuxi-service" for load in scenario.load)
