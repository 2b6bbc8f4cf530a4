"""Publish and subscribe, one to many (N5): who puts a value into a directory, and who hears of each, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.messages import Fired

Heard = Callable[[str, int], object]


class Subscription:
    """Calls ``heard(path, zxid)`` for each change below ``directory``, once each, in order, on any server."""

    def __init__(self, client: NuwaClient, directory: str, heard: Heard) -> None:
        self._heard = heard
        client.read("stat", directory, _ignore, watch=self._fired, what="below")

    def _fired(self, fired: Fired) -> None:
        self._heard(fired.path, fired.zxid)


class Publisher:
    """Puts values into one file, each a version of its own, in the order in which they are published.

    One after the other: of writes that are under way together, one that is sent again when the leader has changed
    comes after those that were not, and the last value would be an older one.
    """

    def __init__(self, client: NuwaClient, path: str) -> None:
        self._client = client
        self._path = path
        self._waiting: deque[tuple[bytes, Callable[[Answer], object]]] = deque()

    def publish(self, value: bytes, done: Callable[[Answer], object]) -> None:
        """Publish a value; the file must be there."""
        self._waiting.append((value, done))
        if len(self._waiting) == 1:
            self._put()

    def _put(self) -> None:
        self._client.put(self._path, self._waiting[0][0], self._published)

    def _published(self, answer: Answer) -> None:
        _, done = self._waiting.popleft()
        if self._waiting:
            self._put()
        done(answer)


def _ignore(_: Answer) -> None:
    """The subscription tells whatever there is to tell."""
