"""What must happen after the core is healed: everything that its clients ask is answered again, within a bound.

Everything outside of the core stays as it is. Where the disks of too many members are lost, no protocol could go on: that
is judged here from what happened to disks, independently of the protocol, and then nothing is demanded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.coordination import TreeIsAsCommanded
from feitian_sim.checking.invariant import Hears, Invariant, When

#: Elections of a group after everything has had time to settle that are not yet too many.
_ELECTIONS = 2


class Recoverable(Invariant):
    """Whether a core could recover at all: told by members without their disk. It judges the others, not the run."""

    id = "recoverable"
    needs = ("nuwa",)
    is_built_on = True
    claim = "a group of which a majority has its disks can go on"
    when: ClassVar[When] = "liveness"

    def __init__(self) -> None:
        super().__init__()
        self._members: dict[str, int] = {}
        self._blank: dict[str, dict[int, None]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Groups, and members that lost what they knew."""
        return {"replog.members": self._founded, "replog.member_blank": self._lost}

    def _founded(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        self._members[fact.group] = fact.count

    def _lost(self, now_ns: int, fact: Any) -> None:
        self._blank.setdefault(fact.group, {})[fact.member] = None

    def why_not(self) -> str:
        """Why some group could not have gone on; empty when all could."""
        for group, lost in self._blank.items():
            members = self._members.get(group, 0)
            if 2 * (members - len(lost)) <= members:
                return f"{len(lost)} of {members} members of {group} lost their disks"
        return ""

    def settled(self, now_ns: int) -> bool:
        """It waits for nothing."""
        return True


class AnsweredAgain(Invariant):
    """NW15 and its like elsewhere: judged by clients' operations."""

    id = "NW15"
    needs = ("nuwa-history",)
    claim = "with a healthy core, every operation that is under way or begun ends with its effect known"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig, recoverable: Recoverable) -> None:
        super().__init__()
        assert config.liveness is not None
        self._recoverable = recoverable
        self._healed_ns = config.liveness.after
        self._from_ns = config.liveness.after + config.converge
        self._bound_ns = config.converge
        self._open: dict[tuple[str, int], tuple[int, Any]] = {}
        self._is_served = False

    def hears(self) -> Mapping[str, Hears]:
        """Operations."""
        return {"history.invoked": self._invoked, "history.returned": self._returned}

    def _invoked(self, now_ns: int, fact: Any) -> None:
        self._open[fact.client, fact.number] = (now_ns, fact)

    def _returned(self, now_ns: int, fact: Any) -> None:
        begun_ns, asked = self._open.pop((fact.client, fact.number))
        if fact.outcome == "ok":
            # Within the bound nothing need succeed; what does is what was waited for.
            self.evaluated += begun_ns >= self._healed_ns
            self._is_served |= begun_ns >= self._healed_ns
            return
        if begun_ns < self._from_ns:
            return
        self.evaluated += 1
        if not self._recoverable.why_not():
            text = f"{asked.op} {asked.key} of {fact.client}, begun in a healthy core, ended as {fact.outcome}"
            self.broken(now_ns, f"{text}: {fact.result}")

    def settled(self, now_ns: int) -> bool:
        """Something begun in a healthy core was answered, and nothing waits for an answer."""
        return self._is_served and not self._open

    def at_end(self, now_ns: int) -> None:
        """What has been under way for too long is stuck."""
        for (client, _), (begun_ns, asked) in self._open.items():
            since_ns = max(begun_ns, self._from_ns - self._bound_ns)
            if now_ns - since_ns < self._bound_ns:
                continue
            self.evaluated += 1
            if not self._recoverable.why_not():
                waited_s = (now_ns - since_ns) / 1e9
                self.broken(now_ns, f"{asked.op} {asked.key} of {client} has waited {waited_s:.1f} s in a healthy core")


