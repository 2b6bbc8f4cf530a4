"""The ``check`` part of a scenario: what must hold in it, how much must be survived, and from when it must recover."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from feitian_sim.kernel import Duration, StrictModel, written


class BudgetConfig(StrictModel):
    """How much may be broken at one time and must be survived: safe, and live again afterwards.

    Beyond it, what is acknowledged may be out of reach (``may stall``), and where disks are lost beyond it, gone: that
    must be said, never silent.
    """

    servers_down: int = Field(
        default=2,
        ge=0,
        description="Members of one replicated log that are down or cut off at one time (count); default 2.",
    )
    disks_lost: int = Field(
        default=0, ge=0, description="Disks that are lost with all on them, over the whole run (count); default 0."
    )
    replicas: int = Field(
        default=3, ge=1, description="Copies that each chunk has again in the end (count); default 3, as pangu.replicas."
    )


class LivenessConfig(StrictModel):
    """The second phase: a core is whole from a time on, whatever is outside of it stays broken."""

    after: Duration = Field(gt=0, description="When the core is whole.")
    core: tuple[str, ...] = Field(min_length=1, description="The machines of the core.")


class EndEarlyConfig(StrictModel):
    """When the second phase has shown what it was to show: a run ends then, most of the time."""

    quiet: Duration = Field(
        gt=0,
        description="How long no leader must have been elected since the core was healed. Source: choose three of the "
        "scenario's election time-outs.",
    )
    look_every: Duration = Field(
        default=written("50ms"), gt=0, description="Between two looks whether all has settled; default 50ms."
    )
    whole: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Seeds that run to their end all the same, for what comes late (share); default 0.25.",
    )


class CheckConfig(StrictModel):
    """What `feitian check` does with the scenario, and what must hold whenever it is run."""

    invariants: tuple[str, ...] | None = Field(
        default=None, description="Ids of the invariants that are watched: [NW1, NW6]. Default: all that apply."
    )
    profile: str = Field(
        default="swarm",
        description="swarm, crash-heavy, network, disks, gray, clocks, operator, duels, amnesia or none; default swarm.",
    )
    faults_until: Duration = Field(
        default=written("3s"), gt=0, description="Faults are drawn up to this time, then the core is healed; default 3s."
    )
    converge: Duration = Field(
        default=written("5s"),
        gt=0,
        description="How long after healing everything must work again; default 5s. Source: chosen above the scenario's "
        "longest time-outs together: session, reconnection, election.",
    )
    budget: BudgetConfig = Field(default_factory=BudgetConfig, description="How much must be survived.")
    knobs: dict[str, tuple[Any, ...]] = Field(
        default={}, description="Dotted keys with values of which each seed draws one: {nuwa.log.window: [1, 4]}."
    )
    sometimes: dict[str, float] = Field(
        default={},
        description="Loads by name that only this share of seeds has: {locks: 0.4}. Default: all.",
    )
    ties: bool | None = Field(
        default=None,
        description="Whether what falls due at one instant runs in a drawn order; default: `feitian check` draws, "
        "`feitian run` does not.",
    )
    liveness: LivenessConfig | None = Field(
        default=None, description="The second phase; written by `feitian check`. Default: none is judged."
    )
    end_early: EndEarlyConfig | None = Field(
        default=None,
        description="End the second phase as soon as all that must happen in it has happened. Default: at the end.",
    )

    @model_validator(mode="after")
    def _knobs_have_values(self) -> CheckConfig:
        for key, values in self.knobs.items():
            if not values:
                raise ValueError(f"the knob {key} has no values")
        return self
