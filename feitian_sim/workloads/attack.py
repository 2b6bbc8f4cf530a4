"""A compromised machine: whoever sits there holds one narrow capability, has copied some of others', and tries them.

Each attempt is a real call through Kuafu with a real capability made for it, to a server of Nuwa, Pangu or the authority
that serves others at the same time. What the attacker has: the key of its own user, who may read one directory; whatever
capabilities have passed its machine, those of a privileged user among them, but not the keys to them. What was refused,
and why, is a fact for each attempt; what was let through counts as unauthorised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from feitian_sim.authority.messages import Revoke, Rotate
from feitian_sim.authority.news import AUTHORITY
from feitian_sim.authority.server import AUTHORITY_PORT
from feitian_sim.hardware import Machine
from feitian_sim.kernel import SECOND, Owner, Simulation
from feitian_sim.kuafu import CallError, Need, ServiceCaller
from feitian_sim.nuwa.commands import Put
from feitian_sim.nuwa.messages import Write
from feitian_sim.pangu.master_server import MASTER_PORT
from feitian_sim.pangu.messages import DeleteFile
from feitian_sim.workloads.attack_config import AttackLoad, Attempt
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import AttackAttempt
from feitian_sim.workloads.pace import Ended, Pace
from feitian_sim.zhongkui import Capability, Grant, KeyPair, delegated, signed

#: What the attacker's own capability is good for.
OWN_RESOURCES = ("pangu://cell/home/mallory/**",)
OWN_PERMISSIONS = ("delegate", "list", "read")
#: What it would like.
WANTED_RESOURCES = ("nuwa://cell/**", "pangu://cell/**", "zhongkui://cell/**")
_ORDER_DEADLINE_NS = 30 * SECOND
_BEFORE_NS = 10 * SECOND
WANTED_PERMISSIONS = ("admin", "call", "create", "delete", "list", "read", "write")


@dataclass(eq=False)
class Loot:
    """What a call is made with: a claimed subject, a key, and the capability that is shown whatever is asked."""

    subject: str
    key: KeyPair
    capability: Capability | None

    def fitting(self, _need: Need, _message: Any) -> Capability | None:
        """Whatever there is."""
        return self.capability


class Attack:
    """One attacker."""

    def __init__(self, config: AttackLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim: Simulation = context.sim
        self._services = services = context.needed_services(self.name)
        nuwa = context.needed_nuwa(self.name)
        self._machine: Machine = context.datacenter.machine(self.config.machine)
        self._context = context
        office = services.identities
        self._me = f"user:{self.name}"
        self._key = office.key_of(self._me)
        self._own = office.issue(self._me, OWN_RESOURCES, OWN_PERMISSIONS)
        # A privileged user's capability, copied from the wire; and one that was revoked before time 0.
        self._victim = "user:alice"
        self._stolen = office.issue(self._victim, WANTED_RESOURCES, WANTED_PERMISSIONS)
        self._revoked = office.issue(self._me, WANTED_RESOURCES, WANTED_PERMISSIONS)
        self._expired = office.issue(self._me, WANTED_RESOURCES, WANTED_PERMISSIONS, lifetime_ns=0)
        # Each is short of what it would like in one field, which it alters.
        self._short = (
            (office.issue(self._me, OWN_RESOURCES, WANTED_PERMISSIONS), self._with_resources),
            (office.issue(self._me, WANTED_RESOURCES, OWN_PERMISSIONS), self._with_permissions),
            (self._expired, self._with_time),
            (self._stolen, self._with_subject),
        )
        self._altered = 0
        self._other = office.issue(self._me, WANTED_RESOURCES, WANTED_PERMISSIONS, cell="elsewhere")
        self._made = 0
        operator = context.datacenter.client_machines[0]
        self._operator = ServiceCaller(
            services.kuafu.endpoint(
                self._sim.owner(f"load.{self.name}.operator"), operator, context.ports(1), office.operator()
            ),
            nuwa.agent(operator).resolver,
            context.stream(self.name, "operator", "retry"),
        )
        self._targets: list[tuple[str, str, Callable[[], object]]] = [
            ("nuwa", server.address, partial(Write, 1, 1, 0, Put("/service/loot", b"mine"))) for server in nuwa.servers
        ]
        self._targets += [
            ("zhongkui", f"tcp://{server.machine.name}:{AUTHORITY_PORT}", Rotate)
            for server in (services.authority.servers if services.authority is not None else ())
        ]
        if context.cell is not None:
            masters = context.cell.master_machines()
            delete = partial(DeleteFile, f"/{self.name}/loot")
            self._targets += [("pangu", f"tcp://{machine.name}:{MASTER_PORT}", delete) for machine in masters]
        self._pace = Pace(
            context,
            self.name,
            self._begin,
            workers=None,
            arrival=self.config.arrival,
            stop_ns=self.config.stop,
        )

    def start(self) -> None:
        """See :class:`RunningLoad`: the attack begins when its loot is stale, and a part of it revoked."""
        self._sim.call_at(self.config.start, self._revoke)

    def _revoke(self) -> None:
        order = Revoke(serial=self._revoked.serial)
        self._operator.call(AUTHORITY, order, _ORDER_DEADLINE_NS, self._revoked_now, self._again)

    def _again(self, _: CallError) -> None:
        self._sim.call_later(_BEFORE_NS, self._revoke)

    def _revoked_now(self, _: object) -> None:
        # Until every machine has heard of it, and the clocks' tolerance is over.
        self._sim.call_later(max(self.config.settle, 2 * self._services.judge.skew_ns), self._pace.start)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        return self._pace.check()

    # One attempt

    def _begin(self, number: int, ended: Ended) -> None:
        attempts = self.config.attempts
        attempt = attempts[number % len(attempts)]
        # Every kind meets every target: the targets move on after each round of kinds.
        target, address, message_of = self._targets[(number // len(attempts)) % len(self._targets)]
        loot = self._loot(attempt)
        # A process of its own for each attempt: nobody has seen its connection or its credential.
        owner: Owner = self._sim.owner(f"load.{self.name}.{number}")
        endpoint = self._services.kuafu.endpoint(owner, self._machine, self._context.ports(1), loot)

        def over(refused: str) -> None:
            self._sim.emit(AttackAttempt(self.name, attempt, target, refused))
            owner.kill()
            ended(not refused)

        endpoint.call(address, message_of(), self.config.deadline, lambda _: over(""), partial(_refused, over))

    def _loot(self, attempt: Attempt) -> Loot:
        me, key = self._me, self._key
        match attempt:
            case "no-capability":
                return Loot(me, key, None)
            case "forged":
                return Loot(me, key, signed(self._wish(self._own.key_id), key))
            case "altered":
                # One field after the other: a signature must be over each of them.
                short, alter = self._short[self._altered % len(self._short)]
                self._altered += 1
                return Loot(me, key, alter(short))
            case "expired":
                return Loot(me, key, self._expired)
            case "stolen":
                return Loot(me, key, self._stolen)
            case "impersonated":
                return Loot(self._victim, key, self._stolen)
            case "widened":
                self._made += 1
                return Loot(me, key, delegated(self._own, key, f"w{self._made}", me, key.public, self._wanted()))
            case "self-signed-root":
                return Loot(me, key, signed(self._wish(key.key_id), key))
            case "other-cell":
                return Loot(me, key, self._other)
            case "out-of-scope":
                return Loot(me, key, self._own)
            case "revoked":
                return Loot(me, key, self._revoked)

    def _wanted(self) -> Grant:
        grant = self._own.grant
        return Grant.of(WANTED_RESOURCES, WANTED_PERMISSIONS, grant.not_before_ns, grant.expires_ns)

    @staticmethod
    def _with_resources(short: Capability) -> Capability:
        return replace(short, grant=replace(short.grant, resources=WANTED_RESOURCES))

    @staticmethod
    def _with_permissions(short: Capability) -> Capability:
        return replace(short, grant=replace(short.grant, permissions=WANTED_PERMISSIONS))

    def _with_time(self, short: Capability) -> Capability:
        return replace(short, grant=replace(short.grant, expires_ns=self._own.grant.expires_ns))

    def _with_subject(self, short: Capability) -> Capability:
        return replace(short, subject=self._me, subject_key=self._key.public)

    def _wish(self, key_id: str) -> Capability:
        """What it would like to hold, unsigned."""
        self._made += 1
        return replace(self._own, serial=f"x{self._made}", grant=self._wanted(), key_id=key_id, signature=b"")


def _refused(over: Callable[[str], None], error: CallError) -> None:
    over(error.text if error.kind == "denied" else error.kind)
