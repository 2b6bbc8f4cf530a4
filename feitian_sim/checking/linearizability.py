"""Is there an order that explains what the clients saw? The checker of linearizability.

A history is linearizable when its operations can be put into one order in which each takes effect between its call and
its return and each result is the one that a sequential model gives (Herlihy and Wing, TOPLAS 1990). The search is that
of Wing and Gong ("Testing and verifying concurrent objects", JPDC 1993): among the operations called before the first
return that is still ahead, one that the model allows comes next; when none does, the last choice is taken back. It is
made bearable by Lowe's memory ("Testing for linearizability", Concurrency and Computation 2017): where the same
operations have been ordered and the same state was reached, nothing new can follow. As in Porcupine (Athalye, 2017),
calls and returns are a doubly linked list by time from which an ordered operation is lifted and into which it is put
back.

To this come four savings, none of which changes a verdict:

* An operation that changes no state (a read, a refusal) is ordered as soon as it is legal, and never taken back alone:
  if it could come later, it can come now.
* An operation of unknown outcome has no return, so it never hurries. It is tried only when no other is legal, and only
  if it changes the state: never having happened explains the rest as well.
* Of two unknown operations that are the same (two deletes of a path), the one called first comes first. And what led
  nowhere with some unknown operations spent leads nowhere with more of them spent.
* The set of ordered operations is a bit mask above the first one in order of call that is not in it, so its size is
  that of the concurrency and not of the history.

At the same instant a call counts as before a return, so that two clients who meet in one nanosecond are concurrent; but
what one client does after its own return at that instant is after it.

Where a register's values are all different, its :mod:`zones <feitian_sim.checking.zones>` tell the verdict at once, and
the search is only asked for the longest order. The problem as such is NP-complete, so the search has a budget of steps.
When it is spent, the verdict is ``unknown``, and whoever expected ``legal`` must take that for red.

What costs is not length but choice: clients at one time on a key (keep them to 10) and operations of unknown outcome on
it, each of which stays possible for ever (keep them to some dozens, by many keys).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

from feitian_sim.checking.history import MULTI, UNKNOWN, Group, History, Operation
from feitian_sim.checking.models import Deterministic, Model, Refusal, Register, State, Together
from feitian_sim.checking.zones import first_failure, spans_of

#: Steps of a model until the search gives up: some seconds of processor time.
BUDGET_STEPS = 2_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of the operations on a key or a group of keys; ``steps`` is how often the model was asked.

    ``order``: the longest order found that explains what it contains. It is the whole history's if legal, unless a
    rule told so while the search for the order spent its budget. ``failed``: the operation whose return no order
    passes (illegal) or none had passed when the budget was spent (unknown).
    """

    verdict: Literal["legal", "illegal", "unknown"]
    order: tuple[Operation, ...]
    failed: Operation | None
    steps: int
    #: The keys, as in :attr:`Group.name`; empty where operations were given without a history.
    name: str = ""

    @property
    def legal(self) -> bool:
        """Whether all is well: an unknown verdict is not."""
        return self.verdict == "legal"


def check(operations: Sequence[Operation], model: Model, budget_steps: int = BUDGET_STEPS) -> Verdict:
    """Judge operations on one object, whose states and results are the model's."""
    if isinstance(model, Register):
        found = _by_zones(operations, model, budget_steps)
        if found is not None:
            return found
    return _judge([_entry(operation, model) for operation in operations], model, budget_steps)


def _by_zones(operations: Sequence[Operation], model: Register, budget_steps: int) -> Verdict | None:
    """The verdict on a register where its zones tell it; the search only finds the order, or how far one gets."""
    initial, _ = model.initial()
    spans = spans_of(operations, initial)
    if spans is None:
        return None
    failed = first_failure(spans, initial)
    if failed is None:
        found = _judge([_entry(operation, model) for operation in operations], model, budget_steps)
        return replace(found, verdict="legal", failed=None)
    assert failed.returned_ns is not None
    originals: dict[Operation, Operation] = {}
    for operation in operations:
        if operation.called_ns <= failed.returned_ns:
            seen = operation
            if operation.returned_ns is not None and operation.returned_ns >= failed.returned_ns:
                seen = replace(operation, result=UNKNOWN, returned_ns=None, outcome="unknown")
            originals[seen] = operation
    longest = _judge([_entry(operation, model) for operation in originals], model, budget_steps)
    return Verdict("illegal", tuple(originals[operation] for operation in longest.order), failed, longest.steps)


def _entry(operation: Operation, model: Model) -> _Entry:
    observes = model.observes(operation.op, operation.result)
    return _Entry(operation, operation.op, operation.argument, operation.result, observes)


def check_all(
    history: History, model_of_key: Callable[[str], Deterministic], budget_steps: int = BUDGET_STEPS
) -> list[Verdict]:
    """Judge a whole history: one verdict for each key or group of keys, in order of first use; a budget for each."""
    return [_check_group(group, model_of_key, budget_steps) for group in history.groups()]


