"""What an application is to the resource half of Fuxi: a kind of master process that a Tubo starts, and its surroundings.

A *kind* (``job``, ``service``, or one of the user's own) is one object for the whole cell. For each application, and for
each new attempt of it, a Tubo makes a process and calls :meth:`ApplicationKind.begin` with the :class:`ApplicationHost`
of that process. What the kind makes there belongs to ``host.owner`` and dies with it: whatever must survive is in
Nuwa, with the workers, or known to the FuxiMaster. It usually makes an :class:`~feitian_sim.fuxi.app_link.AppLink`
first of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.messages import StartMaster
from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Endpoint
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.master_finder import Directory


@dataclass(frozen=True, slots=True)
class ApplicationHost:
    """The process of an application's master, as the Tubo has made it."""

    sim: Simulation
    datacenter: DataCenter
    #: Dies with the process, the machine, or at the end of the application.
    owner: Owner
    #: Open already; it speaks as a module of the platform. What the kind serves there it says itself.
    endpoint: Endpoint
    machine: Machine
    #: What the FuxiMaster asked for: the application's name, its attempt, its description.
    start: StartMaster
    #: Of the FuxiMaster, for the :class:`~feitian_sim.fuxi.app_link.AppLink`.
    directory: Directory
    #: A client of Nuwa for this process, by its name, and its session's ``timeout_ns``; it has none until it opens one.
    nuwa: Callable[..., NuwaClient]
    #: A client of Pangu on this machine that dies with the process; None in a cell without Pangu.
    pangu: Callable[[str], PanguClient] | None
    config: FuxiConfig


class ApplicationKind(Protocol):
    """How the masters of one kind of applications work."""

    def begin(self, host: ApplicationHost) -> None:
        """A master process has come up: begin, from nothing or, as a later attempt, from what the one before left."""
        ...

    def refusal(self, description: Any, config: FuxiConfig) -> str:
        """Why such an application cannot be run in this cell, for its submitter to read; empty when it can."""
        ...


#: By the name of the kind, as :class:`~feitian_sim.fuxi.messages.Submit` gives it.
Kinds = Mapping[str, ApplicationKind]
