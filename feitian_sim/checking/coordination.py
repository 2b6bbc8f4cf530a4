"""What must hold of Nuwa, seen from inside: its tree, its sessions, its watches, its locks.

The tree is compared, command by command and at each recovery, with a small reference that was written from the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant
from feitian_sim.checking.tree_model import TreeModel

#: Errors after which an answer says which state it comes from.
_TELLING = ("", "no-node", "exists", "bad-version", "not-empty")
_TRUE_RATE_PPB = 1_000_000_000
_READS = ("get", "stat", "names", "values")


class TreeIsAsCommanded(Invariant):
    """NW8 (with NW9 and NW12: ephemeral files, commands that come twice)."""

    id = "NW8"
    needs = ("nuwa",)
    is_built_on = True
    claim = "every server answers each command as the rules of the tree say, and as every other server"

    def __init__(self) -> None:
        super().__init__()
        self.model = TreeModel()

    def hears(self) -> Mapping[str, Hears]:
        """What was there at the beginning, and what servers apply."""
        return {"nuwa.founded": self._founded, "nuwa.session_founded": self._session, "nuwa.applied": self._applied}

    def _founded(self, now_ns: int, fact: Any) -> None:
        self.model.found(fact.path, fact.value, fact.version, fact.session)
        self.model.sums[1] = self.model.sum

    def _session(self, now_ns: int, fact: Any) -> None:
        if fact.session < 0:
            self.model.sessions[fact.session] = None

    def _applied(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        model = self.model
        if fact.slot > model.slot:
            expected = model.predict(fact)
        else:
            expected = model.answers.get(fact.slot, ("nothing", ""))
        # Words that explain an error are the server's own.
        if expected[0] != fact.error or (not fact.error and expected[1] != fact.result):
            found = f"{fact.error or 'ok'} {fact.result}".strip()
            must = f"{expected[0] or 'ok'} {expected[1]}".strip()
            text = f"server {fact.server} answered {fact.op} {fact.path} (slot {fact.slot}) with {found}, not with {must}"
            self.broken(now_ns, text)


class StateIsTheLog(Invariant):
    """NW13."""

    id = "NW13"
    needs = ("nuwa",)
    claim = "after a snapshot and what follows it, a server has the state that the whole log makes"

    def __init__(self, tree: TreeIsAsCommanded) -> None:
        super().__init__()
        self._tree = tree

    def hears(self) -> Mapping[str, Hears]:
        """States of servers."""
        return {"nuwa.state": self._told}

    def _told(self, now_ns: int, fact: Any) -> None:
        expected = self._tree.model.sums.get(fact.slot)
        if expected is None:
            return
        self.evaluated += 1
        if fact.sum != expected:
            self.broken(
                now_ns, f"server {fact.server} has another tree at slot {fact.slot} ({fact.why}) than the log makes"
            )


class ReadsNeverGoBack(Invariant):
    """NW7."""

    id = "NW7"
    needs = ("nuwa",)
    claim = "a session's reads show no state older than what it was told of before"

    def __init__(self) -> None:
        super().__init__()
        # What each session had been told of, and since when.
        self._told: dict[str, list[tuple[int, int]]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Answers and notices."""
        return {
            "nuwa.operation": self._answered,
            "nuwa.notice": self._noticed,
            "nuwa.session_opened": self._opened,
        }

    def _opened(self, now_ns: int, fact: Any) -> None:
        # A new session knows nothing of what one before it was told.
        self._told.pop(fact.owner, None)

    def _answered(self, now_ns: int, fact: Any) -> None:
        if fact.error not in _TELLING:
            return
        told = self._told.setdefault(fact.owner, [])
        if fact.op.removeprefix("fresh ") in _READS:
            self.evaluated += 1
            # What it was told at the very instant at which it asked may have come after the asking.
            known = next((zxid for since_ns, zxid in reversed(told) if since_ns < fact.start_ns), 0)
            if fact.zxid < known:
                text = f"{fact.owner} was shown {fact.path} as of slot {fact.zxid}, having been told of slot {known}"
                self.broken(now_ns, text)
        self._note(told, now_ns, fact.zxid)

    def _noticed(self, now_ns: int, fact: Any) -> None:
        self._note(self._told.setdefault(fact.owner, []), now_ns, fact.zxid)

    @staticmethod
    def _note(told: list[tuple[int, int]], now_ns: int, zxid: int) -> None:
        if not told or zxid > told[-1][1]:
            told.append((now_ns, zxid))


