"""The judge at every port: implements Kuafu's :class:`Guard` with Zhongkui's rules.

Each server machine knows what news of keys and revocations has reached it, and which capabilities it has seen: the first
sight of one costs it the verification of each signature of the chain, every later one a look-up. In the program the
verification itself is done once for the whole simulation, and a known capability costs a dictionary look-up; nothing is
ever taken for granted without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.facts import Allowed, CapabilityLookedAt, Denied, Totals
from feitian_sim.authority.identities import CELL, IssuingOffice
from feitian_sim.authority.messages import RENEWAL
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import Holder, Need, Verdict
from feitian_sim.zhongkui import Capability, Keyring, Reason, Revocations, Signatures, answer, answers, verify
from feitian_sim.zhongkui.verify import permits

#: Resources remembered for one capability on one machine: enough for what is named again and again.
_REMEMBERED = 256


class Known:
    """A capability that a machine has verified: until when it holds, and what it was found to permit."""

    __slots__ = ("grant", "permitted", "subject", "until_ns")

    def __init__(self, capability: Capability, until_ns: int) -> None:
        self.subject = capability.subject
        self.grant = capability.grant
        self.until_ns = until_ns
        self.permitted: dict[tuple[str, str], Reason | None] = {}


class Bench:
    """What the servers of one machine know: the news that has reached it, and the capabilities that it has seen."""

    __slots__ = ("keyring", "known", "revocations")

    def __init__(self, keyring: Keyring, revocations: Revocations) -> None:
        self.keyring = keyring
        self.revocations = revocations
        self.known: dict[Capability, Known] = {}


class Judge:
    """All checks of a simulation. ``clock(machine)`` is the time by that machine's clock."""

    def __init__(
        self,
        sim: Simulation,
        config: ZhongkuiConfig,
        office: IssuingOffice,
        clock: Callable[[str], int] | None = None,
    ) -> None:
        self._sim = sim
        self._config = config
        self._office = office
        self._keyring = office.keyring
        self._clock: Callable[[str], int] = clock or (lambda _: sim.now)
        self._has_clocks = clock is not None
        self.signatures = Signatures()
        self._benches: dict[str, Bench] = {}
        self._allowed = Verdict("", config.check_cpu)
        self.checked = 0
        self.denied = 0
        self.verified = 0
        self.logins = 0
        self.cpu_ns = 0
        #: Called with each process that begins to speak.
        self.on_hold: list[Callable[[Holder], object]] = []
        #: Called when a server of a machine is shown what is signed with a key of which it has not heard.
        self.on_unknown_key: dict[str, Callable[[], object]] = {}
        sim.final_probes.append(self._tell_totals)

    def bench(self, machine: str) -> Bench:
        """What a machine knows."""
        bench = self._benches.get(machine)
        if bench is None:
            bench = self._benches[machine] = Bench(self._keyring, Revocations())
        return bench

    def learn(self, machine: str, keyring: Keyring, revocations: Revocations) -> None:
        """News has reached a machine: whatever it knew of capabilities must be looked at again."""
        bench = self.bench(machine)
        if keyring.version < bench.keyring.version or revocations.version < bench.revocations.version:
            return
        if (keyring.version, revocations.version) == (bench.keyring.version, bench.revocations.version):
            return
        bench.keyring, bench.revocations = keyring, revocations
        bench.known.clear()

    @property
    def skew_ns(self) -> int:
        """By how much clocks may differ."""
        return self._config.skew

    # The guard

    def hold(self, holder: Holder) -> None:
        """A process begins to speak."""
        for told in self.on_hold:
            told(holder)

    def login(self, credential: Any, nonce: bytes) -> tuple[bytes, int]:
        """The proof that the subject holds its key, and what making it costs."""
        self.cpu_ns += self._config.sign_cpu
        return answer(self.signatures, credential.key, credential.subject, nonce), self._config.sign_cpu

    def authenticate(self, subject: str, nonce: bytes, proof: bytes) -> Verdict:
        """Whether the proof is the subject's, for this challenge."""
        self.logins += 1
        self.cpu_ns += self._config.verify_cpu
        right = answers(self.signatures, self._office.key_of(subject).public, subject, nonce, proof)
        if right:
            return Verdict("", self._config.verify_cpu)
        self._deny("-", subject, "login", "-", Reason.NOT_ANSWERED)
        return Verdict(Reason.NOT_ANSWERED.value, self._config.verify_cpu)

    def present(self, credential: Any, need: Need, message: Any) -> Capability | None:
        """The capability that a caller shows."""
        fitting: Capability | None = credential.fitting(need, message)
        return fitting

    def check(self, machine: str, subject: str, capability: Any, permission: str, resource: str) -> Verdict:
        """Whether a server on ``machine`` lets the call through."""
        self.checked += 1
        if not permission:
            return self._for_anybody(machine, subject, resource)
        bench = self._benches.get(machine) or self.bench(machine)
        known = bench.known.get(capability)
        now_ns = self._clock(machine) if self._has_clocks else self._sim.now
        if known is not None and known.subject == subject and now_ns <= known.until_ns:
            try:
                reason = known.permitted[permission, resource]
            except KeyError:
                reason = self._permits(known, permission, resource)
            if reason is None:
                self.cpu_ns += self._config.check_cpu
                if self._sim.facts.wants(Allowed):
                    self._sim.emit(Allowed(machine, subject, permission, resource))
                return self._allowed
            return self._refuse(machine, subject, permission, resource, reason, self._config.check_cpu)
        return self._first_sight(bench, machine, subject, capability, permission, resource)

    def _for_anybody(self, machine: str, subject: str, resource: str) -> Verdict:
        """Who has answered the challenge may ask for its own capabilities: nothing else is open to everybody."""
        if resource != RENEWAL:
            return self._refuse(machine, subject, "", resource, Reason.NOT_PERMITTED, self._config.check_cpu)
        self.cpu_ns += self._config.check_cpu
        if self._sim.facts.wants(Allowed):
            self._sim.emit(Allowed(machine, subject, "", resource))
        return self._allowed

    def _permits(self, known: Known, permission: str, resource: str) -> Reason | None:
        reason = permits(known.grant, permission, resource)
        if len(known.permitted) < _REMEMBERED:
            known.permitted[permission, resource] = reason
        return reason

    def _first_sight(
        self, bench: Bench, machine: str, subject: str, capability: Any, permission: str, resource: str
    ) -> Verdict:
        config = self._config
        if not isinstance(capability, Capability):
            return self._refuse(machine, subject, permission, resource, Reason.NONE_SHOWN, config.check_cpu)
        cpu_ns = config.check_cpu
        if capability not in bench.known:
            cpu_ns += config.verify_cpu * len(capability.chain)
            self.verified += len(capability.chain)
        reason = verify(
            capability, self.signatures, bench.keyring, bench.revocations, CELL, self._clock(machine), config.skew
        )
        if reason is Reason.KEY_UNKNOWN and machine in self.on_unknown_key:
            self.on_unknown_key[machine]()
        if self._sim.facts.wants(CapabilityLookedAt):
            root = capability.chain[0]
            looked = (machine, capability.subject, root.serial, root.key_id, self._clock(machine))
            self._sim.emit(CapabilityLookedAt(*looked, reason.value if reason is not None else ""))
        if reason is None:
            known = bench.known[capability] = Known(capability, self._until_ns(bench, capability))
            reason = Reason.OTHER_SUBJECT if subject != capability.subject else None
            reason = reason or self._permits(known, permission, resource)
        if reason is not None:
            return self._refuse(machine, subject, permission, resource, reason, cpu_ns)
        self.cpu_ns += cpu_ns
        if self._sim.facts.wants(Allowed):
            self._sim.emit(Allowed(machine, subject, permission, resource))
        return Verdict("", cpu_ns)

    def _until_ns(self, bench: Bench, capability: Capability) -> int:
        """Until when a verified capability need not be looked at again."""
        ends = [link.grant.expires_ns for link in capability.chain]
        key = bench.keyring.key(capability.chain[0].key_id)
        if key is not None:
            ends.append(key.good_until_ns)
        return min(ends) + self._config.skew

    def _refuse(self, machine: str, subject: str, permission: str, resource: str, reason: Reason, cpu_ns: int) -> Verdict:
        self.cpu_ns += cpu_ns
        self._deny(machine, subject, permission, resource, reason)
        return Verdict(reason.value, cpu_ns)

    def _deny(self, machine: str, subject: str, permission: str, resource: str, reason: Reason) -> None:
        self.denied += 1
        self._sim.emit(Denied(machine, subject, permission, resource, reason.value))

    def _tell_totals(self) -> None:
        self._sim.emit(Totals(self.checked, self.denied, self.verified, self.logins, self.cpu_ns))
