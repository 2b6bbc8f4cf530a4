"""What a client hears from one server, in order: notices by number, and no answer before the notices sent before it.

A server counts the notices that it has sent to a client, and says in every answer how many there were before it. So a
client sees a change before it sees the effects of the change, also where a note overtakes an answer; and it learns that
a notice is lost, which a connection that was reset takes with it without a word: when an answer has waited for one for
too long, the client must go to another server, which tells anew what the client has not seen.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.kernel import Owner, Timer
from feitian_sim.nuwa.messages import Fired

Say = Callable[[], object]


class HeldAnswers:
    """Between one client and the server that it is connected to.

    ``patience_ns``: how long an answer may wait for a notice before ``on_missing()`` is called.
    """

    def __init__(self, owner: Owner, patience_ns: int, tell: Callable[[Fired], object], on_missing: Say) -> None:
        self._owner = owner
        self._patience_ns = patience_ns
        self._tell = tell
        self._on_missing = on_missing
        #: Notices heard, from the first on without a gap.
        self.heard = 0
        self._early: dict[int, Fired] = {}
        # Of each answer: after how many notices, and what to call then, or when its server has been left before.
        self._held: list[tuple[int, Say, Say]] = []
        self._missing: Timer | None = None

    def begin_anew(self) -> None:
        """Another server counts from its own beginning, and tells what the one before has not.

        What is held would be news without the notices before it: it is dropped, and asked again.
        """
        self.heard = 0
        self._early.clear()
        held, self._held = self._held, []
        self._rest()
        for _, _, dropped in held:
            dropped()

    def release(self) -> None:
        """The session is over, and nobody will tell the notices for which answers are held: say these now."""
        held, self._held = self._held, []
        self._rest()
        for _, say, _ in held:
            say()

    def after(self, notices: int, say: Say, dropped: Say) -> None:
        """Call ``say()`` when so many notices are heard: now, if they are; ``dropped()`` if they never will be."""
        if notices <= self.heard:
            say()
            return
        self._held.append((notices, say, dropped))
        if self._missing is None:
            self._missing = self._owner.timer(self._patience_ns, self._give_up)

    def take(self, fired: Fired) -> None:
        """A notice has come: tell it, and those after it that came early, each before the answers that waited for it."""
        self._early[fired.order] = fired
        while self.heard + 1 in self._early:
            self.heard += 1
            self._tell(self._early.pop(self.heard))
            late = [say for notices, say, _ in self._held if notices <= self.heard]
            self._held = [one for one in self._held if one[0] > self.heard]
            if not self._held:
                self._rest()
            for say in late:
                say()

    def _rest(self) -> None:
        if self._missing is not None:
            self._missing.cancel()
            self._missing = None

    def _give_up(self) -> None:
        self._missing = None
        self._on_missing()
