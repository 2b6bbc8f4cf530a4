"""What a service may answer, as small sequential machines: the reference that a concurrent history is compared with.

Written from the services' promises, not from their code. A state is a hashable value and is never changed in place, so
that the checker can go back to it and recognise it. A refusal is an answer like any other: one that the state does not
justify is as illegal as a wrong value.

| model | operations and their results; each may also be refused as said |
|---|---|
| :class:`Register` | put(value) version; get value; stat version; cas((value, version)) version or bad-version; |
|                   | write(value) None, for services without versions |
| :class:`TreeNode` | create(value) None or exists; delete(version or None) None, no-node or bad-version; |
|                   | get value; stat version; put(value) version; cas((value, version)) version or bad-version, |
|                   | these four also no-node; exists bool |
| :class:`Directory` | create(name) None or exists; delete(name) None, no-node or not-empty; names tuple, sorted |
| :class:`FileDirectory` | as Directory, and rename((name, new)) None, no-node or exists; exists(name) bool |
| :class:`TokenFile` | create None or exists; append(token) position from 0; read tuple of tokens; delete None; |
|                    | these three also no-node |
| :class:`Together` | multi(parts) tuple of results; or, all of them undone, the first refusal among them |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable
from enum import Enum
from typing import Any, Protocol

from feitian_sim.checking.history import UNKNOWN, Part

State = Hashable


class Refusal(Enum):
    """Why a service did not do what it was asked; by value: ``Refusal("no-node")``."""

    NO_NODE = "no-node"
    EXISTS = "exists"
    BAD_VERSION = "bad-version"
    NOT_EMPTY = "not-empty"

    def __repr__(self) -> str:
        return self.value


class Model(Protocol):
    """What the checker must know of a service. Without memory of its own: all of it is in the state."""

    def initial(self) -> State:
        """The state before the first operation."""
        ...

    def step(self, state: Any, op: str, argument: Any, result: Any) -> tuple[bool, State]:
        """Whether the result is right in this state, and the state afterwards. Any result is right that is UNKNOWN.

        An operation that the model does not have is a mistake of the test: ValueError.
        """
        ...

    def observes(self, op: str, result: object) -> bool:
        """Whether the operation, if it gave this result, leaves every state as it is: a read, a refused change.

        The checker may then place it as soon as it is legal. False is always safe.
        """
        ...


class Deterministic(ABC):
    """A model in which state and operation determine the result."""

    #: Operations that change nothing.
    reads: frozenset[str] = frozenset()

    @abstractmethod
    def initial(self) -> State:
        """The state before the first operation."""

    @abstractmethod
    def apply(self, state: Any, op: str, argument: Any) -> tuple[object, State]:
        """The result, and the state afterwards."""

    def step(self, state: Any, op: str, argument: Any, result: Any) -> tuple[bool, State]:
        """Whether this is the result, and the state afterwards."""
        right, after = self.apply(state, op, argument)
        return result is UNKNOWN or result == right, after

    def observes(self, op: str, result: object) -> bool:
        """Reads and refusals change nothing."""
        return op in self.reads or isinstance(result, Refusal)


class Register(Deterministic):
    """A value that is always there. State: (value, version); the version counts what tells it, so not "write"."""

    reads = frozenset({"get", "stat"})

    def __init__(self, value: Hashable = None) -> None:
        self._value = value

    def initial(self) -> tuple[Hashable, int]:
        """The first value, version 0."""
        return self._value, 0

    def apply(self, state: tuple[Hashable, int], op: str, argument: Any) -> tuple[object, State]:
        """See the table above."""
        value, version = state
        match op:
            case "get":
                return value, state
            case "put":
                return version + 1, (argument, version + 1)
            case "write":
                return None, (argument, version)
            case "stat":
                return version, state
            case "cas":
                new, expected = argument
                return (version + 1, (new, version + 1)) if expected == version else (Refusal.BAD_VERSION, state)
        raise ValueError(f"a register has no operation {op}")


class TreeNode(Deterministic):
    """One path of a coordination service. State: (value, version), or None where there is nothing.

    A node that is created has version 0, again when it was there before; each write counts exactly 1.
    """

    reads = frozenset({"get", "stat", "exists"})

    def initial(self) -> State:
        """There is nothing."""
        return None

    def apply(self, state: tuple[Hashable, int] | None, op: str, argument: Any) -> tuple[object, State]:
        """See the table above."""
        match op:
            case "create":
                return (None, (argument, 0)) if state is None else (Refusal.EXISTS, state)
            case "exists":
                return state is not None, state
            case "get" | "stat" | "put" | "cas" | "delete":
                return (Refusal.NO_NODE, None) if state is None else self._of_node(state, op, argument)
        raise ValueError(f"a node has no operation {op}")

    @staticmethod
    def _of_node(state: tuple[Hashable, int], op: str, argument: Any) -> tuple[object, State]:
        value, version = state
        match op:
            case "get":
                return value, state
            case "stat":
                return version, state
            case "put":
                return version + 1, (argument, version + 1)
            case "delete":
                return (None, None) if argument is None or argument == version else (Refusal.BAD_VERSION, state)
        new, expected = argument
        return (version + 1, (new, version + 1)) if expected == version else (Refusal.BAD_VERSION, state)


class Directory(Deterministic):
    """The names in one directory. State: a sorted tuple of them."""

    reads = frozenset({"names"})

    def initial(self) -> State:
        """No names."""
        return ()

    def apply(self, state: tuple[str, ...], op: str, argument: Any) -> tuple[object, State]:
        """See the table above."""
        if op == "names":
            return state, state
        at = bisect_left(state, argument)
        there = at < len(state) and state[at] == argument
        match op:
            case "create":
                return (Refusal.EXISTS, state) if there else (None, (*state[:at], argument, *state[at:]))
            case "delete":
                return (None, state[:at] + state[at + 1 :]) if there else (Refusal.NO_NODE, state)
        raise ValueError(f"a directory has no operation {op}")

    def step(self, state: tuple[str, ...], op: str, argument: Any, result: Any) -> tuple[bool, State]:
        """Whether this is the result. What is below a name is not known here: "not-empty" is believed if it is there."""
        if op == "delete" and result is Refusal.NOT_EMPTY:
            return argument in state, state
        return super().step(state, op, argument, result)


class FileDirectory(Directory):
    """The files in one directory of a file system. State: a sorted tuple of their names."""

    reads = frozenset({"names", "exists"})

    def apply(self, state: tuple[str, ...], op: str, argument: Any) -> tuple[object, State]:
        """See the table above. What is not there cannot be renamed, whatever stands at the new name."""
        match op:
            case "exists":
                return argument in state, state
            case "rename":
                name, new = argument
                if name not in state:
                    return Refusal.NO_NODE, state
                if new in state:
                    return Refusal.EXISTS, state
                return None, tuple(sorted((*(one for one in state if one != name), new)))
        return super().apply(state, op, argument)


class TokenFile(Deterministic):
    """A file to which unique tokens are appended. State: the tuple of them, or None where there is no file."""

    reads = frozenset({"read"})

    def initial(self) -> State:
        """There is no file."""
        return None

    def apply(self, state: tuple[Hashable, ...] | None, op: str, argument: Any) -> tuple[object, State]:
        """See the table above."""
        match op:
            case "append":
                return (Refusal.NO_NODE, None) if state is None else (len(state), (*state, argument))
            case "read":
                return (Refusal.NO_NODE if state is None else state), state
            case "create":
                return (None, ()) if state is None else (Refusal.EXISTS, state)
            case "delete":
                return (Refusal.NO_NODE if state is None else None), None
        raise ValueError(f"a file has no operation {op}")

    def step(self, state: tuple[Hashable, ...] | None, op: str, argument: Any, result: Any) -> tuple[bool, State]:
        """Whether this is the result. A wrong position is told without building the longer file."""
        if op == "append" and state is not None and result is not UNKNOWN and result != len(state):
            return False, state
        return super().step(state, op, argument, result)


class Together(Deterministic):
    """Several keys with operations on all of them at once. State: a tuple of theirs, in the order of the keys."""

    def __init__(self, keys: Iterable[str], model_of_key: Callable[[str], Deterministic]) -> None:
        self._models = {key: model_of_key(key) for key in keys}
        self._places = {key: place for place, key in enumerate(self._models)}

    def initial(self) -> State:
        """The first state of each."""
        return tuple(model.initial() for model in self._models.values())

    def apply(self, state: tuple[State, ...], op: str, argument: tuple[Part, ...]) -> tuple[object, State]:
        """All parts, one after the other, or nothing but the first refusal."""
        results: list[object] = []
        after = list(state)
        for key, part, detail in argument:
            place = self._places[key]
            result, after[place] = self._models[key].apply(after[place], part, detail)
            if isinstance(result, Refusal):
                return result, state
            results.append(result)
        return tuple(results), tuple(after)

    def step(self, state: tuple[State, ...], op: str, argument: tuple[Part, ...], result: Any) -> tuple[bool, State]:
        """Whether this is the result: asked part by part, since a model may accept more results than it would give."""
        if result is UNKNOWN:
            return True, self.apply(state, op, argument)[1]
        if isinstance(result, Refusal):
            return self._refuses(state, argument, result), state
        if not isinstance(result, tuple) or len(result) != len(argument):
            return False, state
        after = list(state)
        for (key, part, detail), given in zip(argument, result, strict=True):
            place = self._places[key]
            legal, after[place] = self._models[key].step(after[place], part, detail, given)
            if not legal or isinstance(given, Refusal):
                return False, state
        return True, tuple(after)

    def _refuses(self, state: tuple[State, ...], argument: tuple[Part, ...], refusal: Refusal) -> bool:
        """Whether a part may give this refusal after those before it have succeeded."""
        after = list(state)
        for key, part, detail in argument:
            place = self._places[key]
            if self._models[key].step(after[place], part, detail, refusal)[0]:
                return True
            result, after[place] = self._models[key].apply(after[place], part, detail)
            if isinstance(result, Refusal):
                return False
        return False
