"""Processes that call processes: the load by which connections, flow control, balancing and discovery are studied.

Each caller has its own port and calls some servers, drawn once and then in turn, or a service by its name. A server has
one thread: it answers one call after the other. Beyond ``counted_above`` machines nothing is sent; the connections that
the same draws would open are counted instead, which a test holds equal to what is simulated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from feitian_sim.hardware import Daemon, Machine
from feitian_sim.kernel import Owner, ScenarioError, Simulation
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall, Need, ServiceCaller
from feitian_sim.kuafu.address import TcpAddress
from feitian_sim.nuwa.discovery import Registration, directory_of
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import (
    Called,
    ConnectionsCounted,
    InboxFilled,
    OperationDropped,
    RpcEnded,
    RpcRun,
    ServerBegan,
    ServerHeld,
    ServerMoved,
    ServerOver,
)
from feitian_sim.workloads.pace import Ended, Pace
from feitian_sim.workloads.rpc_config import Processes, RpcLoad

RPC_ROLE = "rpc.server"
_MOST_SERVERS = 100_000
CALL = Need("read", "pangu://cell/rpc")


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """A request of so many bytes; ``number`` tells it from every other of its load."""

    wire_bytes: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class RpcReply:
    """A reply of so many bytes to the request of that number."""

    wire_bytes: int
    number: int = 0


class RpcServer:
    """One server process with one thread, through all its incarnations."""

    def __init__(self, load: RpcProcesses, machine: Machine, port: int, name: str) -> None:
        self._load = load
        self.machine = machine
        self.name = name
        self._port = port
        self.address = str(TcpAddress(machine.name, port))
        self._credential = load.services.identities.module(f"rpc.{load.name}", machine.name)
        self.most_bytes = 0
        self.served = 0
        self.registration: Registration | None = None
        self._leaving = False
        self.daemon = Daemon(machine, f"{load.name}/{name}@{machine.name}", RPC_ROLE, self._boot)
        self.daemon.start()

    def _boot(self, owner: Owner) -> None:
        self._owner = owner
        self._queue: deque[IncomingCall] = deque()
        self._busy = False
        self._unanswered_bytes = 0
        self.endpoint: Endpoint = self._load.services.kuafu.endpoint(owner, self.machine, self._port, self._credential)
        self.endpoint.serve(RpcRequest, self._serve, CALL, once=True)
        if self._load.config.discovery is not None and self._load.started:
            self.register()

    def register(self) -> None:
        """Be found by name; again under another session when one has ended."""
        self._leaving = False
        self._load.tell_server(self, self._owner)
        self._enter()

    def _enter(self) -> None:
        if self._owner.alive and not self._leaving:
            self.registration = self._load.registered(self._owner, self, self._enter)

    def leave(self, after_ns: int) -> None:
        """Be found no more, and end a little later."""
        assert self.registration is not None, "it was found by name"
        self._leaving = True
        self._load.tell_over(self, serves=True)
        self.registration.withdraw()
        self.daemon.autostart = False
        self._owner.call_later(after_ns, self.daemon.kill)

    def _serve(self, call: IncomingCall) -> None:
        self._unanswered_bytes += call.request.size_bytes
        self._load.tell_run(self, call, self._unanswered_bytes)
        self.most_bytes = max(self.most_bytes, self.endpoint.held_bytes)
        if self._load.config.service is None:
            self._answer(call)
            return
        self._queue.append(call)
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._queue)
        if self._busy:
            assert self._load.config.service is not None, "a queue without a service time"
            self._owner.call_later(
                self._load.config.service.sample(self._load.service_stream), self._done, self._queue.popleft()
            )

    def _done(self, call: IncomingCall) -> None:
        self._answer(call)
        self._next()

    def _answer(self, call: IncomingCall) -> None:
        self.served += 1
        self._unanswered_bytes -= call.request.size_bytes
        call.reply(RpcReply(self._load.config.reply_size, call.message.number))


class RpcProcesses:
    """One load of callers and servers."""

    def __init__(self, config: RpcLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._context = context
        self.sim: Simulation = context.sim
        self.services = context.needed_services(self.name)
        self.service_stream = context.stream(self.name, "servers", "service")
        self._datacenter = context.datacenter
        config = self.config
        self._server_places = self._places(config.servers)
        self._caller_places = self._places(config.callers)
        self._servers: list[RpcServer] = []
        self.started = False
        self._asked = 0
        self._pace: Pace | None = None
        above = config.counted_above
        self.counted = above is not None and len(context.datacenter.machines) > above
        if self.counted:
            return
        if config.discovery is not None:
            self._nuwa = context.needed_nuwa(self.name)
            self._nuwa.make(directory_of(config.discovery.service))
        # Each server that moves takes a port of its own.
        self._port = context.ports(_MOST_SERVERS)
        self._caller_port = context.ports(len(self._caller_places))
        for number, machine in enumerate(self._server_places):
            self._servers.append(self._server(machine, number))
        self._callers = [self._caller(machine, number) for number, machine in enumerate(self._caller_places)]
        self._targets = [self._targets_of(number) for number in range(len(self._callers))]
        self._turns = [0] * len(self._callers)
        outstanding = config.outstanding
        self._pace = Pace(
            context,
            self.name,
            self._begin,
            workers=None if outstanding is None else outstanding * len(self._callers),
            arrival=config.arrival,
            think=config.think,
            stop_ns=config.stop,
        )
        self.sim.final_probes.append(self._tell_servers)

    def _places(self, processes: Processes) -> list[Machine]:
        names = processes.machines
        machines = self._datacenter.machines if names is None else [self._datacenter.machine(name) for name in names]
        return [machine for machine in machines for _ in range(processes.per_machine)]

    def _server(self, machine: Machine, number: int) -> RpcServer:
        return RpcServer(self, machine, self._port + number, f"server-{number}")

    def _caller(self, machine: Machine, number: int) -> ServiceCaller:
        owner = self.sim.owner(f"load.{self.name}.caller-{number}")
        credential = self.services.identities.user(f"{self.name}-{number}")
        endpoint = self.services.kuafu.endpoint(owner, machine, self._caller_port + number, credential)
        discovery = self.config.discovery
        return ServiceCaller(
            endpoint,
            self._nuwa.agent(machine).resolver if discovery is not None else None,
            self._context.stream(self.name, f"caller-{number}", "retry"),
            balance="round-robin" if discovery is None else discovery.balance,
            retry=self.services.kuafu.config.retry,
        )

    def _drawn(self, number: int) -> list[int]:
        """The servers that a caller calls, by number: drawn without repetition, none of its own machine."""
        here = self._caller_places[number]
        others = [one for one, machine in enumerate(self._server_places) if machine is not here]
        if not others:
            raise ScenarioError(f"load {self.name!r}: the caller on {here.name} finds no server on another machine")
        stream = self._context.stream(self.name, f"caller-{number}", "servers")
        chosen: list[int] = []
        for _ in range(min(self.config.fanout, len(others))):
            position = int(stream.uniform() * len(others))
            # The last takes the place of the one that is taken: each is drawn once, at the cost of one move.
            others[position], others[-1] = others[-1], others[position]
            chosen.append(others.pop())
        return chosen

    def _targets_of(self, number: int) -> Sequence[str]:
        if self.config.discovery is not None:
            return (f"nuwa://cell/{self.config.discovery.service}",)
        return tuple(self._servers[one].address for one in self._drawn(number))

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        if self.counted:
            self._count()
            return
        assert self._pace is not None, "it was set up"
        if self.config.discovery is not None:
            self.started = True
            self._oldest = 0
            for server in self._servers:
                server.register()
            if self.config.discovery.move_every is not None:
                self.sim.call_later(self.config.discovery.move_every, self._move)
        self.sim.call_at(self.config.start, self._pace.start)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        return [] if self._pace is None else self._pace.check()

    # Calls

    def _begin(self, worker: int, ended: Ended) -> None:
        number = worker % len(self._callers)
        targets = self._targets[number]
        target = targets[self._turns[number] % len(targets)]
        self._turns[number] += 1
        config = self.config
        began_ns = self.sim.now
        if not self._caller_places[number].up:
            # Its machine is down: there is nobody to call.
            self.sim.emit(OperationDropped(self.name, worker, "call", "the caller's machine is down"))
            ended(False)
            return
        self._asked += 1
        is_large = config.large is not None and self._asked % config.large.every == 0
        asked = RpcRequest(config.large.size if is_large else config.request_size, self._asked)  # type: ignore[union-attr]
        self._callers[number].call(
            target,
            asked,
            config.deadline,
            partial(self._replied, target, asked.number, began_ns, ended),
            partial(self._failed, target, asked.number, began_ns, ended),
            repeatable=config.repeatable,
        )

    def tell_run(self, server: RpcServer, call: IncomingCall, held_bytes: int) -> None:
        """Whoever checks it hears that a request is being served, and how much the server has in its hands."""
        if self.sim.facts.wants(RpcRun):
            self.sim.emit(RpcRun(self.name, call.message.number, server.address, self.config.repeatable))
        if self.sim.facts.wants(InboxFilled):
            most_bytes = self.services.kuafu.config.inbox
            self.sim.emit(InboxFilled(server.address, call.request.size_bytes, held_bytes, most_bytes))

    def _tell_end(self, number: int, began_ns: int, error: str, answered: int) -> None:
        if self.sim.facts.wants(RpcEnded):
            late_ns = self.sim.now - began_ns - self.config.deadline
            self.sim.emit(RpcEnded(self.name, number, error, answered, late_ns))

    def _replied(self, target: str, number: int, began_ns: int, ended: Ended, reply: RpcReply) -> None:
        self._tell_end(number, began_ns, "", reply.number)
        self.sim.emit(Called(self.name, target, began_ns, "", self.config.measured))
        ended(True)

    def _failed(self, target: str, number: int, began_ns: int, ended: Ended, error: CallError) -> None:
        self._tell_end(number, began_ns, error.kind, 0)
        self.sim.emit(Called(self.name, target, began_ns, error.kind, self.config.measured))
        ended(False)

    def _tell_servers(self) -> None:
        for server in self._servers:
            self.sim.emit(ServerHeld(self.name, f"{server.machine.name}/{server.name}", server.most_bytes, server.served))

    # Discovery

    def tell_server(self, server: RpcServer, owner: Owner) -> None:
        """Whoever checks it hears of a server from its registration to its end."""
        if self.sim.facts.wants(ServerBegan):
            assert self.config.discovery is not None, "a server registers only where it is looked for"
            discovery = self.config.discovery
            self.sim.emit(ServerBegan(discovery.service, server.address, discovery.balance))
            owner.on_death(lambda: self.tell_over(server, serves=False))

    def tell_over(self, server: RpcServer, *, serves: bool) -> None:
        """A server is not to be found any more, though it may serve a little longer."""
        if self.sim.facts.wants(ServerOver):
            assert self.config.discovery is not None, "only who was found by name can be found no more"
            self.sim.emit(ServerOver(self.config.discovery.service, server.address, serves))

    def registered(self, owner: Owner, server: RpcServer, again: Callable[[], object]) -> Registration:
        """A server process opens a session and registers; ``again()`` when the session is over."""
        assert self.config.discovery is not None, "a server registers only where it is looked for"
        client = self._nuwa.client(owner, server.machine, f"{self.name}/{server.name}")
        registration = Registration(client, self.config.discovery.service, server.name, server.address)
        client.on_over.append(again)
        client.open(registration.register)
        return registration

    def _move(self) -> None:
        """The oldest server ends without a word, and another begins elsewhere."""
        discovery = self.config.discovery
        assert discovery is not None, "only servers that are found by name move"
        assert discovery.move_every is not None, "they move at intervals"
        old = self._servers[self._oldest]
        self._oldest += 1
        machines = self._datacenter.machines
        target = machines[(old.machine.index + 1) % len(machines)]
        self._servers.append(self._server(target, len(self._servers)))
        self.sim.emit(ServerMoved(self.name, old.machine.name, target.name))
        old.leave(discovery.leave_after)
        self.sim.call_later(discovery.move_every, self._move)

    # Counting

    def _count(self) -> None:
        """The connections that the calls need: of processes, or of machines where these have proxies."""
        proxies = self.services.kuafu.config.proxies
        pairs: dict[tuple[int, int], None] = {}
        here: dict[int, int] = {}
        for number, machine in enumerate(self._caller_places):
            for server in self._drawn(number):
                peer = self._server_places[server]
                low, high = sorted((machine.index, peer.index))
                pair = (low, high) if proxies else (number, server)
                if pair not in pairs:
                    pairs[pair] = None
                    for end in (machine.index, peer.index):
                        here[end] = here.get(end, 0) + 1
        self.sim.emit(ConnectionsCounted(self.name, len(pairs), max(here.values(), default=0)))
