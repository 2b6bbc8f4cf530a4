"""Facts, their digest and their tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.kernel import Fact, FactTables, Simulation, fact
from feitian_sim.kernel.tables import read_columns


@fact("test.moved")
class Moved(Fact):
    """Something moved."""

    name: str
    size_bytes: int
    start_ns: int


@fact("test.sampled", canonical=False)
class Sampled(Fact):
    """Something was measured."""

    value: float


def test_facts_are_frozen_and_slotted():
    moved = Moved(name="a", size_bytes=1, start_ns=2)
    with pytest.raises(AttributeError):
        moved.name = "b"  # type: ignore[misc]
    assert not hasattr(moved, "__dict__")


def digest_of(*steps: tuple[int, Fact]) -> str:
    sim = Simulation()
    for time_ns, item in steps:
        sim.call_at(time_ns, sim.emit, item)
    sim.run()
    return sim.facts.digest()


def test_the_digest_is_over_canonical_facts_and_times():
    one, two = Moved("a", 1, 0), Moved("b", 2, 0)
    base = digest_of((1, one), (2, two))
    assert digest_of((1, one), (1, Sampled(0.5)), (2, two)) == base
    assert digest_of((1, one), (3, two)) != base
    assert digest_of((1, one), (2, Moved("b", 3, 0))) != base
    assert digest_of((1, one)) != base


def test_the_order_of_one_instant_does_not_count():
    one, two = Moved("a", 1, 0), Moved("b", 2, 0)
    assert digest_of((1, one), (1, two)) == digest_of((1, two), (1, one))
    assert digest_of((1, one), (2, two)) != digest_of((1, two), (2, one))


def test_reading_the_digest_does_not_change_it():
    sim = Simulation()
    sim.emit(Moved("a", 1, 0))
    first = sim.facts.digest()
    sim.emit(Moved("b", 1, 0))
    both = sim.facts.digest()
    assert sim.facts.digest() == both != first


def test_only_what_is_wanted_need_be_built():
    sim = Simulation()
    assert sim.facts.wants(Moved)
    assert not sim.facts.wants(Sampled)
    sim.facts.subscribe(Sampled, lambda time_ns, item: None)
    assert sim.facts.wants(Sampled)


def test_tables_are_typed_and_survive_parquet(tmp_path: Path):
    sim = Simulation()
    tables = FactTables(sim.facts)
    sim.call_at(1_500_000_000, sim.emit, Moved("a", 7, 500_000_000))
    sim.call_at(2_000_000_000, sim.emit, Moved("b", 8, 1_000_000_000))
    sim.run()
    assert tables.kinds() == ("test.moved",)
    (path,) = tables.write_parquet(tmp_path)
    columns = read_columns(path)
    assert list(columns) == ["time_s", "name", "size_bytes", "start_s"]
    assert columns["time_s"].tolist() == [1.5, 2.0]
    assert columns["start_s"].tolist() == [0.5, 1.0]
    assert columns["size_bytes"].tolist() == [7, 8]
    assert columns["name"].tolist() == ["a", "b"]
    assert tables.columns("test.unknown") == {}
