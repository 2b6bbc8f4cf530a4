"""Messages of Fuxi's masters, Tubos, workers and clients. Each docstring says who tells whom.

Counts in deltas may be negative. ``epoch`` is the FuxiMaster's reign, ``attempt`` an application master's life: both only
grow, and whoever has heard of a later one refuses an earlier one. ``seq`` numbers a stream of deltas between two
parties from 1 on, anew with each epoch, attempt or incarnation; who finds a gap asks for everything (``Registered`` with
``resync``, :class:`Hello`, :class:`Register`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from feitian_sim.fuxi.resources import Vector

Kind = Literal["job", "service"]
#: Where a preference points.
Level = Literal["machine", "rack"]


def per_item(base_bytes: int, items: int, item_bytes: int = 24) -> int:
    """The size of a message with a list: a head and so many bytes for each item."""
    return base_bytes + items * item_bytes


# Clients and the FuxiMaster


@dataclass(frozen=True, slots=True)
class Submit:
    """Client to FuxiMaster: run this. ``app`` is the client's name for it, unique in the cell: sent twice it is one."""

    app: str
    kind: Kind
    user: str
    description: Any
    wire_bytes: int = 4096
    #: The quota group; empty: the first that admits the user.
    group: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """FuxiMaster to client: it is kept, and will be run."""

    app: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Client to FuxiMaster: end an application, whatever it has under way."""

    app: str


#: What a FuxiMaster that is not the elected one answers.
NOT_SERVING = "this FuxiMaster does not serve"


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Client to FuxiMaster: how is it? ``until_ended``: the answer may wait for its end, as long as the client does."""

    app: str
    until_ended: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """FuxiMaster to client: ``waiting`` (no master runs yet), ``running``, ``finished``, ``failed`` or ``unknown``."""

    app: str
    state: Literal["waiting", "running", "finished", "failed", "unknown"]
    why: str = ""


# Tubos and the FuxiMaster


@dataclass(frozen=True, slots=True)
class Running:
    """What an application may use, and uses, on one machine: ``allowed`` of a unit, of which ``held`` are processes.

    ``returning``: those taken back beyond ``allowed`` that are not gone yet.
    """

    app: str
    unit: int
    vector: Vector
    allowed: int
    held: int
    returning: int = 0


@dataclass(frozen=True, slots=True)
class MasterProcess:
    """An application's master that runs on a machine; ``address`` is empty while it is being started."""

    app: str
    attempt: int
    address: str


@dataclass(frozen=True, slots=True)
class Hello:
    """Tubo to FuxiMaster: everything about its machine; when it starts, when there is a new master, and when asked to."""

    machine: str
    incarnation: int
    capacity: Vector
    running: tuple[Running, ...]
    masters: tuple[MasterProcess, ...]
    health: int = 100
    #: The FuxiMaster that it heard last, the last :class:`Allow` of that, and the last :class:`News` that this includes.
    epoch: int = 0
    heard: int = 0
    seq: int = 0
    #: Counts the machine's own starts: after another, nothing of before is there.
    boot: int = 0
    #: Applications that the machine knows, and that neither hold nor may use anything there.
    others: tuple[str, ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(256, len(self.running) + len(self.masters) + len(self.others))


@dataclass(frozen=True, slots=True)
class Welcome:
    """FuxiMaster to Tubo: it is in the books; ``known`` applications may stay, all others' processes are to be ended.

    What was allowed under numbers up to ``settled`` and has not been taken by now is void.
    """

    epoch: int
    known: tuple[str, ...]
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Beat:
    """Tubo to FuxiMaster: it lives. ``health``: 0 (of no use) to 100."""

    machine: str
    incarnation: int
    health: int = 100


@dataclass(frozen=True, slots=True)
class Freed:
    """``count`` processes of a unit are gone and their resources are free; ``why`` they went."""

    app: str
    unit: int
    count: int
    why: Literal["stopped", "exited", "killed", "not-started"] = "stopped"


@dataclass(frozen=True, slots=True)
class News:
    """Tubo to FuxiMaster: what has changed on its machine, in order; sent again until it is answered."""

    machine: str
    incarnation: int
    epoch: int
    seq: int
    freed: tuple[Freed, ...] = ()
    #: Applications whose master ended here, with its attempt and why.
    masters_ended: tuple[tuple[str, int, str], ...] = ()
    #: Masters that run now.
    masters_started: tuple[MasterProcess, ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.freed) + len(self.masters_ended) + len(self.masters_started))


