"""What a machine choice policy is: on which of the machines that have room a unit goes, once locality is served.

A policy sees the machines as sets (the bits of an integer, see :mod:`..free_index`): who has room, and who stands on
which level of free share. It names one of them and how many units it puts there at once.
"""

from __future__ import annotations

from typing import Protocol

from feitian_sim.fuxi.free_index import FreeIndex, Shape
from feitian_sim.kernel import ScenarioError, Stream, StrictModel


class Cluster(Protocol):
    """What policies see of the machines."""

    @property
    def index(self) -> FreeIndex:
        """Free resources, capacities, levels."""

    @property
    def latest(self) -> int:
        """The machine that a policy chose last, -1 at first."""

    @property
    def stream(self) -> Stream:
        """Draws of the policy's own."""


class MachineChoice(StrictModel):
    """The contract; a policy's options are its fields. Check yours with ``feitian_sim.testing``."""

    def choose(self, cluster: Cluster, candidates: int, shape: Shape) -> int:
        """One of the machines of ``candidates``, which is not empty."""
        raise NotImplementedError(f"{type(self).__name__} does not say where units go")

    def at_once(self, cluster: Cluster, machine: int, shape: Shape, fit: int) -> int:
        """How many of the ``fit`` units that have room on the machine go there before it is chosen anew."""
        return fit


def chosen(policy: MachineChoice, cluster: Cluster, candidates: int, shape: Shape) -> int:
    """``policy.choose``, looked at before anybody relies on it. Raises ScenarioError for an answer that is none."""
    machine = policy.choose(cluster, candidates, shape)
    if machine < 0 or not candidates >> machine & 1:
        own = vars(type(policy)).get("choose")
        code = getattr(own, "__code__", None)
        where = f"{code.co_filename}:{code.co_firstlineno}: " if code is not None else ""
        raise ScenarioError(f"{where}{type(policy).__name__} chose machine {machine}, which is not among the candidates")
    return machine
