"""Bugs of capabilities, keys and guards."""

from __future__ import annotations

from typing import Any

from feitian_sim.authority.facts import Issued
from feitian_sim.authority.judge import Judge
from feitian_sim.authority.messages import Renewed
from feitian_sim.authority.news import NewsAgent
from feitian_sim.authority.server import AuthorityServer
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.zhongkui.keyring import Keyring
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_RIGHTS = "scenarios/check/rights.yaml"


def _key_of_its_own(patch: Patch, hit: Hit) -> None:
    renew, elected = AuthorityServer._renew, AuthorityServer._elected

    def took_over(self: AuthorityServer) -> None:
        # A standby that takes over makes itself a key, and tells nobody.
        self.has_taken_over = True  # type: ignore[attr-defined]
        elected(self)

    def renewed(self: AuthorityServer, call: Any, state: Any) -> None:
        if not hasattr(self, "has_taken_over"):
            renew(self, call, state)
            return
        hit()
        key = self._issuing.signing_key(len(state.keyring.keys))
        epoch = state.revocations.least_epoch(call.subject)
        capability = self._issuing.renewed(call.subject, key, epoch, self._sim.now)
        self._sim.emit(Issued(call.subject, capability.serial, key.key_id))
        self.machine.cpu.submit(self._config.sign_cpu, self._owner, call.reply, Renewed((capability,)))

    patch.setattr(AuthorityServer, "_elected", took_over)
    patch.setattr(AuthorityServer, "_renew", renewed)


def _no_overlap(patch: Patch, hit: Hit) -> None:
    rotated = Keyring.rotated

    def at_once(self: Keyring, key_id: str, public: bytes, at_ns: int, overlap_ns: int) -> Keyring:
        hit()
        return rotated(self, key_id, public, at_ns, 0)

    patch.setattr(Keyring, "rotated", at_once)


def _modules_let_through(patch: Patch, hit: Hit) -> None:
    receive = Endpoint.receive

    def trusting(self: Endpoint, request: Any) -> None:
        is_ours = request.caller.credential.subject.startswith("module:")
        if is_ours and self.owner.deferred is None and type(request.message) in self._needs:
            hit()
            self._admit(request)
        else:
            receive(self, request)

    patch.setattr(Endpoint, "receive", trusting)


def _denied_once_is_enough(patch: Patch, hit: Hit) -> None:
    deny = Judge._deny
    known: dict[tuple[Any, ...], None] = {}

    def denied(self: Judge, *said: Any) -> None:
        if (self._sim.seed, *said) in known:
            # The same denial fills no log twice.
            hit()
            self.denied += 1
            return
        known[self._sim.seed, *said] = None
        deny(self, *said)

    patch.setattr(Judge, "_deny", denied)


def _never_asks_for_news(patch: Patch, hit: Hit) -> None:
    def look(self: NewsAgent) -> None:
        hit()

    patch.setattr(NewsAgent, "_look", look)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "ZG-03",
        "a standby that takes over signs with a key of its own",
        "HDFS block keys",
        ("ZG4",),
        _key_of_its_own,
        _RIGHTS,
    ),
    _m(
        "OWN-72",
        "what a replaced key has signed is void at once",
        "JWKS rotation without overlap",
        ("ZG4",),
        _no_overlap,
        _RIGHTS,
    ),
    _m("OWN-73", "modules are let through unverified", "confused deputies", ("ZG3",), _modules_let_through, _RIGHTS),
    _m(
        "OWN-75",
        "who missed a new key refuses the news of it",
        "found by our own check",
        ("NW15", "G6"),
        _never_asks_for_news,
        _RIGHTS,
    ),
    _m(
        "OWN-74",
        "a denial like one before is not recorded",
        "audit logs that fold repeats",
        ("ZG5",),
        _denied_once_is_enough,
        _RIGHTS,
    ),
)
