"""Identities: what a process holds to prove for whom it speaks, and who gives it at the beginning.

At time 0 the cell has been running: every module and user that starts holds a key and capabilities that Zhongkui issued
in the past. Seeds of keys come from the simulation's keyed streams, so the same subject has the same key in every run of
a seed. By default a user of the cell may do everything with the cell's files, services and tables (N4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.facts import KeyFounded
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import Need
from feitian_sim.zhongkui import Capability, Grant, KeyPair, Keyring, Revocations, SigningKey, key_pair, signed
from feitian_sim.zhongkui.verify import permits

CELL = "cell"
#: What every user of the cell may do with what the cell holds.
USER_RESOURCES = ("fuxi://cell/apps/**", "nuwa://cell/**", "pangu://cell/**")
USER_PERMISSIONS = ("create", "delegate", "delete", "list", "read", "write")
#: Modules besides call each other.
MODULE_RESOURCES = ("fuxi://cell/**", "nuwa://cell/**", "pangu://cell/**", "replog://cell/**", "zhongkui://cell/**")
MODULE_PERMISSIONS = ("call", "create", "delegate", "delete", "list", "read", "write")


@dataclass(eq=False)
class Credential:
    """A subject, its key and the capabilities that it holds; the first that fits is shown."""

    subject: str
    key: KeyPair
    capabilities: tuple[Capability, ...]

    def fitting(self, need: Need, message: Any) -> Capability | None:
        """A capability that covers what a message needs; without one, any: the server will say what is missing."""
        if len(self.capabilities) == 1:
            return self.capabilities[0]
        resource = need.of(message)
        for capability in self.capabilities:
            if permits(capability.grant, need.permission, resource) is None:
                return capability
        return self.capabilities[0] if self.capabilities else None


class IssuingOffice:
    """Makes keys and signs capabilities; the authority's servers and the beginning of a simulation use it."""

    def __init__(self, sim: Simulation, config: ZhongkuiConfig) -> None:
        self._sim = sim
        self._config = config
        self._serials = 0
        self._keys: dict[str, KeyPair] = {}
        self._credentials: dict[str, Credential] = {}
        self._policies: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        #: The key that signs now, and all that verify.
        self.signing = self.signing_key(0)
        self.keyring = Keyring((SigningKey(self.signing.key_id, self.signing.public, 0),))
        self.revocations = Revocations()
        if sim.facts.wants(KeyFounded):
            sim.emit(KeyFounded(self.signing.key_id))

    def signing_key(self, number: int) -> KeyPair:
        """Zhongkui's own key of this number."""
        return self.key_of(f"zhongkui#{number}")

    def key_of(self, subject: str) -> KeyPair:
        """The key pair of a subject."""
        key = self._keys.get(subject)
        if key is None:
            parts = (self._sim.random_bytes("zhongkui.key", subject, half) for half in ("first", "second"))
            key = self._keys[subject] = key_pair(b"".join(parts))
        return key

    def issue(
        self,
        subject: str,
        resources: Iterable[str],
        permissions: Iterable[str],
        *,
        lifetime_ns: int | None = None,
        cell: str = CELL,
    ) -> Capability:
        """A capability of its own from time 0 on, signed with the first key."""
        self._serials += 1
        grant = Grant.of(resources, permissions, 0, self._config.lifetime if lifetime_ns is None else lifetime_ns)
        return self._signed(f"c{self._serials}", subject, grant, 0, self.signing, cell)

    def renewed(self, subject: str, key: KeyPair, epoch: int, now_ns: int) -> Capability:
        """What a subject held at the beginning, from now on, signed with ``key``; nothing for one that held nothing."""
        resources, permissions = self._policies.get(subject, ((), ()))
        grant = Grant.of(resources, permissions, now_ns, now_ns + self._config.lifetime)
        return self._signed(f"{subject}@{now_ns}", subject, grant, epoch, key)

    def _signed(self, serial: str, subject: str, grant: Grant, epoch: int, key: KeyPair, cell: str = CELL) -> Capability:
        public = self.key_of(subject).public
        return signed(Capability(cell, serial, subject, public, grant, epoch, key.key_id, subject, None, b""), key)

    # At the beginning

    def module(self, role: str, machine: str) -> Credential:
        """The credential of a module on a machine, the same through all its incarnations."""
        return self._credential(f"module:{role}@{machine}", MODULE_RESOURCES, MODULE_PERMISSIONS)

    def user(self, name: str) -> Credential:
        """The credential of a user of the cell."""
        return self._credential(f"user:{name}", USER_RESOURCES, USER_PERMISSIONS)

    def operator(self) -> Credential:
        """The credential of the cell's operators, who change keys and revoke."""
        return self._credential("operator", ("zhongkui://cell/**",), ("admin",))

    def _credential(self, subject: str, resources: tuple[str, ...], permissions: tuple[str, ...]) -> Credential:
        credential = self._credentials.get(subject)
        if credential is None:
            self._policies[subject] = (resources, permissions)
            capability = self.issue(subject, resources, permissions)
            credential = self._credentials[subject] = Credential(subject, self.key_of(subject), (capability,))
        return credential
