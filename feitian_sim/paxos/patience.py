"""Patience: how long a member bears silence before it stands for election, and whom it is bound to meanwhile."""

from __future__ import annotations

from feitian_sim.paxos.config import PaxosConfig
from feitian_sim.paxos.lease import Allegiance


class Patience:
    """One member's election timer. It differs between members by a draw, new for each election."""

    __slots__ = ("_config", "allegiance", "due_ns", "length_ns")

    def __init__(self, config: PaxosConfig, now_ns: int) -> None:
        self._config = config
        self.allegiance = Allegiance(config.lease, now_ns)
        #: The silence that it bears.
        self.length_ns = config.election_timeout
        #: When it stands, if it hears of no leader before.
        self.due_ns = now_ns + self.length_ns

    def draw(self, uniform: float, now_ns: int) -> None:
        """Begin a new wait of another length."""
        assert 0.0 < uniform < 1.0, f"{uniform} is no draw"
        self.length_ns = self._config.election_timeout + int(uniform * self._config.election_spread)
        self.due_ns = now_ns + self.length_ns

    def heard(self, at_ns: int) -> None:
        """A leader was heard: it is bound to it, and begins to wait anew."""
        self.allegiance.heard(at_ns)
        self.due_ns = at_ns + self.length_ns

    def bear(self, now_ns: int) -> None:
        """Another was promised a ballot: give it the time to be heard."""
        self.due_ns = max(self.due_ns, now_ns + self.length_ns)

    def freed(self, now_ns: int) -> None:
        """The leader has resigned: whoever is less patient stands first."""
        self.allegiance.released(now_ns)
        self.due_ns = now_ns + max(0, self.length_ns - self._config.election_timeout)
