"""Zhongkui's own keys: which signs now, and how long those before it still verify.

A key that is replaced signs nothing more, but what it signed stays good for an overlap, in which holders renew; so a
change of keys stops nobody. Pure: rings are values, and times are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: The end of a key that was not replaced.
FOREVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, from when it signs, until when it signs, and until when its signatures are good."""

    key_id: str
    public: bytes
    from_ns: int
    signs_until_ns: int = FOREVER_NS
    good_until_ns: int = FOREVER_NS


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys, the present one last; ``version`` grows with each change."""

    keys: tuple[SigningKey, ...]
    version: int = 0

    @property
    def present(self) -> SigningKey:
        """The key that signs."""
        return self.keys[-1]

    def key(self, key_id: str) -> SigningKey | None:
        """The key of this name."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def rotated(self, key_id: str, public: bytes, at_ns: int, overlap_ns: int) -> Keyring:
        """The ring after another key has taken over at ``at_ns``; the one before is good for the overlap."""
        old = replace(self.present, signs_until_ns=at_ns, good_until_ns=at_ns + overlap_ns)
        return Keyring((*self.keys[:-1], old, SigningKey(key_id, public, at_ns)), self.version + 1)
