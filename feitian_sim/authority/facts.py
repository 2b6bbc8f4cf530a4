"""What Zhongkui allowed and refused."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("zhongkui.denied")
class Denied(Fact):
    """A server refused a call: for whom, what was asked, and why."""

    machine: str
    subject: str
    permission: str
    resource: str
    reason: str


@fact("zhongkui.allowed", canonical=False, detail=True)
class Allowed(Fact):
    """A server let a call through."""

    machine: str
    subject: str
    permission: str
    resource: str


@fact("zhongkui.totals")
class Totals(Fact):
    """Over the whole run: calls checked and refused, signatures that servers had to verify, and processor time spent."""

    checked: int
    denied: int
    verified: int
    logins: int
    cpu_ns: int


@fact("zhongkui.issued")
class Issued(Fact):
    """The authority gave a subject its capabilities again."""

    subject: str
    serial: str
    key: str


@fact("zhongkui.news_heard")
class NewsHeard(Fact):
    """A machine knows of a change of keys or a revocation."""

    machine: str
    version: int


@fact("zhongkui.key_rotated")
class KeyRotated(Fact):
    """Zhongkui signs with another key from now on."""

    key: str


@fact("zhongkui.revoked")
class Revoked(Fact):
    """Everything of a subject, or one capability, counts no more."""

    subject: str
    serial: str


@fact("zhongkui.key_founded", canonical=False, detail=True)
class KeyFounded(Fact):
    """The key with which the authority signed before time 0."""

    key: str


@fact("zhongkui.key_proposed", canonical=False, detail=True)
class KeyProposed(Fact):
    """An authority asks Nuwa to keep another key, which would replace the one before; ``version``: of that news."""

    key: str
    before: str
    version: int
    overlap_ns: int


@fact("zhongkui.looked_at", canonical=False, detail=True)
class CapabilityLookedAt(Fact):
    """A server saw a capability for the first time since it heard news; ``reason``: why it is void, or nothing."""

    machine: str
    subject: str
    serial: str
    key: str
    clock_ns: int
    reason: str
