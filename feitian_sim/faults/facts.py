"""What happened because the scenario wanted it: strikes, their ends, and what became of a trace's rows."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("faults.started")
class FaultStarted(Fact):
    """A fault struck ``target``; it may have ended at once (bit rot) or last."""

    fault: str
    fault_kind: str
    target: str


@fact("faults.ended")
class FaultEnded(Fact):
    """A fault on ``target`` ended; what another fault still holds down stays down."""

    fault: str
    fault_kind: str
    target: str


@fact("faults.absorbed")
class FaultAbsorbed(Fact):
    """A fault struck ``target`` without effect: ``why``."""

    fault: str
    fault_kind: str
    target: str
    why: str


@fact("faults.deviation", canonical=False, detail=True)
class Deviation(Fact):
    """One message fared otherwise: of those from ``source`` to ``target`` the ``number``-th of the run, from 0.

    ``effect`` is lose, delay, duplicate or corrupt; ``delay_ns`` how much later it, or its copy, gets there. A
    ``network-message`` of these says the same again.
    """

    fault: str
    source: str
    target: str
    number: int
    effect: str
    delay_ns: int


@fact("faults.trace_read")
class TraceRead(Fact):
    """A trace was read: of its rows, so many strike within this run and so many do not, for the reasons ``why``."""

    fault: str
    file: str
    rows: int
    kept: int
    dropped: int
    why: str


@fact("faults.trace_dropped")
class TraceDropped(Fact):
    """So many rows of a trace were left out for one reason."""

    fault: str
    why: str
    rows: int


# A fact's own kind is "faults.started", so the attribute of the struck fault's kind has another name; its column
# in the tables is called what readers of a table expect.
for _declared in (FaultStarted, FaultEnded, FaultAbsorbed):
    _declared.field_names = tuple("kind" if name == "fault_kind" else name for name in _declared.field_names)
