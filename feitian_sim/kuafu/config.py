"""Kuafu's part of the scenario."""

from __future__ import annotations

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, Size, StrictModel, written
from feitian_sim.kuafu.retry import RetryConfig


class KuafuConfig(StrictModel):
    """Proxies, connections and calls: what they cost and how much they let through."""

    proxies: bool = Field(
        default=True,
        description="Whether the processes of a machine share one proxy, and so one connection to each other machine; "
        "false: each pair of processes has its own; default true. Source: the platform's design.",
    )
    cpu_per_message: Duration = Field(
        default=written("20us"),
        description="Processor time to receive one message (interrupt, copy, decode, dispatch), by the proxy's one "
        "thread, in time units; default 20us. Source: about 20 us of one core for a small RPC over kernel TCP, the order "
        "found by published profiles of data-centre RPC stacks.",
    )
    send_cpu: Duration = Field(
        default=written("5us"),
        description="Processor time to send one message (encode, system call), by the proxy's sending thread, in time "
        "units; default 5us. Source: a quarter of receiving, as in profiles of kernel TCP, where no interrupt is taken.",
    )
    socket: Duration = Field(
        default=written("5us"),
        description="From a process to its machine's proxy or back over a Unix socket, in time units; default 5us. "
        "Source: the order of lmbench's AF_UNIX latency (McVoy and Staelin, USENIX 1996) on today's machines.",
    )
    window: Size = Field(
        default=written("4MiB"),
        gt=0,
        description="Bytes of messages that one side of a connection may have sent and not been answered, in size units; "
        "default 4MiB. Source: the usual largest TCP window of Linux (net.ipv4.tcp_wmem).",
    )
    inbox: Size = Field(
        default=written("16MiB"),
        gt=0,
        description="Bytes of requests that a process holds unanswered before its proxy keeps the others back, in size "
        "units; default 16MiB. Source: four connections' windows.",
    )
    quantum: Size = Field(
        default=written("4KiB"),
        gt=0,
        description="Bytes that each sender's turn adds where several wait for one window, in size units; default 4KiB. "
        "Source: above most messages, so that a turn sends one (Shreedhar and Varghese, SIGCOMM 1995).",
    )
    bulk_above: Size = Field(
        default=written("256KiB"),
        gt=0,
        description="Messages above this go as bulk flows beside the windows, in size units; default 256KiB. Source: "
        "two milliseconds of a 1 Gbit/s card, the longest that a small message should wait behind another.",
    )
    largest: Size = Field(
        default=written("64MiB"),
        gt=0,
        description="A message above this is refused at its sender, in size units; default 64MiB. Source: a chunk of "
        "Pangu, which goes in pieces or as a flow of its own.",
    )
    idle: Duration = Field(
        default=written("5m"),
        gt=0,
        description="A connection that nothing used for so long is closed, in time units; default 5m. Source: the "
        "usual idle time-out of RPC proxies (Envoy's is an hour, gRPC's servers' often minutes).",
    )
    guard_inline: Duration = Field(
        default=written("5us"),
        description="A check that takes no longer than this is part of taking a message in; a longer one waits for a "
        "core, in time units; default 5us. Source: above looking up a known capability, below verifying one.",
    )
    retransmit: Duration = Field(
        default=written("200ms"),
        gt=0,
        description="A message lost on the way is sent again after this, then after twice as long and so on, in time "
        "units; default 200ms. Source: the shortest retransmission time-out of Linux's TCP.",
    )
    retry: RetryConfig = Field(default_factory=RetryConfig, description="How failed calls to services are sent again.")
    keepalive: Duration = Field(
        default=written("6s"),
        description="How long a peer may be out of reach before its calls end with a reset, in time units; "
        "default 6s. Source: chosen as a data-centre setting of TCP_USER_TIMEOUT: above the silence of an election, "
        "below what a service may pause; the general default of hours suits no service that must fail over.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> KuafuConfig:
        if self.bulk_above > self.largest:
            raise ValueError("bulk_above must not exceed largest: no message could be above it")
        return self
