"""Whatever the adversary does, members agree; and when it stops, they go on."""

from __future__ import annotations

import pytest
from adversary import trial


@pytest.mark.parametrize("block", range(4))
def test_members_agree_under_loss_delay_doubling_reordering_and_crashes(block: int) -> None:
    reached: dict[str, int] = {}
    for seed in range(40 * block, 40 * (block + 1)):
        group = trial(
            seed,
            3 if seed % 3 else 5,
            crash=(0.0, 0.002, 0.01)[seed % 3 and seed // 3 % 3],
            loss=(0.02, 0.1, 0.3)[seed // 9 % 3],
        )
        for what, count in group.reached.items():
            reached[what] = reached.get(what, 0) + count
        reached["acknowledged"] = reached.get("acknowledged", 0) + len(group.acknowledged)
    # A test that never got where it hurts proves nothing.
    assert all(reached[what] > 20 for what in ("elected", "lost", "lease", "snapshot", "installed", "crash"))
    assert reached["deposed"] > 0
    assert reached["acknowledged"] > 1000
