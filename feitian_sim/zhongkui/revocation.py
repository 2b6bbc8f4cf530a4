"""Revocation: raising a subject's epoch ends everything signed for it before; a serial can be ended alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

#: Stands for every subject.
EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Revocations:
    """Least epoch by subject, and serials that count no more; ``version`` grows with each change."""

    epochs: dict[str, int] = field(default_factory=dict)
    serials: dict[str, None] = field(default_factory=dict)
    version: int = 0

    def least_epoch(self, subject: str) -> int:
        """Capabilities of ``subject`` signed under an older epoch are void."""
        return max(self.epochs.get(subject, 0), self.epochs.get(EVERYBODY, 0))

    def raised(self, subject: str) -> Revocations:
        """After everything of a subject (or of everybody) was revoked."""
        epochs = {**self.epochs, subject: self.least_epoch(subject) + 1}
        return replace(self, epochs=epochs, version=self.version + 1)

    def without(self, serial: str) -> Revocations:
        """After one capability, and what was narrowed from it, was revoked."""
        return replace(self, serials={**self.serials, serial: None}, version=self.version + 1)
