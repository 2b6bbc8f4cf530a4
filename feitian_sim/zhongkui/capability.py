"""Capabilities: signed words that a subject may do something with some resources until some time.

The signature is over the canonical encoding of every field, the capability above it included, so a changed field is a
wrong signature. Zhongkui's key signs those that stand alone; whoever holds one may hand on a part of it (delegation),
signed with its own key, whose public half stands in the one above.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from feitian_sim.zhongkui.encoding import encode
from feitian_sim.zhongkui.keys import KeyPair
from feitian_sim.zhongkui.resources import Pattern

#: Everything that can be permitted.
PERMISSIONS = ("admin", "call", "create", "delegate", "delete", "list", "read", "write")


@dataclass(frozen=True, slots=True)
class Grant:
    """What is permitted: ``permissions`` on ``resources`` (patterns), from ``not_before_ns`` until ``expires_ns``.

    Texts are kept sorted, each once, so that equal grants have equal bytes. Raises ValueError for an unknown permission
    or a bad pattern.
    """

    resources: tuple[str, ...]
    permissions: tuple[str, ...]
    not_before_ns: int
    expires_ns: int

    @classmethod
    def of(cls, resources: Iterable[str], permissions: Iterable[str], not_before_ns: int, expires_ns: int) -> Grant:
        """A grant in its normal form."""
        return _checked(tuple(sorted(set(resources))), tuple(sorted(set(permissions))), not_before_ns, expires_ns)

    def check(self) -> None:
        """Raise ValueError when something in it means nothing."""
        unknown = [one for one in self.permissions if one not in PERMISSIONS]
        if unknown:
            raise ValueError(f"no such permission: {unknown[0]}; there are {', '.join(PERMISSIONS)}")
        for resource in self.resources:
            Pattern.parse(resource)


@lru_cache(maxsize=1024)
def _checked(resources: tuple[str, ...], permissions: tuple[str, ...], not_before_ns: int, expires_ns: int) -> Grant:
    grant = Grant(resources, permissions, not_before_ns, expires_ns)
    grant.check()
    return grant


@dataclass(frozen=True, slots=True, eq=False)
class Capability:
    """One capability. ``above`` is what it was narrowed from; ``key_id`` names the key of Zhongkui that signed the root.

    ``creator`` records for whom a resource was made; it gives no right of its own (N4).
    """

    cell: str
    serial: str
    subject: str
    subject_key: bytes
    grant: Grant
    epoch: int
    key_id: str
    creator: str
    above: Capability | None
    signature: bytes

    @property
    def body(self) -> bytes:
        """What is signed: every field but the signature itself."""
        grant = self.grant
        return _encoded(
            self.cell,
            self.serial,
            self.subject,
            self.subject_key,
            grant.resources,
            grant.permissions,
            grant.not_before_ns,
            grant.expires_ns,
            self.epoch,
            self.key_id,
            self.creator,
            None if self.above is None else (self.above.body, self.above.signature),
        )

    @property
    def chain(self) -> tuple[Capability, ...]:
        """From the root, which Zhongkui signed, down to this."""
        found: list[Capability] = []
        one: Capability | None = self
        while one is not None:
            found.append(one)
            one = one.above
        return tuple(reversed(found))


# What belongs to the cell is signed alike in every simulation of a scenario. A number and a truth value are not the same.
@lru_cache(maxsize=1024, typed=True)
def _encoded(*fields: Any) -> bytes:
    return encode(fields)


def signed(capability: Capability, key: KeyPair) -> Capability:
    """The same with the signature of ``key``."""
    return replace(capability, signature=key.sign(capability.body))


def delegated(
    above: Capability, holder: KeyPair, serial: str, subject: str, subject_key: bytes, grant: Grant
) -> Capability:
    """A part of ``above`` for another subject, signed by the holder of ``above``.

    Nothing is checked here: whoever verifies refuses what is wider than what is above it.
    """
    unsigned = Capability(
        above.cell, serial, subject, subject_key, grant, above.epoch, above.key_id, above.creator, above, b""
    )
    return signed(unsigned, holder)
