"""Kernel: time, chance, owners that die whole, facts, digests, units and errors.

The lowest row: it knows nothing of clouds. One :class:`Simulation` is one run. Its clock counts integer
nanoseconds; its queue holds SimPy events and plain timers side by side; every draw comes from a
:class:`Stream` keyed by identity; whatever a simulated process schedules belongs to an :class:`Owner` and ends with
it; and what happens is published as a :class:`Fact`, from which tables, metrics, figures and the digest are
computed. The rules that this row upholds are the seven of the design: one clock, same scenario and seed
gives the same digest, decisions are pure, a process dies whole, one model, every number in the scenario, what
happens is a fact.
"""

from feitian_sim.kernel.chance import Stream, stream_key
from feitian_sim.kernel.distributions import Distribution, DurationDistribution, SizeDistribution
from feitian_sim.kernel.errors import (
    EnvironmentRefusal,
    FeitianError,
    InvariantError,
    ScenarioError,
    SimulatedError,
)
from feitian_sim.kernel.event_journal import EventRecorder
from feitian_sim.kernel.facts import Fact, FactBus, fact
from feitian_sim.kernel.owner import Owner
from feitian_sim.kernel.ports import DiskContents
from feitian_sim.kernel.quantities import Bandwidth, Duration, Frequency, Ratio, Size, StrictModel, written
from feitian_sim.kernel.record import record
from feitian_sim.kernel.simulation import LATE, Simulation, less_collection
from feitian_sim.kernel.tables import FactTables
from feitian_sim.kernel.timer import Timer
from feitian_sim.kernel.units import (
    DAY,
    GIB,
    HOUR,
    KIB,
    MIB,
    MICROSECOND,
    MILLISECOND,
    MINUTE,
    SECOND,
    YEAR,
)

__all__ = [
    "DAY",
    "GIB",
    "HOUR",
    "KIB",
    "LATE",
    "MIB",
    "MICROSECOND",
    "MILLISECOND",
    "MINUTE",
    "SECOND",
    "YEAR",
    "Bandwidth",
    "DiskContents",
    "Distribution",
    "Duration",
    "DurationDistribution",
    "EnvironmentRefusal",
    "EventRecorder",
    "Fact",
    "FactBus",
    "FactTables",
    "FeitianError",
    "Frequency",
    "InvariantError",
    "Owner",
    "Ratio",
    "ScenarioError",
    "SimulatedError",
    "Simulation",
    "Size",
    "SizeDistribution",
    "Stream",
    "StrictModel",
    "Timer",
    "fact",
    "less_collection",
    "record",
    "stream_key",
    "written",
]