class NoticesInOrder(Invariant):
    """NW10."""

    id = "NW10"
    needs = ("nuwa-history", "lock")
    claim = "a watch tells once, of a change after what its client had read, and a session's notices come in order"

    def __init__(self, tree: TreeIsAsCommanded) -> None:
        super().__init__()
        self._tree = tree
        self._last: dict[int, int] = {}
        self._set: dict[tuple[int, int], Any] = {}
        self._fired: dict[tuple[int, int], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Watches and notices."""
        return {"nuwa.watch_set": self._asked, "nuwa.notice": self._told}

    def _asked(self, now_ns: int, fact: Any) -> None:
        self._set[fact.session, fact.number] = fact

    def _told(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        watch = self._set.get((fact.session, fact.number))
        if watch is None:
            # Registered before time 0.
            return
        if watch.what != "below":
            if (fact.session, fact.number) in self._fired:
                self.broken(now_ns, f"watch {fact.number} of {fact.owner} told twice of {fact.path}")
            self._fired[fact.session, fact.number] = None
        if fact.zxid < self._last.get(fact.session, 0):
            self.broken(now_ns, f"{fact.owner} was told of slot {fact.zxid} after slot {self._last[fact.session]}")
        self._last[fact.session] = fact.zxid


class NoticeBeforeEffect(Invariant):
    """NW10a: as ZooKeeper promises, a client hears of a change before it sees what came of it."""

    id = "NW10a"
    needs = ("nuwa-history",)
    claim = "who watches a file is told that it changed before its server shows it the change, and only if it did"

    def __init__(self, tree: TreeIsAsCommanded) -> None:
        super().__init__()
        self._tree = tree
        # Of each session's name: watches that have not told, with the slot that the read which set them has shown.
        self._open: dict[str, dict[int, tuple[str, int]]] = {}
        self._asked: dict[str, list[tuple[int, str]]] = {}
        self._fired: dict[tuple[str, int], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Watches, notices and reads."""
        return {
            "nuwa.watch_set": self._set,
            "nuwa.notice": self._told,
            "nuwa.operation": self._read,
            "nuwa.session_lost": self._lost,
        }

    def _set(self, now_ns: int, fact: Any) -> None:
        if fact.what == "node":
            self._asked.setdefault(fact.owner, []).append((fact.number, fact.path))

    def _told(self, now_ns: int, fact: Any) -> None:
        self._fired[fact.owner, fact.number] = None
        path, since = self._open.get(fact.owner, {}).pop(fact.number, ("", 0))
        if path and not any(since < slot <= fact.zxid for slot in self._tree.model.changes.get(path, ())):
            text = f"{fact.owner} was told that {path} changed by slot {fact.zxid}, and nothing has since slot {since}"
            self.broken(now_ns, text)

    def _lost(self, now_ns: int, fact: Any) -> None:
        self._open.pop(fact.owner, None)
        self._asked.pop(fact.owner, None)

    def _read(self, now_ns: int, fact: Any) -> None:
        # A fresh read is the leader's word, which may be ahead of the server that sends the notices.
        if fact.op not in _READS or fact.error not in _TELLING:
            return
        for path, since in list(self._open.get(fact.owner, {}).values()):
            if path != fact.path:
                continue
            self.evaluated += 1
            changed = [slot for slot in self._tree.model.changes.get(path, ()) if since < slot <= fact.zxid]
            if changed:
                text = f"{fact.owner} was shown {path} as of slot {fact.zxid} and never told of its change in slot"
                self.broken(now_ns, f"{text} {changed[0]}")
        asked = self._asked.get(fact.owner)
        if asked and asked[0][1] == fact.path and fact.op == "get":
            number, path = asked.pop(0)
            if (fact.owner, number) not in self._fired:
                self._open.setdefault(fact.owner, {})[number] = (path, fact.zxid)


class FencedExclusion(Invariant):
    """NW11: judged at what the lock guards."""

    id = "NW11"
    needs = ("lock", "pangu")
    claim = "what a lock guards takes work in the order of fencing tokens, and a token has one holder"

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, int] = {}
        self._holders: dict[tuple[str, int], str] = {}
        self._offices: dict[str, tuple[int, str]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Work that was taken, and elections."""
        return {
            "nuwa.resource_touched": self._touched,
            "nuwa.elected": self._elected,
        }

    def _touched(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if not fact.accepted:
            return
        newest = self._newest.get(fact.lock, -1)
        if fact.token < newest:
            self.broken(now_ns, f"{fact.lock} took work of {fact.owner} under token {fact.token} after {newest}")
        self._newest[fact.lock] = fact.token
        holder = self._holders.setdefault((fact.lock, fact.token), fact.owner)
        if holder != fact.owner:
            self.broken(now_ns, f"{holder} and {fact.owner} hold {fact.lock} under token {fact.token}")

    def _elected(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        before, holder = self._offices.get(fact.path, (-1, ""))
        # One that laid its office down while it was cut off takes it up again with the same candidacy.
        if fact.token < before or (fact.token == before and fact.owner != holder):
            self.broken(
                now_ns, f"{fact.owner} holds {fact.path} under token {fact.token}, not above {before} of {holder}"
            )
        self._offices[fact.path] = (fact.token, fact.owner)


class SessionsEndLate(Invariant):
    """NW9: a session is declared over only after its time."""

    id = "NW9"
    needs = ("nuwa",)
    claim = "a session ends by its client's wish or after its client's silence, never before"

    def __init__(self) -> None:
        super().__init__()
        self._timeouts: dict[int, int] = {}
        self._contact_ns: dict[int, int] = {}
        self._over: dict[int, None] = {}
        # The fastest that any clock went, and how far clocks have jumped: a leader may have judged by that one.
        self._rate_ppb = _TRUE_RATE_PPB
        self._jumped_ns = 0

    def hears(self) -> Mapping[str, Hears]:
        """Sessions, and clocks."""
        return {
            "hardware.clock_changed": self._clock,
            "nuwa.session_founded": self._began,
            "nuwa.session_expired": self._declared,
            "nuwa.applied": self._ended,
            "nuwa.contact": self._met,
        }

    def _clock(self, now_ns: int, fact: Any) -> None:
        self._rate_ppb = max(self._rate_ppb, fact.rate_ppb)
        # What a clock shows is rounded to whole nanoseconds from each change on.
        self._jumped_ns += fact.jump_ns + 1

    def _met(self, now_ns: int, fact: Any) -> None:
        self._contact_ns[fact.session] = max(fact.sent_ns, self._contact_ns.get(fact.session, 0))

    def _began(self, now_ns: int, fact: Any) -> None:
        self._timeouts[fact.session] = fact.timeout_ns

    def _declared(self, now_ns: int, fact: Any) -> None:
        timeout_ns = self._timeouts.get(fact.session)
        if timeout_ns is not None:
            self.evaluated += 1
            if fact.silent_ns < timeout_ns:
                text = f"session {fact.session} was declared over after {fact.silent_ns} ns of {timeout_ns} ns"
                self.broken(now_ns, text)

    def _ended(self, now_ns: int, fact: Any) -> None:
        # A leader that leads no longer may declare what it likes: what counts is what is applied, by whoever is first.
        if fact.op != "end" or fact.value != "expired" or fact.error or fact.session in self._over:
            return
        self._over[fact.session] = None
        timeout_ns = self._timeouts.get(fact.session, 0)
        silent_ns = now_ns - self._contact_ns.get(fact.session, 0)
        if silent_ns * self._rate_ppb // _TRUE_RATE_PPB + self._jumped_ns < timeout_ns:
            text = f"session {fact.session} ended {silent_ns} ns after it was confirmed for {timeout_ns} ns"
            self.broken(now_ns, text)
