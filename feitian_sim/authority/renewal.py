"""Renewal: every process asks for its capabilities again before they end, and goes on asking until it has them.

Whoever proves to hold its subject's key gets them, so a process that was away for longer than they hold comes back by
itself. When is drawn for each subject apart, so that what was issued together is not renewed together.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.identities import Credential
from feitian_sim.authority.messages import Renew, Renewed
from feitian_sim.authority.news import AUTHORITY
from feitian_sim.hardware import Machine
from feitian_sim.kernel import MINUTE, SECOND, Simulation
from feitian_sim.kuafu import CallError, Endpoint, Holder, NameResolver, ServiceCaller

_DEADLINE_NS = 5 * SECOND


class Renewals:
    """All renewals of a simulation that ends at ``until_ns``: what would be later is not planned."""

    def __init__(
        self,
        sim: Simulation,
        config: ZhongkuiConfig,
        resolver: Callable[[Machine], NameResolver | None],
        until_ns: int,
    ) -> None:
        self._sim = sim
        self._config = config
        self._resolver = resolver
        self._until_ns = until_ns

    def hold(self, holder: Holder) -> None:
        """A process begins to speak with a credential."""
        assert isinstance(holder, Endpoint), "only endpoints speak"
        if isinstance(holder.credential, Credential):
            Renewal(self._sim, self._config, self._resolver, holder, holder.credential, self._until_ns).arm()


class Renewal:
    """One process's."""

    __slots__ = ("_caller", "_config", "_credential", "_endpoint", "_resolver", "_shown", "_sim", "_until_ns")

    def __init__(
        self,
        sim: Simulation,
        config: ZhongkuiConfig,
        resolver: Callable[[Machine], NameResolver | None],
        endpoint: Endpoint,
        credential: Credential,
        until_ns: int,
    ) -> None:
        self._sim = sim
        self._config = config
        self._resolver = resolver
        self._endpoint = endpoint
        self._credential = credential
        self._until_ns = until_ns
        self._shown = credential.capabilities
        self._caller: ServiceCaller | None = None

    def arm(self) -> None:
        """Wait until it is time."""
        ends_ns = min((one.grant.expires_ns for one in self._credential.capabilities), default=0)
        # Up to as long again before the last moment that is early enough, but not before half of the lifetime.
        early_ns = min(self._config.renew_before, (self._config.lifetime - self._config.renew_before) // 2)
        latest_ns = ends_ns - self._config.renew_before
        if latest_ns - early_ns > self._until_ns:
            return
        share = self._sim.stream("zhongkui.renewal", self._credential.subject).at(0)
        due_ns = latest_ns - int(early_ns * share)
        self._endpoint.owner.timer(max(0, due_ns - self._sim.now), self._due)

    def _due(self) -> None:
        if self._credential.capabilities is not self._shown:
            # Another process of the same subject has done it.
            self._shown = self._credential.capabilities
            self._endpoint.renew(self._credential)
            self.arm()
            return
        if self._caller is None:
            stream = self._sim.stream("zhongkui.renewal", self._endpoint.identity, "retry")
            self._caller = ServiceCaller(self._endpoint, self._resolver(self._endpoint.machine), stream)
        self._caller.call(AUTHORITY, Renew(), _DEADLINE_NS, self._renewed, self._not_renewed, repeatable=True)

    def _renewed(self, reply: Renewed) -> None:
        self._credential.capabilities = self._shown = reply.capabilities
        self._endpoint.renew(self._credential)
        self.arm()

    def _not_renewed(self, _: CallError) -> None:
        self._endpoint.owner.call_later(MINUTE, self._due)
