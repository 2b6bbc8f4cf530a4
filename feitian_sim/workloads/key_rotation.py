"""``key-rotation``: an operator has the authority change its key, again and again (Zhongkui's ``Rotate``)."""

from __future__ import annotations

from feitian_sim.authority.messages import Rotate
from feitian_sim.authority.news import AUTHORITY
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import ServiceCaller
from feitian_sim.workloads.attack_config import KeyRotationLoad
from feitian_sim.workloads.context import LoadContext


class KeyRotation:
    """One operator. An order that fails is given again when the next is due."""

    def __init__(self, config: KeyRotationLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim: Simulation = context.sim
        services = context.needed_services(self.name)
        machine = context.datacenter.client_machines[0]
        owner = self._sim.owner(f"load.{self.name}.operator")
        self._operator = ServiceCaller(
            services.kuafu.endpoint(owner, machine, context.ports(1), services.identities.operator()),
            context.needed_nuwa(self.name).agent(machine).resolver,
            context.stream(self.name, "operator", "retry"),
        )

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._sim.call_at(self.config.start, self._rotate)

    def _rotate(self) -> None:
        if self.config.stop is not None and self._sim.now > self.config.stop:
            return
        self._operator.call(AUTHORITY, Rotate(), self.config.deadline, _over, _over)
        self._sim.call_later(self.config.every, self._rotate)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        return []


def _over(_: object) -> None:
    """What came of it is told by the authority."""
