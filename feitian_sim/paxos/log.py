"""The log as one member knows it: what it accepted, how far that is known to be chosen, and where it begins."""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.paxos.ballot import Ballot
from feitian_sim.paxos.values import Entry


class Log:
    """Slots are counted from 1. Those up to ``base`` are in a snapshot and cut; ``base <= chosen``."""

    __slots__ = ("_entries", "base", "chosen", "last")

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self.base = 0
        #: Every slot up to here is known to be chosen, and its value is the one here.
        self.chosen = 0
        #: The highest slot in which anything was ever accepted.
        self.last = 0

    def entry(self, slot: int) -> Entry | None:
        """What is accepted in ``slot``; None for nothing, and for what is cut."""
        return self._entries.get(slot)

    def put(self, slot: int, entry: Entry) -> None:
        """Accept ``entry`` in ``slot``, which is not known to be chosen."""
        assert slot > self.chosen, f"slot {slot} is chosen and cannot be accepted anew"
        present = self._entries.get(slot)
        assert present is None or entry.ballot >= present.ballot, f"slot {slot} goes back to an older ballot"
        assert present is None or entry.ballot > present.ballot or entry.value == present.value, (
            f"two values in slot {slot} under one ballot"
        )
        self._entries[slot] = entry
        if slot > self.last:
            self.last = slot

    def extend(self, first: int, entries: Sequence[Entry]) -> None:
        """Accept entries in the slots from ``first`` on, above everything that was ever accepted."""
        assert first > self.last >= self.chosen, f"slot {first} is not above the last, {self.last}"
        for slot, entry in enumerate(entries, first):
            self._entries[slot] = entry
        self.last = first + len(entries) - 1 if entries else self.last

    def learn(self, slot: int, entry: Entry) -> None:
        """``slot``, the one after the chosen prefix, is known to be chosen with this value."""
        assert slot == self.chosen + 1, f"slot {slot} learned where {self.chosen + 1} is next"
        self._entries[slot] = entry
        self.chosen = slot
        if slot > self.last:
            self.last = slot

    def known_under(self, ballot: Ballot, upto: int) -> int:
        """How far the chosen prefix reaches if the leader of ``ballot`` says that all up to ``upto`` are chosen.

        Only what was accepted under that very ballot is the leader's value: what is older may have lost.
        """
        slot = self.chosen
        while slot < upto:
            entry = self._entries.get(slot + 1)
            if entry is None or entry.ballot != ballot:
                break
            slot += 1
        return slot

    def choose_next(self) -> Entry:
        """The slot after the chosen prefix, which is not empty here, is chosen."""
        self.chosen = slot = self.chosen + 1
        assert slot in self._entries, f"slot {slot} is chosen and empty here"
        return self._entries[slot]

    def chosen_from(self, first: int, limit_bytes: int) -> list[Entry]:
        """Chosen entries from ``first`` on, at least one and then as many as ``limit_bytes`` hold."""
        assert first > self.base, f"slot {first} is cut"
        found: list[Entry] = []
        total_bytes = 0
        for slot in range(first, self.chosen + 1):
            entry = self._entries[slot]
            total_bytes += entry.size_bytes
            if found and total_bytes > limit_bytes:
                break
            found.append(entry)
        return found

    def accepted_from(self, first: int) -> tuple[tuple[int, Entry], ...]:
        """Everything accepted from ``first`` on, by slot."""
        assert first > self.base, f"slot {first} is cut"
        return tuple((slot, self._entries[slot]) for slot in range(first, self.last + 1) if slot in self._entries)

    def cut(self, index: int) -> None:
        """A snapshot holds everything up to ``index``, whether or not it was known here."""
        for slot in range(self.base + 1, min(index, self.last) + 1):
            self._entries.pop(slot, None)
        self.base = max(self.base, index)
        self.chosen = max(self.chosen, index)
        self.last = max(self.last, index)

    def refill(self, entries: Sequence[tuple[int, Entry]], chosen: int) -> None:
        """After a recovery: what a record says was here, and known."""
        for slot, entry in entries:
            if slot > self.base:
                self._entries[slot] = entry
                self.last = max(self.last, slot)
        while self.chosen < chosen and self.chosen + 1 in self._entries:
            self.chosen += 1
