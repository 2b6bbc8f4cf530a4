"""The validation section says what a number is held against, and how closely."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from feitian_sim.scenario.validation_config import Published, Tolerance


def _published(**given: Any) -> Published:
    fields = {
        "quantity": "time to restore",
        "metric": "pangu.restored_s",
        "published": "23.2m",
        "source": "SOSP 2003",
    }
    return Published.model_validate({**fields, **given})


def test_a_bare_share_is_the_relative_tolerance() -> None:
    assert _published(tolerance="10%").tolerance == Tolerance(relative=0.1)


def test_without_a_tolerance_the_interval_over_runs_decides() -> None:
    assert _published().tolerance.confidence == 0.95


@pytest.mark.parametrize(
    "tolerance", [{}, {"relative": "10%", "absolute": "1s"}, "ten", {"relativ": "10%"}, {"bound": "upper"}]
)
def test_a_tolerance_is_exactly_one_of_four(tolerance: Any) -> None:
    with pytest.raises(ValidationError):
        _published(tolerance=tolerance)


def test_either_a_metric_or_a_table() -> None:
    with pytest.raises(ValidationError, match="either metric"):
        _published(metric=None)
    table = {"fact": "hardware.flow", "column": "finish_s", "file": "finish.csv"}
    assert _published(metric=None, table=table).table is not None


def test_only_values_of_metrics_are_compared_with_each_other() -> None:
    assert _published(more_than={}, published="44%").is_share
    assert not _published(more_than={}).is_share
    table = {"fact": "hardware.flow", "column": "finish_s", "file": "finish.csv"}
    with pytest.raises(ValidationError, match="more_than compares"):
        _published(metric=None, table=table, more_than={})
