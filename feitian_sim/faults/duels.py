"""Faults that make leaders meet: each strikes when members of a group choose, and only where there are such groups."""

from __future__ import annotations

from feitian_sim.faults.dice import Dice, Line


def chairs(dice: Dice) -> Line:
    """Whoever leads is put aside, for longer than the others bear, and then whoever leads instead, again and again.

    So two that lead by their own lights meet, and each in turn knows of writes that the other does not.
    """
    role = dice.of(dice.ground.groups)
    line: Line = {"kind": dice.of(("network-partition", "network-partition", "network-clog", "process-pause"))}
    line |= dice.again()
    if line["kind"] != "network-partition":
        return {**line, "target": {"leader": role}}
    if dice.chance(0.3):
        # One of them is still heard by all, and has to choose.
        return {**line, "split": "bridge", "target": {"role": role, "mode": "all"}}
    line |= {
        "direction": dice.of(("both", "both", "in", "out")),
        "among": role,
        "split": dice.of(("one", "one", "majority")),
    }
    return {**line, "target": {"leader": role}}


def crash_when_asked(dice: Dice) -> Line:
    """A member dies around its first write after a while: often what it promises to a new leader."""
    role = dice.of(dice.ground.groups)
    when = dice.when(200, 1)
    return {
        "kind": "process-crash-at",
        "at": when["at"],
        "duration": dice.left(when),
        "restart_after": when["duration"],
        "point": dice.of(("before-sync", "after-sync")),
        "machine": dice.chance(0.8),
        "target": {"role": role, "machine": dice.of(dice.ground.roles[role])},
    }


def bridge(dice: Dice) -> Line:
    """Two that do not reach each other, and one that both reach: it alone keeps the one from leading beside the other."""
    return {
        "kind": "network-partition",
        **dice.when(1500, 500, hasty=False),
        "split": "bridge",
        "target": {"role": dice.of(dice.ground.groups), "mode": "all"},
    }


def alone(dice: Dice) -> Line:
    """Whoever leads reaches no other member for about as long as a lease, and its clients all the while."""
    role = dice.of(dice.ground.groups)
    return {
        "kind": "network-partition",
        **dice.when(3 * dice.ground.patience_ms, dice.ground.patience_ms / 2, hasty=False),
        "among": role,
        "split": "one",
        "target": {"leader": role},
    }


def forgetful(dice: Dice) -> Line:
    """A member dies again and again and is back at once: what it does not know then, it must not act upon."""
    role = dice.of(dice.ground.groups)
    every_ms = dice.between(0.1, 0.5) * dice.ground.patience_ms
    down_ms = dice.between(0.2, 0.3 * every_ms)
    return {
        "kind": "process-kill",
        **dice.every(every_ms),
        "restart_after": f"{int(down_ms * 1000)}us",
        "target": {"role": role, "machine": dice.of(dice.ground.roles[role])},
    }
