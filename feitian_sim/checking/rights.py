"""What Zhongkui promises, judged from outside: by those who try what they may not, and by what becomes of each message.

Not judged, for want of the mechanism: that a signature is good no longer than the overlap. A capability never outlives it
(``zhongkui.overlap`` is at least ``lifetime``), so that nothing is left to be refused for its key alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

#: Where the authority has Nuwa keep its keys.
_KEPT_AT = "/zhongkui/state"
_OF_THE_KEY = ("key-unknown", "key-rotated-out")


class NothingWithoutRight(Invariant):
    """ZG1: an attacker tries every kind of void capability at every kind of server.

    What makes each void is known to who made it, not to who verifies it: altered in one field after the other, forged,
    expired, of another subject, cell or scope, revoked.
    """

    id = "ZG1"
    needs = ("attack",)
    claim = "no operation is done for who has no valid capability for it"

    def hears(self) -> Mapping[str, Hears]:
        """Attempts and their answers."""
        return {"zhongkui.attempt": self._tried}

    def _tried(self, now_ns: int, fact: Any) -> None:
        if fact.attempt == "widened":
            return
        self.evaluated += 1
        if not fact.refused:
            self.broken(now_ns, f"{fact.load} was let through at {fact.target} with a capability that is {fact.attempt}")


class NarrowedOnly(Invariant):
    """ZG2: the attacker narrows what it holds to what it would like."""

    id = "ZG2"
    needs = ("attack",)
    claim = "what is derived from a capability permits no more than that does"

    def hears(self) -> Mapping[str, Hears]:
        """Attempts and their answers."""
        return {"zhongkui.attempt": self._tried}

    def _tried(self, now_ns: int, fact: Any) -> None:
        if fact.attempt != "widened":
            return
        self.evaluated += 1
        if not fact.refused:
            self.broken(now_ns, f"{fact.load} was let through at {fact.target} with more than it was given")


class EverybodyIsVerified(Invariant):
    """ZG3: modules of the platform and strangers alike."""

    id = "ZG3"
    needs = ("attack",)
    claim = "no message reaches its handler that was not allowed at that machine for its sender, whoever that is"

    def __init__(self) -> None:
        super().__init__()
        # By machine and subject: what was allowed and has not been used.
        self._allowed: dict[tuple[str, str], int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What is allowed, and what is handed on."""
        return {"zhongkui.allowed": self._allow, "kuafu.request_admitted": self._admitted}

    def _allow(self, now_ns: int, fact: Any) -> None:
        key = (fact.machine, fact.subject)
        self._allowed[key] = self._allowed.get(key, 0) + 1

    def _admitted(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        key = (fact.machine, fact.subject)
        left = self._allowed[key] = self._allowed.get(key, 0) - fact.checks
        if left < 0:
            self.broken(
                now_ns, f"{fact.message} of {fact.subject} was handed on at {fact.address}, and nobody had allowed it"
            )


class EachVerdictIsRecorded(Invariant):
    """ZG5."""

    id = "ZG5"
    needs = ("attack",)
    claim = "each allow and each deny is recorded, once"

    def __init__(self) -> None:
        super().__init__()
        self._allows = 0
        self._denials = 0
        # Over the whole run, logins not counted.
        self._records = 0

    def hears(self) -> Mapping[str, Hears]:
        """Messages at their guards, and what is recorded of them."""
        return {
            "kuafu.request_came": self._came,
            "zhongkui.allowed": self._allowed,
            "zhongkui.denied": self._denied,
            "kuafu.request_judged": self._judged,
            "zhongkui.totals": self._counted,
        }

    def _came(self, now_ns: int, fact: Any) -> None:
        self._allows = self._denials = 0

    def _allowed(self, now_ns: int, fact: Any) -> None:
        self._allows += 1
        self._records += 1

    def _denied(self, now_ns: int, fact: Any) -> None:
        self._denials += 1
        self._records += fact.permission != "login"

    def _judged(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        # One that is refused may have passed the first of two checks.
        right = self._denials == 1 if fact.refused else (self._allows, self._denials) == (fact.checks, 0)
        if not right:
            what = "refused" if fact.refused else "let through"
            text = (
                f"a message of {fact.subject} was {what} at {fact.machine} after {fact.checks} checks, and recorded are"
            )
            self.broken(now_ns, f"{text} {self._allows} allows and {self._denials} denials")

    def _counted(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if fact.checked != self._records:
            self.broken(now_ns, f"{fact.checked} checks were made, {self._records} are recorded")


@dataclass(slots=True)
class Key:
    """A key as it was proposed: which news tells of it, when it was replaced, and until when it is good at least."""

    version: int = 0
    kept: bool = False
    good_until_ns: int = 1 << 62


class KeysChangeForNobody(Invariant):
    """ZG4: over changes of keys and of the authority's servers. That a key is kept is judged by what Nuwa holds."""

    id = "ZG4"
    needs = ("key-rotation",)
    claim = "the authority signs with a key that is kept, and what it has signed is good for the overlap"

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, Key] = {}
        # What the authority has issued: the key by serial.
        self._issued: dict[str, str] = {}
        # What news each machine has heard.
        self._heard: dict[str, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Keys, what is signed with them, and what servers find."""
        return {
            "zhongkui.key_founded": self._founded,
            "zhongkui.key_proposed": self._proposed,
            "nuwa.applied": self._applied,
            "zhongkui.issued": self._signed,
            "zhongkui.news_heard": self._told,
            "zhongkui.looked_at": self._looked_at,
        }

    def _founded(self, now_ns: int, fact: Any) -> None:
        self._keys[fact.key] = Key(kept=True)

    def _proposed(self, now_ns: int, fact: Any) -> None:
        key = self._keys.setdefault(fact.key, Key())
        key.version = max(key.version, fact.version)
        before = self._keys[fact.before]
        # Should two ask for the same, the earlier end is sure.
        before.good_until_ns = min(before.good_until_ns, now_ns + fact.overlap_ns)

    def _applied(self, now_ns: int, fact: Any) -> None:
        if fact.path != _KEPT_AT or fact.error or fact.op != "put":
            return
        for name, key in self._keys.items():
            key.kept = key.kept or name.encode().hex() in fact.value

    def _signed(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        self._issued[fact.serial] = fact.key
        key = self._keys.get(fact.key)
        if key is None or not key.kept:
            self.broken(now_ns, f"{fact.subject} was given {fact.serial}, signed with {fact.key}, which is kept nowhere")
        elif now_ns > key.good_until_ns:
            self.broken(now_ns, f"{fact.subject} was given {fact.serial}, signed with {fact.key}, which is out")

    def _told(self, now_ns: int, fact: Any) -> None:
        self._heard[fact.machine] = max(self._heard.get(fact.machine, 0), fact.version)

    def _looked_at(self, now_ns: int, fact: Any) -> None:
        key = self._keys.get(fact.key)
        # A stranger may name any key; of what was there at the beginning, and issued since, the key is known.
        if key is None or not key.kept or self._issued.get(fact.serial, fact.key) != fact.key:
            return
        self.evaluated += 1
        knows = self._heard.get(fact.machine, 0) >= key.version
        if fact.reason in _OF_THE_KEY and knows and fact.clock_ns <= key.good_until_ns:
            text = f"{fact.machine} refused {fact.serial} of {fact.subject} ({fact.reason}), whose key {fact.key} is good"
            self.broken(now_ns, text)
