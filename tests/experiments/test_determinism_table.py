"""A variation that did not take effect proves nothing, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.experiments.determinism import Variation, compared, observe, variations

PLAIN: dict[str, Any] = {
    "digests": ["aa"],
    "observed": {"libm": "1", "numpy_features": ["AVX2", "SSE"], "numpy_exp": "e"},
}


def _found(digest: str, **observed: Any) -> dict[str, Any]:
    return {"digests": [digest], "observed": {**PLAIN["observed"], **observed}}


def test_an_equal_digest_under_a_variation_that_took_effect_is_good() -> None:
    row = compared(Variation("libm", shown_by="libm"), _found("aa", libm="2"), PLAIN)
    assert (row.ok, row.took_effect) == (True, True)


def test_no_effect_is_said() -> None:
    row = compared(Variation("libm", shown_by="libm"), _found("aa"), PLAIN)
    assert (row.ok, row.took_effect) == (True, False)
    assert "no effect here" in row.effect


def test_another_digest_is_a_failure_but_for_another_seed() -> None:
    assert not compared(Variation("x"), _found("bb"), PLAIN).ok
    assert compared(Variation("seed", seed=2), _found("bb"), PLAIN).ok
    assert not compared(Variation("seed", seed=2), _found("aa"), PLAIN).ok


def test_features_that_were_switched_off_are_named() -> None:
    row = compared(Variation("features", shown_by="numpy_features"), _found("aa", numpy_features=["SSE"]), PLAIN)
    assert "AVX2" in row.effect
    assert row.took_effect


def test_eight_hash_seeds_are_varied() -> None:
    assert sum(variation.name.startswith("PYTHONHASHSEED=") for variation in variations()) == 8


@pytest.mark.slow
def test_a_process_that_fails_is_a_failure_with_its_last_line() -> None:
    row = compared(Variation("x"), observe(Variation("x"), "no-such-file.yaml"), PLAIN)
    assert not row.ok
    assert "no-such-file.yaml" in row.effect
