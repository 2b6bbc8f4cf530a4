"""What is asked of the authority, what it answers, and the news that it sends to machines."""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.kuafu import Need
from feitian_sim.zhongkui import Capability, Keyring, Revocations

#: Asking for one's own capabilities: all that is needed is to have answered the connection's challenge.
RENEWAL = "zhongkui://cell/renewal"
NEWS = "zhongkui://cell/news"
KEYS = "zhongkui://cell/keys"
_CAPABILITY_BYTES = 400
_ENTRY_BYTES = 64


@dataclass(frozen=True, slots=True)
class Renew:
    """Give me, whoever I have proved to be, my capabilities again."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """Capabilities that hold from now on."""

    capabilities: tuple[Capability, ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return _ENTRY_BYTES + _CAPABILITY_BYTES * len(self.capabilities)


@dataclass(frozen=True, slots=True)
class Rotate:
    """Sign with another key from now on."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """End what a subject holds, or the one capability ``serial``. ``bar``: and give the subject nothing any more."""

    subject: str = ""
    serial: str = ""
    bar: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A change is in force at the authority; ``version`` of the news that says so."""

    version: int


@dataclass(frozen=True, slots=True)
class AskNews:
    """What counts now?"""


@dataclass(frozen=True, slots=True)
class News:
    """The keys that verify and what is revoked; ``version`` grows with each change of either."""

    version: int
    keyring: Keyring
    revocations: Revocations

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        revocations = self.revocations
        return _ENTRY_BYTES * (1 + len(self.keyring.keys) + len(revocations.epochs) + len(revocations.serials))


NEEDS: dict[type, Need] = {
    Renew: Need("", RENEWAL),
    AskNews: Need("", RENEWAL),
    News: Need("write", NEWS),
    Rotate: Need("admin", KEYS),
    Revoke: Need("admin", KEYS),
}
