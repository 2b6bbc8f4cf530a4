"""Who has which piece of one package, and who fetches which from whom. Pure.

A machine is told to fetch a piece that nobody has from Pangu while few do, else the rarest piece that somebody can send,
from a machine in its own rack if there is one. A machine for which there is nothing waits until there is. Nothing is kept
but this memory: who asks says what it has, so that another tracker knows as much as soon as it has been asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from feitian_sim.fuxi.packages.config import SpreadConfig
from feitian_sim.fuxi.packages.messages import PieceAt, SeekPiece

#: An answer: to which ticket, and what.
Answer = tuple[int, PieceAt]
NOTHING = PieceAt(-1)


@dataclass(slots=True)
class _Member:
    """One machine that has asked."""

    name: str
    rack: str
    incarnation: int
    have: int = 0
    #: Pieces on their way here: from whom, and since when.
    coming: dict[int, tuple[str, int]] = field(default_factory=dict)
    uploads: int = 0


class Tracker:
    """Of one package. What was to be fetched and not heard of for ``patience_ns`` counts as given up."""

    def __init__(self, pieces: int, config: SpreadConfig, patience_ns: int) -> None:
        self._pieces = pieces
        self._all = (1 << pieces) - 1
        self._config = config
        self._patience_ns = patience_ns
        self._members: dict[str, _Member] = {}
        # Of each piece: machines that have it, or to which it is coming.
        self._count = [0] * pieces
        # Of each piece, by rack: machines that have it and could send one more.
        self._free: list[dict[str, dict[str, None]]] = [{} for _ in range(pieces)]
        # Pieces that somebody could send, as bits.
        self._available = 0
        self._seeding = 0
        self._waiting: dict[int, _Member] = {}
        # All that is on its way, in order of time.
        self._under_way: dict[tuple[str, int], int] = {}
        self.asked_ns = 0

    def seek(self, ticket: int, ask: SeekPiece, now_ns: int) -> list[Answer]:
        """A machine asks; answers to it and to others that waited, by their tickets."""
        self.asked_ns = now_ns
        self._give_up(now_ns)
        if ask.failed:
            self._has_not(ask.failed)
        member = self._member(ask)
        self._end(member, ask.ended)
        self._learn(member, ask.have)
        self._waiting[ticket] = member
        answers = [] if self._missing(member) else self.hurry(ticket)
        for waiting in list(self._waiting):
            if not self._available and not self._may_seed:
                break
            answers += self._try(waiting, now_ns)
        return answers

    def hurry(self, ticket: int) -> list[Answer]:
        """Whoever waits with this ticket cannot wait any longer."""
        return [] if self._waiting.pop(ticket, None) is None else [(ticket, NOTHING)]

    # What is known

    def _member(self, ask: SeekPiece) -> _Member:
        member = self._members.get(ask.machine)
        if member is None:
            member = _Member(ask.machine, ask.machine.partition("/")[0], ask.incarnation)
            self._members[ask.machine] = member
        elif member.incarnation != ask.incarnation:
            member.incarnation = ask.incarnation
            for piece in list(member.coming):
                self._end(member, piece)
        return member

    def _learn(self, member: _Member, have: int) -> None:
        """It has these pieces, and no others."""
        for piece in _bits(have & ~member.have):
            self._end(member, piece)
            self._count[piece] += 1
        for piece in _bits(member.have & ~have):
            self._count[piece] -= 1
            self._unlist(member, piece)
        fresh, member.have = have & ~member.have, have
        if member.uploads < self._config.uploads:
            for piece in _bits(fresh):
                self._list(member, piece)

    def _has_not(self, name: str) -> None:
        """It could not send a piece: nobody is sent there until it says again what it has."""
        member = self._members.get(name)
        if member is not None:
            self._learn(member, 0)

    def _end(self, member: _Member, piece: int) -> None:
        """A piece is no longer on its way to it, whether it has come or not."""
        coming = member.coming.pop(piece, None)
        if coming is None:
            return
        del self._under_way[member.name, piece]
        self._count[piece] -= 1
        if not coming[0]:
            self._seeding -= 1
            return
        source = self._members[coming[0]]
        source.uploads -= 1
        if source.uploads == self._config.uploads - 1:
            for one in _bits(source.have):
                self._list(source, one)

    def _give_up(self, now_ns: int) -> None:
        while self._under_way:
            (name, piece), since_ns = next(iter(self._under_way.items()))
            if now_ns - since_ns < self._patience_ns:
                return
            self._end(self._members[name], piece)

    def _list(self, member: _Member, piece: int) -> None:
        self._free[piece].setdefault(member.rack, {})[member.name] = None
        self._available |= 1 << piece

    def _unlist(self, member: _Member, piece: int) -> None:
        racks = self._free[piece]
        here = racks.get(member.rack)
        if here is None or here.pop(member.name, member.name) is not None:
            return
        if not here:
            del racks[member.rack]
        if not racks:
            self._available &= ~(1 << piece)

    # What is decided

    def _try(self, ticket: int, now_ns: int) -> list[Answer]:
        member = self._waiting[ticket]
        missing = self._missing(member)
        if not missing:
            return self.hurry(ticket)
        answer = self._choose(member, missing)
        if answer is None:
            return []
        del self._waiting[ticket]
        self._begin(member, answer, now_ns)
        return [(ticket, answer)]

    def _missing(self, member: _Member) -> int:
        """The pieces that it has not, and that are not on their way to it."""
        missing = self._all & ~member.have
        for piece in member.coming:
            missing &= ~(1 << piece)
        return missing

    @property
    def _may_seed(self) -> bool:
        return self._seeding < self._config.seeds

    def _choose(self, member: _Member, missing: int) -> PieceAt | None:
        givable = missing & self._available
        if not givable and not self._may_seed:
            return None
        # Machines that ask at once begin with different pieces.
        turn = len(self._under_way) % self._pieces
        if self._may_seed:
            piece = self._rarest(missing, turn)
            if not self._count[piece] or not givable:
                return PieceAt(piece)
        piece = self._rarest(givable, turn)
        racks = self._free[piece]
        here = racks.get(member.rack) or next(iter(racks.values()))
        return PieceAt(piece, next(iter(here)))

    def _rarest(self, pieces: int, turn: int) -> int:
        count, among = self._count, self._pieces
        return min(_bits(pieces), key=lambda piece: (count[piece], (piece - turn) % among))

    def _begin(self, member: _Member, answer: PieceAt, now_ns: int) -> None:
        member.coming[answer.piece] = (answer.source, now_ns)
        self._under_way[member.name, answer.piece] = now_ns
        self._count[answer.piece] += 1
        if not answer.source:
            self._seeding += 1
            return
        source = self._members[answer.source]
        source.uploads += 1
        for piece in _bits(source.have):
            self._unlist(source, piece)
            if source.uploads < self._config.uploads:
                # Others that could send it come first.
                self._list(source, piece)


def _bits(pieces: int) -> list[int]:
    """The numbers of a set of bits, in order."""
    found = []
    while pieces:
        low = pieces & -pieces
        found.append(low.bit_length() - 1)
        pieces ^= low
    return found
