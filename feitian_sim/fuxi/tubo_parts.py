"""What the Tubos of a cell have in common: given to each by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from feitian_sim.fuxi.application import Kinds
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.resources import Vector
from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner
from feitian_sim.kuafu import Identities, Kuafu
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.master_finder import Directory


@dataclass(frozen=True, slots=True)
class TuboParts:
    """What the Tubos of a cell have in common."""

    datacenter: DataCenter
    kuafu: Kuafu
    identities: Identities
    config: FuxiConfig
    kinds: Kinds
    capacity_of: Callable[[Machine], Vector]
    directory: Callable[[Machine], Directory]
    nuwa: Callable[..., NuwaClient]
    pangu: Callable[[Owner, Machine, str], PanguClient] | None
    #: The epoch of the FuxiMaster that serves, 0 if none does; and whether its process at an address hears a machine.
    epoch: Callable[[], int]
    hears: Callable[[Machine, str], bool]
