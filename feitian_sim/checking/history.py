"""What clients asked and what came back: operations with a time of call and a time of return.

An operation ends in one of three ways (Jepsen's ``ok``, ``fail`` and ``info``). ``ok``: it took effect once, between its
call and its return, and gave its result; a service's refusal ("no-node") is such a result. ``fail``: it certainly had no
effect. ``unknown``: a timeout or a broken connection; it may have taken effect at any time after its call, even
after the client gave up, or never. An operation that nobody settled is unknown.

A history falls into parts that can be judged each by itself, since linearizability is local (Herlihy and Wing,
"Linearizability: a correctness condition for concurrent objects", TOPLAS 1990): one for each key, and where an operation
``multi`` touches several keys, one for each group of keys that such operations join.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NamedTuple

Outcome = Literal["ok", "fail", "unknown"]

#: The name of the operation on several keys; its argument is a tuple of :class:`Part`.
MULTI = "multi"


class Nothing(Enum):
    """The type of :data:`UNKNOWN`, a value of its own because ``None`` is an ordinary result."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "?"


#: The result of which nothing is known: any will do.
UNKNOWN: Final = Nothing.UNKNOWN


class Part(NamedTuple):
    """One key's share of an operation on several."""

    key: str
    op: str
    argument: object


@dataclass(slots=True, eq=False)
class Operation:
    """What one client did to one key. ``number`` counts the client's operations from 0; times are nanoseconds.

    ``returned_ns`` is None and ``result`` is :data:`UNKNOWN` as long as the outcome is unknown.
    Two operations are equal only when they are the same one.
    """

    client: str
    number: int
    key: str
    op: str
    argument: object
    result: object
    called_ns: int
    returned_ns: int | None
    outcome: Outcome

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it does to each key: one part, or several of an operation ``multi``."""
        if self.op != MULTI:
            return (Part(self.key, self.op, self.argument),)
        assert isinstance(self.argument, tuple), f"the argument of a multi is a tuple of parts, not {self.argument!r}"
        return tuple(Part(*part) for part in self.argument)


class Group(NamedTuple):
    """Keys that are judged together, in order of their first use, and their operations in order of call."""

    keys: tuple[str, ...]
    operations: tuple[Operation, ...]

    @property
    def name(self) -> str:
        """The keys in words."""
        return " + ".join(self.keys)


class History:
    """Collects operations as they are called and as they return. An observer: it touches no simulation."""

    __slots__ = ("_numbers", "operations")

    def __init__(self) -> None:
        #: In order of call.
        self.operations: list[Operation] = []
        self._numbers: dict[str, int] = {}

    def invoke(self, client: str, key: str, op: str, argument: object, now: int) -> Operation:
        """A client calls at ``now`` (ns). Until it is settled, the operation's outcome is unknown."""
        assert not self.operations or now >= self.operations[-1].called_ns, f"called at {now} ns, before the last call"
        number = self._numbers.get(client, 0)
        self._numbers[client] = number + 1
        operation = Operation(client, number, key, op, argument, UNKNOWN, now, None, "unknown")
        self.operations.append(operation)
        return operation

    def ok(self, operation: Operation, result: object, now: int) -> None:
        """It took effect and gave ``result``; also for an answer that comes after the client had given up."""
        self._return(operation, now)
        operation.outcome, operation.result = "ok", result

    def fail(self, operation: Operation, now: int) -> None:
        """It is certain that it had no effect and never will."""
        self._return(operation, now)
        operation.outcome = "fail"

    def unknown(self, operation: Operation) -> None:
        """The client gave up: it may take effect later, or never. It has no time of return."""
        assert operation.returned_ns is None, f"{operation} has returned"
        operation.outcome = "unknown"

    @staticmethod
    def _return(operation: Operation, now: int) -> None:
        assert operation.returned_ns is None, f"{operation} has returned"
        assert now >= operation.called_ns, f"{operation} returns at {now} ns, before its call"
        operation.returned_ns = now

    def groups(self) -> list[Group]:
        """The parts that can be judged each by itself, in order of first use."""
        joined = _Joined()
        for operation in self.operations:
            # What certainly had no effect joins nothing: smaller groups are judged faster.
            parts = operation.parts[:1] if operation.outcome == "fail" else operation.parts
            for part in parts:
                joined.join(parts[0].key, part.key)
        keys: dict[str, list[str]] = {}
        for key in joined.above:
            keys.setdefault(joined.root(key), []).append(key)
        operations: dict[str, list[Operation]] = {root: [] for root in keys}
        for operation in self.operations:
            if operation.parts:  # a multi of nothing says nothing
                operations[joined.root(operation.parts[0].key)].append(operation)
        return [Group(tuple(keys[root]), tuple(operations[root])) for root in keys]


class _Joined:
    """Union-find with halved paths (Tarjan and van Leeuwen, JACM 1984); keys in order of first use."""

    __slots__ = ("above",)

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def root(self, key: str) -> str:
        above = self.above
        above.setdefault(key, key)
        while above[key] != key:
            above[key] = key = above[above[key]]
        return key

    def join(self, one: str, other: str) -> None:
        root, joining = self.root(one), self.root(other)
        self.above[joining] = root
