"""P7: the loss of any master loses nothing that was acknowledged, and an isolated one acknowledges nothing any more."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.kernel import SECOND
from feitian_sim.kuafu import CallError, Need
from feitian_sim.pangu.master_server import MASTER_PORT
from feitian_sim.pangu.messages import CreateFile, Locate
from feitian_sim.scenario import build, load_text

CELL = """\
name: masters
seed: {seed}
duration: 60s
cluster:
  racks: 4
  machines_per_rack: 4
  machine: {{cores: 8, disks: 2, disk: hdd-2tb, nic: 10Gbit/s}}
pangu: {{masters: 3, replicas: 3, dataset: {{bytes: 10GB, file_size: 64MiB}}}}
load:
  - {{kind: write, name: ingest, file_size: 16MiB, clients: 4, think: {{kind: exponential, mean: 300ms}}}}
  - {{kind: append, name: log, record_size: 256KiB, clients: 2, think: {{kind: exponential, mean: 300ms}}}}
  - {{kind: read, name: serving, read_size: 4MiB, arrival: {{kind: poisson, rate: 5/s}}}}
faults:
  - {fault}
"""


@pytest.mark.parametrize("master", ["r0/m0", "r1/m0", "r2/m0"])
@pytest.mark.parametrize("kind", ["machine-crash", "process-kill"])
def test_p7_killing_any_of_three_masters_loses_nothing_and_pauses_less_than_ten_seconds(master: str, kind: str) -> None:
    target = f"{{machine: {master}}}" if kind == "machine-crash" else f"{{role: pangu.master, machine: {master}}}"
    ran = build(load_text(CELL.format(seed=3, fault=f"{{kind: {kind}, at: 15s, target: {target}}}"))).run()
    assert ran.metrics["pangu.acknowledged_lost_count"] == 0
    assert ran.metrics["pangu.wrong_bytes_count"] == 0
    assert ran.metrics["pangu.longest_pause_s"] < 10
    ready = ran.facts.columns("pangu.master_ready")
    # The first of them is active at the beginning: only its loss makes another one so.
    assert len(ready["time_s"]) == (2 if master == "r0/m0" else 1)


@pytest.mark.parametrize("seed", range(3))
def test_p7_a_master_that_is_cut_off_acknowledges_nothing_once_it_may_have_been_replaced(seed: int) -> None:
    fault = "{kind: network-partition, at: 15s, duration: 30s, split: one, target: {leader: pangu.master}}"
    platform = build(load_text(CELL.format(seed=seed, fault=fault)))
    cell = platform.cell
    assert cell is not None
    old = cell.masters.active
    assert old is not None
    # A client on the master's own machine, which the cut does not separate from it.
    owner = platform.sim.owner("local")
    endpoint = platform.kuafu.endpoint(owner, old.machine, 50_000, platform.identities.user("local"))
    answers: list[tuple[int, str, Any]] = []

    def ask(number: int) -> None:
        path = f"/local/{number}"
        address = f"tcp://{old.machine.name}:{MASTER_PORT}"
        for message in (CreateFile(path), Locate("/dataset/000000001", 0, 1)):
            endpoint.call(
                address,
                message,
                5 * SECOND,
                lambda reply: answers.append((platform.sim.now, path, reply)),
                lambda error: answers.append((platform.sim.now, path, error)),
            )
        platform.sim.call_later(SECOND // 4, ask, number + 1)

    platform.sim.call_at(15 * SECOND + 1, ask, 0)
    ran = platform.run()
    assert ran.metrics["pangu.acknowledged_lost_count"] == 0
    replaced_ns = min(
        int(time * SECOND) for time in ran.facts.columns("pangu.master_ready")["time_s"].tolist() if time > 15
    )
    healed_ns = 45 * SECOND
    late = [answer for time, _, answer in answers if replaced_ns <= time < healed_ns]
    assert late
    assert not [answer for answer in late if granted(answer)]


def granted(answer: Any) -> bool:
    """Whether a master did or promised something."""
    return not isinstance(answer, CallError) and type(answer).__name__ not in ("Failed",)


def test_what_a_master_serves_needs_a_permission() -> None:
    from feitian_sim.pangu.master_server import REQUESTS

    assert all(isinstance(need, Need) and need.permission for need in REQUESTS.values())
