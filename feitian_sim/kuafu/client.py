"""The forms in which a client's process calls (K3): send now and receive later, or both at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import simpy

from feitian_sim.kuafu.calls import CallError, CallFailed

if TYPE_CHECKING:
    from feitian_sim.kuafu.caller import Caller


class Answer(simpy.Event):
    """Happens when a call ends: ``reply = yield answer`` gives the reply or raises :class:`CallFailed`."""

    def arrived(self, reply: object) -> None:
        """The reply is here."""
        if not self.triggered:
            self.succeed(reply)

    def failed(self, error: CallError) -> None:
        """The call has ended without a reply."""
        if not self.triggered:
            # A process that was killed, or waits for the first of several, no longer listens: no error of ours.
            self.defused = True
            self.fail(CallFailed(error))


class Sent:
    """A call that was sent and whose end waits to be received, once or as often as one likes."""

    def __init__(self, endpoint: Caller) -> None:
        self._endpoint = endpoint
        self._end: tuple[object, CallError | None] | None = None
        self._waiting: list[Answer] = []

    @property
    def is_over(self) -> bool:
        """Whether there is something to receive, without waiting."""
        return self._end is not None

    def receive(self) -> Answer:
        """An event that happens with the end of the call, at once if it is there already."""
        answer = Answer(self._endpoint.sim)
        if self._end is None:
            self._waiting.append(answer)
        else:
            _tell(answer, *self._end)
        return answer

    def arrived(self, reply: object) -> None:
        """The reply is here."""
        self._ended(reply, None)

    def failed(self, error: CallError) -> None:
        """The call has ended without a reply."""
        self._ended(None, error)

    def _ended(self, reply: object, error: CallError | None) -> None:
        self._end = (reply, error)
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            _tell(answer, reply, error)


def _tell(answer: Answer, reply: object, error: CallError | None) -> None:
    if error is None:
        answer.arrived(reply)
    else:
        answer.failed(error)