def _check_group(group: Group, model_of_key: Callable[[str], Deterministic], budget_steps: int) -> Verdict:
    models = {key: model_of_key(key) for key in group.keys}
    if all(operation.op != MULTI for operation in group.operations):
        found = check(group.operations, models[group.keys[0]], budget_steps)
    else:
        entries = [_shared_entry(operation, models) for operation in group.operations if operation.outcome != "fail"]
        found = _judge(entries, Together(group.keys, models.__getitem__), budget_steps)
    return replace(found, name=group.name)


def _shared_entry(operation: Operation, models: dict[str, Deterministic]) -> _Entry:
    """An operation as one on several keys, which it may be already."""
    parts, result = operation.parts, operation.result
    observes = all(models[part.key].observes(part.op, result) for part in parts)
    if operation.op != MULTI and result is not UNKNOWN and not isinstance(result, Refusal):
        result = (result,)
    return _Entry(operation, MULTI, parts, result, observes)


class _Entry(NamedTuple):
    """An operation as the model is asked for it."""

    operation: Operation
    op: str
    argument: object
    result: object
    observes: bool


def _judge(entries: list[_Entry], model: Model, budget_steps: int) -> Verdict:
    """Search; what failed is left out, and what is unknown and changes nothing."""
    known = [entry for entry in entries if entry.operation.outcome == "ok"]
    maybe = [entry for entry in entries if entry.operation.outcome == "unknown" and not entry.observes]
    known.sort(key=lambda entry: (entry.operation.called_ns, entry.operation.number))
    maybe.sort(key=lambda entry: (entry.operation.called_ns, entry.operation.number))
    return _Search(known, maybe, model, budget_steps).run()


class _Move(NamedTuple):
    """An operation put into the order, and all that is needed to take it back."""

    #: A place in the list for a known operation, a number from ``_Search.maybes`` on for an unknown one.
    place: int
    forced: bool
    state: State
    first: int
    mask: int