class OneLeaderStays(Invariant):
    """NW15a: a member that is deaf but not dumb must not depose leader after leader."""

    id = "NW15a"
    needs = ("nuwa",)
    claim = "in a core that has been healthy for long enough, leaders are not elected again and again"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        assert config.liveness is not None
        self._from_ns = config.liveness.after + config.converge
        self._quiet_ns = config.end_early.quiet if config.end_early is not None else config.converge
        #: When the core was healed, or a leader was elected last.
        self._last_ns = config.liveness.after
        self._elections: dict[str, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Elections, and what shows that time has passed."""
        return {"replog.leader_elected": self._elected, "history.invoked": self._seen}

    def _seen(self, now_ns: int, fact: Any) -> None:
        if now_ns >= self._from_ns:
            self.evaluated += 1

    def settled(self, now_ns: int) -> bool:
        """Whoever leads has done so for a while: one that deposes others would have stood for election by now."""
        return now_ns - self._last_ns >= self._quiet_ns

    def at_end(self, now_ns: int) -> None:
        """A leader that has stayed was judged, too."""
        self.evaluated += self.settled(now_ns)

    def _elected(self, now_ns: int, fact: Any) -> None:
        self._last_ns = max(self._last_ns, now_ns)
        if now_ns < self._from_ns:
            return
        # One may still follow from what happened before; a second may be its late echo.
        elections = self._elections[fact.group] = self._elections.get(fact.group, 0) + 1
        if elections > _ELECTIONS:
            late_s = (now_ns - self._from_ns) / 1e9
            self.broken(now_ns, f"member {fact.member} of {fact.group} was elected {late_s:.2f} s after all had settled")


class SilentSessionsEnd(Invariant):
    """NW9, the other half."""

    id = "NW9L"
    needs = ("nuwa",)
    claim = "with a healthy core, a session whose client has gone ends, and its ephemeral files with it"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig, tree: TreeIsAsCommanded, recoverable: Recoverable) -> None:
        super().__init__()
        assert config.liveness is not None
        self._tree = tree
        self._recoverable = recoverable
        self._healed_ns = config.liveness.after
        self._bound_ns = config.converge
        self._timeouts: dict[int, int] = {}
        self._lost: dict[int, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Sessions that clients have given up."""
        return {"nuwa.session_founded": self._began, "nuwa.session_lost": self._ended}

    def _began(self, now_ns: int, fact: Any) -> None:
        self._timeouts[fact.session] = fact.timeout_ns

    def _ended(self, now_ns: int, fact: Any) -> None:
        self._lost[fact.session] = now_ns

    def settled(self, now_ns: int) -> bool:
        """None of them counts any more."""
        return not any(session in self._tree.model.sessions for session in self._lost)

    def at_end(self, now_ns: int) -> None:
        """See what is left of them."""
        model = self._tree.model
        for session, lost_ns in self._lost.items():
            if session not in self._timeouts:
                continue
            due_ns = max(lost_ns, self._healed_ns) + self._timeouts[session] + self._bound_ns
            if session not in model.sessions:
                self.evaluated += 1
                continue
            if due_ns > now_ns:
                continue
            self.evaluated += 1
            if not self._recoverable.why_not():
                self.broken(now_ns, f"session {session} still counts, {(now_ns - lost_ns) / 1e9:.1f} s after its client")


class NoticesArrive(Invariant):
    """NW10, the other half."""

    id = "NW10L"
    needs = ("nuwa-history",)
    claim = "with a healthy core, a watch tells of the change that it waits for"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig, tree: TreeIsAsCommanded, recoverable: Recoverable) -> None:
        super().__init__()
        assert config.liveness is not None
        self._tree = tree
        self._recoverable = recoverable
        self._healed_ns = config.liveness.after
        self._bound_ns = config.converge
        self._waiting: dict[tuple[str, int], Any] = {}
        # What the read that set a watch has shown; of each client the watches whose answer is to come, by what was read
        # and since when: of two reads the later one may be answered first.
        self._since: dict[tuple[str, int], int] = {}
        self._asked: dict[str, dict[tuple[str, int], int]] = {}
        self._over: dict[str, None] = {}
        self._times: dict[int, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Watches, what they wait for, and sessions that are over."""
        return {
            "nuwa.watch_set": self._set,
            "nuwa.operation": self._read,
            "nuwa.notice": self._told,
            "nuwa.session_lost": self._lost,
            "nuwa.session_opened": self._opened,
            "hardware.process_ended": self._ended,
            "nuwa.applied": self._applied,
        }

    def _set(self, now_ns: int, fact: Any) -> None:
        if fact.what == "node":
            self._waiting[fact.owner, fact.number] = fact
            self._asked.setdefault(fact.owner, {})[fact.path, now_ns] = fact.number

    def _read(self, now_ns: int, fact: Any) -> None:
        if fact.op not in ("get", "stat"):
            return
        number = self._asked.get(fact.owner, {}).pop((fact.path, fact.start_ns), None)
        if number is None:
            return
        if fact.error in ("", "no-node"):
            self._since[fact.owner, number] = fact.zxid
        else:
            self._waiting.pop((fact.owner, number), None)

    def _told(self, now_ns: int, fact: Any) -> None:
        if self._waiting.pop((fact.owner, fact.number), None) is not None:
            self.evaluated += 1

    def _lost(self, now_ns: int, fact: Any) -> None:
        self._over[fact.owner] = None

    def _opened(self, now_ns: int, fact: Any) -> None:
        """A client that was started again bears the name of the one before it, and numbers its watches anew."""
        self._forget(fact.owner, fact.session)

    def _ended(self, now_ns: int, fact: Any) -> None:
        self._forget(f"{fact.role}@{fact.machine}")

    def _forget(self, owner: str, but_session: int | None = None) -> None:
        """Nobody is left to be told: the watches of the owner's other sessions."""
        gone = [key for key, watch in self._waiting.items() if key[0] == owner and watch.session != but_session]
        for key in gone:
            del self._waiting[key]
            self._since.pop(key, None)
        if gone:
            self._asked.pop(owner, None)

    def _applied(self, now_ns: int, fact: Any) -> None:
        self._times.setdefault(fact.slot, now_ns)

    def settled(self, now_ns: int) -> bool:
        """Nobody is owed a notice."""
        return next(self._owed(), None) is None

    def _owed(self) -> Iterator[tuple[Any, int, int]]:
        """Watches that wait for what has happened: each with the slot that it has seen, and that of the change."""
        for (owner, number), watch in self._waiting.items():
            since = self._since.get((owner, number))
            if owner in self._over or since is None or self._is_over(watch.session):
                continue
            changed = (slot for slot in self._tree.model.changes.get(watch.path, ()) if slot > since)
            first = next(changed, None)
            if first is not None:
                yield watch, since, first

    def _is_over(self, session: int) -> bool:
        """Whether a session of the tree has ended: nobody is owed anything in it. Others only their server knows."""
        return session > 0 and session not in self._tree.model.sessions

    def at_end(self, now_ns: int) -> None:
        """Nobody may still wait for what has happened."""
        for watch, since, changed in self._owed():
            due_ns = max(self._times.get(changed, 0), self._healed_ns) + self._bound_ns
            if due_ns <= now_ns and not self._recoverable.why_not():
                text = f"watch {watch.number} of {watch.owner} never told that {watch.path} changed in slot {changed}"
                self.broken(now_ns, f"{text}, after slot {since}")
