"""A lock: an election whose holder does something and lets go (N6). Its token fences (:mod:`.fenced`)."""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.kernel import Owner, Simulation
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.election import Candidate


class Lock:
    """One wish for the lock at ``directory``. ``on_held(token)``; ``on_lost()`` when it can no longer be certain."""

    def __init__(
        self,
        sim: Simulation,
        owner: Owner,
        client: NuwaClient,
        directory: str,
        on_held: Callable[[int], object],
        on_lost: Callable[[], object],
    ) -> None:
        self._candidate = Candidate(sim, owner, client, directory, on_held, on_lost)

    @property
    def token(self) -> int:
        """The fencing token while it is held, else 0."""
        return self._candidate.token

    def acquire(self) -> None:
        """Wait for it, behind those who wait already."""
        self._candidate.stand()

    def release(self) -> None:
        """Let go, or stop waiting, for good."""
        self._candidate.leave()
