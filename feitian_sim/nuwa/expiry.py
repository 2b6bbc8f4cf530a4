"""Expiry: which sessions the leader has not heard of for too long. Pure.

Only the leader judges, by its own clock; a new leader gives every session its whole time again, since it does not know
what the one before had heard (Burrows, OSDI 2006, sec. 2.8). Sessions whose signs of life nobody could miss are counted
as heard (:mod:`.signs_of_life`).
"""

from __future__ import annotations

from collections.abc import Iterable


class Expiry:
    """One leader's knowledge of sessions: time-out and when each was last heard."""

    def __init__(self, sessions: Iterable[tuple[int, int]], now_ns: int) -> None:
        self._timeouts = dict(sessions)
        self._heard_ns = dict.fromkeys(self._timeouts, now_ns)
        # Those whose clients must be heard: the others, of whom there may be thousands, are not looked through.
        self._unsure = dict.fromkeys(self._timeouts)

    def opened(self, session: int, timeout_ns: int, now_ns: int) -> None:
        """A session is new, or its client has asked for it again."""
        if session not in self._timeouts:
            self._timeouts[session] = timeout_ns
            self._heard_ns[session] = now_ns
            self._unsure[session] = None
        self.heard(session, now_ns)

    def ended(self, session: int) -> None:
        """A session is over."""
        self._timeouts.pop(session, None)
        self._heard_ns.pop(session, None)
        self._unsure.pop(session, None)

    def knows(self, session: int) -> bool:
        """Whether the session is not over."""
        return session in self._timeouts

    def heard(self, session: int, at_ns: int) -> None:
        """Its client lived then."""
        if session in self._timeouts and at_ns > self._heard_ns[session]:
            self._heard_ns[session] = at_ns

    def take_for_sure(self, session: int, sure: bool) -> None:
        """From now on its client certainly lives, or must be heard again."""
        if sure:
            self._unsure.pop(session, None)
        elif session in self._timeouts:
            self._unsure[session] = None

    def silent_ns(self, session: int, now_ns: int) -> int:
        """How long it has not been heard."""
        return now_ns - self._heard_ns[session]

    def overdue(self, now_ns: int) -> list[int]:
        """Sessions whose time is over, in the order in which they began."""
        over = {one for one in self._unsure if now_ns - self._heard_ns[one] >= self._timeouts[one]}
        return [session for session in self._timeouts if session in over] if over else []

    def next_due_ns(self) -> int | None:
        """When the next session's time would be over."""
        return min((self._heard_ns[session] + self._timeouts[session] for session in self._unsure), default=None)
