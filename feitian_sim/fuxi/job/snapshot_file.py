"""A job's snapshot in Nuwa: read by a new life of the JobMaster, claimed, and written under the version last known.

Whoever writes under a version that is not the present one has been replaced, and stops. When the session with Nuwa is
lost, nobody knows whether the last write was done; the file itself says so. When the job has ended, and that is in Nuwa,
the FuxiMaster deletes it.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.fuxi.hard_state import SNAPSHOTS
from feitian_sim.fuxi.job.snapshot import Snapshot, decoded
from feitian_sim.kernel import Owner
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.client import NuwaClient

FOLDERS = ("/fuxi/", SNAPSHOTS)
#: The file is not as it was when its version was read.
_MOVED = ("exists", "bad-version", "no-node")


class SnapshotFile:
    """The file of one job, for one life of its master. ``client(number)``: the n-th session that it needs.

    What Nuwa did not do is asked again after ``retry_ns``.
    """

    def __init__(
        self,
        owner: Owner,
        app: str,
        attempt: int,
        client: Callable[[int], NuwaClient],
        replaced: Callable[[], object],
        retry_ns: int,
    ) -> None:
        self._owner = owner
        self.path = f"{FOLDERS[-1]}{app}"
        self._attempt = attempt
        self._make = client
        self._replaced = replaced
        self._retry_ns = retry_ns
        self._sessions = 0
        self._client: NuwaClient | None = None
        #: Under which the next write goes; None while there is no file.
        self._version: int | None = None
        self.writes = 0

    def open(self, then: Callable[[], object]) -> None:
        """Open a session, then go on."""
        self._sessions += 1
        self._client = self._make(self._sessions)
        self._client.open(then)

    def claim(self, then: Callable[[Snapshot | None], object]) -> None:
        """Take over from the lives before: from now on none of them can write. What they had written, or None."""

        def found(before: Snapshot | None) -> None:
            tasks = before.tasks if before is not None else ()
            claimed = Snapshot(self._attempt, before.number if before is not None else 0, tasks)

            def done(answer: Answer) -> None:
                if answer.ok:
                    self._version = 0 if self._version is None else answer.value
                    then(before if tasks else None)
                elif answer.error == "no-parent":
                    self._make_folders(lambda: self.claim(then))
                elif answer.error in _MOVED:
                    # The life before has written meanwhile: what it wrote counts.
                    self.claim(then)
                else:
                    self._again(answer, lambda: self.claim(then))

            self._put(claimed, done)

        self._read(found)

    def _put(self, snapshot: Snapshot, done: Callable[[Answer], object]) -> None:
        assert self._client is not None, "no session was opened"
        data = snapshot.encoded()
        if self._version is None:
            self._client.create(self.path, data, done)
        else:
            self._client.put(self.path, data, done, version=self._version)

    def _read(self, then: Callable[[Snapshot | None], object]) -> None:
        """What is there; who finds a later life's has been replaced."""
        assert self._client is not None, "no session was opened"
        client = self._client

        def known(answer: Answer) -> None:
            if answer.error == "no-node":
                self._version = None
                then(None)
            elif not answer.ok:
                self._again(answer, lambda: self._read(then))
            else:
                # The version first: what is written in between is then found by the put that fails.
                self._version = answer.value.version
                client.read("get", self.path, got, fresh=True)

        def got(answer: Answer) -> None:
            if not answer.ok:
                self._again(answer, lambda: self._read(then))
                return
            snapshot = decoded(answer.value)
            if snapshot.attempt > self._attempt:
                self._replaced()
            else:
                then(snapshot)

        client.read("stat", self.path, known, fresh=True)

    def write(self, snapshot: Snapshot, then: Callable[[], object]) -> None:
        """Make a snapshot durable, then go on. Who finds that it has been replaced never does."""

        def done(answer: Answer) -> None:
            if answer.ok:
                self._version = 0 if self._version is None else answer.value
                self.writes += 1
                then()
            elif answer.error == "no-parent":
                self._make_folders(lambda: self.write(snapshot, then))
            elif answer.error in _MOVED:
                self._check(snapshot, then)
            else:
                self._again(answer, lambda: self._check(snapshot, then))

        self._put(snapshot, done)

    def _check(self, snapshot: Snapshot, then: Callable[[], object]) -> None:
        """Was it written after all, or by somebody else, or not?"""

        def found(there: Snapshot | None) -> None:
            if there is not None and there.attempt == self._attempt and there.number == snapshot.number:
                self.writes += 1
                then()
            else:
                # It is this life's own, of before: only later lives can have written since the claim.
                self.write(snapshot, then)

        self._read(found)

    def _again(self, answer: Answer, step: Callable[[], object]) -> None:
        """Try a step once more, in a new session if this one is over."""
        if answer.error == "session-expired":
            self._owner.call_later(self._retry_ns, self.open, step)
        else:
            self._owner.call_later(self._retry_ns, step)

    def _make_folders(self, then: Callable[[], object]) -> None:
        assert self._client is not None, "no session was opened"
        client = self._client

        def made(number: int) -> None:
            if number == len(FOLDERS):
                then()
            else:
                client.create(FOLDERS[number], b"", lambda _: made(number + 1))

        made(0)

    def close(self) -> None:
        """Give the session up."""
        if self._client is not None:
            self._client.close()
