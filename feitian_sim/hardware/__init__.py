"""Hardware: racks, machines, cores, disks, the network and power, and how each of them fails.

A :class:`DataCenter` is made from the scenario's ``cluster``: racks ``r0``.. of machines ``r0/m0``.. with disks
``r0/m0/d0``.., power domains ``p0``.., and one more rack ``clients`` of machines that only ask. Machines are numbered
through the racks, clients last.

*Machines* go up and down as a whole. A crash ends every :class:`Daemon` on the machine at one instant, drops what
its cores and disks had under way, the disks' volatile caches, and the tails of journals that were not synced;
a restart boots the daemons again, which recover from what the disks kept. The death of a single daemon leaves the
machine's operating system running, and with it everything that was handed to it. Whatever a process has queued or
holds (cores, disk heads, flows) is freed by its owner's name when it dies.

Its *clock* is what software may know of time: a wall reading and a monotonic one, which go wrong when faults say so.

*Cores* are equal servers before one FIFO queue. *Disks* have a FIFO queue for small reads and writes (position,
then transfer), a volatile cache and journals; bulk data passes them as flows.

The *network* is a graph of links. Messages take propagation, transmission, queueing at the network cards and
jitter, and vanish without notice when the other side is down or away. Bulk transfers are fluid flows over every link
on their way, the disks' among them, which share each link max-min fairly.

*Power* is lost by the rack or by the domain of racks; machines come back with it unless they had crashed before.

All failures are methods here (``crash``, ``fail``, ``lose_power``, ``slow_factor``, the network's handles); when they
happen is the business of :mod:`feitian_sim.faults`.
"""

from feitian_sim.hardware.clock import TRUE_RATE_PPB, MachineClock
from feitian_sim.hardware.config import ClientMachines, ClusterConfig, DiskConfig, MachineConfig, PowerConfig
from feitian_sim.hardware.cpu import Cpu
from feitian_sim.hardware.daemon import Daemon
from feitian_sim.hardware.datacenter import CLIENT_RACK, DataCenter, NoSuchHardware
from feitian_sim.hardware.disk import Disk, DiskBroken, DiskFull, DiskReadOnly, DiskRefusal
from feitian_sim.hardware.journal import Journal
from feitian_sim.hardware.machine import NO_POWER_DOMAIN, Machine
from feitian_sim.hardware.network import Flow, Network
from feitian_sim.hardware.power import PowerDomain
from feitian_sim.hardware.presets import DISKS
from feitian_sim.hardware.rack import Rack

__all__ = [
    "CLIENT_RACK",
    "DISKS",
    "NO_POWER_DOMAIN",
    "TRUE_RATE_PPB",
    "ClientMachines",
    "ClusterConfig",
    "Cpu",
    "Daemon",
    "DataCenter",
    "Disk",
    "DiskBroken",
    "DiskConfig",
    "DiskFull",
    "DiskReadOnly",
    "DiskRefusal",
    "Flow",
    "Journal",
    "Machine",
    "MachineClock",
    "MachineConfig",
    "Network",
    "NoSuchHardware",
    "PowerConfig",
    "PowerDomain",
    "Rack",
]
