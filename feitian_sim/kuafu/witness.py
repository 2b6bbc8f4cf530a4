"""What goes over connections and comes to ports, told as facts to whoever checks it.

A witnessed side or port does what any other does, and says so. There are witnessed ones only in a run in which somebody
had asked for their facts when it began, so that all others cost nothing more.
"""

from __future__ import annotations

from feitian_sim.kuafu.connection import Side
from feitian_sim.kuafu.credits import Credits
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.kuafu.envelope import Envelope, Request, Response
from feitian_sim.kuafu.facts import (
    AccountTold,
    EnvelopeArrived,
    EnvelopeLeft,
    EnvelopeMade,
    RequestAdmitted,
    RequestCame,
    RequestJudged,
)
from feitian_sim.kuafu.guard import Need


class WitnessedSide(Side):
    """A side that tells what it does."""

    __slots__ = ()

    def ask(self, request: Request) -> None:
        """See :class:`Side`."""
        bulk = request.size_bytes > self._kuafu.bulk_above
        self._tell_made(request, self.account_of(request.address, bulk=bulk), request.caller.address)
        super().ask(request)

    def answer(self, response: Response) -> None:
        """See :class:`Side`."""
        if response.size_bytes <= self._kuafu.bulk_above:
            self._tell_made(response, self.answers, response.request.address)
        super().answer(response)

    def arrived(self, envelope: Envelope) -> None:
        """See :class:`Side`."""
        if self.connection.plain:
            frees, frees_bytes = "", 0
            if type(envelope) is Response:
                request = envelope.request
                asker = request.side
                assert isinstance(asker, WitnessedSide), "all sides of a run are witnessed, or none"
                frees, frees_bytes = asker._name_of(request), request.size_bytes
            self._sim.emit(
                EnvelopeArrived(
                    self._name_of(envelope),
                    self._stream_of(envelope),
                    _sort_of(envelope),
                    _number_of(envelope),
                    _credit_of(envelope),
                    frees,
                    frees_bytes,
                )
            )
        super().arrived(envelope)

    def check(self) -> None:
        """See :class:`Side`."""
        super().check()
        if not self.connection.plain:
            return
        accounts = [(f"{self._name}/{address}", account) for address, account in self.asked.items()]
        accounts += [(f"{self._name}/{address}/bulk", account) for address, account in self.bulk.items()]
        accounts.append((f"{self._name}/answers", self.answers))
        for name, account in accounts:
            waiting_bytes = account.waiting.size_bytes if account.waiting is not None else 0
            told = AccountTold(name, self.machine.name, self.peer.name, account.used, waiting_bytes)
            self._sim.emit(told)

    def _go(self, envelope: Envelope) -> None:
        # What is sent again has left before.
        if not envelope.tries and self.connection.plain:
            account = self.answers if type(envelope) is Response else envelope.account  # type: ignore[union-attr]
            self._sim.emit(
                EnvelopeLeft(
                    self._name_of(envelope),
                    account.window,
                    self._stream_of(envelope),
                    _flow_of(envelope),
                    _sort_of(envelope),
                    _number_of(envelope),
                    _credit_of(envelope),
                    account.used,
                )
            )
        super()._go(envelope)

    def _tell_made(self, envelope: Envelope, account: Credits, flow: str) -> None:
        self._sim.emit(
            EnvelopeMade(
                self._name_of(envelope),
                account.window,
                self._kuafu.config.quantum,
                flow,
                _sort_of(envelope),
                _number_of(envelope),
                _credit_of(envelope),
            )
        )

    @property
    def _name(self) -> str:
        """The side among all that ever were: no two connections have the same challenge."""
        return f"{self.connection.nonce.hex()}/{self.machine.name}"

    def _name_of(self, envelope: Envelope) -> str:
        """The account whose credits an envelope takes."""
        if type(envelope) is Response:
            return f"{self._name}/answers"
        bulk = "/bulk" if envelope.size_bytes > self._kuafu.bulk_above else ""
        return f"{self._name}/{envelope.address}{bulk}"  # type: ignore[union-attr]

    def _stream_of(self, envelope: Envelope) -> str:
        """Whose order it keeps: only where single messages are struck do requests and answers keep that of the stream."""
        if self._kuafu.messenger.meddler is None or envelope.size_bytes > self._kuafu.bulk_above:
            return ""
        return "" if _sort_of(envelope) == "note" else self._name


class WitnessedEndpoint(Endpoint):
    """A port that tells what becomes of each message at its guard."""

    __slots__ = ("_refused",)

    def receive(self, request: Request) -> None:
        """See :class:`Endpoint`."""
        need = self._needs.get(type(request.message))
        if self.owner.deferred is not None or need is None:
            super().receive(request)
            return
        machine, subject, sim = self.machine.name, request.caller.credential.subject, self.sim
        self._refused = False
        sim.emit(RequestCame(machine, subject))
        super().receive(request)
        sim.emit(RequestJudged(machine, subject, _checks(need), self._refused))

    def _deny(self, request: Request, reason: str) -> None:
        self._refused = True
        super()._deny(request, reason)

    def _admit(self, request: Request) -> None:
        kind = type(request.message)
        subject = request.caller.credential.subject
        admitted = RequestAdmitted(self.address, self.machine.name, subject, kind.__name__, _checks(self._needs[kind]))
        self.sim.emit(admitted)
        super()._admit(request)


def _checks(need: Need) -> int:
    return 1 if need.also is None else 2


def _sort_of(envelope: Envelope) -> str:
    if type(envelope) is Response:
        return "answer"
    return "request" if envelope.number else "note"  # type: ignore[union-attr]


def _number_of(envelope: Envelope) -> int:
    return envelope.request.number if type(envelope) is Response else envelope.number  # type: ignore[union-attr]


def _flow_of(envelope: Envelope) -> str:
    return envelope.request.address if type(envelope) is Response else envelope.caller.address  # type: ignore[union-attr]


def _credit_of(envelope: Envelope) -> int:
    return envelope.credit_bytes if type(envelope) is Response else envelope.size_bytes
