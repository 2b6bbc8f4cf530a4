"""Who fetches which piece of a package from whom: decided by one tracker, against the closed form and rule by rule."""

from __future__ import annotations

from math import ceil, log2

import pytest

from feitian_sim.fuxi.packages.config import SpreadConfig
from feitian_sim.fuxi.packages.messages import PieceAt, SeekPiece
from feitian_sim.fuxi.packages.tracker import NOTHING, Tracker
from feitian_sim.kernel import SECOND

PATIENCE_NS = 30 * SECOND


class Machines:
    """Machines that ask one tracker; tickets are their turns."""

    def __init__(self, pieces: int, **spread: int) -> None:
        self.pieces = pieces
        self.tracker = Tracker(pieces, SpreadConfig(**spread), PATIENCE_NS)
        self.now_ns = 0
        self.ticket = 0

    def ask(self, machine: str, have: int = 0, **more: int | str) -> dict[int, PieceAt]:
        """What is answered, by ticket."""
        self.ticket += 1
        ask = SeekPiece("p", machine, int(more.pop("incarnation", 1)), self.pieces, have, **more)
        return dict(self.tracker.seek(self.ticket, ask, self.now_ns))

    def told(self, machine: str, have: int = 0, **more: int | str) -> PieceAt | None:
        """What that machine is told at once."""
        answers = self.ask(machine, have, **more)
        return answers.get(self.ticket)


def test_the_first_fetch_different_pieces_from_pangu_and_no_more_of_them_than_are_to() -> None:
    machines = Machines(pieces=4, seeds=3)
    told = [machines.told(f"r0/m{number}") for number in range(4)]
    assert {place.piece for place in told[:3]} == {0, 1, 2}
    assert all(place.source == "" for place in told[:3])
    assert told[3] is None


def test_a_machine_that_waits_is_told_as_soon_as_somebody_can_send() -> None:
    machines = Machines(pieces=2, seeds=1)
    first = machines.told("r0/m0")
    assert machines.told("r0/m1") is None
    waiting = machines.ticket
    answers = machines.ask("r0/m0", have=1 << first.piece, ended=first.piece)
    # The rest is read from Pangu by whoever has waited longest, as nobody has it.
    assert answers[waiting] == PieceAt(1 - first.piece)
    assert machines.told("r0/m2") == PieceAt(first.piece, "r0/m0")


def test_the_rarest_piece_comes_first_and_from_the_own_rack() -> None:
    machines = Machines(pieces=3, seeds=1, uploads=9)
    machines.told("r0/m0", have=0b011)
    machines.told("r1/m0", have=0b101)
    machines.told("r1/m1", have=0b100)
    # The first reads piece 2 from Pangu, the second fetches 1 from it, the third 1 or 0.
    assert machines.told("r0/m8", have=0b010) == PieceAt(0, "r0/m0")
    there = machines.told("r1/m8", have=0b010)
    assert (there.piece, there.source.partition("/")[0]) == (2, "r1")


def test_nobody_sends_more_at_a_time_than_it_may() -> None:
    machines = Machines(pieces=1, seeds=1, uploads=2)
    machines.told("r0/m0", have=1)
    told = [machines.told(f"r0/m{number}") for number in range(1, 6)]
    assert told == [PieceAt(0, "r0/m0"), PieceAt(0, "r0/m0"), PieceAt(0), None, None]
    assert machines.tracker.hurry(machines.ticket) == [(machines.ticket, NOTHING)]


def test_who_could_not_send_is_not_named_until_it_says_what_it_has() -> None:
    machines = Machines(pieces=2, seeds=1)
    machines.told("r0/m0", have=0b11)
    # The second one reads from Pangu meanwhile.
    place = machines.told("r0/m1")
    assert place == PieceAt(place.piece, "r0/m0")
    assert machines.told("r0/m1", ended=place.piece, failed="r0/m0").source == ""
    assert machines.told("r0/m2") is None
    waiting = machines.ticket
    assert machines.ask("r0/m0", have=0b11)[waiting].source == "r0/m0"


def test_a_tubo_that_was_started_anew_fetches_nothing_of_before() -> None:
    machines = Machines(pieces=1, seeds=1)
    assert machines.told("r0/m0") == PieceAt(0)
    assert machines.told("r0/m0", incarnation=2) == PieceAt(0)


def test_what_nobody_hears_of_is_given_up() -> None:
    machines = Machines(pieces=1, seeds=1)
    assert machines.told("r0/m0") == PieceAt(0)
    machines.now_ns = PATIENCE_NS - 1
    assert machines.told("r0/m1") is None
    waiting = machines.ticket
    machines.now_ns = PATIENCE_NS
    assert machines.ask("r0/m2") == {waiting: PieceAt(0)}


def test_a_tracker_that_knows_nothing_learns_from_who_asks() -> None:
    machines = Machines(pieces=3, seeds=1)
    assert machines.told("r0/m0", have=0b111) == NOTHING
    assert machines.told("r0/m1", have=0b110) == PieceAt(0, "r0/m0")


@pytest.mark.parametrize("many", [2, 8, 31, 100])
@pytest.mark.parametrize("pieces", [1, 7, 25])
def test_in_step_all_have_all_about_as_soon_as_is_possible(many: int, pieces: int) -> None:
    """Each sends and takes one piece a round: none can be done before pieces + ceil(log2 n) rounds (Mundinger, 2008)."""
    machines = Machines(pieces, seeds=1, uploads=1)
    have = [0] * many
    whole = (1 << pieces) - 1
    tickets: dict[int, int] = {}
    fetching: dict[int, int] = {}

    def ask(number: int, ended: int = -1) -> None:
        answers = machines.ask(f"r{number % 4}/m{number}", have[number], ended=ended)
        tickets[machines.ticket] = number
        for ticket, place in answers.items():
            if place.piece >= 0:
                assert not place.source or have[int(place.source.partition("/m")[2])] >> place.piece & 1
                fetching[tickets[ticket]] = place.piece

    for number in range(many):
        ask(number)
    rounds = 0
    while any(one != whole for one in have):
        rounds += 1
        came, fetching = fetching, {}
        assert came, "nobody fetches anything"
        for number, piece in came.items():
            have[number] |= 1 << piece
        for number, piece in came.items():
            ask(number, piece)
    best = pieces + ceil(log2(many))
    assert best - 1 <= rounds <= 1.35 * best + 2
