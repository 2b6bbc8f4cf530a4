"""Kuafu on a data centre: its proxies, who listens where, and what becomes of connections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.hardware.topology import Station
from feitian_sim.kernel import Owner, SimulatedError, Simulation
from feitian_sim.kuafu.address import TcpAddress
from feitian_sim.kuafu.caller import Caller
from feitian_sim.kuafu.calls import CallError, ErrorKind
from feitian_sim.kuafu.config import KuafuConfig
from feitian_sim.kuafu.connection import Connection, Side
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.kuafu.envelope import Envelope, Request, Response
from feitian_sim.kuafu.facts import (
    ConnectionClosed,
    ConnectionOpened,
    Connections,
    EnvelopeLeft,
    MethodTotals,
    RequestAdmitted,
)
from feitian_sim.kuafu.guard import Credential, Guard, Need
from feitian_sim.kuafu.keepalive import Keepalive
from feitian_sim.kuafu.messages import RESET_BYTES
from feitian_sim.kuafu.methods import Method
from feitian_sim.kuafu.proxy import Proxy
from feitian_sim.kuafu.witness import WitnessedEndpoint, WitnessedSide

PROXY_ROLE = "kuafu.proxy"


class AddressInUse(SimulatedError):
    """A live process already listens at the port."""


class Kuafu:
    """The calls of one simulation, each checked by ``guard``."""

    def __init__(self, sim: Simulation, datacenter: DataCenter, guard: Guard, config: KuafuConfig | None = None) -> None:
        self.sim = sim
        self.guard = guard
        self.config = config = config or KuafuConfig()
        self._datacenter = datacenter
        self.socket_ns = config.socket if config.proxies else 0
        self.bulk_above = config.bulk_above
        self.largest = config.largest
        self.idle_ns = config.idle
        self.inline_ns = config.guard_inline
        self.inbox_bytes = config.inbox
        self.messenger = datacenter.network.messenger
        self.carry = self.messenger.carry
        #: Of what ports and connections are made.
        self._endpoint_class: type[Endpoint] = WitnessedEndpoint if sim.facts.wants(RequestAdmitted) else Endpoint
        self.side_class: type[Side] = WitnessedSide if sim.facts.wants(EnvelopeLeft) else Side
        datacenter.network.keepers.append(self)
        self.keepalive = Keepalive(datacenter.network, config.keepalive)
        datacenter.on_change(self._review)
        #: What each class of messages needs, as its servers say.
        self.needs: dict[type, Need] = {}
        self.proxies_by_address: dict[str, Proxy] = {}
        self.last_number = 0
        self._incarnations = 0
        self._endpoints: dict[str, Endpoint] = {}
        self._methods: dict[type, Method] = {}
        # What has left a process is in the hands of its operating system and of the wire: no death recalls it.
        self.wire = sim.owner("kuafu")
        #: Of each machine, by its index.
        #: Called when a connection is lost, and with it perhaps what was told on it and not asked.
        self.on_loss: list[Callable[[], object]] = []
        # Every connection that is open, in order of opening, with some that are not any more.
        self._lately: list[Connection] = []
        machines = (*datacenter.machines, *datacenter.client_machines) if config.proxies else ()
        self.proxies = [Proxy(self, machine, number, machine.name) for number, machine in enumerate(machines)]
        self.daemons = [
            Daemon(proxy.machine, f"{PROXY_ROLE}@{proxy.machine.name}", PROXY_ROLE, proxy.boot) for proxy in self.proxies
        ]
        for daemon in self.daemons:
            daemon.start()
        sim.probes.append(self._sample)
        sim.final_probes.append(self._tell_totals)

    # Ports

    def endpoint(self, owner: Owner, machine: Machine, port: int, credential: Credential) -> Endpoint:
        """Open ``port`` of ``machine`` for a process. Raises :class:`AddressInUse`."""
        address = str(TcpAddress(machine.name, port))
        present = self._endpoints.get(address)
        if present is not None and present.alive:
            raise AddressInUse(f"{address} is held by a live process")
        proxy = self.proxies_by_address.get(address) or self.proxy_at(address)
        if not self.config.proxies:
            proxy.boot(owner)
        endpoint = self._endpoint_class(self, owner, proxy, address, credential)
        self._endpoints[address] = endpoint
        owner.on_death(lambda: self._shut(endpoint))
        return endpoint

    def next_incarnation(self) -> int:
        """A number for one more process."""
        self._incarnations += 1
        return self._incarnations

    def proxy_at(self, address: str) -> Proxy:
        """The proxy of an address: that of its machine, or without proxies that of the process alone."""
        proxy = self.proxies_by_address.get(address)
        if proxy is None:
            machine = self._datacenter.machine(TcpAddress.parse(address).machine)
            if self.config.proxies:
                proxy = self.proxies[machine.index]
            else:
                proxy = Proxy(self, machine, len(self.proxies), address)
                self.proxies.append(proxy)
            self.proxies_by_address[address] = proxy
        return proxy

    def arrive(self, request: Request) -> None:
        """A request or a note has reached the machine of its address."""
        endpoint = self._endpoints.get(request.address)
        if endpoint is not None:
            endpoint.receive(request)
        elif request.number:
            error = CallError("refused", request.address)
            request.side.other.answer(Response(request, None, error, RESET_BYTES))

    def _shut(self, endpoint: Endpoint) -> None:
        if self._endpoints.get(endpoint.address) is endpoint:
            del self._endpoints[endpoint.address]
        endpoint.die()

    def method_of(self, kind: type) -> Method:
        """The counters of a class of messages."""
        method = self._methods.get(kind)
        if method is None:
            method = self._methods[kind] = Method(kind.__name__)
        return method

    # Who speaks

    def nonce(self, near: Proxy, far: Proxy, number: int) -> bytes:
        """The challenge of a connection: 16 bytes, never the same twice."""
        return self.sim.random_bytes("kuafu.nonce", f"{near.name}>{far.name}", str(number))

    def log_in(self, side: Side, endpoint: Caller) -> None:
        """A process speaks on a connection for the first time: it answers the challenge."""
        proof, cpu_ns = self.guard.login(endpoint.credential, side.connection.nonce)
        side.proofs[endpoint] = proof
        if cpu_ns:
            # Signing keeps the proxy's sending thread from nothing, but the message waits for it.
            proxy = side.near
            proxy.free_ns = max(proxy.free_ns, self.sim.now) + cpu_ns

    def authenticate(self, side: Side, caller: Caller, machine: Machine) -> str:
        """At the other end: whether the challenge was answered for the caller's subject; why not, or nothing."""
        subject = caller.credential.subject
        verdict = self.guard.authenticate(subject, side.connection.nonce, side.proofs[caller])
        if not verdict.reason:
            side.known[caller] = None
        if verdict.cpu_ns:
            machine.cpu.submit(verdict.cpu_ns, self.wire, _nothing)
        return verdict.reason

    # Connections

    def carry_bulk(self, side: Side, envelope: Envelope) -> None:
        """A large message goes as a flow, beside the others."""
        self._datacenter.network.transfer(
            side.machine,
            side.peer,
            envelope.size_bytes,
            owner=self.wire,
            on_done=lambda _: side.arrived(envelope),
            on_fail=lambda _flow, _reason: side.lost(envelope),
        )

    def clean_way_ns(self, machine: Machine, peer: Machine) -> int:
        """What a bare segment takes to the peer over a way without faults; 0 when there is a fault."""
        network = self._datacenter.network
        if not peer.up or not network.reachable(machine, peer) or network.impaired(machine, peer):
            return 0
        return network.message_latency_ns(machine, peer, RESET_BYTES)

    def opened(self, connection: Connection) -> None:
        """A handshake got through."""
        connection.open = True
        self._lately.append(connection)
        if self.sim.facts.wants(ConnectionOpened):
            near, far = connection.sides
            self.sim.emit(ConnectionOpened(near.machine.name, far.machine.name))

    def close(self, connection: Connection, why: str) -> None:
        """A connection is no more; nobody waits for anything on it, or who does is told elsewhere."""
        if connection.broken:
            return
        connection.broken = True
        connection.plain = False
        for side in connection.sides:
            sides = side.near.sides
            if sides.get(side.far.index) is side:
                del sides[side.far.index]
        if connection.open and self.sim.facts.wants(ConnectionClosed):
            near, far = connection.sides
            self.sim.emit(ConnectionClosed(near.machine.name, far.machine.name, why))
        if why != "idle":
            for told in self.on_loss:
                told()

    def end(self, connection: Connection, why: ErrorKind) -> None:
        """A connection is no more, and both ends know."""
        self.close(connection, why)
        for side in connection.sides:
            self._fail_calls(side.near, side.far, why)

    def give_up(self, side: Side) -> None:
        """One end has had no answer for so long that it counts the other as gone."""
        self.close(side.connection, "unreachable")
        self._fail_calls(side.near, side.far, "reset")

    def cut(self, side: Side) -> None:
        """The proxy at this end has died: its processes know at once, the others when its system tells them."""
        self.close(side.connection, "reset")
        if not side.machine.up:
            return
        self._fail_calls(side.near, side.far, "reset")
        if side.far is not side.near:
            told = partial(self._fail_calls, side.far, side.near, "reset")
            self.carry(side.machine, side.peer, RESET_BYTES, 0, 0, 0, told, ())

    def _fail_calls(self, near: Proxy, far: Proxy, why: ErrorKind, until_ns: int | None = None) -> None:
        """End the calls from one proxy's processes to another's; those that were made until then, if that is said."""
        for endpoint in [one for one in self._endpoints.values() if one.proxy is near]:
            for pending in endpoint.pending_calls():
                if pending.proxy is far and (until_ns is None or pending.since_ns <= until_ns):
                    endpoint.ended(pending.number, CallError(why, pending.address))

    # What faults break

    def has_connections(self, over: Callable[[Station, Station], bool]) -> bool:
        """See :class:`feitian_sim.hardware.network.Keeper`."""
        return any(over(one.sides[0].machine, one.sides[1].machine) for one in self._present)

    def break_connections(self, over: Callable[[Station, Station], bool]) -> int:
        """See :class:`feitian_sim.hardware.network.Keeper`."""
        found = [one for one in self._present if over(one.sides[0].machine, one.sides[1].machine)]
        for connection in found:
            self.end(connection, "reset")
        return len(found)

    def forget_connections(self, machine: Station, peers: Callable[[Station], bool]) -> int:
        """See :class:`feitian_sim.hardware.network.Keeper`."""
        sides = [side for one in self._present for side in one.sides if side.machine is machine and peers(side.peer)]
        for side in sides:
            connection = side.connection
            connection.forgotten_by, connection.plain = side, False
            # Whatever its processes still want to say on it is never sent.
            side.ready = False
            if side.near.sides.get(side.far.index) is side:
                del side.near.sides[side.far.index]
            self._fail_calls(side.near, side.far, "reset")
            # Who waits there for an answer probes after the keepalive time, and is told that there is no connection.
            self.wire.call_later(self.config.keepalive, self._disowned, side.other)
        return len(sides)

    @property
    def _present(self) -> list[Connection]:
        """The connections between two machines that are open and known at both ends."""
        sides = [side for proxy in self.proxies for side in proxy.sides.values()]
        return [
            side.connection
            for side in sides
            if side.connection.sides[0] is side
            and side.connection.open
            and side.connection.plain
            and side.machine is not side.peer
        ]

    def disown(self, side: Side) -> None:
        """Something came over a connection that this end has forgotten: its system answers with a reset."""
        self.carry(side.peer, side.machine, RESET_BYTES, 0, 0, 0, self._disowned, (side,))

    def _disowned(self, side: Side) -> None:
        """An end learns that the other knows nothing of their connection."""
        if side.connection.broken:
            return
        newer = side.near.sides.get(side.far.index)
        until_ns = newer.connection.since_ns if newer is not None and newer is not side else None
        self.close(side.connection, "reset")
        self._fail_calls(side.near, side.far, "reset", until_ns)

    def _review(self) -> None:
        # In order of opening: a dict keeps it.
        self.keepalive.review(call for one in list(self._endpoints.values()) for call in one.pending_calls())

    @property
    def open_connections(self) -> list[Connection]:
        """The connections that are open now: those that idled too long are closed, whoever has noticed."""
        # Who is idle once stays so: whoever wants to use it opens another.
        self._lately = [one for one in self._lately if one.sides[0].is_known and not one.sides[0].is_idle]
        return self._lately.copy()

    def _sample(self) -> None:
        if self.sim.facts.wants(Connections):
            here: dict[int, int] = {}
            connections = self.open_connections
            for connection in connections:
                for side in connection.sides:
                    here[side.machine.index] = here.get(side.machine.index, 0) + 1
            self.sim.emit(Connections(len(connections), max(here.values(), default=0)))

    def check(self) -> None:
        """Raise AssertionError when the credits of any connection do not balance."""
        for proxy in self.proxies:
            for side in proxy.sides.values():
                side.check()

    def _tell_totals(self) -> None:
        for method in sorted(self._methods.values(), key=_name):
            self.sim.emit(
                MethodTotals(
                    method.name,
                    method.calls,
                    method.told,
                    method.answered,
                    method.failed,
                    method.expired,
                    method.sent_bytes,
                    method.latency_ns,
                )
            )


def _name(method: Method) -> str:
    return method.name


def _nothing() -> None:
    """Work that only takes time."""
