"""What clients felt, and what they were promised, as facts."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("pangu.client_paused")
class ClientPaused(Fact):
    """A client's operation was held up: from the first failed try of a step to its success, or to the end."""

    client: str
    load: str
    pause_ns: int


@fact("pangu.shortage", canonical=False)
class Shortage(Fact):
    """Sampled: replicas that the master knows to be missing of the chunks of all files, lost chunks included."""

    replicas: int


@fact("pangu.survival", canonical=False)
class Survival(Fact):
    """At the end: sealed chunks in the namespace, and how many have no good replica on any disk that has not failed.

    Disks of machines that are down count: what is on them may come back.
    """

    chunks: int
    lost: int


@fact("pangu.promises", canonical=False)
class Promises(Fact):
    """At the end, god's eye: files with something acknowledged, and how many of them the cell could not give back.

    ``lost_metadata`` counts files whose name or chunks are not in the master's durable log; ``lost_bytes`` files
    with an acknowledged extent that no working disk holds undamaged.
    """

    files: int
    lost_metadata: int
    lost_bytes: int
