"""Challenges: the proof that whoever speaks on a connection holds its subject's key.

The nonce is the connection's own, and what is signed names the subject, so a proof is worth nothing on another connection
or for another subject.
"""

from __future__ import annotations

from feitian_sim.zhongkui.encoding import encode
from feitian_sim.zhongkui.keys import KeyPair, Signatures

#: Says what is signed, so that a proof can be taken for nothing else.
_PURPOSE = encode("connection")
_LENGTH_BYTES = 4


def answer(signatures: Signatures, key: KeyPair, subject: str, nonce: bytes) -> bytes:
    """The proof for a connection whose challenge is ``nonce``."""
    return signatures.made(key, _message(subject, nonce))


def answers(signatures: Signatures, public: bytes, subject: str, nonce: bytes, proof: bytes) -> bool:
    """Whether ``proof`` was made for this challenge and subject with the key of ``public``."""
    return signatures.are_right(public, _message(subject, nonce), proof)


def _message(subject: str, nonce: bytes) -> bytes:
    name = subject.encode()
    return b"".join((_PURPOSE, len(name).to_bytes(_LENGTH_BYTES, "big"), name, nonce))
