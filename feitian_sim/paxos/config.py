"""Consensus' part of the scenario: how patient, how many at once, how often a snapshot."""

from __future__ import annotations

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, Size, StrictModel, written


class PaxosConfig(StrictModel):
    """The timing and the limits of one replicated log."""

    heartbeat: Duration = Field(
        default=written("30ms"),
        gt=0,
        description="Between heartbeats of an idle leader, in time units; default 30ms. Source: a quarter of the "
        "election time-out, so that the loss of two in a row deposes nobody.",
    )
    election_timeout: Duration = Field(
        default=written("120ms"),
        gt=0,
        description="Shortest silence after which a member stands for election, in time units; default 120ms. Source: "
        "ZooKeeper, ATC 2010, sec. 5: less than 200 ms to elect a new leader; Ongaro and Ousterhout, ATC 2014, sec. 9.3.",
    )
    election_spread: Duration = Field(
        default=written("60ms"),
        description="By how much that silence differs between members at most, drawn anew for each election, in time "
        "units; default 60ms. Source: ATC 2014, sec. 9.3: 50 ms of randomness make split votes rare.",
    )
    self_elect: bool = Field(
        default=True,
        description="Whether silence alone makes a member stand for election; false where another service says who "
        "leads; default true.",
    )
    lease: Duration = Field(
        default=written("120ms"),
        gt=0,
        description="How long a member that heard from its leader helps no other one, in time units, by its own clock; "
        "default 120ms. Source: the election time-out, so that the lease delays no election.",
    )
    clock_error: Duration = Field(
        default=written("5ms"),
        description="By how much two clocks may differ over a lease, in time units; the leader's own lease is shorter by "
        "it; default 5ms. Source: NTP inside a data centre keeps within a few milliseconds (Mills, RFC 5905).",
    )
    retry: Duration = Field(
        default=written("300ms"),
        gt=0,
        description="What was not answered is sent again after this, each time after twice as long, in time units; "
        "default 300ms. Source: above what a window of batches takes to twelve members over a card of 1 Gbit/s; the "
        "connections below lose nothing unless they break.",
    )
    batch_commands: int = Field(
        default=256,
        ge=1,
        description="Most commands in one round (count); default 256. Source: enough for the outstanding requests of "
        "ZooKeeper's measurement (ATC 2010, sec. 5.1) over a few rounds.",
    )
    batch_bytes: Size = Field(
        default=written("1MiB"),
        gt=0,
        description="Most bytes in one round, a single larger command aside, in size units; default 1MiB. Source: "
        "etcd's default of the same (max-size-per-msg).",
    )
    window: int = Field(
        default=4,
        ge=1,
        description="Rounds under way at once (count); default 4. Source: a disk sync, a round trip and what arrives "
        "meanwhile overlap with two or three; Santos and Schiper, ICDCN 2012.",
    )
    announce_after: Duration = Field(
        default=written("0s"),
        description="How soon members learn that a command is chosen, if no later round tells them, in time units; "
        "default 0s. Source: ZooKeeper's COMMIT message (Junqueira et al., DSN 2011) is sent at once.",
    )
    catch_up_bytes: Size = Field(
        default=written("4MiB"),
        gt=0,
        description="Most of the log in one message to a member that lags, in size units; default 4MiB.",
    )
    snapshot_every: int = Field(
        default=10_000,
        ge=1,
        description="Slots between snapshots (count); default 10000. Source: etcd's default of the same (snapshot-count, "
        "since 3.2: 100000; before: 10000).",
    )

    @property
    def drift_ppm(self) -> int:
        """By how much every clock may go wrong, in parts per million, before a leader's lease could outlast a member's.

        The leader's, ``lease - clock_error`` on a slow clock, must be over within ``lease`` on a fast one.
        """
        return 1_000_000 * self.clock_error // (2 * self.lease - self.clock_error)

    @model_validator(mode="after")
    def _consistent(self) -> PaxosConfig:
        if self.lease > self.election_timeout:
            raise ValueError(
                "lease must not exceed election_timeout: members would stand for election while they are bound to the "
                "leader that is gone"
            )
        if self.clock_error >= self.lease:
            raise ValueError("clock_error must be below lease: a leader would never hold one")
        if self.heartbeat * 2 > self.election_timeout:
            raise ValueError("heartbeat must be at most half of election_timeout: one lost message would depose a leader")
        return self
