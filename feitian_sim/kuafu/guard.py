"""The guard: what Kuafu asks before a server sees a call, and what is given to it from above.

Kuafu carries credentials and asks; it judges nothing itself. The judge is Zhongkui's (``feitian_sim.authority``); this
file is the form that the two meet in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from feitian_sim.kernel import Owner


class Verdict(NamedTuple):
    """Allowed when ``reason`` is empty, else why not. ``cpu_ns``: processor time that the judgement took."""

    reason: str
    cpu_ns: int

    @property
    def allowed(self) -> bool:
        """Whether the call may go on."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Need:
    """What a message asks for: a permission on a resource, always the same or what ``resource(message)`` names."""

    permission: str
    resource: str | Callable[[Any], str]
    #: What it asks for besides.
    also: Need | None = None

    def of(self, message: Any) -> str:
        """The resource that a message names."""
        resource = self.resource
        return resource if isinstance(resource, str) else resource(message)


class Credential(Protocol):
    """Who a process is: a subject, the key that proves it, and the capabilities that it holds."""

    @property
    def subject(self) -> str:
        """The user or module for which the process speaks."""
        ...


class Holder(Protocol):
    """A process that speaks with a credential for as long as it lives."""

    @property
    def owner(self) -> Owner:
        """Its process."""
        ...

    @property
    def credential(self) -> Credential:
        """What it holds."""
        ...


class Guard(Protocol):
    """The judge of a simulation."""

    def hold(self, holder: Holder) -> None:
        """A process begins to speak: whoever renews credentials may see to its own."""
        ...

    def login(self, credential: Credential, nonce: bytes) -> tuple[bytes, int]:
        """At the caller: the proof that the credential's subject holds its key, and the processor time to make it."""
        ...

    def authenticate(self, subject: str, nonce: bytes, proof: bytes) -> Verdict:
        """At the server: whether ``proof`` answers the challenge ``nonce`` for ``subject``."""
        ...

    def present(self, credential: Credential, need: Need, message: Any) -> object | None:
        """At the caller: the capability to send along, None when it holds none that fits."""
        ...

    def check(self, machine: str, subject: str, capability: object | None, permission: str, resource: str) -> Verdict:
        """At the server on ``machine``: whether the authenticated subject may do this with this capability, now."""
        ...


class Identities(Protocol):
    """Who gives processes their credentials when they start."""

    def module(self, role: str, machine: str) -> Credential:
        """That of a module of the platform, such as ``pangu.chunkserver``, on a machine."""
        ...

    def user(self, name: str) -> Credential:
        """That of a user of the cell."""
        ...
