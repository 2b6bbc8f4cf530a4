"""A client of a service that nobody answers: how long it waits, and when it asks again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from feitian_sim.fuxi.service.client import ServiceClient
from feitian_sim.fuxi.service.config import ServiceClientConfig
from feitian_sim.fuxi.service.table import Partition, Table
from feitian_sim.kernel import MILLISECOND, SECOND, Simulation
from feitian_sim.kuafu import CallError
from feitian_sim.nuwa.answers import Answer

TABLE = Table(1, 1, 1, 1, 100, (Partition(1, 0, 100, worker=1, machine="r0/m0", token=1),))


class Bench:
    """A client, and when it called and read; it is its own endpoint, where calls end at their deadlines, and its Nuwa."""

    def __init__(self, config: dict[str, str], table: Table | None = TABLE) -> None:
        self.sim = Simulation(seed=1)
        self.owner = self.sim.owner("asker")
        self.table = table
        self.calls: list[int] = []
        self.reads: list[int] = []
        self.ended: list[tuple[int, bool, int]] = []
        of: Any = self
        self.client = ServiceClient(of, lambda _: of, "kv", ServiceClientConfig.model_validate(config))

    @property
    def now_ns(self) -> int:
        return self.sim.now

    def call(self, address: str, _: object, deadline_ns: int, __: object, failed: Callable[..., object]) -> None:
        self.calls.append(self.sim.now // MILLISECOND)
        self.owner.call_later(deadline_ns, failed, CallError("deadline", address))

    def open(self, then: Callable[[], object]) -> None:
        then()

    def read(self, _: str, __: str, got: Callable[[Answer], object]) -> None:
        self.reads.append(self.sim.now // MILLISECOND)
        got(Answer(1, self.table.encoded()) if self.table is not None else Answer(1, error="no-node"))

    def ask(self, within_s: int) -> None:
        done = lambda ok, tries: self.ended.append((self.sim.now // MILLISECOND, ok, tries))  # noqa: E731
        self.client.ask(5, done, within_ns=within_s * SECOND)
        self.sim.run_until(60 * SECOND)


@pytest.mark.parametrize(
    ("config", "gaps"),
    [
        ({}, [2040, 2080, 2160, 2320, 2640, 3000, 3000, 3000]),
        ({"call": "500ms", "backoff": "300ms", "backoff_max": "700ms"}, [800, 1100, *[1200] * 15]),
    ],
)
def test_pauses_between_tries_double_up_to_the_longest(config: dict[str, str], gaps: list[int]) -> None:
    """What is waited between two tries is the deadline of one and the pause after it."""
    bench = Bench(config)
    bench.ask(21)
    assert [after - before for before, after in pairwise(bench.calls)] == gaps
    ((ended_ms, ok, tries),) = bench.ended
    assert not ok
    assert tries == len(gaps) + 1
    assert ended_ms <= 21_000


def test_a_table_that_is_not_there_is_read_again_after_the_longest_pause() -> None:
    """Until the request has waited too long."""
    bench = Bench({"backoff_max": "1500ms"}, None)
    bench.ask(4)
    assert bench.reads[:4] == [0, 1500, 3000, 4500]
    assert bench.ended == [(4500, False, 0)]
    assert not bench.calls
