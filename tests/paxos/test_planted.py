"""The tests can fail: each planted bug is found by the adversary within so many runs, or spoils its story."""

from __future__ import annotations

import pytest
from planted import HUNTED, PLAYED
from test_adversary import run


@pytest.mark.parametrize("bug", HUNTED)
def test_the_adversary_finds_a_planted_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, runs = HUNTED[bug]
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        [run(seed) for seed in range(runs)]


@pytest.mark.parametrize("bug", PLAYED)
def test_a_planted_bug_spoils_its_story(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, story = PLAYED[bug]
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        story()