@dataclass(frozen=True, slots=True)
class Heard:
    """Answer to beats, news and deltas of the right epoch and number; ``resync`` asks for everything instead."""

    epoch: int
    resync: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """A change of how many processes of a unit an application may have on a machine."""

    app: str
    unit: int
    vector: Vector
    delta: int


@dataclass(frozen=True, slots=True)
class Allow:
    """FuxiMaster to Tubo: allowances that changed. Revoked ones are enforced: after ``grace_ns`` the Tubo kills.

    Of one epoch no number is used twice, and each is one more than the last that was taken or is void.
    """

    epoch: int
    seq: int
    changes: tuple[Allowance, ...]
    grace_ns: int = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.changes))


@dataclass(frozen=True, slots=True)
class StartMaster:
    """FuxiMaster to Tubo: start an application's master (it has an allowance for unit 0, the master's own)."""

    epoch: int
    app: str
    attempt: int
    kind: Kind
    user: str
    description: Any
    vector: Vector
    wire_bytes: int = 4096


@dataclass(frozen=True, slots=True)
class EndApp:
    """FuxiMaster to Tubo: the application has ended; whatever it still has here is to be killed."""

    epoch: int
    app: str


@dataclass(frozen=True, slots=True)
class EndMaster:
    """FuxiMaster to Tubo: masters of an application up to this attempt have a successor elsewhere; the workers stay."""

    epoch: int
    app: str
    attempt: int


# Application masters and the FuxiMaster


@dataclass(frozen=True, slots=True)
class Preference:
    """How many units of a demand would best be on a machine or rack; they count among those of the whole demand."""

    level: Level
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class UnitDemand:
    """What an application wants of one unit from now on; ``wanted`` counts those that are not granted yet.

    In a :class:`Demand` ``wanted`` and the counts of preferences are changes; in :class:`Register` they are totals. A
    unit is defined by its first appearance: ``vector``, ``priority`` (larger is more urgent). ``avoid``: machines
    whose grants the application does not want (its own blacklist); the whole list each time that it changes, else
    None.
    """

    unit: int
    wanted: int
    vector: Vector = ()
    priority: int = 0
    preferences: tuple[Preference, ...] = ()
    avoid: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """How many units an application counts as granted on a machine."""

    unit: int
    machine: str
    count: int


@dataclass(frozen=True, slots=True)
class Register:
    """Application master to FuxiMaster: everything it wants and holds; at its start, to a new master, and when asked."""

    app: str
    attempt: int
    address: str
    demands: tuple[UnitDemand, ...]
    holdings: tuple[Holding, ...]
    #: Of the FuxiMaster that it was registered with last, the last :class:`Granted` of that, and the last
    #: :class:`Demand` that ``demands`` include.
    epoch: int = 0
    heard: int = 0
    seq: int = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(256, len(self.demands) + len(self.holdings))


@dataclass(frozen=True, slots=True)
class Registered:
    """FuxiMaster to application master: it is in the books; what its holdings are as Tubos say, and who is disabled.

    What was granted under numbers up to ``settled`` is among the holdings, or void, and counts no more.
    """

    epoch: int
    holdings: tuple[Holding, ...]
    disabled: tuple[str, ...] = ()
    settled: int = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.holdings))


@dataclass(frozen=True, slots=True)
class Demand:
    """Application master to FuxiMaster: how its wishes have changed. Answered by :class:`Heard`."""

    app: str
    attempt: int
    epoch: int
    seq: int
    changes: tuple[UnitDemand, ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, sum(1 + len(one.preferences) for one in self.changes))


@dataclass(frozen=True, slots=True)
class Granted:
    """FuxiMaster to application master: units granted; negative counts are taken back (preempted, or the machine is
    gone).

    ``lost``: machines that are gone with all that ran there; ``disabled``: machines that nobody should use any more;
    ``enabled``: those that may be used again.
    Number 0 says nothing but that there is a FuxiMaster of this epoch. Answered by :class:`Heard`.
    """

    app: str
    epoch: int
    seq: int
    grants: tuple[Holding, ...]
    lost: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.grants) + len(self.lost) + len(self.disabled) + len(self.enabled))


@dataclass(frozen=True, slots=True)
class BadMachine:
    """Application master to FuxiMaster: it has put a machine on its own blacklist, and why."""

    app: str
    machine: str
    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Application master to FuxiMaster: it is done; everything that it holds may go."""

    app: str
    attempt: int
    ok: bool
    why: str = ""
