"""The scenario as a typed, immutable model: every number of an experiment, with unit, default and meaning.

The parts (cluster, Pangu, load, faults) are declared by the packages that act on them; here they meet.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.checking.config import CheckConfig
from feitian_sim.faults.config import FaultConfig
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import SECOND, Duration, StrictModel
from feitian_sim.kuafu.config import KuafuConfig
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.operations.config import OperationConfig
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.scenario.validation_config import ValidationConfig
from feitian_sim.workloads.config import LoadConfig


class Scenario(StrictModel):
    """A whole experiment: cluster, software, load, faults, and what is expected of it."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        max_length=80,
        description="Names the results folder: lower-case letters, digits, - _ .",
        examples=["rack-power-loss"],
    )
    question: str | None = Field(default=None, description="What one wants to learn, in a sentence.")
    description: str | None = Field(default=None, description="What the reader should know.")
    seed: int = Field(default=42, ge=0, lt=2**63, description="Seed of all chance; fixed, so that a run repeats.")
    runs: int = Field(
        default=1, ge=1, le=100_000, description="Replications; each draws from its own substream of the seed."
    )
    duration: Duration = Field(gt=0, description="Simulated time.", examples=["2h"])
    warmup: Duration = Field(
        default="0s", validate_default=True, description="Time at the start that statistics leave out."
    )
    warmup_rule: Literal["given", "mser-5"] = Field(
        default="given",
        description="How the warm-up is found: as given, or by MSER-5 in each run from what loads complete, the given "
        "one at least.",
    )
    sample_every: Duration | None = Field(
        default=None,
        gt=0,
        description="Interval of sampled tables; by default 1/600 of the duration, at least 1s.",
        examples=["10s"],
    )
    cluster: ClusterConfig = Field(description="The data centre: racks, machines, network, power.")
    kuafu: KuafuConfig = Field(default_factory=KuafuConfig, description="Calls between machines.")
    zhongkui: ZhongkuiConfig = Field(default_factory=ZhongkuiConfig, description="Keys and capabilities.")
    nuwa: NuwaConfig | None = Field(
        default=None,
        description="The coordination service; default: with its defaults where Pangu or Fuxi is, else none.",
    )
    pangu: PanguConfig | None = Field(default=None, description="The distributed file system.")
    fuxi: FuxiConfig | None = Field(default=None, description="Resources, jobs and services.")
    load: tuple[LoadConfig, ...] = Field(default=(), description="What is asked of the platform.")
    faults: tuple[FaultConfig, ...] = Field(default=(), description="What goes wrong.")
    operations: tuple[OperationConfig, ...] = Field(
        default=(), description="What the operator does: machines are added, drained, decommissioned."
    )
    check: CheckConfig | None = Field(
        default=None,
        description="What must hold while it runs, and what `feitian check` draws. Default: nothing.",
    )
    expect: tuple[str, ...] = Field(
        default=(),
        description="What must hold, METRIC OP VALUE; decides the exit code.",
        examples=[["pangu.chunks_lost == 0", "pangu.recovery_s.p95 < 30m"]],
    )
    sweep: dict[str, tuple[Any, ...]] = Field(
        default={},
        description="Axes: dotted key to a list of values; all combinations are run.",
        examples=[{"pangu.placement": ["rack-spread", "random"]}],
    )
    twin: bool = Field(default=False, description="Whether a run without the faults stands behind each in the figures.")
    validation: ValidationConfig | None = Field(
        default=None, description="Published numbers that the scenario reproduces."
    )
    calibrated: tuple[str, ...] = Field(
        default=(),
        description="Keys whose values were fitted to published results rather than measured.",
        examples=[["pangu.repair.dispatch_cost"]],
    )

    @field_validator("sweep")
    @classmethod
    def _axes_have_values(cls, axes: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        for key, values in axes.items():
            if not values:
                raise ValueError(f"the axis {key} has no values")
        return axes

    @property
    def coordination(self) -> NuwaConfig | None:
        """Nuwa's part: as given, or with its defaults where something stands on it."""
        stands_on_it = self.pangu is not None or self.fuxi is not None
        return NuwaConfig() if self.nuwa is None and stands_on_it else self.nuwa

    @property
    def sampling_ns(self) -> int:
        """The interval of sampled tables in effect."""
        return self.sample_every or max(SECOND, self.duration // 600)
