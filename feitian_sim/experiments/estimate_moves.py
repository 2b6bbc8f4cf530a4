"""Moves: how many replicas the operations of a scenario move, and for how long, for estimates and time left."""

from __future__ import annotations

from feitian_sim.faults.places import places
from feitian_sim.kernel import SECOND, Simulation
from feitian_sim.operations.schedule import Order, orders
from feitian_sim.scenario import Loaded
from feitian_sim.scenario.roles import roles

#: (from, to, replicas moved); seconds.
Moves = tuple[float, float, float]


def foreseen_moves(loaded: Loaded, replicas: float, chunk_bytes: float) -> list[Moves]:
    """What each operation moves, of so many replicas of this size, if its servers use all their slots."""
    scenario = loaded.scenario
    if scenario.pangu is None or not scenario.operations:
        return []
    sim = Simulation(scenario.seed)
    streams = {number: sim.stream("estimate", str(number)) for number in range(len(scenario.operations))}
    found = orders(scenario.operations, places(scenario.cluster, roles(scenario)), streams)
    moves = [_moves(loaded, order, replicas, chunk_bytes) for order in found]
    return [one for one in moves if one[2] > 0]


def _moves(loaded: Loaded, order: Order, replicas: float, chunk_bytes: float) -> Moves:
    scenario = loaded.scenario
    pangu = scenario.pangu
    assert pangu is not None
    share = len(order.machines) / max(1, scenario.cluster.server_count)
    if order.action == "add" and pangu.rebalance in ("none", "lazy"):
        share = 0.0
    # Of the two slots of a server one is dispatched while the other moves.
    each_s = max(chunk_bytes * 8 / pangu.repair.rate, pangu.repair.dispatch_cost / SECOND)
    per_s = len(order.machines) * pangu.drain.per_server / each_s
    begin_s = order.at_ns / SECOND
    duration_s = scenario.duration / SECOND
    wanted, possible = share * replicas, per_s * (duration_s - begin_s)
    moved = max(0.0, min(wanted, possible))
    return begin_s, begin_s + moved / per_s, moved
