"""Envelopes: what proxies carry for processes. A request is answered by a response, a note by nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feitian_sim.kuafu.caller import Caller
    from feitian_sim.kuafu.calls import CallError
    from feitian_sim.kuafu.connection import Side
    from feitian_sim.kuafu.credits import Credits
    from feitian_sim.kuafu.reply_table import Once


class Request:
    """A call's message on its way; with number 0 a note, which expects no answer.

    ``side``: the connection's end from which it leaves. ``account``: whose credits it takes. ``sequence``: its place in
    the stream, given when it first leaves where single messages are struck.
    """

    __slots__ = (
        "account",
        "address",
        "caller",
        "capability",
        "deadline_ns",
        "message",
        "number",
        "once",
        "sequence",
        "side",
        "size_bytes",
        "tries",
    )

    def __init__(
        self,
        side: Side,
        caller: Caller,
        address: str,
        number: int,
        message: Any,
        size_bytes: int,
        deadline_ns: int,
        capability: object | None,
        once: Once | None = None,
    ) -> None:
        self.side = side
        self.caller = caller
        self.address = address
        self.number = number
        self.message = message
        self.size_bytes = size_bytes
        #: When the caller gives up.
        self.deadline_ns = deadline_ns
        self.capability = capability
        self.once = once
        self.account: Credits
        self.sequence: int
        self.tries = 0


class Response:
    """The end of a call on its way back. ``error`` is None for a reply."""

    __slots__ = ("credit_bytes", "error", "incarnation", "message", "request", "sequence", "size_bytes", "tries")

    def __init__(
        self, request: Request, message: Any, error: CallError | None, size_bytes: int, incarnation: int = 0
    ) -> None:
        self.request = request
        self.sequence: int
        self.message = message
        self.error = error
        self.size_bytes = self.credit_bytes = size_bytes
        #: Of the process that answered; 0 when it was its operating system.
        self.incarnation = incarnation
        self.tries = 0


Envelope = Request | Response
