"""The warm-up that is found, where there is one to find."""

from __future__ import annotations

from dataclasses import replace

from feitian_sim.scenario.wiring import build
from tests.scenario.test_wiring import queue


def test_a_queue_that_fills_at_first_has_a_warmup_that_is_found() -> None:
    """A load that begins late gives nothing at first, which is no part of what goes on afterwards."""
    loaded = queue()
    late = loaded.scenario.model_copy(update={"warmup_rule": "mser-5"})
    requests = late.load[0].model_copy(update={"start": late.duration // 5})
    late = late.model_copy(update={"load": (requests,)})
    ran = build(replace(loaded, scenario=late), 0).run()
    assert 0.15 <= ran.tables.warmup_s / ran.tables.duration_s <= 0.25
    steady = loaded.scenario.model_copy(update={"warmup_rule": "mser-5"})
    assert build(replace(loaded, scenario=steady), 0).run().tables.warmup_s < 0.5 * ran.tables.duration_s
