"""Quota groups: what each is sure of, what it may borrow, and who may use it.

A group has a *minimum*: a share of the cluster that is its own whenever it asks. What it does not use others may borrow,
each up to its *maximum*. A waiting demand that stays within its group's minimum is *owed*: it goes first when something
is freed, and if nothing is, borrowers give back (see ``preemption``). The minimums together are at most the whole
cluster, so that all can be kept at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from feitian_sim.fuxi.free_index import Shape
from feitian_sim.fuxi.resources import Vector
from feitian_sim.kernel import Ratio, SimulatedError, StrictModel

DEFAULT = "default"


class AccessDenied(SimulatedError):
    """The user may not run anything in this quota group, or there is no such group; says which."""


class QuotaGroupConfig(StrictModel):
    """A group of users that shares a part of the cluster."""

    name: str = Field(description="The group's name.")
    minimum: Ratio = Field(
        default=0.0,
        description="What the group gets whenever it asks (share of each resource of the cluster); default 0%. "
        "Source: Fuxi, VLDB 2014, sec. 3.4: the minimum quota.",
    )
    maximum: Ratio = Field(
        default=1.0,
        description="What it may use when others leave it idle (share of each resource of the cluster); default 100%. "
        "Source: Fuxi, VLDB 2014, sec. 3.4: other groups may use what is idle.",
    )
    users: tuple[str, ...] = Field(default=(), description="Who may run applications in it (names); default: everybody.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"the minimum of group {self.name!r} is above its maximum")
        return self


class Group:
    """The books of one quota group. Amounts are in the order of the cell's dimensions.

    ``used`` counts everything that its applications hold, with what is returning; ``returning`` of it is on its way
    back, ``claimed`` is kept for it beside.
    """

    __slots__ = (
        "capped", "claimed", "config", "excused", "holding", "maximum", "minimum", "name", "returning", "used", "users",
    )  # fmt: skip

    def __init__(self, config: QuotaGroupConfig, dimensions: int) -> None:
        self.config = config
        self.name = config.name
        self.users = frozenset(config.users)
        self.used = [0] * dimensions
        self.returning = [0] * dimensions
        self.claimed = [0] * dimensions
        self.minimum = [0] * dimensions
        #: Priority -> how many units of it are in use, without those that are returning.
        self.holding: dict[int, int] = {}
        #: None: it may use all that there is.
        self.maximum: list[int] | None = None
        #: Something of it waits for nothing but its maximum.
        self.capped = False
        #: Use above the maximum that came about without a grant: the cluster shrank, or was taken over so.
        self.excused = [0] * dimensions

    def resize(self, totals: Sequence[int]) -> None:
        """The cluster has so much of everything from now on."""
        # The list stays the same: the fairness policy looks at it, too.
        self.minimum[:] = [int(whole * self.config.minimum) for whole in totals]
        if self.config.maximum < 1:
            self.maximum = [int(whole * self.config.maximum) for whole in totals]
        self.excuse()

    def excuse(self) -> None:
        """What is used now is no fault of a grant."""
        self.excused = list(self.used)

    def admits(self, user: str) -> bool:
        """Whether a user may run applications in it."""
        return not self.users or user in self.users

    def room(self, shape: Shape) -> int | None:
        """How many more of a shape it may be granted; None: quota does not limit them."""
        if self.maximum is None:
            return None
        return shape.fit([most - used for most, used in zip(self.maximum, self.used, strict=True)])

    def owed(self, shape: Shape) -> int:
        """How many more of a shape are within its minimum."""
        return shape.fit([sure - used for sure, used in zip(self.minimum, self.used, strict=True)])

    def over_minimum(self) -> bool:
        """Whether it borrows, in any dimension, when what is returning has returned."""
        return any(used - back > sure for used, back, sure in zip(self.used, self.returning, self.minimum, strict=True))

    def check(self) -> None:
        """Raises AssertionError when its books cannot be right."""
        for amounts in (self.used, self.returning, self.claimed):
            assert min(amounts) >= 0, f"group {self.name}: a negative amount: {amounts}"
        if self.maximum is not None:
            for used, most, excused in zip(self.used, self.maximum, self.excused, strict=True):
                assert used <= max(most, excused), f"group {self.name} uses {used}, it may borrow up to {most}"


def groups_of(configs: Sequence[QuotaGroupConfig], dimensions: int) -> dict[str, Group]:
    """The books of all groups by name; without any there is one, which everybody may use and which owns everything."""
    if not configs:
        configs = (QuotaGroupConfig(name=DEFAULT, minimum=1.0),)
    return {config.name: Group(config, dimensions) for config in configs}


def add(amounts: list[int], shape: Shape, count: int) -> None:
    """``amounts += count`` of a shape; a negative count takes away."""
    for dimension, amount in shape.needs:
        amounts[dimension] += amount * count


def vector_of(amounts: Sequence[int]) -> Vector:
    """Amounts that will not change any more."""
    return tuple(amounts)
