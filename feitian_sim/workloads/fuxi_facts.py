"""What loads of jobs report: what became of a trace's rows, and of every job that was submitted."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("fuxi.trace_read")
class TraceRead(Fact):
    """A load has read its trace: ``rows`` = ``kept`` + ``dropped``; jobs, tasks, instances and edges are of the kept."""

    load: str
    rows: int
    kept: int
    dropped: int
    jobs: int
    tasks: int
    instances: int
    edges: int


@fact("fuxi.trace_dropped")
class TraceDropped(Fact):
    """So many rows of a trace were left out, for one reason."""

    load: str
    why: str
    rows: int


@fact("fuxi.trace_noted")
class TraceNoted(Fact):
    """So many rows of a trace were kept and had something mended or filled in."""

    load: str
    what: str
    rows: int


@fact("fuxi.job_refused")
class JobRefused(Fact):
    """The FuxiMaster will not run a job, and why."""

    load: str
    app: str
    why: str


@fact("fuxi.load_account")
class LoadAccount(Fact):
    """The account of a load of jobs at the end of a run: ``begun`` = all others but ``lost`` together.

    ``asking``: not yet answered; ``refused``: by the FuxiMaster; ``running``: kept and not ended. ``lost``: kept, and the
    serving FuxiMaster knows nothing of them.
    """

    load: str
    begun: int
    asking: int
    refused: int
    finished: int
    failed: int
    running: int
    lost: int


@fact("fuxi.service_request", canonical=False)
class ServiceRequest(Fact):
    """A request of a load to a service has ended. ``place``: which partition of the beginning its key was in."""

    load: str
    place: int
    write: bool
    start_ns: int
    tries: int
    ok: bool


@fact("fuxi.service_account")
class ServiceAccount(Fact):
    """The account of a load of requests at the end of a run: ``begun`` = ``answered`` + ``failed`` + ``open``.

    ``retries``: requests that were asked again; ``reads``: of the partition table.
    """

    load: str
    begun: int
    answered: int
    failed: int
    open: int
    retries: int
    reads: int
