"""What all jobs of a cell share: their configuration, outputs on local disks, shuffles, and where their masters are."""

from __future__ import annotations

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.local_outputs import LocalOutputs
from feitian_sim.fuxi.job.shuffle import Shuffles
from feitian_sim.hardware import DataCenter


class JobCell:
    """The jobs' half of a cell."""

    def __init__(self, datacenter: DataCenter, config: JobConfig) -> None:
        self.config = config
        self.outputs = LocalOutputs(datacenter)
        self.shuffles = Shuffles(datacenter, self.outputs, config.shuffle)
        #: The address of each job's master of the moment: what worker runtimes are told with every order.
        self.masters: dict[str, str] = {}
