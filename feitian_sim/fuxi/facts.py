"""What happened to applications, machines and masters; and, for who listens, to every process.

Canonical facts are few: an application has some, a machine none while all goes well. Grants and processes are in the
millions, so those facts are details, built only for who subscribed to their very kind.
"""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("fuxi.app_submitted")
class AppSubmitted(Fact):
    """The FuxiMaster keeps an application and will run it."""

    app: str
    app_kind: str
    user: str


@fact("fuxi.app_started")
class AppStarted(Fact):
    """An application's master runs, and the FuxiMaster knows. ``waited_ns``: since it was to be started."""

    app: str
    machine: str
    attempt: int
    waited_ns: int


@fact("fuxi.app_master_ended")
class AppMasterEnded(Fact):
    """The FuxiMaster learned that the master of an application that goes on has ended."""

    app: str
    machine: str
    attempt: int
    why: str


@fact("fuxi.app_ended")
class AppEnded(Fact):
    """An application has ended and that is kept. ``ran_ns``: since it was submitted."""

    app: str
    ok: bool
    why: str
    ran_ns: int


@fact("fuxi.master_ready")
class MasterReady(Fact):
    """A FuxiMaster grants again. ``rebuild_ns``: since it was elected; ``heard``: Tubos that it has heard by then."""

    machine: str
    epoch: int
    rebuild_ns: int
    heard: int


@fact("fuxi.master_stopped")
class MasterStopped(Fact):
    """A FuxiMaster serves no more: it has died, or another may have been elected."""

    machine: str
    epoch: int


@fact("fuxi.machine_lost")
class MachineLost(Fact):
    """The FuxiMaster counts a machine and all that ran there as gone. ``silent_ns``: since it last heard of it."""

    machine: str
    silent_ns: int


@fact("fuxi.machine_back")
class MachineBack(Fact):
    """A machine that was lost is in the books again."""

    machine: str


@fact("fuxi.machine_disabled")
class MachineDisabled(Fact):
    """Nobody is given anything on the machine any more."""

    machine: str
    why: str


@fact("fuxi.machine_enabled")
class MachineEnabled(Fact):
    """A machine that was disabled is used again."""

    machine: str
    why: str


@fact("fuxi.tubo_adopted")
class TuboAdopted(Fact):
    """A Tubo that was started anew has taken over the processes that it found."""

    machine: str
    workers: int
    masters: int


@fact("fuxi.decisions", canonical=False)
class Decisions(Fact):
    """What the FuxiMaster has decided since the last sample: requests, their time from arrival to decision."""

    count: int
    total_ns: int
    longest_ns: int


# Details


@fact("fuxi.granted", canonical=False, detail=True)
class UnitsGranted(Fact):
    """Units of an application were granted on a machine; negative: taken back. ``why``: empty, or why taken back."""

    app: str
    unit: int
    machine: str
    count: int
    waited_ns: int
    why: str


@fact("fuxi.decided", canonical=False, detail=True)
class Decided(Fact):
    """The FuxiMaster has dealt with one request."""

    request: str
    latency_ns: int


@fact("fuxi.allowed", canonical=False, detail=True)
class Allowed(Fact):
    """A Tubo has taken a change of what an application may run on its machine."""

    machine: str
    app: str
    unit: int
    delta: int


@fact("fuxi.process_started", canonical=False, detail=True)
class ProcessStarted(Fact):
    """A process holds its unit's resources from now on; worker 0 of unit 0 is an application's master."""

    machine: str
    app: str
    unit: int
    worker: int
    #: Amounts in the order of the cell's dimensions, joined by commas.
    vector: str


@fact("fuxi.process_ended", canonical=False, detail=True)
class ProcessEnded(Fact):
    """A process is gone, and holds nothing any more."""

    machine: str
    app: str
    unit: int
    worker: int
    why: str


@fact("fuxi.worker_ready", canonical=False, detail=True)
class WorkerReady(Fact):
    """A worker has come up. ``start_ns``: since it was asked for; ``waiting_ns``: of this, for an allowance;
    ``package_ns``: for its package."""

    machine: str
    app: str
    unit: int
    worker: int
    start_ns: int
    waiting_ns: int
    package_ns: int
