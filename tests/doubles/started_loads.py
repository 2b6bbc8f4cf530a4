"""Loads of tests, set up and started."""

from __future__ import annotations

from typing import Any

from feitian_sim.workloads.context import RunningLoad
from feitian_sim.workloads.wiring import set_up


def started(*args: Any, **options: Any) -> list[RunningLoad]:
    """The loads, running."""
    loads = set_up(*args, **options)
    for load in loads:
        load.start()
    return loads
