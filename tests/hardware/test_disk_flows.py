"""Bulk transfers through disks: the disk's links bound them, and its failures reach them."""

from __future__ import annotations

import pytest

from feitian_sim.hardware import ClusterConfig, DataCenter, Disk, DiskConfig, MachineConfig
from feitian_sim.kernel import SECOND, Simulation
from feitian_sim.kernel.units import MB

HARD = DiskConfig(read_bandwidth="100MB/s", write_bandwidth="100MB/s", half_duplex=True)
SOLID = HARD.model_copy(update={"half_duplex": False})


def datacenter_of(sim: Simulation, config: DiskConfig) -> DataCenter:
    machine = MachineConfig(disks=1, disk=config, nic="10Gbit/s")
    return DataCenter(sim, ClusterConfig(racks=1, machines_per_rack=3, machine=machine))


class Transfers:
    """Starts transfers of 100 MB and notes when each ended, in seconds, and why."""

    def __init__(self, sim: Simulation, datacenter: DataCenter) -> None:
        self.sim, self.datacenter = sim, datacenter
        self.owner = sim.owner("copier")
        self.ends: dict[str, tuple[float, str]] = {}

    def start(self, name: str, read: Disk | None = None, write: Disk | None = None) -> None:
        source = read.machine if read else self.datacenter.machines[2]
        target = write.machine if write else self.datacenter.machines[2]
        self.datacenter.network.transfer(
            source,
            target,
            100 * MB,
            disks_read=read.read_links if read else (),
            disks_write=write.write_links if write else (),
            owner=self.owner,
            on_done=lambda flow: self.note(name, "done"),
            on_fail=lambda flow, reason: self.note(name, reason),
        )

    def note(self, name: str, how: str) -> None:
        self.ends[name] = (self.sim.now / SECOND, how)


@pytest.mark.parametrize(("config", "seconds"), [(HARD, 2.0), (SOLID, 1.0)])
def test_reading_and_writing_share_the_head_of_a_hard_disk(sim: Simulation, config: DiskConfig, seconds: float) -> None:
    datacenter = datacenter_of(sim, config)
    disk = datacenter.disk("r0/m0/d0")
    transfers = Transfers(sim, datacenter)
    transfers.start("read", read=disk)
    transfers.start("write", write=disk)
    sim.run()
    assert transfers.ends["read"] == (pytest.approx(seconds), "done")
    assert transfers.ends["write"] == (pytest.approx(seconds), "done")


def test_a_disk_that_slows_down_slows_what_is_under_way(sim: Simulation) -> None:
    datacenter = datacenter_of(sim, HARD)
    disk = datacenter.disk("r0/m0/d0")
    transfers = Transfers(sim, datacenter)
    transfers.start("read", read=disk)
    sim.call_later(SECOND // 2, setattr, disk, "slow_factor", 4.0)
    sim.run()
    assert transfers.ends["read"] == (pytest.approx(0.5 + 4 * 0.5), "done")


def test_what_a_failed_disk_was_doing_fails_and_the_rest_goes_on(sim: Simulation) -> None:
    datacenter = datacenter_of(sim, HARD)
    transfers = Transfers(sim, datacenter)
    transfers.start("doomed", read=datacenter.disk("r0/m0/d0"))
    transfers.start("other", read=datacenter.disk("r0/m1/d0"))
    sim.call_later(SECOND // 2, datacenter.disk("r0/m0/d0").fail, "wear")
    sim.run()
    assert transfers.ends["other"] == (pytest.approx(1.0), "done")
    assert transfers.ends["doomed"] == (pytest.approx(6.5), "stalled")


def test_a_machine_that_comes_back_in_time_lets_the_transfer_go_on(sim: Simulation) -> None:
    datacenter = datacenter_of(sim, HARD)
    machine = datacenter.machine("r0/m0")
    transfers = Transfers(sim, datacenter)
    transfers.start("read", read=machine.disks[0])
    sim.call_later(SECOND // 2, machine.crash, "test")
    sim.call_later(3 * SECOND, machine.restart)
    sim.run()
    assert transfers.ends["read"] == (pytest.approx(3.5), "done")


def test_listeners_hear_of_switches_after_the_network_knows(sim: Simulation) -> None:
    datacenter = datacenter_of(sim, HARD)
    one, other = datacenter.machines[:2]
    heard: list[bool] = []
    datacenter.on_change(lambda: heard.append(datacenter.network.reachable(one, other)))
    datacenter.network.set_switch("r0/switch", False)
    datacenter.network.set_switch("r0/switch", True)
    assert heard == [False, True]
