"""What is looked at from time to time: resources, queues and shares, as the Fuxi paper draws them (VLDB 2014, fig. 10).

None of them is canonical: they are taken whenever the scenario samples, and change nothing. The gaps between ``planned``,
``obtained`` and ``used`` are messages under way and processes that are starting or ending.
"""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("fuxi.usage", canonical=False)
class UsageSampled(Fact):
    """One resource of the whole cell at an instant, in the units of resource vectors.

    ``capacity``: of the machines in the FuxiMaster's books (FM_total). ``wanted``: granted and still waited for.
    ``planned``: granted by the FuxiMaster, without what it has been told is free again, also if it has not had the time
    to give that to others (FM_planned). ``obtained``: held by applications as far as they know (AM_obtained). ``used``:
    of the processes that Tubos have (FA_planned).
    """

    resource: str
    capacity: int
    wanted: int
    planned: int
    obtained: int
    used: int


@fact("fuxi.queue", canonical=False)
class QueueSampled(Fact):
    """Jobs and instances at an instant: waiting for their master or for a worker, and running."""

    jobs_waiting: int
    jobs_running: int
    instances_waiting: int
    instances_running: int


@fact("fuxi.quota", canonical=False)
class QuotaSampled(Fact):
    """A quota group at an instant: its dominant share of the cell, what it is guaranteed, and what it would use."""

    group: str
    share_ratio: float
    guaranteed_ratio: float
    wanted_ratio: float
