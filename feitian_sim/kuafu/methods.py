"""What each method was used for: counters that every call touches, told as facts at the end of a run."""

from __future__ import annotations


class Method:
    """One class of messages."""

    __slots__ = ("answered", "calls", "expired", "failed", "latency_ns", "name", "sent_bytes", "told")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.told = 0
        self.answered = 0
        self.failed = 0
        #: Requests that arrived after their deadline.
        self.expired = 0
        self.sent_bytes = 0
        #: Sum over the calls that were answered.
        self.latency_ns = 0
