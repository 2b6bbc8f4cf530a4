"""A replica of Nuwa's state on its machine: what the log chose, who is told of it, and whose session is over.

Each server holds a replica of the log (:mod:`feitian_sim.replog`) and the state that it makes. It tells the watches of
the clients that are connected to it. The leader alone judges which sessions are over. What clients and servers ask of
one another is the business of :mod:`.server`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import Endpoint, Identities, Kuafu
from feitian_sim.nuwa.answers import Answer, failed
from feitian_sim.nuwa.commands import EndSession, OpenSession
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.expiry import Expiry
from feitian_sim.nuwa.facts import CommandApplied, SessionExpired, SessionFounded, StateTold
from feitian_sim.nuwa.messages import Fired
from feitian_sim.nuwa.state import NuwaState
from feitian_sim.nuwa.watches import Watch, WatchTable, changes_below, has_changed
from feitian_sim.nuwa.witness import applied, tree_sum
from feitian_sim.replog import Group, ReplicatedLog

NUWA_PORT = 7200
NUWA_ROLE = "nuwa.server"


class Attached:
    """A client that is connected here: where it is, by which of its connections, and how many notices it was sent."""

    __slots__ = ("address", "attach", "events", "session")

    def __init__(self, session: int, address: str, attach: int = 0) -> None:
        self.session = session
        self.address = address
        self.attach = attach
        self.events = 0


class NuwaReplica:
    """One server's replica through all the server's incarnations."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        identities: Identities,
        machine: Machine,
        number: int,
        group: Group,
        config: NuwaConfig,
    ) -> None:
        self._sim = sim
        self._datacenter = datacenter
        self._kuafu = kuafu
        self._identities = identities
        self.machine = machine
        self.number = number
        self._group = group
        self._config = config
        #: What was there at time 0.
        self.origin: Any = None
        self.state = NuwaState(config.value_limit)
        self.log: ReplicatedLog | None = None
        self.expiry: Expiry | None = None
        self.watches = WatchTable()
        self.attached: dict[int, Attached] = {}
        self._deleted: dict[str, int] = {}
        self._expire: Timer | None = None
        #: Told of each change of who leads.
        self.on_turn: Callable[[], object] = _nothing
        self._owner: Owner | None = None
        self._is_watched = False

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://{self.machine.name}:{NUWA_PORT}"

    @property
    def alive(self) -> bool:
        """Whether its process lives."""
        return self._owner is not None and self._owner.alive

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner is not None and self._owner.paused

    @property
    def leads(self) -> bool:
        """Whether it is the leader, as far as it knows."""
        return self.alive and self.log is not None and self.log.is_leader

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation."""
        self._owner = owner
        self._is_watched = self._sim.facts.wants(CommandApplied)
        self.state = NuwaState(self._config.value_limit)
        if self.origin is not None:
            self.state.restore(self.origin)
        self.expiry = None
        self.watches = WatchTable()
        self.attached = {}
        self._deleted = {}
        self._expire = None
        credential = self._identities.module(NUWA_ROLE, self.machine.name)
        self._endpoint: Endpoint = self._kuafu.endpoint(owner, self.machine, NUWA_PORT, credential)
        self._serve()
        owner.on_death(self._died)
        self.machine.clock.on_change(owner, self.arm_expiry)
        self.log = ReplicatedLog(
            self._sim,
            self._datacenter,
            owner,
            self._endpoint,
            self.machine.disks[-1],
            self._group,
            self.number,
            self,
            self._config.log,
        )
        self.log.on_lead.append(self._leads)
        self.log.on_follow.append(self._follows)
        if self.log.is_leader:
            self._leads(self.log.epoch)

    def _died(self) -> None:
        self.log = None
        self.expiry = None
        self.on_turn()

    # The replicated state, with what follows from each change here

    def apply(self, index: int, command: Any) -> Answer:
        """A command is chosen: apply it, tell watchers, answer who waited for it."""
        answer = self.state.apply(index, command)
        if self._is_watched:
            self._sim.emit(applied(self.number, index, command, answer))
            if isinstance(command, OpenSession) and answer.ok:
                self._sim.emit(SessionFounded(answer.value, command.timeout_ns))
        for change in self.state.take_changes():
            if change.kind == "deleted":
                self._deleted[change.path] = change.zxid
            for watch in self.watches.fired_by(change):
                self._fire(watch, change.path, change.kind, change.zxid)
        if self.expiry is not None and answer.ok:
            if isinstance(command, OpenSession):
                self.expiry.opened(answer.value, command.timeout_ns, self.machine.clock.monotonic_ns)
                self._arm_expiry()
            elif isinstance(command, EndSession):
                self.expiry.ended(command.session)
        if isinstance(command, EndSession) and command.session in self.attached:
            self.watches.forget(str(command.session))
            del self.attached[command.session]
        self._answer_behind()
        return answer

    def image(self) -> tuple[Any, int]:
        """For a snapshot; with what is gone, since whoever watched it may come here later."""
        image, size_bytes = self.state.image()
        return (image, dict(self._deleted)), size_bytes + sum(len(path) + 8 for path in self._deleted)

    def restore(self, image: Any) -> None:
        """From a snapshot: whoever watches here looks again, since what changed in between is not known."""
        state, deleted = image
        self.state.restore(state)
        self._deleted = dict(deleted)
        self.tell_state("restored")
        for session in list(self.attached):
            self.watches.forget(str(session))
        self.attached.clear()
        self._answer_behind()
        # Clients whose pings take no events learn of it by a ping.
        self.on_turn()

    def tell_state(self, why: str) -> None:
        """Say to whoever checks it what the state is."""
        if self._is_watched:
            self._sim.emit(StateTold(self.number, self.state.zxid, tree_sum(self.state.tree), why))

    def attach(self, session: int, address: str, watches: tuple[tuple[Watch, int], ...], number: int = 0) -> None:
        """A client is connected here from now on; what has changed since it saw it last fires at once."""
        self.watches.forget(str(session))
        self.attached[session] = Attached(session, address, number)
        for watch, since_zxid in watches:
            if watch.what == "below":
                self.watches.add(watch)
                for zxid, path, kind in changes_below(self.state.tree, self._deleted, watch.path, since_zxid):
                    self._fire(watch, path, kind, zxid)
            elif has_changed(self.state.tree, self._deleted, watch, since_zxid):
                self._fire(watch, watch.path, "changed", self.state.zxid)
            else:
                self.watches.add(watch)

    def _fire(self, watch: Watch, path: str, kind: str, zxid: int) -> None:
        client = self.attached.get(int(watch.client))
        if client is not None:
            client.events += 1
            fired = Fired(client.session, client.attach, client.events, watch.number, path, kind, zxid)
            self._endpoint.tell(client.address, fired)

    # Who leads

    def _leads(self, _: int) -> None:
        sessions = ((session.number, session.timeout_ns) for session in self.state.sessions.values())
        self.expiry = Expiry(sessions, self.machine.clock.monotonic_ns)
        self._arm_expiry()
        self.on_turn()

    def _follows(self) -> None:
        self.expiry = None
        self.on_turn()

    def arm_expiry(self) -> None:
        """Signs of life have begun or ceased to be certain, or the clock goes otherwise."""
        if self.expiry is not None:
            self._arm_expiry()

    def _arm_expiry(self) -> None:
        assert self.expiry is not None
        assert self._owner is not None
        due_ns = self.expiry.next_due_ns()
        if self._expire is not None:
            self._expire.cancel()
        if due_ns is not None:
            self._expire = self.machine.clock.timer(self._owner, due_ns, self._expire_silent)

    def _expire_silent(self) -> None:
        if self.expiry is None or self.log is None:
            return
        now_ns = self.machine.clock.monotonic_ns
        for session in self.expiry.overdue(now_ns):
            self._sim.emit(SessionExpired(session, self.expiry.silent_ns(session, now_ns)))
            self.expiry.ended(session)
            self.log.propose(EndSession(session, True), EndSession(session, True).size_bytes, _ignore, _ignore)
        self._arm_expiry()

    def _confirm(self, session: int, done: Callable[[Answer], object]) -> None:
        """The leader has heard of the client; it says so only while it certainly leads."""
        if self.log is None or self.expiry is None:
            done(failed(self.state.zxid, "no-leader"))
            return

        def leads() -> None:
            if self.expiry is None or not self.expiry.knows(session):
                done(failed(self.state.zxid, "session-expired"))
                return
            self.expiry.heard(session, self.machine.clock.monotonic_ns)
            done(Answer(self.state.zxid))

        self.log.read(leads, lambda _: done(failed(self.state.zxid, "no-leader")))

    # What :mod:`.server` has to say

    def _serve(self) -> None:
        """A new incarnation answers."""
        raise NotImplementedError

    def _answer_behind(self) -> None:
        """The state is newer than it was: answer who waited for that."""
        raise NotImplementedError


def _ignore(_: object) -> None:
    """An outcome on which nothing here depends."""


def _nothing() -> None:
    """Nobody listens."""
