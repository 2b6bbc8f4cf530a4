"""What travels: any slotted record, and how much it weighs on the wire."""

from __future__ import annotations

from typing import Protocol

#: A small control message with its headers; what is larger says so by ``wire_bytes``.
SMALL_MESSAGE_BYTES = 256
#: An operating system's "nobody listens here" or "that process is gone": one bare TCP segment.
RESET_BYTES = 64


class Message(Protocol):
    """Any record. One with a ``wire_bytes`` attribute weighs that much instead of the usual 256 bytes."""


def wire_bytes(message: object) -> int:
    """Size of ``message`` on the wire."""
    return int(getattr(message, "wire_bytes", SMALL_MESSAGE_BYTES))
