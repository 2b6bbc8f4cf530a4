"""``lock``: clients that contend for locks held by Nuwa and touch what the locks guard."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.kernel import Duration, DurationDistribution, written
from feitian_sim.workloads.paced_config import Load


class LockLoad(Load):
    """Clients that each want one of some locks, work under it, let go, and think."""

    kind: Literal["lock"]
    clients: int = Field(ge=1, description="How many clients (count).")
    locks: int = Field(default=1, ge=1, description="How many locks (count); default 1.")
    hold: DurationDistribution = Field(description="How long a lock is held: {kind: exponential, mean: 1s}.")
    think: DurationDistribution | None = Field(default=None, description="Pause before the next wish. Default 0s.")
    touch_every: Duration = Field(
        default=written("100ms"),
        gt=0,
        description="The holder touches the guarded resource, over the network, at this interval, in time units; "
        "default 100ms. Source: chosen: some touches in each time of holding.",
    )
    pause_every: DurationDistribution | None = Field(
        default=None,
        description="How long a client's process runs until it stops for a while (long garbage collection). Default: it "
        "never stops.",
    )
    pause_for: DurationDistribution | None = Field(default=None, description="For how long it stops; with pause_every.")
    session: Duration | None = Field(
        default=None, gt=0, description="Silence after which a client's session is over. Default: as nuwa.session."
    )
    stop: Duration | None = Field(default=None, description="No lock is wished for after this. Default: the end.")
