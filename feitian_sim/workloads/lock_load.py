"""Clients that contend for locks of Nuwa and, while they believe to hold one, touch what it guards, token in hand.

What a lock guards is a process of its own, called over the network, which takes work only under the newest token that it
has seen. So a holder that does not know that it has lost its lock does no harm, and is seen trying.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from feitian_sim.kernel import SECOND, Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall, Need
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.fenced import FencedResource
from feitian_sim.nuwa.lock import Lock
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import LockHeld, ResourceTouched
from feitian_sim.workloads.lock_config import LockLoad

_DEADLINE_NS = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Touch:
    """Work for what a lock guards."""

    lock: int
    token: int


@dataclass(frozen=True, slots=True)
class Touched:
    """Whether it was taken."""

    accepted: bool


TOUCH = Need("write", "nuwa://cell/guarded")


class LockClients:
    """One load of clients of locks."""

    def __init__(self, config: LockLoad, name: str) -> None:
        self.config = config
        self.name = name
        self.held = 0
        self.released = 0

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim: Simulation = context.sim
        cell = context.needed_nuwa(self.name)
        services = context.needed_services(self.name)
        config = self.config
        cell.make(f"/{self.name}/")
        self._directories = [f"/{self.name}/lock-{number}/" for number in range(config.locks)]
        for directory in self._directories:
            cell.make(directory)
        guardian = context.datacenter.client_machines[-1]
        self._resources = [FencedResource() for _ in range(config.locks)]
        endpoint = services.kuafu.endpoint(
            self._sim.owner(f"load.{self.name}.guarded"),
            guardian,
            context.ports(1),
            services.identities.module("guarded", guardian.name),
        )
        endpoint.serve(Touch, self._touch, TOUCH)
        self._clients: list[LockClient] = []
        for number in range(config.clients):
            machine = context.datacenter.client_machines[number % len(context.datacenter.client_machines)]
            owner = self._sim.owner(f"load.{self.name}.{number}")
            client = partial(
                cell.client, owner, machine, f"{self.name}-{number}", timeout_ns=config.session, first=number
            )
            caller = services.kuafu.endpoint(
                owner, machine, context.ports(1), services.identities.user(f"{self.name}-{number}")
            )
            self._clients.append(LockClient(self, number, owner, client, caller, endpoint.address, context))

    def _touch(self, call: IncomingCall) -> None:
        asked: Touch = call.message
        accepted = self._resources[asked.lock].touch(asked.token)
        self._sim.emit(ResourceTouched(self.name, self._directories[asked.lock], call.subject, asked.token, accepted))
        call.reply(Touched(accepted))

    def directory(self, lock: int) -> str:
        """Where the candidates for a lock stand."""
        return self._directories[lock]

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        for client in self._clients:
            self._sim.call_at(self.config.start, client.open)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`: what was taken was taken in the order of the tokens."""
        wrong = [one for one in self._resources if one.accepted != sorted(one.accepted)]
        return [f"load {self.name}: a guarded resource took work under an old token"] if wrong else []


class LockClient:
    """One client: wishes for a lock, works under it, lets go, thinks."""

    def __init__(
        self,
        load: LockClients,
        number: int,
        owner: Owner,
        client_of: Callable[[], NuwaClient],
        caller: Endpoint,
        resource: str,
        context: LoadContext,
    ) -> None:
        self._load = load
        self._sim = context.sim
        self._owner = owner
        self._client_of = client_of
        self._caller = caller
        self._resource = resource
        self._name = f"{load.name}-{number}"
        self._locks = context.stream(load.name, f"client-{number}", "lock")
        self._holds = context.stream(load.name, f"client-{number}", "hold")
        self._pauses = context.stream(load.name, f"client-{number}", "think")
        self._stops = context.stream(load.name, f"client-{number}", "pause")
        self._announce = caller.machine.announce
        self._is_open = False
        self._end: Timer | None = None
        self._lock: Lock | None = None
        self._begin_session()

    def _begin_session(self) -> None:
        self._client = self._client_of()
        self._client.on_over.append(self._session_over)

    def _pause_later(self) -> None:
        config = self._load.config
        if config.pause_every is not None and config.pause_for is not None:
            self._sim.call_later(config.pause_every.sample(self._stops), self._pause)

    def _pause(self) -> None:
        config = self._load.config
        assert config.pause_for is not None
        self._owner.pause()
        self._announce()
        self._sim.call_later(config.pause_for.sample(self._stops), self._resume)

    def _resume(self) -> None:
        self._owner.resume()
        self._announce()
        self._pause_later()

    def open(self) -> None:
        """Begin the session, then the first wish."""
        if not self._is_open:
            self._is_open = True
            self._pause_later()
        self._client.open(self._wish)

    def _session_over(self) -> None:
        self._lock = None
        self._begin_session()
        self.open()

    def _wish(self) -> None:
        config = self._load.config
        if config.stop is not None and self._sim.now >= config.stop:
            return
        self._number = int(self._locks.uniform() * config.locks)
        self._wished_ns = self._sim.now
        self._held_ns = -1
        self._lock = Lock(
            self._sim, self._owner, self._client, self._load.directory(self._number), self._held, self._lost
        )
        self._lock.acquire()

    def _held(self, token: int) -> None:
        self._token = token
        self._held_ns = self._sim.now
        self._load.held += 1
        self._end = self._owner.timer(self._load.config.hold.sample(self._holds), self._release)
        self._work()

    def _work(self) -> None:
        lock = self._lock
        if lock is None or not lock.token:
            return
        self._caller.call(self._resource, Touch(self._number, self._token), _DEADLINE_NS, _ignore, _ignore_error)
        self._owner.call_later(self._load.config.touch_every, partial(self._work_on, self._token))

    def _work_on(self, token: int) -> None:
        if self._lock is not None and self._lock.token == token:
            self._work()

    def _tell(self, how: str) -> None:
        waited_ns = self._held_ns - self._wished_ns
        self._sim.emit(
            LockHeld(
                self._load.name,
                self._load.directory(self._number),
                self._name,
                self._token,
                self._held_ns,
                waited_ns,
                how,
            )
        )
        self._held_ns = -1

    def _release(self) -> None:
        lock = self._lock
        if lock is None or not lock.token:
            return
        self._tell("released")
        self._load.released += 1
        self._lock = None
        lock.release()
        self._think()

    def _lost(self) -> None:
        if self._held_ns < 0:
            return
        self._tell("lost")
        if self._end is not None:
            self._end.cancel()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
            self._think()

    def _think(self) -> None:
        think = self._load.config.think
        self._owner.call_later(0 if think is None else think.sample(self._pauses), self._wish)


def _ignore(_: object) -> None:
    """What the resource says is told as a fact there."""


def _ignore_error(_: CallError) -> None:
    """A touch that did not arrive is a touch less."""
