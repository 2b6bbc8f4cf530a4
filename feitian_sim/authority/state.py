"""What the authority must not forget: its keys by number, and what it has revoked. Kept in Nuwa as one small file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from feitian_sim.zhongkui import Keyring, Revocations, SigningKey
from feitian_sim.zhongkui.encoding import decode, encode


@dataclass(frozen=True, slots=True)
class AuthorityState:
    """``barred``: subjects that get nothing any more."""

    keyring: Keyring
    revocations: Revocations
    barred: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """Grows with each change that machines must hear of."""
        return self.keyring.version + self.revocations.version

    def revoked(self, subject: str, serial: str, bar: bool) -> AuthorityState:
        """After everything of a subject, or one capability, was revoked."""
        revocations = self.revocations
        if subject:
            revocations = revocations.raised(subject)
        if serial:
            revocations = revocations.without(serial)
        barred = (*self.barred, subject) if bar and subject not in self.barred else self.barred
        return replace(self, revocations=revocations, barred=barred)

    def rotated(self, key_id: str, public: bytes, now_ns: int, overlap_ns: int) -> AuthorityState:
        """After another key has taken over."""
        return replace(self, keyring=self.keyring.rotated(key_id, public, now_ns, overlap_ns))


def to_bytes(state: AuthorityState) -> bytes:
    """The file's content."""
    ring, revocations = state.keyring, state.revocations
    keys = tuple((key.key_id, key.public, key.from_ns, key.signs_until_ns, key.good_until_ns) for key in ring.keys)
    return encode(
        (
            (ring.version, keys),
            (revocations.version, tuple(revocations.epochs.items()), tuple(revocations.serials)),
            state.barred,
        )
    )


def from_bytes(content: bytes) -> AuthorityState:
    """Read it again. Raises :class:`~feitian_sim.zhongkui.encoding.NotCanonical` for anything else."""
    (ring_version, keys), (version, epochs, serials), barred = decode(content)
    return AuthorityState(
        Keyring(tuple(SigningKey(*key) for key in keys), ring_version),
        Revocations(dict(epochs), dict.fromkeys(serials), version),
        barred,
    )
