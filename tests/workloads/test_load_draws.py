"""What loads draw: arrivals, popularity and operations follow their laws and depend on nobody else."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from feitian_sim.kernel import SECOND, Simulation
from feitian_sim.workloads.arrival import Arrivals
from feitian_sim.workloads.config import LoadConfig
from feitian_sim.workloads.operations import Operations, part_of
from feitian_sim.workloads.paced_config import ConstantArrival, PoissonArrival
from feitian_sim.workloads.popularity import Chooser
from feitian_sim.workloads.popularity_config import UniformPopularity, ZipfPopularity

LOAD: TypeAdapter[Any] = TypeAdapter(LoadConfig)
ZIPF = ZipfPopularity(kind="zipf", exponent=0.99)


def test_poisson_arrivals_come_at_their_rate(sim: Simulation) -> None:
    arrivals = Arrivals(PoissonArrival.model_validate({"kind": "poisson", "rate": "20/s"}), 0, sim.stream("a"))
    count = 4000
    last_ns = [arrivals.next_ns() for _ in range(count)][-1]
    # The sum of n exponential gaps has a relative standard error of 1 / sqrt(n).
    assert abs(last_ns / (count * SECOND / 20) - 1) < 3.3 / sqrt(count)


def test_constant_arrivals_do_not_drift(sim: Simulation) -> None:
    arrivals = Arrivals(ConstantArrival.model_validate({"kind": "constant", "rate": "3/s"}), SECOND, sim.stream("a"))
    times = [arrivals.next_ns() for _ in range(3000)]
    assert times[0] == SECOND + SECOND // 3
    assert times[-1] == SECOND + 1000 * SECOND


def test_zipf_frequencies_follow_the_law(sim: Simulation) -> None:
    files, draws = 50, 40_000
    chooser = Chooser(ZIPF)
    counts = np.bincount([chooser.position(u, files) for u in sim.stream("z").uniforms(draws)], minlength=files)
    weights = np.arange(1, files + 1) ** -0.99
    expected = draws * weights / weights.sum()
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    # 49 degrees of freedom: 85.4 is exceeded once in a thousand times.
    assert chi_square < 85.4


def test_a_longer_list_changes_no_earlier_weight() -> None:
    short, grown = Chooser(ZIPF), Chooser(ZIPF)
    grown.position(0.5, 5000)
    assert [short.position(u / 100, 10) for u in range(1, 100)] == [grown.position(u / 100, 10) for u in range(1, 100)]


@pytest.mark.parametrize("popularity", [ZIPF, UniformPopularity(kind="uniform")])
def test_every_quantile_is_a_file(popularity: Any) -> None:
    chooser = Chooser(popularity)
    assert chooser.position(1 - 2**-53, 3) == 2
    assert chooser.position(2**-54, 3) == 0
    assert chooser.position(0.7, 1) == 0


def operations(sim: Simulation, entity: str = "client-0", **fields: Any) -> Operations:
    config = LOAD.validate_python({"clients": 1, **fields})
    return Operations(config, lambda purpose: sim.stream("load.x", entity, purpose))


def test_a_mix_keeps_its_proportions(sim: Simulation) -> None:
    drawn = operations(sim, kind="mix", ratios={"read": 3, "write": 1}, file_size="1MiB")
    count = 4000
    reads = sum(drawn.next().op == "read" for _ in range(count))
    assert abs(reads / count - 0.75) < 3.3 * sqrt(0.75 * 0.25 / count)


def test_draws_belong_to_the_client_and_to_nobody_else() -> None:
    fields: dict[str, Any] = {"kind": "write", "file_size": {"kind": "lognormal", "median": "1MiB", "sigma": 1}}
    alone, crowded = Simulation(seed=5), Simulation(seed=5)
    for client in range(1, 20):
        operations(crowded, f"client-{client}", **fields).next()
    crowded.stream("faults.disk-fail", "r0/m0/d0", "time in service").uniforms(100)
    one, other = operations(alone, **fields), operations(crowded, **fields)
    assert [one.next() for _ in range(20)] == [other.next() for _ in range(20)]


def test_part_of_a_file_lies_inside_it(sim: Simulation) -> None:
    drawn = operations(sim, kind="read", read_size="64KiB")
    for _ in range(100):
        offset, length = part_of(drawn.next(), 100_000)
        assert length == 65536
        assert 0 <= offset <= 100_000 - 65536
    assert part_of(drawn.next(), 1000) == (0, None)
