"""The synchronous form: an event that a client's process waits for."""

from __future__ import annotations

import simpy

from feitian_sim.kuafu.calls import CallError, CallFailed


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
