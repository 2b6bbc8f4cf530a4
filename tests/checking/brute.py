"""Small random histories, and a judge that tries every order: slow, plain and written apart from the checker.

The rules of the services are written down a second time here, on mutable dicts and lists, so that a mistake in the
models is as visible as one in the search.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from feitian_sim.checking.history import UNKNOWN, History, Operation
from feitian_sim.checking.models import Refusal

Effect = Callable[[dict[str, Any], str, Any], Any]


def register(world: dict[str, Any], op: str, argument: Any) -> Any:
    """Do it to the world, and say what comes back."""
    world.setdefault("version", 0)
    if op == "get":
        return world.get("value")
    if op == "write":
        world["value"] = argument
        return None
    if op == "stat":
        return world["version"]
    if op == "cas" and argument[1] != world["version"]:
        return Refusal("bad-version")
    world["value"] = argument[0] if op == "cas" else argument
    world["version"] += 1
    return world["version"]


def tree_node(world: dict[str, Any], op: str, argument: Any) -> Any:
    """Do it to the world, and say what comes back."""
    if op == "exists":
        return "value" in world
    if op == "create":
        if "value" in world:
            return Refusal("exists")
        world.update(value=argument, version=0)
        return None
    if "value" not in world:
        return Refusal("no-node")
    if op == "delete":
        if argument is not None and argument != world["version"]:
            return Refusal("bad-version")
        world.clear()
        return None
    return register(world, op, argument)


def token_file(world: dict[str, Any], op: str, argument: Any) -> Any:
    """Do it to the world, and say what comes back."""
    if op == "create":
        if "tokens" in world:
            return Refusal("exists")
        world["tokens"] = []
        return None
    if "tokens" not in world:
        return Refusal("no-node")
    tokens = world["tokens"]
    if op == "append":
        tokens.append(argument)
        return len(tokens) - 1
    if op == "read":
        return tuple(tokens)
    world.clear()
    return None


def precedes(one: Operation, other: Operation) -> bool:
    """Whether real time, or the program of their client, puts one before the other."""
    if one.returned_ns is None:
        return False
    own = one.client == other.client and one.number < other.number
    return one.returned_ns < other.called_ns or (own and one.returned_ns == other.called_ns)


def explains(operations: list[Operation], effect: Effect) -> bool:
    """Whether some order of all known and any of the unknown operations gives all results: all orders are tried."""

    def go_on(left: list[Operation], world: dict[str, Any]) -> bool:
        if all(operation.outcome == "unknown" for operation in left):
            return True
        for operation in left:
            if any(precedes(other, operation) for other in left if other is not operation):
                continue
            after = copy_of(world)
            result = effect(after, operation.op, operation.argument)
            rest = [other for other in left if other is not operation]
            if (operation.outcome == "unknown" or result == operation.result) and go_on(rest, after):
                return True
        return False

    return go_on([operation for operation in operations if operation.outcome != "fail"], {})


def copy_of(world: dict[str, Any]) -> dict[str, Any]:
    """A copy, its list too."""
    return dict(world) if "tokens" not in world else {"tokens": [*world["tokens"]]}


def _argument(chance: random.Random, kind: str, op: str, number: int) -> Any:
    value = f"v{number}" if kind == "unique" or chance.random() < 0.8 else "same"
    if op == "cas":
        return value, chance.randrange(4)
    if op == "delete":
        return chance.randrange(3) if kind == "tree" and chance.random() < 0.3 else None
    return value if op in ("put", "append", "write") or (op == "create" and kind == "tree") else None


OPS = {
    "register": ("get", "get", "put", "put", "stat", "cas"),
    "tree": ("create", "create", "delete", "get", "get", "put", "cas", "stat", "exists"),
    "unique": ("get", "get", "write"),
    "file": ("create", "create", "append", "append", "append", "read", "read", "delete"),
}
EFFECTS: dict[str, Effect] = {"register": register, "unique": register, "tree": tree_node, "file": token_file}


def random_history(chance: random.Random, kind: str, broken: bool) -> History:
    """Up to eight operations of up to four clients, some of unknown outcome; ``broken``: some results may be of elsewhen.

    A service without faults gives each result at an instant within the operation; a faulty one forgets changes
    that it has acknowledged, answers from the past, or makes unknown operations happen twice.
    """
    history, world = History(), {}
    past: list[dict[str, Any]] = [{}]
    effect, now = EFFECTS[kind], 0
    idle = [f"c{number}" for number in range(chance.randint(2, 4))]
    called: list[Operation] = []
    done: list[tuple[Operation, Any]] = []
    late: list[Operation] = []
    left = chance.randint(3, 8)
    while left or called or done:
        now += chance.randrange(3)
        choice = chance.random()
        if left and idle and choice < 0.4:
            client = idle.pop(chance.randrange(len(idle)))
            op = chance.choice(OPS[kind])
            called.append(history.invoke(client, "k", op, _argument(chance, kind, op, left), now))
            left -= 1
        elif called and choice < 0.7:
            operation = called.pop(chance.randrange(len(called)))
            if chance.random() < 0.15:
                late.append(operation)
                idle.append(operation.client)
                continue
            stale = broken and chance.random() < 0.8
            target = copy_of(chance.choice(past)) if stale else world
            done.append((operation, effect(target, operation.op, operation.argument)))
            past.append(copy_of(world))
        elif done:
            operation, result = done.pop(chance.randrange(len(done)))
            idle.append(operation.client)
            if chance.random() < 0.1:
                history.unknown(operation)
            else:
                history.ok(operation, result, now)
        elif late and choice > 0.9:
            operation = late[0] if broken and chance.random() < 0.3 else late.pop(chance.randrange(len(late)))
            effect(world, operation.op, operation.argument)
            past.append(copy_of(world))
    assert all((operation.result is UNKNOWN) == (operation.outcome == "unknown") for operation in history.operations)
    return history