class _Search:
    """Depth first, without recursion. Place i of the list is the call of known operation i, place n + i its return."""

    def __init__(self, known: list[_Entry], maybe: list[_Entry], model: Model, budget_steps: int) -> None:
        self.known, self.maybe, self.step = known, maybe, model.step
        self.count = len(known)
        self.head = 2 * self.count
        self.maybes = self.head + 1
        self.rank, self.next, self.previous = self._linked()
        self.maybe_called_ns = [entry.operation.called_ns for entry in maybe]
        self.returns_ns = [entry.operation.returned_ns or 0 for entry in known]
        #: What each known, then each unknown operation has to follow beside what its call tells.
        self.before = _own_before(known, maybe)
        self.same = _same_before(maybe, self.before[self.count :])
        #: All known operations below ``first``, in order of call, are ordered, and those whose bit above it is set.
        self.first, self.mask = 0, 0
        #: The unknown operations that are ordered.
        self.happened = 0
        self.state = model.initial()
        self.moves: list[_Move] = []
        #: By what is ordered for certain and the state reached: with which unknown ones it has been tried.
        self.seen: dict[tuple[int, int, State], list[int]] = {}
        self.steps, self.budget_steps = 0, budget_steps
        #: How far one can get: the rank in time of the first return not passed, and the moves up to there.
        self.furthest = (-1, -1)
        self.failed = 0
        self.longest: list[_Move] = []

    def _linked(self) -> tuple[list[int], list[int], list[int]]:
        """The list by time, at one instant calls first: of each place the rank, the next and the previous."""
        count, known = self.count, self.known
        times: list[tuple[int, int, int]] = []
        for number, entry in enumerate(known):
            assert entry.operation.returned_ns is not None, f"{entry.operation} is ok and has not returned"
            times.append((entry.operation.called_ns, 0, number))
            times.append((entry.operation.returned_ns, 1, count + number))
        places = [self.head, *(place for _, _, place in sorted(times)), self.head]
        following, preceding = [0] * (self.head + 1), [0] * (self.head + 1)
        for place, after in pairwise(places):
            following[place], preceding[after] = after, place
        rank = [0] * (self.head + 1)
        for order, place in enumerate(places[:-1]):
            rank[place] = order
        return rank, following, preceding

    def run(self) -> Verdict:
        """Search until all known operations are ordered, or nothing is left to try, or the budget is spent."""
        resume = self.head
        while True:
            fresh = True
            if resume == self.head:
                self._observe()
                if self.next[self.head] == self.head:
                    return Verdict("legal", self._ordered(self.moves), None, self.steps)
                fresh = self._is_fresh()
            if self.steps >= self.budget_steps:
                self._note()
                return self._failure("unknown")
            if fresh and self._advance(resume):
                resume = self.head
                continue
            if resume == self.head:
                self._note()
            resume = self._back()
            if resume < 0:
                return self._failure("illegal")

    def _is_fresh(self) -> bool:
        """Whether this was not tried before, with the same unknown operations still to come or with more of them."""
        happened = self.happened
        tried = self.seen.setdefault((self.first, self.mask, self.state), [])
        if any(less & happened == less for less in tried):
            return False
        tried.append(happened)
        return True

    def _failure(self, verdict: Literal["illegal", "unknown"]) -> Verdict:
        return Verdict(verdict, self._ordered(self.longest), self.known[self.failed].operation, self.steps)

    def _ordered(self, moves: list[_Move]) -> tuple[Operation, ...]:
        known, maybe, maybes = self.known, self.maybe, self.maybes
        return tuple(
            (known[move.place] if move.place < maybes else maybe[move.place - maybes]).operation for move in moves
        )

    def _note(self) -> None:
        """Remember how far this is, if it is the furthest."""
        place = self.next[self.head]
        while place < self.count:
            place = self.next[place]
        reached = (self.rank[place], len(self.moves))
        if reached > self.furthest:
            self.furthest, self.failed, self.longest = reached, place - self.count, self.moves[:]

    def _observe(self) -> None:
        """Order all that is legal now and changes nothing, up to the first return that is then ahead."""
        following, known, count, state = self.next, self.known, self.count, self.state
        place = following[self.head]
        while place < count:
            entry = known[place]
            after = following[place]
            if entry.observes and self._is_free(self.before[place]):
                self.steps += 1
                if self.step(state, entry.op, entry.argument, entry.result)[0]:
                    self._lift(place, state)
                    # Its return, now out of the list, may have been the next entry.
                    after = following[self.previous[place]]
            place = after

    def _advance(self, resume: int) -> bool:
        """Order one operation that changes the state, the next legal one after ``resume``; False if there is none."""
        following, known, count, state = self.next, self.known, self.count, self.state
        certain = resume < self.maybes
        place = following[resume if certain else self.head]
        while place < count:
            entry = known[place]
            if certain and not entry.observes and self._is_free(self.before[place]):
                self.steps += 1
                legal, after = self.step(state, entry.op, entry.argument, entry.result)
                if legal:
                    self._lift(place, after)
                    return True
            place = following[place]
        return self._assume(0 if certain else resume - self.maybes + 1, self.returns_ns[place - count])

    def _assume(self, number: int, until_ns: int) -> bool:
        """Let an unknown operation have happened, of those from ``number`` on the first called by ``until_ns``."""
        state, happened = self.state, self.happened
        for candidate in range(number, bisect_right(self.maybe_called_ns, until_ns)):
            entry = self.maybe[candidate]
            same = self.same[candidate]
            if happened >> candidate & 1 or not (same < 0 or happened >> same & 1):
                continue
            if not self._is_free(self.before[self.count + candidate]):
                continue
            self.steps += 1
            legal, after = self.step(state, entry.op, entry.argument, entry.result)
            if legal and after != state:
                self.moves.append(_Move(self.maybes + candidate, False, state, self.first, self.mask))
                self.happened, self.state = happened | 1 << candidate, after
                return True
        return False

    def _is_free(self, before: tuple[int, ...]) -> bool:
        """Whether all these known operations are ordered."""
        return not before or all(place < self.first or self.mask >> place - self.first & 1 for place in before)

    def _lift(self, place: int, after: State) -> None:
        """Put a known operation into the order and take its call and its return out of the list."""
        following, previous = self.next, self.previous
        self.moves.append(_Move(place, self.known[place].observes, self.state, self.first, self.mask))
        for entry in (place, place + self.count):
            following[previous[entry]] = following[entry]
            previous[following[entry]] = previous[entry]
        self.state = after
        self.mask |= 1 << place - self.first
        # The mask begins anew above the ones at its end.
        ones = (~self.mask & self.mask + 1).bit_length() - 1
        self.first += ones
        self.mask >>= ones

    def _back(self) -> int:
        """Take moves back up to the last that was a choice; its place, or -1 if there is none left."""
        following, previous = self.next, self.previous
        while self.moves:
            move = self.moves.pop()
            place = move.place
            self.state, self.first, self.mask = move.state, move.first, move.mask
            if place >= self.maybes:
                self.happened &= ~(1 << place - self.maybes)
                return place
            for entry in (place + self.count, place):
                following[previous[entry]] = entry
                previous[following[entry]] = entry
            if not move.forced:
                return place
        return -1


def _own_before(known: list[_Entry], maybe: list[_Entry]) -> list[tuple[int, ...]]:
    """For each operation the known ones, by number, of the same client that returned at the instant of its call."""
    returned: dict[tuple[str, int | None], list[int]] = {}
    for place, entry in enumerate(known):
        returned.setdefault((entry.operation.client, entry.operation.returned_ns), []).append(place)
    before = []
    for entry in (*known, *maybe):
        operation = entry.operation
        own = returned.get((operation.client, operation.called_ns), ())
        before.append(tuple(place for place in own if known[place].operation.number < operation.number))
    return before


def _same_before(maybe: list[_Entry], before: list[tuple[int, ...]]) -> list[int]:
    """For each unknown operation the last one before it, by number, that asks for the same; -1 for none."""
    same: list[int] = []
    for number, entry in enumerate(maybe):
        found = -1
        for earlier in range(number - 1, -1, -1):
            other = maybe[earlier]
            # Called at the same instant and bound to follow an own operation, the other could not take this one's place.
            bound = before[earlier] and other.operation.called_ns == entry.operation.called_ns
            if (other.op, other.argument) == (entry.op, entry.argument) and not bound:
                found = earlier
                break
        same.append(found)
    return same
