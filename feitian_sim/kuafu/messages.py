"""What travels: any slotted record, a text or a map of texts (K2), and how much it weighs on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

#: A small control message with its headers; what is larger says so by ``wire_bytes``.
SMALL_MESSAGE_BYTES = 256
#: What a message of texts carries beside them: frame, method, deadline, credential.
HEADER_BYTES = 64
#: An operating system's "nobody listens here" or "that process is gone": one bare TCP segment.
RESET_BYTES = 64
#: The length before each text.
_LENGTH_BYTES = 4


class Message(Protocol):
    """Any record. One with a ``wire_bytes`` attribute weighs that much instead of the usual 256 bytes."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message that is one text."""

    text: str

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES + _text_bytes(self.text)


@dataclass(frozen=True, slots=True)
class TextMap:
    """A message that maps texts to texts. The mapping must not be changed any more."""

    texts: Mapping[str, str]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return HEADER_BYTES + sum(_text_bytes(key) + _text_bytes(value) for key, value in self.texts.items())


def _text_bytes(text: str) -> int:
    return _LENGTH_BYTES + len(text.encode())


def wire_bytes(message: object) -> int:
    """Size of ``message`` on the wire."""
    return getattr(message, "wire_bytes", SMALL_MESSAGE_BYTES)
