"""Key pairs, and checking signatures once.

Ed25519 (Bernstein et al., CHES 2011; RFC 8032) by the ``cryptography`` library. A signature is a pure function of key and
message, so whether one is right is remembered for a whole simulation, and what was computed lately for any; what a
simulated processor pays for it is charged elsewhere, at every server that sees it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEED_BYTES = 32
_ID_BYTES = 8
#: Results remembered over simulations: those of many seeds of one scenario, some megabytes.
_REMEMBERED = 1 << 14


class KeyPair:
    """One subject's keys, from 32 bytes that nobody else knows. Raises ValueError for another number of bytes."""

    __slots__ = ("_seed", "key_id", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a key is made from {SEED_BYTES} bytes, not {len(seed)}")
        self._seed = seed
        #: 32 bytes.
        self.public = _public(seed)
        #: A short name of the public key.
        self.key_id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 64 bytes."""
        return _signature(self._seed, message)


@lru_cache(_REMEMBERED)
def key_pair(seed: bytes) -> KeyPair:
    """The key pair of these bytes: one object for all who have them."""
    return KeyPair(seed)


@lru_cache(_REMEMBERED)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(_REMEMBERED)
def _public(seed: bytes) -> bytes:
    return _private(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@lru_cache(_REMEMBERED)
def _signature(seed: bytes, message: bytes) -> bytes:
    return _private(seed).sign(message)


def key_id(public: bytes) -> str:
    """A short name of a public key."""
    return blake2b(public, digest_size=_ID_BYTES).hexdigest()


class Signatures:
    """Whether signatures are right, each looked at once. One object belongs to one simulation."""

    __slots__ = ("_known", "flaws", "verifications")

    def __init__(self) -> None:
        self._known: dict[bytes, bool] = {}
        #: What was found wrong with each capability, or that nothing was (:mod:`.verify`).
        self.flaws: dict[Any, tuple[Any]] = {}
        #: Signatures really verified.
        self.verifications = 0

    def made(self, key: KeyPair, message: bytes) -> bytes:
        """The signature of ``message`` by ``key``: right by construction, so it need not be looked at again."""
        signature = key.sign(message)
        self._known[_digest(key.public, message, signature)] = True
        return signature

    def are_right(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is that of ``message`` under the key ``public``."""
        digest = _digest(public, message, signature)
        known = self._known.get(digest)
        if known is None:
            self.verifications += 1
            known = self._known[digest] = _verified(public, message, signature)
        return known


def _digest(public: bytes, message: bytes, signature: bytes) -> bytes:
    return blake2b(b"".join((public, len(signature).to_bytes(4, "big"), signature, message)), digest_size=16).digest()


@lru_cache(_REMEMBERED)
def _verified(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
