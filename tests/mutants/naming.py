"""Bugs of names: servers that stay listed, servers that are not found again, calls that all go to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feitian_sim.kuafu.balance import Balancer
from feitian_sim.nuwa.discovery import Registration, Resolver, directory_of
from feitian_sim.workloads.rpc_load import RpcProcesses
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_MOVES = "scenarios/check/moves.yaml"


def _listed_for_ever(patch: Patch, hit: Hit) -> None:
    def register(self: Registration) -> None:
        hit()
        self._client.create(self._path, self._address.encode(), self._registered, ephemeral=False)

    patch.setattr(Registration, "register", register)


def _found_once(patch: Patch, hit: Hit) -> None:
    registered = RpcProcesses.registered

    def only_once(self: RpcProcesses, owner: Any, server: Any, again: Any) -> Registration:
        return registered(self, owner, server, hit)

    patch.setattr(RpcProcesses, "registered", only_once)


def _list_read_once(patch: Patch, hit: Hit) -> None:
    def look(self: Resolver, service: str) -> None:
        client = self._client
        if client is not None and not client.is_over:
            # A watch that has told is not set again.
            client.read(
                "values", directory_of(service), lambda answer: self._read(service, answer), watch=lambda _: hit()
            )

    patch.setattr(Resolver, "look", look)


def _always_the_first(patch: Patch, hit: Hit) -> None:
    def choose(self: Balancer, addresses: Sequence[str], shunned: Sequence[str] = ()) -> str:
        hit()
        return next((one for one in addresses if one not in shunned), addresses[0])

    patch.setattr(Balancer, "choose", choose)


MUTANTS: tuple[Mutant, ...] = (
    _m("OWN-68", "a server's entry outlives it", "SmartStack: stale entries", ("NW16",), _listed_for_ever, _MOVES),
    _m(
        "OWN-69",
        "a server whose session has ended is not found again",
        "found by our own check; CURATOR-164",
        ("KF7",),
        _found_once,
        _MOVES,
    ),
    _m("OWN-70", "a list of servers is read once", "ZOOKEEPER-442", ("NW16", "KF7"), _list_read_once, _MOVES),
    _m("OWN-71", "all calls go to the first server", "generic", ("KF7",), _always_the_first, _MOVES),
)
