"""The master's books: what all its roles read and write.

The replicated state, and beside it what is volatile: locations, the view of the servers, leases, the repair queue
and the failure detector. Each role (files, chunks, replicas) is a class over the same books.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from feitian_sim.pangu.chunk_table import Locations
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.effects import Effect, Log, Send
from feitian_sim.pangu.leases import Leases
from feitian_sim.pangu.leftovers import Leftovers
from feitian_sim.pangu.liveness import FailureDetector
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.messages import Cloned, DropReplicas
from feitian_sim.pangu.placement import PlacementPolicy
from feitian_sim.pangu.records import Record
from feitian_sim.pangu.repair import RepairPlanner


@dataclass(slots=True)
class Books:
    """Everything that a master knows."""

    config: PanguConfig
    state: MasterState
    locations: Locations
    view: ClusterView
    policy: PlacementPolicy
    leases: Leases
    repair: RepairPlanner
    detector: FailureDetector
    incarnation: int
    #: Servers that have registered with this incarnation.
    registered: dict[int, None] = field(default_factory=dict)
    #: Servers that were added and have not registered yet.
    joining: dict[int, None] = field(default_factory=dict)
    #: Whether every server has registered with this incarnation or was given up: only then is what nobody told of
    #: missing, and not merely unknown.
    settled: bool = False
    leftovers: Leftovers = field(init=False)

    def __post_init__(self) -> None:
        # By then who does not answer because it is dead is known to be.
        beat = self.config.heartbeat
        self.leftovers = Leftovers(beat.timeout + 2 * beat.scan)

    @property
    def replicas(self) -> int:
        """Copies that each chunk should have."""
        return self.config.replicas

    @property
    def hears_all(self) -> bool:
        """Whether every server that is in service has registered."""
        return len(self.registered) >= self.view.count - self.state.roster.out_count

    def log(self, record: Record, *then: Effect) -> list[Effect]:
        """Apply a record and have it logged; ``then`` waits for it. Replicas of chunks that went are dropped."""
        removed = self.state.apply(record)
        effects: list[Effect] = [Log(record, then)]
        for chunk in removed:
            self.leases.end(chunk)
            effects.extend(self.drop(server, (chunk,)) for server in self.locations.forget(chunk))
        return effects

    def drop(self, server: int, chunks: tuple[int, ...]) -> Send:
        """Tell a server to drop replicas; what does not reach it is said again (:mod:`.leftovers`)."""
        return Send(server, DropReplicas(chunks, self.incarnation), self.config.client.call_deadline)

    def clone_without_use(self, server: int, chunk: int, reply: object, now_ns: int) -> list[Effect]:
        """The order to clone has ended (``reply`` is None when nobody answered) and gave no replica that counts.

        What was cloned all the same is dropped; where only the answer was lost it lies there, and is left over.
        """
        if isinstance(reply, Cloned):
            return [self.drop(server, (chunk,))]
        if reply is None:
            self.leftovers.add(server, (chunk,), now_ns)
        return []
