"""Whatever the adversary does, members agree; and when it stops, they go on."""

from __future__ import annotations

from typing import Any

import pytest
from adversary import Group, trial


def strength(seed: int) -> dict[str, Any]:
    """How strong the adversary is in a run: all mixtures come by."""
    return {
        "loss": (0.02, 0.1, 0.3)[seed % 3],
        "crash": (0.0, 0.002, 0.01)[seed // 3 % 3],
        "cuts": (0.0, 0.4)[seed // 9 % 2],
        "pauses": (0.3, 0.0)[seed // 18 % 2],
        "changes": (0.0, 0.4)[seed // 36 % 2],
        "disks": (0.0, 0.2)[seed // 72 % 2],
        "calls": (0.0, 0.3)[seed // 6 % 2],
        "haste": (1, 5)[seed // 2 % 2],
    }


def run(seed: int) -> Group:
    return trial(seed, 3 if seed % 5 else 5, **strength(seed))


def _run_all(seeds: range) -> dict[str, int]:
    reached: dict[str, int] = {}
    for seed in seeds:
        group = run(seed)
        for what, count in group.reached.items():
            reached[what] = reached.get(what, 0) + count
        reached["acknowledged"] = reached.get("acknowledged", 0) + len(group.checks.acknowledged)
    return reached


def test_members_agree_under_everything_that_the_adversary_does() -> None:
    reached = _run_all(range(150))
    # A test that never got where it hurts proves nothing.
    wanted = {"elected", "deposed", "lost", "lease", "read", "snapshot", "installed", "crash", "kill", "partition"}
    wanted |= {"pause", "change", "disk"}
    assert {what for what in wanted if reached.get(what, 0) < 10} == set()
    assert reached["acknowledged"] > 1000


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_members_agree_in_many_more_runs(block: int) -> None:
    assert _run_all(range(1000 + 500 * block, 1500 + 500 * block))["acknowledged"] > 1000
