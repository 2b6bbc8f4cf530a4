"""An office without Nuwa, for tests of Pangu alone: the first candidate that lives is elected, its death noticed late."""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.hardware import Machine
from feitian_sim.kernel import MILLISECOND, SECOND, Owner, Simulation
from feitian_sim.kuafu import Endpoint


class PlainOffice:
    """Elects, and tells everybody a millisecond later."""

    def __init__(self, sim: Simulation, session_ns: int = 4 * SECOND) -> None:
        self.sim = sim
        self._session_ns = session_ns
        self._candidates: list[PlainStanding] = []
        self.holder: PlainStanding | None = None
        self.address = ""
        self._followers: list[Callable[[str], object]] = []

    def stand(
        self, owner: Owner, endpoint: Endpoint, on_elected: Callable[[], object], on_deposed: Callable[[], object]
    ) -> PlainStanding:
        standing = PlainStanding(self, owner, endpoint, on_elected, on_deposed)
        self._candidates.append(standing)
        owner.on_death(lambda: self.sim.call_later(self._session_ns, self.gone, standing))
        # After its maker has taken it.
        self.sim.call_later(0, self.elect) if self.sim.now else self._at_once(standing)
        return standing

    def _at_once(self, standing: PlainStanding) -> None:
        if self.holder is None:
            self.holder = standing

    def gone(self, standing: PlainStanding) -> None:
        if standing in self._candidates:
            self._candidates.remove(standing)
        if self.holder is standing:
            self.holder = None
            self.publish("")
            self.elect()

    def elect(self) -> None:
        if self.holder is None and self._candidates:
            self.holder = self._candidates[0]
            self.holder.on_elected()

    def depose(self) -> None:
        """Nuwa has lost touch with the holder: it is told, and another elected."""
        standing = self.holder
        assert standing is not None
        self.holder = None
        standing.on_deposed()
        self._candidates.remove(standing)
        self._candidates.append(standing)
        self.elect()

    def publish(self, address: str) -> None:
        self.address = address
        for follower in list(self._followers):
            if self.sim.now:
                self.sim.call_later(MILLISECOND, follower, address)
            else:
                follower(address)

    def directory(self, _: Machine) -> PlainOffice:
        return self

    def follow(self, _: Endpoint, on_address: Callable[[str], object]) -> None:
        self._followers.append(on_address)
        on_address(self.address)

    def doubt(self, address: str) -> None:
        """News comes by itself here."""


class PlainStanding:
    """One candidate."""

    def __init__(
        self,
        office: PlainOffice,
        owner: Owner,
        endpoint: Endpoint,
        on_elected: Callable[[], object],
        on_deposed: Callable[[], object],
    ) -> None:
        self._office = office
        self.owner = owner
        self._endpoint = endpoint
        self.on_elected = on_elected
        self.on_deposed = on_deposed

    @property
    def holds(self) -> bool:
        """Whether it is the elected one."""
        return self._office.holder is self

    def announce(self, epoch: int) -> None:
        if self._office.holder is self:
            self._office.publish(self._endpoint.address)

    def stand_down(self) -> None:
        if self._office.holder is self:
            self._office.depose()
