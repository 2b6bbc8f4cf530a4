"""Verification: whether a capability is what it says, and permits what is asked; each refusal with its reason.

From the root down, every link must be signed by the right key over all its fields, hold at this time, be of this cell,
not be revoked, and permit no more than the link above. Time is that of the verifier's clock, which may be wrong by
``skew_ns`` either way: what ended longer ago than that is refused, and so is what has not begun by more.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from feitian_sim.zhongkui.capability import Capability, Grant
from feitian_sim.zhongkui.keyring import Keyring
from feitian_sim.zhongkui.keys import Signatures
from feitian_sim.zhongkui.resources import BadPattern, Pattern
from feitian_sim.zhongkui.revocation import Revocations

#: Links of a chain at most: longer ones cost a verifier more than anybody needs.
LONGEST_CHAIN = 8


class Reason(StrEnum):
    """Why something is refused."""

    NONE_SHOWN = "no-capability"
    MALFORMED = "malformed"
    OTHER_CELL = "other-cell"
    KEY_UNKNOWN = "key-unknown"
    KEY_OUT = "key-rotated-out"
    FORGED = "forged"
    NOT_YET = "not-yet-valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    WIDENED = "widened"
    TOO_LONG = "chain-too-long"
    OTHER_SUBJECT = "other-subject"
    NOT_PERMITTED = "permission-missing"
    OUTSIDE = "resource-outside"
    NOT_ANSWERED = "challenge-not-answered"


def verify(
    capability: Capability,
    signatures: Signatures,
    keyring: Keyring,
    revocations: Revocations,
    cell: str,
    now_ns: int,
    skew_ns: int,
) -> Reason | None:
    """Why the capability is void now; None when it is good."""
    chain = capability.chain
    if len(chain) > LONGEST_CHAIN:
        return Reason.TOO_LONG
    root = chain[0]
    key = keyring.key(root.key_id)
    if key is None:
        return Reason.KEY_UNKNOWN
    flaw = _flaw(capability, chain, key.public, signatures)
    if flaw is not None:
        return flaw
    for link in chain:
        reason = Reason.OTHER_CELL if link.cell != cell else _void(link, revocations, now_ns, skew_ns)
        if reason is not None:
            return reason
    if now_ns > key.good_until_ns + skew_ns:
        return Reason.KEY_OUT
    return None


def _flaw(
    capability: Capability, chain: tuple[Capability, ...], root_key: bytes, signatures: Signatures
) -> Reason | None:
    """What is wrong with a capability whoever looks at it, and whenever: looked at once in a simulation."""
    known = signatures.flaws.get(capability)
    if known is not None:
        flaw: Reason | None = known[0]
        return flaw
    found: Reason | None = None
    public = root_key
    for position, link in enumerate(chain):
        found = (
            _malformed(link)
            or _forged(link, public, signatures)
            or (_widened(link, chain[position - 1]) if position else None)
        )
        if found is not None:
            break
        public = link.subject_key
    signatures.flaws[capability] = (found,)
    return found


def _malformed(link: Capability) -> Reason | None:
    return None if _is_normal(link.grant) else Reason.MALFORMED


@lru_cache(maxsize=1024)
def _is_normal(grant: Grant) -> bool:
    try:
        grant.check()
    except (BadPattern, ValueError):
        return False
    return Grant.of(grant.resources, grant.permissions, grant.not_before_ns, grant.expires_ns) == grant


def _forged(link: Capability, public: bytes, signatures: Signatures) -> Reason | None:
    return None if signatures.are_right(public, link.body, link.signature) else Reason.FORGED


def _widened(link: Capability, above: Capability) -> Reason | None:
    """Whether a link permits anything that the one above does not."""
    mine, theirs = link.grant, above.grant
    patterns = [Pattern.parse(resource) for resource in theirs.resources]
    narrower = (
        "delegate" in theirs.permissions
        and set(mine.permissions) <= set(theirs.permissions)
        and mine.expires_ns <= theirs.expires_ns
        and mine.not_before_ns >= theirs.not_before_ns
        and all(any(Pattern.parse(one).is_within(pattern) for pattern in patterns) for one in mine.resources)
        and (link.epoch, link.key_id, link.creator) == (above.epoch, above.key_id, above.creator)
    )
    return None if narrower else Reason.WIDENED


def _void(link: Capability, revocations: Revocations, now_ns: int, skew_ns: int) -> Reason | None:
    if link.epoch < revocations.least_epoch(link.subject) or link.serial in revocations.serials:
        return Reason.REVOKED
    if now_ns + skew_ns < link.grant.not_before_ns:
        return Reason.NOT_YET
    if now_ns > link.grant.expires_ns + skew_ns:
        return Reason.EXPIRED
    return None


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> Pattern:
    return Pattern.parse(pattern)


def permits(grant: Grant, permission: str, resource: str) -> Reason | None:
    """Why a grant does not permit this; None when it does."""
    if permission not in grant.permissions:
        return Reason.NOT_PERMITTED
    if any(_parsed(pattern).covers(resource) for pattern in grant.resources):
        return None
    return Reason.OUTSIDE
