"""Bugs of calls and capabilities, of kinds that gRPC, ZooKeeper and token libraries have had."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from feitian_sim.kuafu.reply_table import ReplyTable
from feitian_sim.kuafu.service import ServiceCaller
from feitian_sim.zhongkui.capability import Capability
from feitian_sim.zhongkui.encoding import encode
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_CALLS = "scenarios/check/calls.yaml"
_ATTACKS = "scenarios/check/attacks.yaml"


def _retried_elsewhere(patch: Patch, hit: Hit) -> None:
    failed = ServiceCaller._failed

    def elsewhere(self: ServiceCaller, asked: Any, address: str, error: Any) -> None:
        failed(self, asked, address, error)
        if asked.address:
            hit()
            asked.address = ""

    patch.setattr(ServiceCaller, "_failed", elsewhere)


def _any_incarnation(patch: Patch, hit: Hit) -> None:
    admit = ReplyTable.admit

    def admitted(self: ReplyTable, call: Any, once: Any, now_ns: int) -> bool:
        if once.again and once.incarnation != self._incarnation:
            hit()
            once = once._replace(incarnation=self._incarnation)
        return admit(self, call, once, now_ns)

    patch.setattr(ReplyTable, "admit", admitted)


def _no_table(patch: Patch, hit: Hit) -> None:
    admit = ReplyTable.admit

    def admitted(self: ReplyTable, call: Any, once: Any, now_ns: int) -> bool:
        if (once.caller, once.number) in self._entries:
            hit()
            return True
        return admit(self, call, once, now_ns)

    patch.setattr(ReplyTable, "admit", admitted)


def _answer_of_the_latest(patch: Patch, hit: Hit) -> None:
    admit = ReplyTable.admit

    def admitted(self: ReplyTable, call: Any, once: Any, now_ns: int) -> bool:
        ends = [entry.end for (caller, _), entry in self._entries.items() if caller == once.caller and entry.end]
        if (once.caller, once.number) in self._entries and ends:
            # One answer is kept for each caller.
            hit()
            self._answer(call, *ends[-1])
            return False
        return admit(self, call, once, now_ns)

    patch.setattr(ReplyTable, "admit", admitted)


def _deadline_of_each_try(patch: Patch, hit: Hit) -> None:
    attempt = ServiceCaller._try
    allowed: dict[tuple[str, int], int] = {}

    def tried(self: ServiceCaller, asked: Any, addresses: Any) -> None:
        key = (self._endpoint.identity, asked.number)
        if not asked.attempts:
            allowed[key] = asked.until_ns - self._endpoint.now_ns
        else:
            hit()
            asked.until_ns = self._endpoint.now_ns + allowed[key]
        attempt(self, asked, addresses)

    patch.setattr(ServiceCaller, "_try", tried)


def _signature_without(field: str) -> Any:
    def plant(patch: Patch, hit: Hit) -> None:
        def body(self: Capability) -> bytes:
            hit()
            grant, above = self.grant, self.above
            fields = {
                "cell": self.cell, "serial": self.serial, "subject": self.subject, "subject_key": self.subject_key,
                "resources": grant.resources, "permissions": grant.permissions,
                "not_before": grant.not_before_ns, "expires": grant.expires_ns,
                "epoch": self.epoch, "key": self.key_id, "creator": self.creator,
                "above": None if above is None else (above.body, above.signature),
            }  # fmt: skip
            return encode(tuple(value for name, value in fields.items() if not name.startswith(field)))

        patch.setattr(Capability, "body", property(body))

    return plant


def _widening_allowed(patch: Patch, hit: Hit) -> None:
    # The package names its function like the module.
    verify = import_module("feitian_sim.zhongkui.verify")
    widened = verify._widened

    def never(link: Capability, above: Capability) -> Any:
        if widened(link, above) is not None:
            hit()
        return None

    patch.setattr(verify, "_widened", never)


MUTANTS: tuple[Mutant, ...] = (
    _m("KF-04", "a retry goes to another server", "commit_unknown_result", ("KF1",), _retried_elsewhere, _CALLS),
    _m("OWN-41", "another incarnation takes a retry for new", "Birrell and Nelson", ("KF1",), _any_incarnation, _CALLS),
    _m("OWN-42", "the reply table is not asked", "Birrell and Nelson", ("KF1",), _no_table, _CALLS),
    _m(
        "OWN-47",
        "a retry is answered with what its caller was answered last",
        "Juszczak, USENIX 1989",
        ("KF2",),
        _answer_of_the_latest,
        _CALLS,
    ),
    _m(
        "OWN-48",
        "each try has the whole deadline",
        "gRPC proposal A6: one deadline for all",
        ("KF6",),
        _deadline_of_each_try,
        _CALLS,
    ),
    _m("ZG-01", "the signature omits the path", "generic", ("ZG1",), _signature_without("resources"), _ATTACKS),
    _m("OWN-43", "the signature omits the permissions", "generic", ("ZG1",), _signature_without("permissions"), _ATTACKS),
    _m("OWN-44", "the signature omits the subject", "generic", ("ZG1",), _signature_without("subject"), _ATTACKS),
    _m("OWN-45", "the signature omits the end", "generic", ("ZG1",), _signature_without("expires"), _ATTACKS),
    _m("OWN-46", "a narrowed capability may be wider", "Macaroons' caveat order", ("ZG2",), _widening_allowed, _ATTACKS),
)
