"""The replicated log's part of the scenario: consensus, and what it costs processors."""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Duration, written
from feitian_sim.paxos import PaxosConfig


class ReplogConfig(PaxosConfig):
    """One replicated log."""

    elide: bool = Field(
        default=True,
        description="Whether heartbeats of an idle group that nobody can miss take no events; default true. Source: the "
        "design, rule 5.",
    )
    propose_cpu: Duration = Field(
        default=written("10us"),
        description="Processor time of the leader for each command, beside messages, in time units; default 10us. "
        "Source: the order of ZooKeeper's leader, ATC 2010, sec. 5.1: 21,000 writes a second with 3 servers.",
    )
    send_cpu: Duration = Field(
        default=written("1us"),
        description="Processor time of the leader for each command and other member, in time units; default 1us. Source: "
        "copying a kilobyte and a system call's share of a batch.",
    )
    accept_cpu: Duration = Field(
        default=written("5us"),
        description="Processor time of a member for each command that it is sent, in time units; default 5us. Source: "
        "decoding, checking and copying a kilobyte; half of the leader's work.",
    )
    replay_cpu: Duration = Field(
        default=written("10us"),
        description="Processor time for each command of the log at a restart, in time units; default 10us. Source: GFS, "
        "SOSP 2003, sec. 6.2.6: some seconds for a few hundred thousand records.",
    )
