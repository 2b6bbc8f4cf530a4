"""A service as users write it in YAML: roles with instances and resources, partitions of a key space, hot spots."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field, field_validator, model_validator

from feitian_sim.fuxi.job.description import ResourceConfig
from feitian_sim.fuxi.service.hotspot import HOTSPOT, HotLimits
from feitian_sim.kernel import Duration, DurationDistribution, Frequency, StrictModel, written

_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
_REFERENCE = re.compile(r"^[^:\n]+\.py:[A-Za-z_]\w*$")
#: Rows of a table that a file of Nuwa (1 MB) certainly holds.
MOST_PARTITIONS = 10_000


class RoleConfig(StrictModel):
    """One role: processes of one kind, kept at their number."""

    instances: int = Field(ge=1, le=100_000, description="Workers that are kept running (count).")
    resources: ResourceConfig = Field(default_factory=ResourceConfig, description="What one of them needs.")
    package: str = Field(
        default="",
        description="What a worker's machine must have downloaded: a package of the cell, or a file of Pangu, which must "
        "be there within fuxi.tubo.launch_timeout of a worker's start; default: nothing. Source: F4.",
    )
    threads: int = Field(
        default=1, ge=1, le=1024, description="Requests that a worker works on at a time (count); default 1."
    )
    service: DurationDistribution = Field(
        default=written("1ms"),
        description="What a request computes on a healthy core, in time units or a distribution; default 1ms. Source: to "
        "be measured of the service.",
    )
    program: str = Field(
        default="",
        description="The role's own code, file.py:Class with compute_ns(request), in place of service; default none.",
    )
    priority: int = Field(default=0, description="Among the user's applications; larger is more urgent; default 0.")

    @field_validator("program")
    @classmethod
    def _is_reference(cls, value: str) -> str:
        if value and _REFERENCE.match(value) is None:
            raise ValueError(f"{value!r} is not file.py:Class")
        return value


class HotspotConfig(StrictModel):
    """When a partition is hot, and what is done."""

    kind: str = Field(
        default="split-or-move",
        description="split-or-move, leave-alone, or file.py:Class with relieve(partitions, workers, limits).",
    )
    split_above: Frequency = Field(
        default=written("500/s"),
        gt=0,
        description="A partition with more requests is split; default 500/s. Source: half of what one thread does with "
        "requests of 1 ms.",
    )
    move_above: Frequency = Field(
        default=written("800/s"),
        gt=0,
        description="A worker with more requests gives a partition away; default 800/s. Source: as split_above, 80 % of "
        "a thread.",
    )
    imbalance: float = Field(
        default=2.0,
        ge=1,
        description="A worker with more than so many times the mean gives a partition away (ratio); default 2. Source: "
        "own assumption.",
    )

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in HOTSPOT and _REFERENCE.match(value) is None:
            raise ValueError(f"{value!r} is none of {', '.join(HOTSPOT)}, nor file.py:Class")
        return value


class PartitionsConfig(StrictModel):
    """The key space and how it is served."""

    role: str = Field(default="", description="The role whose workers serve them; default: the first.")
    keys: int = Field(default=1 << 20, ge=1, le=1 << 62, description="Keys, from 0 on (count); default 1048576.")
    count: int = Field(ge=1, le=MOST_PARTITIONS, description="Partitions at the beginning, of the same width (count).")
    most: int = Field(
        default=1000,
        ge=1,
        le=MOST_PARTITIONS,
        description="Partitions that splitting may lead to (count); default 1000. Source: own assumption.",
    )
    load: Duration = Field(
        default=written("500ms"),
        description="What loading a partition takes a worker, in time units; default 500ms. Source: own assumption: "
        "50 MB from three disks.",
    )
    unload: Duration = Field(
        default=written("50ms"),
        description="What unloading takes once its last request is answered, in time units; default 50ms. Source: own "
        "assumption.",
    )
    hot: HotspotConfig = Field(default_factory=HotspotConfig, description="Hot spots.")

    @model_validator(mode="after")
    def _consistent(self) -> PartitionsConfig:
        if self.count > self.keys:
            raise ValueError(f"{self.keys} keys cannot be cut into {self.count} partitions")
        if self.most < self.count:
            raise ValueError(f"there are {self.count} partitions at the beginning, but at most {self.most} may be")
        return self

    def limits(self) -> HotLimits:
        """What the policy is told."""
        hot = self.hot
        return HotLimits(float(hot.split_above), float(hot.move_above), hot.imbalance, self.most)


class ServiceDescription(StrictModel):
    """A service."""

    name: str = Field(description="Its name, unique in the cell.")
    user: str = Field(default="user", description="Whose it is; default user.")
    group: str = Field(default="", description="Quota group; default: the first that admits the user.")
    roles: Mapping[str, RoleConfig] = Field(min_length=1, description="Its roles by name.")
    partitions: PartitionsConfig | None = Field(
        default=None, description="Partitions that one of the roles serves; default: none."
    )

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if _NAME.match(value) is None:
            raise ValueError(f"a name has letters, digits, _ . - and begins with none of . and -: {value!r}")
        return value

    @model_validator(mode="after")
    def _role_is_there(self) -> ServiceDescription:
        if self.partitions is not None and self.partitions.role and self.partitions.role not in self.roles:
            raise ValueError(f"partitions.role is {self.partitions.role!r}, the roles are {', '.join(self.roles)}")
        return self

    @property
    def serving_role(self) -> int:
        """Position of the role that serves the partitions; -1 without any."""
        if self.partitions is None:
            return -1
        return list(self.roles).index(self.partitions.role) if self.partitions.role else 0
