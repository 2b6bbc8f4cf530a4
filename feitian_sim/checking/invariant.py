"""What must hold: small named classes that watch facts, and know nothing of the code that makes them.

An invariant says which kinds of facts it hears; it counts how often it had something to judge, since one that never
had proves nothing; and it says what it found wrong, once, with :meth:`Invariant.broken`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from feitian_sim.kernel import InvariantError

#: While the run goes on, when it has ended, or after the core was healed.
When = Literal["always", "end", "liveness"]
#: What an invariant does with a fact: its time, nanoseconds, and the fact.
Hears = Callable[[int, Any], None]


@dataclass(frozen=True, slots=True)
class Violation:
    """One invariant that did not hold: when, and what was seen."""

    invariant: str
    claim: str
    time_ns: int
    text: str


class InvariantViolated(InvariantError):
    """Ends the run at the first violation."""

    def __init__(self, violation: Violation) -> None:
        # SimPy raises the failure of a process anew from its arguments.
        super().__init__(violation)
        self.violation = violation
        self.add_note(f"{violation.invariant}: {violation.claim}")

    def __str__(self) -> str:
        found = self.violation
        return f"{found.invariant} at {found.time_ns / 1e9:.6f} s: {found.text}"


class Invariant:
    """One thing that must hold."""

    #: As in the catalogue: NW1.
    id: ClassVar[str]
    #: What must hold, in a sentence.
    claim: ClassVar[str]
    when: ClassVar[When] = "always"
    #: Parts and loads of a scenario of which one must be there for it to have anything to judge; none: always.
    needs: ClassVar[tuple[str, ...]] = ()
    #: Of these one must be there for it to have something to judge in any case; none: ``needs`` says it all.
    surely_with: ClassVar[tuple[str, ...]] = ()
    #: Whether others build on what it knows: then it listens even where nobody asked for its judgement.
    is_built_on: ClassVar[bool] = False

    def __init__(self) -> None:
        #: How often it had something to judge.
        self.evaluated = 0
        #: Whether it may stop a run.
        self.is_judging = True

    def hears(self) -> Mapping[str, Hears]:
        """The kinds of facts that it wants, each with what takes them."""
        raise NotImplementedError

    def at_end(self, now_ns: int) -> None:
        """Judge what can be judged only when the run is over."""

    def settled(self, now_ns: int) -> bool:
        """Whether a run whose core was healed may end now, before its time, as far as this one is concerned.

        What needs no waiting says yes; what must happen within a bound, unless it knows better, waits for the bound.
        """
        return self.when != "liveness"

    def broken(self, now_ns: int, text: str) -> None:
        """Say that it does not hold. Raises InvariantViolated."""
        if not self.is_judging:
            return
        raise InvariantViolated(Violation(self.id, self.claim, now_ns, text))
