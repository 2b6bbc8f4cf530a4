"""Sessions as the replicated state knows them: who has one, what goes with it, and what it was answered.

Whether a session lives is judged by the leader alone (:mod:`.expiry`); that it is over is a command of the log, so every
server drops what belonged to it at the same place. Answers are kept until the client says that it has them: a command
that comes twice is answered as the first time and done once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from feitian_sim.nuwa.answers import Answer


@dataclass(slots=True)
class Session:
    """One session."""

    number: int
    owner: str
    timeout_ns: int
    #: Paths that go with it, in the order in which they were made.
    ephemerals: dict[str, None] = field(default_factory=dict)
    #: Answers that the client may not have, by sequence number.
    answers: dict[int, Answer] = field(default_factory=dict)
    #: Sequence numbers up to here are answered and known to be.
    answered: int = 0
    #: Who alone may use it; empty: anybody.
    subject: str = ""
    #: Of the attempt that opened it.
    nonce: str = ""

    def copy(self) -> Session:
        """A session of its own with the same content."""
        copy = Session(
            self.number, self.owner, self.timeout_ns, answered=self.answered, subject=self.subject, nonce=self.nonce
        )
        copy.ephemerals.update(self.ephemerals)
        copy.answers.update(self.answers)
        return copy

    def known(self, sequence: int) -> Answer | None:
        """The answer that a command of this number has been given."""
        return self.answers.get(sequence)

    def remember(self, sequence: int, answered: int, answer: Answer) -> None:
        """Keep an answer, and forget those that the client has."""
        self.answers[sequence] = answer
        if answered > self.answered:
            for old in range(self.answered + 1, answered + 1):
                self.answers.pop(old, None)
            self.answered = answered
