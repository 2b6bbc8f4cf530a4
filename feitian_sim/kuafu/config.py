"""Kuafu's part of the scenario."""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Duration, StrictModel


class KuafuConfig(StrictModel):
    """What a call costs beside the network."""

    cpu_per_message: Duration = Field(
        default="20us",
        validate_default=True,
        description="Processor time to receive one message (interrupt, copy, decode, dispatch), in time units; "
        "default 20us. Source: about 20 us of one core for a small RPC over kernel TCP, the order found by "
        "published profiles of data-centre RPC stacks.",
    )
    keepalive: Duration = Field(
        default="10s",
        validate_default=True,
        description="How long a peer may be out of reach before its calls end with a reset, in time units; "
        "default 10s. Source: a data-centre setting of TCP_USER_TIMEOUT; the general default of hours suits "
        "no service that must fail over.",
    )
