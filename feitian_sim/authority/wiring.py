"""Zhongkui on a data centre: the authority's processes, the machines' agents, and the renewal of what processes hold."""

from __future__ import annotations

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.identities import IssuingOffice
from feitian_sim.authority.judge import Judge
from feitian_sim.authority.news import NewsAgent
from feitian_sim.authority.server import AUTHORITY_ROLE, ELECTION, SERVICE, STATE_PATH, AuthorityServer
from feitian_sim.authority.state import AuthorityState, to_bytes
from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.hardware.spread import spread_over_racks
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import Kuafu, NameResolver
from feitian_sim.nuwa.office import ElectedOffice
from feitian_sim.nuwa.wiring import NuwaCell

#: The processes' place in their racks: beside the servers of Nuwa and the masters of other services.
PLACE = 2


class AuthorityCell:
    """The authority of one cell."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        nuwa: NuwaCell,
        issuing: IssuingOffice,
        judge: Judge,
        config: ZhongkuiConfig,
    ) -> None:
        self._nuwa = nuwa
        office = ElectedOffice(sim, nuwa, SERVICE, ELECTION, config.session)
        nuwa.make(STATE_PATH, to_bytes(AuthorityState(issuing.keyring, issuing.revocations)))
        racks = [[one for one in datacenter.machines if one.rack == rack] for rack in range(datacenter.config.racks)]
        everybody = (*datacenter.machines, *datacenter.client_machines)
        self.servers = [
            AuthorityServer(sim, kuafu, machine, office, issuing, config, everybody, judge.learn)
            for machine in spread_over_racks(racks, config.servers, PLACE)
        ]
        self.agents = [NewsAgent(sim, kuafu, machine, issuing, judge, self.resolver) for machine in everybody]
        self.daemons = [Daemon(server.machine, AUTHORITY_ROLE, AUTHORITY_ROLE, server.boot) for server in self.servers]
        self.daemons += [agent.daemon for agent in self.agents]
        for daemon in self.daemons:
            daemon.start()

    @property
    def serving_machine(self) -> str | None:
        """Where the elected process is, if there is one."""
        return next((server.machine.name for server in self.servers if server.state is not None), None)

    def resolver(self, machine: Machine) -> NameResolver:
        """What a machine knows of services."""
        return self._nuwa.agent(machine).resolver
