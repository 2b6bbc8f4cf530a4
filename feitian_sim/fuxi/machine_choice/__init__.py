"""Machine choice policies: one file each, and the table of those that come with Fuxi.

A user's own is ``file.py:Class``, a subclass of :class:`MachineChoice`, which the scenario loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feitian_sim.fuxi.machine_choice.pack import PackChoice
from feitian_sim.fuxi.machine_choice.policy import Cluster, MachineChoice, chosen
from feitian_sim.fuxi.machine_choice.random import RandomChoice
from feitian_sim.fuxi.machine_choice.round_robin import RoundRobinChoice
from feitian_sim.fuxi.machine_choice.spread import SpreadChoice
from feitian_sim.fuxi.machine_choice.two_choices import TwoChoicesChoice

__all__ = ["MACHINE_CHOICES", "Cluster", "MachineChoice", "chosen"]

MACHINE_CHOICES: Mapping[str, type[MachineChoice]] = MappingProxyType(
    {
        "spread": SpreadChoice,
        "pack": PackChoice,
        "round-robin": RoundRobinChoice,
        "random": RandomChoice,
        "two-choices": TwoChoicesChoice,
    }
)
