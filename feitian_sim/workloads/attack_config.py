"""``attack``: a compromised machine that tries what it may not; ``key-rotation``: an operator who changes keys."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.kernel import Duration, written
from feitian_sim.workloads.paced_config import Arrival, Load

#: Every kind of attempt that there is.
Attempt = Literal[
    "no-capability",
    "forged",
    "altered",
    "expired",
    "stolen",
    "impersonated",
    "widened",
    "self-signed-root",
    "other-cell",
    "out-of-scope",
    "revoked",
]
ATTEMPTS: tuple[Attempt, ...] = Attempt.__args__  # type: ignore[attr-defined]


class AttackLoad(Load):
    """Someone who holds one narrow capability, and has seen those of others, calls Nuwa, Pangu and the authority."""

    kind: Literal["attack"]
    machine: str = Field(default="r0/m0", description="The compromised machine; default r0/m0.")
    arrival: Arrival = Field(description="Attempts per time: {kind: poisson, rate: 10/s}.")
    attempts: tuple[Attempt, ...] = Field(
        default=ATTEMPTS, min_length=1, description="What is tried, in turn; default: everything."
    )
    deadline: Duration = Field(
        default=written("2s"), gt=0, description="Of each call, in time units; default 2s. Source: chosen."
    )
    settle: Duration = Field(
        default=written("10s"),
        description="From the revocation of what was taken from it to the first attempt, at least twice what clocks may "
        "differ, in time units; default 10s. Source: above the time in which machines hear of it.",
    )
    stop: Duration | None = Field(default=None, description="No attempt after this. Default: the end.")


class KeyRotationLoad(Load):
    """The authority's key is replaced at intervals, from a client's machine."""

    kind: Literal["key-rotation"]
    every: Duration = Field(gt=0, description="From one order to the next, in time units.")
    deadline: Duration = Field(
        default=written("2s"), gt=0, description="Of each order, in time units; default 2s. Source: chosen."
    )
    stop: Duration | None = Field(default=None, description="No order after this. Default: the end.")
