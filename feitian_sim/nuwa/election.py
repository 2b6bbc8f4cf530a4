"""Election: at most one of several candidates holds an office, and everybody can tell an old holder from a new (N6).

Each candidate makes an ephemeral file with the next number in the office's directory; the lowest number holds the
office, and each of the others watches the one just below its own, so that a death wakes one candidate and not all
(Hunt et al., ATC 2010, sec. 2.4). The slot at which the file was made, with its number, is the fencing token: it is
larger than that of every holder before. A holder whose session can no longer be certain is deposed before another
can be elected.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.nuwa.answers import Answer, Stat
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.facts import Deposed, Elected
from feitian_sim.nuwa.messages import Fired

_PREFIX = "candidate-"
_SEQUENCE_BITS = 34


class Candidate:
    """One candidate for the office at ``directory`` (a path that ends in ``/``, and exists)."""

    def __init__(
        self,
        sim: Simulation,
        owner: Owner,
        client: NuwaClient,
        directory: str,
        on_elected: Callable[[int], object],
        on_deposed: Callable[[], object],
    ) -> None:
        self._sim = sim
        self._owner = owner
        self._client = client
        self._directory = directory
        self._on_elected = on_elected
        self._on_deposed = on_deposed
        self._path = ""
        # Whether it wants the office, and how often it has stood: answers to what it asked before count no more.
        self._stood = 0
        self._wants = False
        #: The fencing token while it holds the office, else 0.
        self.token = 0
        self._doubt: Timer | None = None
        # The client's lease is by the clock of its machine.
        self._clock = client.machine.clock
        self._clock.on_change(owner, self._clock_changed)
        client.on_over.append(self._session_over)
        client.on_suspended.append(self._suspended)
        client.on_connected.append(self._connected)

    @property
    def holds(self) -> bool:
        """Whether it holds the office, and nobody else can."""
        return self.token > 0

    def stand(self) -> None:
        """Enter the election, behind those who stand already; whoever stands is not entered twice."""
        if self._wants:
            return
        self._wants = True
        self._stood += 1
        stands = partial(self._stands, self._stood)
        self._client.create(self._directory + _PREFIX, b"", stands, ephemeral=True, sequential=True)

    def stand_since_before(self, path: str, before: str) -> None:
        """Its file was made before time 0; it watches the one ``before`` it, or holds the office as the first."""
        self._path = path
        self._wants = True
        if before:
            self._client.watch_since_before(before, "node", self.look)
        else:
            self.token = token_of(1, path)

    @property
    def path(self) -> str:
        """Its file; empty while it has none."""
        return self._path

    def resign(self) -> None:
        """Give the office up, or the wish for it."""
        self._wants = False
        self._depose()
        path, self._path = self._path, ""
        if path:
            self._client.delete(path, _ignore)

    def leave(self) -> None:
        """Resign, and hear no more of the session: for a candidate that will not stand again."""
        self.resign()
        self._client.on_over.remove(self._session_over)
        self._client.on_suspended.remove(self._suspended)
        self._client.on_connected.remove(self._connected)
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None

    def _stands(self, stood: int, answer: Answer) -> None:
        current = self._wants and stood == self._stood
        if answer.ok and current:
            self._path = answer.value
            self.look()
        elif answer.ok:
            # It has resigned meanwhile: its file would keep the office from the others.
            self._client.delete(answer.value, _ignore)
        elif current:
            self._wants = False

    def look(self, _: Fired | None = None) -> None:
        """See who is before it."""
        if self._path:
            self._client.read("names", self._directory, self._saw, fresh=False)

    def _saw(self, answer: Answer) -> None:
        if not answer.ok or not self._path or self.holds:
            return
        mine = self._path[len(self._directory) :]
        names = [name for name in answer.value if name.startswith(_PREFIX)]
        if mine not in names:
            # It is behind, or the session is over: that will be told.
            self._owner.call_later(self._client.ping_ns, self.look)
            return
        position = names.index(mine)
        if position:
            self._client.read("stat", self._directory + names[position - 1], self._watched, watch=self.look)
        else:
            self._client.read("stat", self._path, partial(self._first, self._path), fresh=True)

    def _watched(self, answer: Answer) -> None:
        if not answer.ok:
            self.look()

    def _first(self, path: str, answer: Answer) -> None:
        if not answer.ok or self.holds or path != self._path or not isinstance(answer.value, Stat):
            return
        self.token = token_of(answer.value.created_zxid, self._path)
        self._sim.emit(Elected(self._directory, self._client.name, self.token))
        self._on_elected(self.token)

    # When the session is in doubt

    def _suspended(self) -> None:
        if self.holds:
            self._doubt = self._clock.timer(self._owner, self._client.lease_until_ns, self._depose)

    def _clock_changed(self) -> None:
        """The lease ends at another time than it seemed."""
        if self._doubt is not None:
            self._doubt.cancel()
            self._suspended()

    def _connected(self) -> None:
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None
        if self._path and not self.holds:
            self.look()

    def _session_over(self) -> None:
        self._path = ""
        self._wants = False
        self._depose()

    def _depose(self) -> None:
        if self.holds:
            self._sim.emit(Deposed(self._directory, self._client.name, self.token))
            self.token = 0
            self._on_deposed()


def token_of(created_zxid: int, path: str) -> int:
    """The fencing token of a candidate's file: grows with its slot, and among those of one slot with its number."""
    return (created_zxid << _SEQUENCE_BITS) + int(path.rpartition("-")[2])


def _ignore(_: Answer) -> None:
    """An outcome on which nothing depends."""
