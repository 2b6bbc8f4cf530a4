"""Nuwa's part of the scenario: servers, sessions, limits, and what requests cost."""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Duration, Size, StrictModel, written
from feitian_sim.replog import ReplogConfig


class NuwaConfig(StrictModel):
    """The coordination service."""

    servers: int = Field(
        default=5,
        ge=1,
        le=15,
        description="Servers, of which a majority must run (count); default 5, or as many as there are machines. Source: "
        "N1; Chubby, OSDI 2006, sec. 2.1.",
    )
    session: Duration = Field(
        default=written("10s"),
        gt=0,
        description="Silence after which a client's session is over, unless the client asked for another, in time units; "
        "default 10s. Source: Chubby's lease of 12s (OSDI 2006, sec. 2.8), within ZooKeeper's usual 4 to 40s.",
    )
    elide: bool = Field(
        default=True,
        description="Whether signs of life that nobody can miss take no events (equal times of expiry); default true. "
        "Source: the design, rule 5.",
    )
    value_limit: Size = Field(
        default=written("1MiB"),
        gt=0,
        description="Most bytes of a file, in size units; default 1MiB. Source: N3.",
    )
    request_deadline: Duration = Field(
        default=written("2s"),
        gt=0,
        description="A client asks another server after so long without an answer, in time units; default 2s. Source: "
        "several elections of a leader; a third of ZooKeeper's usual session.",
    )
    retry: Duration = Field(
        default=written("100ms"),
        gt=0,
        description="Pause before a client tries again what failed for want of a leader, in time units; default 100ms. "
        "Source: half of the time that an election takes.",
    )
    longest_retry: Duration = Field(
        default=written("1s"),
        gt=0,
        description="What that pause, which doubles each time, grows to, in time units; default 1s. Source: gRPC's retry "
        "design (proposal A6).",
    )
    read_cpu: Duration = Field(
        default=written("10us"),
        description="Processor time of a server for each read, beside its messages, in time units; default 10us. Source: "
        "the order of ZooKeeper's, ATC 2010, sec. 5.1: some 30,000 reads a second and server, messages included.",
    )
    write_cpu: Duration = Field(
        default=written("10us"),
        description="Processor time of a server for each write that it takes from a client, beside messages and the log, "
        "in time units; default 10us. Source: as read_cpu.",
    )
    log: ReplogConfig = Field(default_factory=ReplogConfig, description="The servers' replicated log.")
