"""Replay of flows over the network alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from started_loads import started

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import SECOND, FactTables, Simulation
from feitian_sim.workloads.config import FlowsLoad


def test_flows_share_a_card_and_tell_when_they_finished(tmp_path: Path, sim: Simulation) -> None:
    # 1 Gbit/s cards: two flows into one machine get half each; the first ends at 1 + 2 s, the second after it.
    (tmp_path / "f.csv").write_text("id,start_s,src,dst,bytes\n7,1.0,0,2,125000000\n8,1,1,2,250000000\n")
    cluster = ClusterConfig.model_validate({"racks": 2, "machines_per_rack": 2, "machine": {"nic": "1Gbit/s"}})
    tables = FactTables(sim.facts)
    load = FlowsLoad.model_validate({"kind": "flows", "file": "f.csv"})
    (running,) = started(sim, DataCenter(sim, cluster), None, [load], base_dir=tmp_path)
    sim.run_until(100 * SECOND)
    assert running.check() == []
    flows = tables.columns("hardware.flow")
    assert flows["id"].tolist() == [7, 8]
    assert flows["start_s"].tolist() == [1.0, 1.0]
    assert flows["finish_s"].tolist() == pytest.approx([3.0, 4.0], abs=1e-6)
    assert flows["src"].tolist() == ["r0/m0", "r0/m1"]
