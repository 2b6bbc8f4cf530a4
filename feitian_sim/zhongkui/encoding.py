"""The one encoding of a value as bytes: what a signature is over must not be readable in two ways.

Every value is written with a tag and its length, so no two values have the same bytes; and bytes that are not the
encoding of a value are refused, so no value has two.
"""

from __future__ import annotations

from typing import Any

_VERSION = b"zk1"
_LENGTH_BYTES = 4

#: What can be encoded: None, integers from 0 up, texts, bytes, and tuples of such.
Value = Any


class NotCanonical(ValueError):
    """The bytes are not the encoding of anything."""


def encode(value: Value) -> bytes:
    """The bytes of a value. Raises TypeError for what cannot be encoded."""
    return _VERSION + _encode(value)


def _encode(value: Value) -> bytes:
    if value is None:
        return _framed(b"n", b"")
    if isinstance(value, bool):
        raise TypeError("a truth value is not encoded")
    if isinstance(value, int):
        if value < 0:
            raise TypeError(f"{value} is negative")
        return _framed(b"i", value.to_bytes((value.bit_length() + 7) // 8, "big"))
    if isinstance(value, str):
        return _framed(b"t", value.encode())
    if isinstance(value, bytes):
        return _framed(b"b", value)
    if isinstance(value, tuple):
        return _framed(b"l", b"".join(map(_encode, value)))
    raise TypeError(f"a {type(value).__name__} is not encoded")


def _framed(tag: bytes, body: bytes) -> bytes:
    return tag + len(body).to_bytes(_LENGTH_BYTES, "big") + body


def decode(data: bytes) -> Value:
    """The value of bytes. Raises :class:`NotCanonical` for bytes that :func:`encode` gives for no value."""
    if not data.startswith(_VERSION):
        raise NotCanonical("another version")
    value, end = _decode(data, len(_VERSION))
    if end != len(data):
        raise NotCanonical("something follows the value")
    return value


def _decode(data: bytes, start: int) -> tuple[Value, int]:
    header_end = start + 1 + _LENGTH_BYTES
    if header_end > len(data):
        raise NotCanonical("the bytes end within a value")
    tag, end = data[start : start + 1], header_end + int.from_bytes(data[start + 1 : header_end], "big")
    if end > len(data):
        raise NotCanonical("the bytes end within a value")
    return _value(tag, data[header_end:end]), end


def _value(tag: bytes, body: bytes) -> Value:
    match tag:
        case b"n" if not body:
            return None
        case b"i" if not body.startswith(b"\0"):
            return int.from_bytes(body, "big")
        case b"t":
            try:
                return body.decode()
            except UnicodeDecodeError as error:
                raise NotCanonical(f"a text that is not UTF-8: {error.reason}") from error
        case b"b":
            return body
        case b"l":
            items: list[Value] = []
            position = 0
            while position < len(body):
                item, position = _decode(body, position)
                items.append(item)
            return tuple(items)
    raise NotCanonical(f"no value begins with {tag!r} and {len(body)} bytes")
