"""A scenario that takes milliseconds and has chance in it: requests at the cores of one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

QUEUE = """\
name: queue
question: How long do requests wait for a core?
seed: 7
duration: 20s
cluster: {racks: 2, machines_per_rack: 2, machine: {cores: 1}}
load:
  - {kind: requests, arrival: {kind: poisson, rate: 8/s}, service: {kind: exponential, mean: 100ms}}
expect:
  - hardware.machine_crashes_count == 0
"""


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """The scenario's file."""
    path = tmp_path / "queue.yaml"
    path.write_text(QUEUE, encoding="utf-8")
    return path
