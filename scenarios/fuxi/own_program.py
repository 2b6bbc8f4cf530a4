"""Programs of a user's own for ``own-program.yaml``: jobs whose joins are skewed, as a class describes them.

A key of a join that many rows share goes to one reduce: the load of reduces follows a power law. ``SkewedJoin`` says so
of each instance, ``Join`` describes a job of a number, and both are asked by the simulation whenever they are needed;
they keep nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feitian_sim.fuxi.job.program import InstanceSight, JobSight

_SECOND = 1_000_000_000


@dataclass
class Scan:
    """Maps that read only some columns of their files, and fail once where the table has a broken block."""

    columns: float = 0.25
    broken: int = 7

    def read_bytes(self, instance: InstanceSight) -> int:
        """A table that is stored by columns: their share of each split."""
        return int(instance.input_bytes * self.columns)

    def compute_ns(self, instance: InstanceSight) -> int:
        """100 MB a second of what it reads."""
        return int(self.read_bytes(instance) * 10)

    def output_bytes(self, instance: InstanceSight) -> int:
        """Half of what it reads passes the filter."""
        return self.read_bytes(instance) // 2

    def failure(self, instance: InstanceSight, attempt: int) -> str:
        """The first attempt of one instance finds the broken block; the next skips it."""
        return "a block of the table is broken" if instance.number == self.broken and attempt <= 1 else ""


@dataclass
class SkewedJoin:
    """Reduces of a join: the n-th has work in proportion to 1 / n^skew."""

    skew: float = 1.0

    def compute_ns(self, instance: InstanceSight) -> int:
        """At 50 MB a second, what all reduces take together is dealt out by the power law."""
        total_ns = sum(instance.taken.values()) * instance.instances * 20
        weights = [1 / (number + 1) ** self.skew for number in range(instance.instances)]
        return int(total_ns * weights[instance.number] / sum(weights))

    def output_bytes(self, instance: InstanceSight) -> int:
        """A tenth of what it takes."""
        return instance.input_bytes // 10


@dataclass
class Join:
    """Jobs of that kind: the n-th has n reduces more than the first."""

    reduces: int = 4
    skew: float = 1.0

    def describe(self, job: JobSight) -> Mapping[str, Any]:
        """As a YAML file would have it."""
        worker = {"resources": {"cpu": 1, "memory": "2GiB"}}
        return {
            "tasks": {
                "scan": {"input": {"files": "/dataset/*"}, "program": "own_program.py:Scan", **worker},
                "join": {
                    "instances": self.reduces + job.number,
                    "after": "scan",
                    "program": {"kind": "own_program.py:SkewedJoin", "skew": self.skew},
                    "output": {"to": "pangu"},
                    **worker,
                },
            }
        }
