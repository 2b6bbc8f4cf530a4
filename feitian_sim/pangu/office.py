"""The office of the active master: who elects to it, and where its holder is found.

Pangu needs two things from whoever coordinates the platform: that at most one master at a time is told to serve, and
that everybody learns where it is. The form of both stands here; Nuwa fills it (:mod:`feitian_sim.nuwa.office`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner
from feitian_sim.kuafu import Endpoint
from feitian_sim.pangu.master_finder import Directory

#: The active one is ``nuwa://cell/pangu.master``; those who stand do so here.
SERVICE = "pangu.master"
ELECTION = "/pangu/masters/"


class Standing(Protocol):
    """One candidate's place in the election."""

    @property
    def holds(self) -> bool:
        """Whether it is the elected one already, as at the beginning."""
        ...

    def announce(self, epoch: int) -> None:
        """The elected one serves from now on: let everybody find it."""
        ...

    def stand_down(self) -> None:
        """Give the office back and stand again, behind the others."""
        ...


class Office(Protocol):
    """Elections to it, and news of its holder."""

    def stand(
        self, owner: Owner, endpoint: Endpoint, on_elected: Callable[[], object], on_deposed: Callable[[], object]
    ) -> Standing:
        """A master process stands. ``on_deposed`` comes in time: before another can be elected."""
        ...

    def directory(self, machine: Machine) -> Directory:
        """What the processes of a machine are told."""
        ...
