"""``nuwa-history`` and ``file-history``: clients whose every operation is recorded, for who checks what they saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from feitian_sim.kernel import Duration, DurationDistribution, StrictModel, written
from feitian_sim.workloads.paced_config import Load


class ScriptedOperation(StrictModel):
    """One operation of one client, begun at its time or when the client's last one has ended."""

    client: int = Field(ge=0, description="Which client, from 0.")
    at: Duration = Field(description="Not before this time.")
    op: str = Field(description="What: an operation that the load has ratios for.")
    key: str = Field(description="About what: a name in the load's directory.")
    argument: str = Field(default="", description="What is written, and under which condition; default nothing.")


class HistoryLoad(Load):
    """What loads that keep histories share: few clients, one operation at a time each, or a script."""

    clients: int = Field(
        default=5,
        ge=1,
        le=64,
        description="Clients with one operation under way each (count); default 5. Source: at most 10 on a key keep "
        "the check of linearizability cheap.",
    )
    operations: int = Field(default=20, ge=0, description="Operations of each client (count); default 20.")
    until_answered: bool = Field(
        default=False,
        description="Whether only operations that were answered count among them, and clients ask on after any other; "
        "default false.",
    )
    files: int = Field(default=3, ge=1, description="Files that they share (count); default 3.")
    think: DurationDistribution = Field(
        default=written("100ms"), description="Pause of a client between operations; default 100ms."
    )
    script: tuple[ScriptedOperation, ...] | None = Field(
        default=None, description="These operations and no others. Default: drawn."
    )


class NuwaHistoryRatios(StrictModel):
    """How often each operation, relative to each other."""

    put: float = Field(default=4, ge=0, description="Weight of writes of a file; default 4.")
    cas: float = Field(default=1, ge=0, description="Weight of writes under the version seen last; default 1.")
    create: float = Field(default=2, ge=0, description="Weight of creations; default 2.")
    delete: float = Field(default=0.5, ge=0, description="Weight of deletions; default 0.5.")
    fresh: float = Field(default=3, ge=0, description="Weight of reads from the leader, as of now; default 3.")
    get: float = Field(default=1, ge=0, description="Weight of reads from the client's own server; default 1.")
    stat: float = Field(default=0.5, ge=0, description="Weight of fresh looks at the version; default 0.5.")
    watch: float = Field(default=0.5, ge=0, description="Weight of reads that ask to be told of a change; default 0.5.")
    ephemeral: float = Field(default=0.5, ge=0, description="Weight of files that go with the session; default 0.5.")


class NuwaHistoryLoad(HistoryLoad):
    """Clients of Nuwa whose operations are recorded as a history."""

    kind: Literal["nuwa-history"]
    ratios: NuwaHistoryRatios = Field(default_factory=NuwaHistoryRatios, description="Weights of the operations.")
    session: Duration | None = Field(
        default=None, gt=0, description="Silence after which a session is over. Default: as nuwa.session."
    )
    opens_late: bool = Field(
        default=False,
        description="Whether the clients open their sessions at the start of the load; default false: they have had them "
        "since before time 0.",
    )


class FileHistoryRatios(StrictModel):
    """How often each operation, relative to each other."""

    create: float = Field(default=4, ge=0, description="Weight of creations of empty files; default 4.")
    rename: float = Field(default=2, ge=0, description="Weight of renamings to another name; default 2.")
    delete: float = Field(default=2, ge=0, description="Weight of deletions; default 2.")
    list: float = Field(default=2, ge=0, description="Weight of listings of the directory; default 2.")
    exists: float = Field(default=2, ge=0, description="Weight of looks whether a file is there; default 2.")


class FileHistoryLoad(HistoryLoad):
    """Clients of Pangu that work in one directory, whose operations are recorded as a history."""

    kind: Literal["file-history"]
    ratios: FileHistoryRatios = Field(default_factory=FileHistoryRatios, description="Weights of the operations.")


def unscripted(script: Sequence[Any], clients: int, ops: Sequence[str]) -> list[str]:
    """What is wrong with a script: clients that are not there and operations that nobody knows."""
    wrong = [
        f"client {step.client} of the script is not among {clients} clients" for step in script if step.client >= clients
    ]
    return wrong + [f"{step.op!r} is no operation: {', '.join(ops)}" for step in script if step.op not in ops]
