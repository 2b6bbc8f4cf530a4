"""The packages on a machine's disk: each is downloaded from Pangu once, and shared by all who need it.

Machines that want one at the same time begin with different chunks of it, so that all servers that hold a part serve at
once, not those of the first chunk and then those of the next (as pieces are taken in BitTorrent; Cohen, 2003).

What is on the disk stays through the machine's crashes and is gone with the disk. A download belongs to the Tubo
that began it; those who waited for one that died ask again. A declared package is waited for, since the cell is putting
it; any other file that is not there by the time in which launches fail is taken for missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Literal

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.hardware import DataCenter, Disk, Machine
from feitian_sim.kernel import Owner
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.patience import PanguError, PanguRefused

DIRECTORY = "/fuxi/packages/"

#: Why a package is not here: the machine has no disk for it, or nobody has put it into Pangu. Empty when it is here.
Why = Literal["", "launch-failed", "no-package"]
Then = Callable[[Why], object]


def package_path(name: str, copy: int) -> str:
    """Where one copy of a declared package is."""
    return f"{DIRECTORY}{name}.{copy}"


class PackageCache:
    """The packages of one machine."""

    def __init__(self, datacenter: DataCenter, machine: Machine, config: FuxiConfig) -> None:
        self._datacenter = datacenter
        self._machine = machine
        self._declared = config.packages
        self._retry_ns = config.retry
        self._patience_ns = config.tubo.launch_timeout
        # On which disk each lies.
        self._here: dict[str, Disk] = {}
        self._waiting: dict[str, list[Then]] = {}

    def forget_downloads(self) -> None:
        """The Tubo that downloaded is dead."""
        self._waiting.clear()

    def is_here(self, name: str) -> bool:
        """Whether it lies on a disk that works."""
        disk = self._here.get(name)
        if disk is not None and (disk.failed or not disk.works):
            del self._here[name]
            return False
        return disk is not None

    def fetch(self, name: str, owner: Owner, pangu: Callable[[], PanguClient] | None, then: Then) -> None:
        """Call ``then(why it is not here)`` once that is known; without a name or without Pangu nothing is needed."""
        if not name or pangu is None or self.is_here(name):
            then("")
            return
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.append(then)
            return
        self._waiting[name] = [then]
        self._begin(name, owner, pangu, self._datacenter.sim.now)

    def _begin(self, name: str, owner: Owner, pangu: Callable[[], PanguClient], asked_ns: int) -> None:
        disk = next((one for one in self._machine.disks if one.works and not one.failed), None)
        if disk is None:
            self._ended(name, "launch-failed")
            return
        owner.process(self._download(name, disk, owner, pangu, asked_ns))

    def _path(self, name: str) -> str:
        """A declared package is one of its copies; anything else is a path already."""
        declared = self._declared.get(name)
        return name if declared is None else package_path(name, self._machine.index % declared.copies)

    def _download(
        self, name: str, disk: Disk, owner: Owner, pangu: Callable[[], PanguClient], asked_ns: int
    ) -> Generator[Any, Any, None]:
        client = pangu()
        try:
            size_bytes = yield from client.read_file(self._path(name), first=self._machine.index)
        except PanguError as error:
            # It may not have been put there yet, or be out of reach for a while.
            if self._is_missing(name, error) and self._datacenter.sim.now - asked_ns >= self._patience_ns:
                self._ended(name, "no-package")
            else:
                owner.call_later(self._retry_ns, self._begin, name, owner, pangu, asked_ns)
            return
        self._datacenter.network.transfer(
            self._machine,
            self._machine,
            size_bytes,
            disks_write=disk.write_links,
            owner=owner,
            on_done=partial(self._written, name, disk),
            on_fail=lambda _, __: self._ended(name, "launch-failed"),
        )

    def _is_missing(self, name: str, error: PanguError) -> bool:
        return name not in self._declared and isinstance(error, PanguRefused)

    def _written(self, name: str, disk: Disk, _: object) -> None:
        self._here[name] = disk
        self._ended(name, "")

    def _ended(self, name: str, why: Why) -> None:
        for then in self._waiting.pop(name, ()):
            then(why)
