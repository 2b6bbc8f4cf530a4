"""Zhongkui's part of the scenario: how long capabilities hold, and what checking them costs."""

from __future__ import annotations

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, StrictModel, written


class ZhongkuiConfig(StrictModel):
    """Keys and capabilities."""

    servers: int = Field(
        default=3,
        ge=1,
        le=9,
        description="Processes of the authority, one of which serves; default 3. Source: as many as Pangu's masters, so "
        "that two may be down.",
    )
    session: Duration = Field(
        default=written("6s"),
        gt=0,
        description="After so much silence another process of the authority is elected, in time units; default 6s. "
        "Source: as for Pangu's masters.",
    )
    lifetime: Duration = Field(
        default=written("7d"),
        gt=0,
        description="How long a capability holds from its issue, in time units; default 7d. Source: HDFS' delegation "
        "tokens (dfs.namenode.delegation.token.max-lifetime).",
    )
    renew_before: Duration = Field(
        default=written("1d"),
        gt=0,
        description="A process renews its capabilities so long before they end, in time units; default 1d. Source: the "
        "renewal interval of HDFS' delegation tokens, so that an authority may be away for hours.",
    )
    overlap: Duration = Field(
        default=written("14d"),
        gt=0,
        description="How long the signatures of a replaced key stay good, in time units; default 14d. Source: two "
        "lifetimes, so that every holder has renewed by then.",
    )
    skew: Duration = Field(
        default=written("5s"),
        description="By how much clocks may differ without a capability being refused, in time units; default 5s. "
        "Source: above what NTP keeps in a data centre; Kerberos allows 5 minutes.",
    )
    verify_cpu: Duration = Field(
        default=written("120us"),
        description="Processor time to verify one signature, in time units; default 120us. Source: 273,364 cycles for "
        "one Ed25519 signature (Bernstein et al., CHES 2011, single verification) at 2.3 GHz.",
    )
    sign_cpu: Duration = Field(
        default=written("38us"),
        description="Processor time to make one signature, in time units; default 38us. Source: 87,548 cycles (CHES "
        "2011) at 2.3 GHz.",
    )
    check_cpu: Duration = Field(
        default=written("1us"),
        description="Processor time to look a known capability up and match its patterns, in time units; default 1us. "
        "Source: a hash look-up and a few string comparisons.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> ZhongkuiConfig:
        if self.renew_before >= self.lifetime:
            raise ValueError(
                "renew_before must be below lifetime: a capability would have to be renewed before its issue"
            )
        if self.overlap < self.lifetime:
            raise ValueError(
                "overlap must be at least lifetime: what was signed with a replaced key would be void before its holder "
                "renews it"
            )
        return self
