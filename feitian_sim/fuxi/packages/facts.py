"""What happened to packages."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("fuxi.package_fetched")
class PackageFetched(Fact):
    """A package has come to a machine, and is not unpacked yet. ``peers_bytes``: of these, from other machines."""

    machine: str
    package: str
    size_bytes: int
    peers_bytes: int
    took_ns: int
