"""Retries: which failed calls may be sent again, and after how long.

A call that certainly did not run (``refused``, ``unavailable``) may always be sent again. One of which nobody knows
(``reset``) may be sent again when doing it twice does no harm, or under the same request id to the same process, whose
reply table (:mod:`.reply_table`) sees to it that it runs at most once. Pauses grow exponentially, each drawn from zero
up to its bound, so that clients that failed together do not come back together (gRPC proposal A6; Brooker, "Exponential
backoff and jitter", AWS 2015).
"""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Duration, Stream, StrictModel, written
from feitian_sim.kuafu.calls import ErrorKind

#: The server certainly did nothing.
NOT_RUN: tuple[ErrorKind, ...] = ("refused", "unavailable")
#: It may have, or not.
UNKNOWN: tuple[ErrorKind, ...] = ("reset",)


class RetryConfig(StrictModel):
    """How often and how soon failed calls are sent again."""

    attempts: int = Field(
        default=4,
        ge=1,
        le=100,
        description="Times that a call is sent at most; default 4. Source: the example of gRPC's retry design (proposal "
        "A6), whose implementations allow 5.",
    )
    first: Duration = Field(
        default=written("100ms"),
        gt=0,
        description="Bound of the first pause, in time units; default 100ms. Source: gRPC proposal A6.",
    )
    growth: float = Field(
        default=2.0, ge=1, description="By what the bound grows each time; default 2. Source: gRPC proposal A6."
    )
    longest: Duration = Field(
        default=written("1s"),
        gt=0,
        description="What the bound grows to, in time units; default 1s. Source: gRPC proposal A6.",
    )

    def pause_ns(self, attempt: int, stream: Stream) -> int:
        """The pause after attempt number ``attempt``, from 1."""
        bound_ns = min(self.first * self.growth ** (attempt - 1), self.longest)
        return int(bound_ns * stream.uniform())
