"""A guard for tests of Kuafu alone: it lets everybody through, unless a test has said whom it does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from feitian_sim.kuafu import Credential, Holder, Need, Verdict

ALLOWED = Verdict("", 0)


@dataclass(eq=False)
class Name:
    """A credential that is only a name."""

    subject: str


@dataclass
class PlainGuard:
    """Refuses the subjects of ``refused`` and the proofs of ``liars``; ``seen`` is what it was asked."""

    refused: dict[str, str] = field(default_factory=dict)
    liars: dict[str, None] = field(default_factory=dict)
    seen: list[tuple[str, str, str, str]] = field(default_factory=list)
    logins: list[tuple[str, bytes]] = field(default_factory=list)
    keep: bool = True

    def module(self, role: str, machine: str) -> Name:
        return Name(f"{role}@{machine}")

    def user(self, name: str) -> Name:
        return Name(name)

    def hold(self, holder: Holder) -> None:
        """Names do not end."""

    def login(self, credential: Credential, nonce: bytes) -> tuple[bytes, int]:
        self.logins.append((credential.subject, nonce))
        return credential.subject.encode() + nonce, 0

    def authenticate(self, subject: str, nonce: bytes, proof: bytes) -> Verdict:
        if subject in self.liars or proof != subject.encode() + nonce:
            return Verdict("the challenge is not answered", 0)
        return ALLOWED

    def present(self, credential: Credential, need: Need, message: Any) -> object | None:
        return credential

    def check(self, machine: str, subject: str, capability: object | None, permission: str, resource: str) -> Verdict:
        if self.keep:
            self.seen.append((machine, subject, permission, resource))
        return Verdict(self.refused[subject], 0) if subject in self.refused else ALLOWED
