"""What a load is given, and what a load is: a small class with ``setup``, ``start`` and ``check``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from feitian_sim.authority import IssuingOffice, Judge
from feitian_sim.authority.wiring import AuthorityCell
from feitian_sim.fuxi.wiring import FuxiCell
from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import ScenarioError, Simulation, Stream
from feitian_sim.kernel.data_files import find_data_file
from feitian_sim.kuafu import Kuafu
from feitian_sim.nuwa.wiring import NuwaCell
from feitian_sim.workloads.cell import Cell
from feitian_sim.workloads.files import DatasetFiles, Files, OwnFiles


@dataclass(frozen=True)
class Services:
    """The base services of the platform; ``nuwa`` and ``authority`` are None without Nuwa, ``fuxi`` without Fuxi.

    ``own``: objects of the users' own classes that loads name, by their references.
    """

    kuafu: Kuafu
    identities: IssuingOffice
    judge: Judge
    nuwa: NuwaCell | None
    authority: AuthorityCell | None
    fuxi: FuxiCell | None = None
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class LoadContext:
    """The simulation, its hardware, the Pangu cell if there is one, the base services, and the files of all loads."""

    sim: Simulation
    datacenter: DataCenter
    cell: Cell | None = None
    base_dir: Path | None = None
    data_dirs: Sequence[Path] = ()
    services: Services | None = None
    _own_files: dict[str, OwnFiles] = field(default_factory=dict)
    _next_port: int = 100_000

    def needed_cell(self, load: str) -> Cell:
        """The Pangu cell. Raises ScenarioError when the scenario has none."""
        if self.cell is None:
            raise ScenarioError(f"load {load!r} reads or writes files: add a pangu section to the scenario")
        return self.cell

    def ports(self, count: int) -> int:
        """The first of ``count`` ports that no other load uses, on any machine."""
        first = self._next_port
        self._next_port += count
        return first

    def needed_services(self, load: str) -> Services:
        """The base services. Raises ScenarioError when there are none."""
        if self.services is None:
            raise ScenarioError(f"load {load!r} calls processes: it needs a whole platform")
        return self.services

    def needed_nuwa(self, load: str) -> NuwaCell:
        """The Nuwa cell. Raises ScenarioError when the scenario has none."""
        nuwa = self.needed_services(load).nuwa
        if nuwa is None:
            raise ScenarioError(f"load {load!r} needs coordination: add a nuwa section to the scenario")
        return nuwa

    def needed_fuxi(self, load: str) -> FuxiCell:
        """The Fuxi cell. Raises ScenarioError when the scenario has none."""
        fuxi = self.needed_services(load).fuxi
        if fuxi is None:
            raise ScenarioError(f"load {load!r} submits jobs: add a fuxi section to the scenario")
        return fuxi

    @property
    def own(self) -> Mapping[str, Any]:
        """Objects of the users' own classes that loads name, by their references."""
        return self.services.own if self.services is not None else {}

    def own_files(self, load: str) -> OwnFiles:
        """The files that ``load`` makes."""
        return self._own_files.setdefault(load, OwnFiles(self.sim))

    def files(self, load: str, over: str) -> Files:
        """The files that a load's ``over`` names."""
        if over == "dataset":
            return DatasetFiles(self.sim, self.needed_cell(load))
        return self.own_files(load if over == "own" else over)

    def data_file(self, name: str) -> Path:
        """The path of a data file. Raises ScenarioError when it is nowhere."""
        return find_data_file(name, self.base_dir, self.data_dirs)

    def stream(self, load: str, entity: str, purpose: str) -> Stream:
        """The load's own stream of draws for that client (or its arrivals) and purpose."""
        return self.sim.stream(f"load.{load}", entity, purpose)


class RunningLoad(Protocol):
    """A load in a run; a user's own class has the same three methods."""

    def setup(self, context: LoadContext) -> None:
        """Take what is needed from the context; read files; schedule nothing."""
        ...

    def start(self) -> None:
        """Schedule the first operations."""
        ...

    def check(self) -> list[str]:
        """After the run: what does not add up; empty when all is well."""
        ...


@runtime_checkable
class Finite(Protocol):
    """A load that may have nothing left to do before the run is over."""

    @property
    def finished(self) -> bool:
        """Whether all its operations have been begun and have ended."""
        ...
