"""The scheduler's part of the scenario: quota groups, fairness, machine choice and preemption."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Self, TypeVar

from pydantic import BaseModel, Field, model_validator

from feitian_sim.fuxi.fairness import FAIRNESS, FairnessPolicy
from feitian_sim.fuxi.machine_choice import MACHINE_CHOICES, MachineChoice
from feitian_sim.fuxi.preemption import PREEMPTION, PreemptionPolicy
from feitian_sim.fuxi.quota import QuotaGroupConfig
from feitian_sim.kernel import Duration, StrictModel, written

_Part = TypeVar("_Part", bound=BaseModel)


class ScheduleConfig(StrictModel):
    """How the FuxiMaster shares out the machines."""

    groups: tuple[QuotaGroupConfig, ...] = Field(
        default=(),
        description="Quota groups; default: one, which everybody may use and which owns the cluster. Source: Fuxi, "
        "VLDB 2014, sec. 3.4.",
    )
    fairness: str | dict[str, Any] = Field(
        default="fifo",
        description="Who of those that wait with equal priority goes first: an id, {kind: id, ...options}, or "
        "file.py:Class; default fifo. Source: Fuxi, VLDB 2014, sec. 3.3: by waiting time.",
    )
    machine_choice: str | dict[str, Any] = Field(
        default="spread",
        description="On which machine of those that have room: an id, {kind: id, ...options}, or file.py:Class; "
        "default spread. Source: the paper leaves it open; Fuxi's aim of balanced load, sec. 3.1.",
    )
    preemption: str | dict[str, Any] = Field(
        default="latest",
        description="Who of equal priority goes first where somebody must: an id, {kind: id, ...options}, or "
        "file.py:Class; default latest. Source: the paper leaves it open; what began last has least to lose.",
    )
    preempts: bool = Field(
        default=True,
        description="Whether units are taken back for those of higher priority or for a group's minimum; default "
        "true. Source: Fuxi, VLDB 2014, sec. 3.4.",
    )
    adjust_every: Duration = Field(
        default=written("1m"),
        gt=0,
        description="Between adjustments of quota and preemption; default 1m. Source: Fuxi, VLDB 2014, sec. 3.5: e.g., "
        "once a minute.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [group.name for group in self.groups]
        twice = [name for place, name in enumerate(names) if name in names[:place]]
        if twice:
            raise ValueError(f"there are two quota groups {twice[0]!r}")
        together = sum(group.minimum for group in self.groups)
        if together > 1 + 1e-9:
            raise ValueError(
                f"the minimums of the quota groups add up to {together:.0%} of the cluster; at most 100% can be kept"
            )
        return self


def fairness_from(value: str | Mapping[str, Any] | FairnessPolicy) -> FairnessPolicy:
    """The policy named by an id, described by ``{kind: id, ...options}``, or given. Raises ValueError."""
    return value if isinstance(value, FairnessPolicy) else _part(value, FAIRNESS, "fairness policy")


def machine_choice_from(value: str | Mapping[str, Any] | MachineChoice) -> MachineChoice:
    """The policy named by an id, described by ``{kind: id, ...options}``, or given. Raises ValueError."""
    return value if isinstance(value, MachineChoice) else _part(value, MACHINE_CHOICES, "machine choice")


def preemption_from(value: str | Mapping[str, Any] | PreemptionPolicy) -> PreemptionPolicy:
    """The policy named by an id, described by ``{kind: id, ...options}``, or given. Raises ValueError."""
    return value if isinstance(value, PreemptionPolicy) else _part(value, PREEMPTION, "preemption policy")


def _part(value: str | Mapping[str, Any], table: Mapping[str, type[_Part]], what: str) -> _Part:
    described = {"kind": value} if isinstance(value, str) else dict(value)
    kind = str(described.get("kind"))
    if kind not in table:
        near = get_close_matches(kind, table, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no {what} is called {kind!r} ({', '.join(table)}){hint}")
    return table[kind].model_validate(described)
