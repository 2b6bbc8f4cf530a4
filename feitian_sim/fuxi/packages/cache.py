"""The packages of a machine: each is fetched once, unpacked, and shared by all who need it.

A download belongs to the Tubo that began it; those who waited for one that died ask again. A declared package is waited
for, since the cell is putting it; any other file that is not there by the time in which launches fail is taken for
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Literal

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.packages.download import Download, Ways, pieces_in
from feitian_sim.fuxi.packages.shelf import Shelf
from feitian_sim.fuxi.packages.swarm import Swarm
from feitian_sim.fuxi.packages.turns import Turns
from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.hardware.disk import Deposit
from feitian_sim.kuafu import Endpoint
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
        self._config = config
        self._declared = config.packages
        self._shelf = Shelf(datacenter.sim, machine)
        self._waiting: dict[str, list[Then]] = {}
        self._endpoint: Endpoint | None = None
        self._swarm: Swarm | None = None
        self._turns = Turns(datacenter.sim, config.spread.at_once)
        self._pangu: Callable[[], PanguClient] | None = None

    def serve(self, endpoint: Endpoint, pangu: Callable[[], PanguClient] | None) -> None:
        """A new Tubo: what the one before it downloaded is forgotten, but for what is on the disk.

        ``pangu`` makes its client; None in a cell without Pangu, where nothing is needed.
        """
        self._waiting.clear()
        self._endpoint = endpoint
        self._pangu = pangu
        self._turns = Turns(self._datacenter.sim, self._config.spread.at_once)
        self._swarm = Swarm(self._datacenter, endpoint, self._shelf, self._config) if pangu is not None else None

    def is_here(self, name: str) -> bool:
        """Whether it lies on a disk that works, ready to be used."""
        return self._shelf.has(name)

    def fetch(self, name: str, then: Then) -> None:
        """Call ``then(why it is not here)`` once that is known; without a name or without Pangu nothing is needed."""
        if not name or self._pangu is None or self.is_here(name):
            then("")
            return
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.append(then)
            return
        self._waiting[name] = [then]
        self._begin(name, self._datacenter.sim.now)

    def _begin(self, name: str, asked_ns: int) -> None:
        assert self._endpoint is not None, "no Tubo has been started"
        place = self._shelf.place_of(name)
        if place is None:
            self._ended(name, "launch-failed")
        else:
            self._endpoint.owner.process(self._download(name, place, asked_ns))

    def _path(self, name: str) -> str:
        """A declared package is one of its copies; anything else is a path already."""
        declared = self._declared.get(name)
        return name if declared is None else package_path(name, self._machine.index % declared.copies)

    def _download(self, name: str, place: Deposit, asked_ns: int) -> Generator[Any, Any, None]:
        endpoint, swarm = self._endpoint, self._swarm
        assert endpoint is not None, "no Tubo has been started"
        assert swarm is not None, "a cell without Pangu has no packages"
        assert self._pangu is not None, "a cell without Pangu has no packages"
        client, path = self._pangu(), self._path(name)
        try:
            size_bytes = yield from client.stat(path)
        except PanguError as error:
            # It may not have been put there yet, or be out of reach for a while.
            if self._is_missing(name, error) and self._datacenter.sim.now - asked_ns >= self._config.tubo.launch_timeout:
                self._ended(name, "no-package")
            else:
                self._again(name, asked_ns)
            return
        declared = self._declared.get(name)
        if declared is not None and size_bytes < declared.size:
            # The cell is still putting it.
            self._again(name, asked_ns)
            return
        ways = Ways(self._datacenter, endpoint, swarm, self._turns, client, self._config, self._shelf)
        then = partial(self._fetched, name, place, size_bytes)
        Download(name, path, size_bytes, place, ways, asked_ns, then).begin()

    def _again(self, name: str, asked_ns: int) -> None:
        assert self._endpoint is not None, "no Tubo has been started"
        self._endpoint.owner.call_later(self._config.retry, self._begin, name, asked_ns)

    def _is_missing(self, name: str, error: PanguError) -> bool:
        return name not in self._declared and isinstance(error, PanguRefused)

    def _fetched(self, name: str, place: Deposit, size_bytes: int, ok: bool) -> None:
        unpacked_bytes, pieces = int(size_bytes * self._config.unpack.ratio), pieces_in(size_bytes, self._config)
        if not ok or not unpacked_bytes:
            self._unpacked(name, place, pieces, ok)
            return
        assert self._endpoint is not None, "no Tubo has been started"
        self._datacenter.network.transfer(
            self._machine,
            self._machine,
            unpacked_bytes,
            disks_write=place.disk.write_links,
            cap_bps=self._config.unpack.rate,
            owner=self._endpoint.owner,
            on_done=lambda _: self._unpacked(name, place, pieces, True),
            on_fail=lambda _, __: self._unpacked(name, place, pieces, False),
        )

    def _unpacked(self, name: str, place: Deposit, pieces: int, ok: bool) -> None:
        """It is ready, unless something failed, or the disk lost it while it came."""
        if ok and place.is_there:
            self._shelf.unpacked(name, pieces)
            self._ended(name, "")
        else:
            self._shelf.lose(name)
            self._ended(name, "launch-failed")

    def _ended(self, name: str, why: Why) -> None:
        for then in self._waiting.pop(name, ()):
            then(why)
