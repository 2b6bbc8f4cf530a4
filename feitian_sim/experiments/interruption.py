"""Interruption: Ctrl-C and SIGTERM end a run at once, except while something is moved into place.

Both arrive as KeyboardInterrupt, which everything lets through; :class:`Terminated` tells them apart. A model's
process may still swallow an exception, so the request is also remembered and asked for between events.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_requested: list[int] = []


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def interruptible() -> Iterator[None]:
    """While the block runs, SIGTERM raises Terminated and Ctrl-C KeyboardInterrupt, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _requested.clear()
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _requested.clear()


@contextmanager
def deferred() -> Iterator[None]:
    """Hold both signals back until the block is over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    before = {number: signal.signal(number, lambda n, frame: held.append((n, frame))) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for arrived, frame in held[:1]:
            handler = before[signal.Signals(arrived)]
            if callable(handler):
                handler(arrived, frame)
            elif handler == signal.SIG_DFL:
                signal.raise_signal(arrived)


def raise_if_requested() -> None:
    """Raise what was asked for, if a model swallowed it."""
    if _requested:
        raise _error(_requested[0])


def _interrupt(number: int, frame: FrameType | None) -> None:
    _requested.append(number)
    raise _error(number)


def _error(number: int) -> KeyboardInterrupt:
    return Terminated("SIGTERM") if number == signal.SIGTERM else KeyboardInterrupt("Ctrl-C")
