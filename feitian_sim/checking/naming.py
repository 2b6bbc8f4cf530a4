"""What a service's name stands for: the servers that live, all of them and no others, soon after each change.

Servers are told of by the load that runs them, from their registration to their end; what machines know of the name is
what their resolvers have read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Hears, Invariant, When
from feitian_sim.checking.liveness import Recoverable

#: Calls for each server from which on it shows whether they are spread.
_ENOUGH = 10
#: A server with less than this part of the mean, or the mean less than this part of a server, has no share.
_TOLERANCE = 3


@dataclass(slots=True)
class Server:
    """A server as its load tells of it."""

    since_ns: int
    over_ns: int = -1


class _Names(Invariant):
    """What both invariants know."""

    when: ClassVar[When] = "liveness"
    needs = ("rpc",)

    def __init__(self, config: CheckConfig, recoverable: Recoverable) -> None:
        super().__init__()
        assert config.liveness is not None
        self._recoverable = recoverable
        self._core = dict.fromkeys(config.liveness.core)
        self._healed_ns = config.liveness.after
        self._bound_ns = config.converge
        # By service and address.
        self._servers: dict[tuple[str, str], Server] = {}
        # By machine and service: what it has learned last.
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Servers, and what machines know of them."""
        return {
            "kuafu.server_began": self._began,
            "kuafu.server_over": self._over,
            "nuwa.resolved": self._resolved,
        }

    def _began(self, now_ns: int, fact: Any) -> None:
        self._servers[fact.service, fact.address] = Server(now_ns)

    def _over(self, now_ns: int, fact: Any) -> None:
        server = self._servers[fact.service, fact.address]
        if server.over_ns < 0:
            server.over_ns = now_ns

    def _resolved(self, now_ns: int, fact: Any) -> None:
        self._known[fact.machine, fact.service] = tuple(fact.addresses.split(",")) if fact.addresses else ()

    def _in_core(self, address: str) -> bool:
        return address.removeprefix("tcp://").rpartition(":")[0] in self._core


class NobodyDeadIsListed(_Names):
    """NW16."""

    id = "NW16"
    claim = "with a healthy core, who is dead or has withdrawn is soon listed under its service's name no more"

    def at_end(self, now_ns: int) -> None:
        """See what each machine of the core still knows."""
        for (machine, service), addresses in self._known.items():
            if machine not in self._core:
                continue
            for address in addresses:
                server = self._servers.get((service, address))
                self.evaluated += 1
                if server is None or server.over_ns < 0 or self._recoverable.why_not():
                    continue
                due_ns = max(server.over_ns, self._healed_ns) + self._bound_ns
                if due_ns <= now_ns:
                    late_s = (now_ns - server.over_ns) / 1e9
                    self.broken(now_ns, f"{machine} lists {address} under {service}, {late_s:.1f} s after it was over")


class FoundAgain(_Names):
    """KF7."""

    id = "KF7"
    claim = (
        "with a healthy core, a name leads to every server that lives, a call of it succeeds, and servers share the load"
    )

    def __init__(self, config: CheckConfig, recoverable: Recoverable) -> None:
        super().__init__(config, recoverable)
        # Calls run by each server since anything has changed last.
        self._runs: dict[str, int] = {}
        self._even: dict[str, None] = {}
        self._agreed = False

    def hears(self) -> Mapping[str, Hears]:
        """Calls besides."""
        return {**super().hears(), "kuafu.call": self._called, "kuafu.rpc_run": self._ran}

    def _began(self, now_ns: int, fact: Any) -> None:
        super()._began(now_ns, fact)
        if fact.balance == "round-robin":
            self._even[fact.service] = None
        self._begin_anew(now_ns)

    def _over(self, now_ns: int, fact: Any) -> None:
        self._judge_spread(now_ns)
        self._judge_listed(now_ns, fact.service, fact.address)
        super()._over(now_ns, fact)
        self._begin_anew(now_ns)

    def _resolved(self, now_ns: int, fact: Any) -> None:
        super()._resolved(now_ns, fact)
        self._begin_anew(now_ns)

    # Calls reach somebody

    def _called(self, now_ns: int, fact: Any) -> None:
        if fact.start_ns < self._healed_ns + self._bound_ns or not fact.server.startswith("nuwa://"):
            return
        service = fact.server.rpartition("/")[2]
        if not all(self._in_core(address) for (of, address) in self._servers if of == service):
            return
        self.evaluated += 1
        if fact.error and not self._recoverable.why_not():
            self.broken(now_ns, f"a call of {fact.server}, begun in a healthy core, ended as {fact.error}")

    # They are spread

    def _begin_anew(self, now_ns: int) -> None:
        self._runs.clear()
        lives: dict[str, dict[str, None]] = {}
        for (service, address), server in self._servers.items():
            if server.over_ns < 0:
                lives.setdefault(service, {})[address] = None
        # Of the machines of the core that know the name at all.
        known = [(service, found) for (machine, service), found in self._known.items() if machine in self._core]
        same = all(dict.fromkeys(found) == lives.get(service, {}) for service, found in known)
        self._agreed = bool(known) and same and now_ns >= self._healed_ns

    def _ran(self, now_ns: int, fact: Any) -> None:
        if self._agreed:
            self._runs[fact.server] = self._runs.get(fact.server, 0) + 1

    def _judge_spread(self, now_ns: int) -> None:
        if not self._agreed or len(self._even) != 1:
            return
        lives = [address for (_, address), server in self._servers.items() if server.over_ns < 0]
        runs = sum(self._runs.values())
        if len(lives) < 2 or runs < _ENOUGH * len(lives):
            return
        mean = runs / len(lives)
        for address in lives:
            self.evaluated += 1
            share = self._runs.get(address, 0)
            if not mean <= share * _TOLERANCE <= mean * _TOLERANCE**2:
                self.broken(now_ns, f"{address} has run {share} of {runs} calls that {len(lives)} servers share")

    # Everybody is found

    def _judge_listed(self, now_ns: int, service: str, address: str) -> None:
        """Whoever has lived long enough is known wherever the name is."""
        server = self._servers[service, address]
        due_ns = max(server.since_ns, self._healed_ns) + self._bound_ns
        if server.over_ns >= 0 or due_ns > now_ns or not self._in_core(address):
            return
        for (machine, known), addresses in self._known.items():
            if known != service or machine not in self._core:
                continue
            self.evaluated += 1
            if address not in addresses and not self._recoverable.why_not():
                lived_s = (now_ns - server.since_ns) / 1e9
                self.broken(now_ns, f"{machine} does not list {address} under {service}, which has lived {lived_s:.1f} s")

    def at_end(self, now_ns: int) -> None:
        """See who lives."""
        self._judge_spread(now_ns)
        for service, address in self._servers:
            self._judge_listed(now_ns, service, address)
