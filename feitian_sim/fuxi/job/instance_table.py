"""A task's instances, one row each in numpy arrays: what state each is in, where it runs or its output lies, since when.

An instance *waits*, *runs*, has *ended* (a result is there) and is *committed* (the snapshot says so). It goes back to
waiting when every attempt of it is gone, or when its output is lost while somebody needs it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

WAITING, RUNNING, ENDED, COMMITTED = 0, 1, 2, 3
#: No machine, no worker.
NONE = -1


class InstanceTable:
    """The rows of one task, with a count of each state."""

    def __init__(self, instances: int, first_attempt: int) -> None:
        self.count = instances
        self.state = np.zeros(instances, dtype=np.int8)
        #: Where the attempt that counts runs, or its output lies.
        self.machine = np.full(instances, NONE, dtype=np.int32)
        #: The worker that runs it; its backup's is kept apart, since there are few.
        self.worker = np.full(instances, NONE, dtype=np.int64)
        #: Number of the attempt that was begun last, then of the one whose result counts.
        self.attempt = np.full(instances, first_attempt, dtype=np.int32)
        #: Number of the attempt that was begun last: none is used twice.
        self.begun = np.full(instances, first_attempt, dtype=np.int32)
        self.failures = np.zeros(instances, dtype=np.int16)
        self.began_ns = np.zeros(instances, dtype=np.int64)
        self.by_state = [instances, 0, 0, 0]
        #: Of finished attempts: how many, and their time altogether.
        self.finished = 0
        self.finished_ns = 0

    def move(self, instance: int, state: int) -> None:
        """Give an instance another state."""
        self.by_state[self.state[instance]] -= 1
        self.by_state[state] += 1
        self.state[instance] = state

    @property
    def waiting(self) -> int:
        """Instances that no worker has."""
        return self.by_state[WAITING]

    @property
    def running(self) -> int:
        """Instances that a worker has."""
        return self.by_state[RUNNING]

    @property
    def done(self) -> int:
        """Instances that have a result, committed or not."""
        return self.by_state[ENDED] + self.by_state[COMMITTED]

    @property
    def committed(self) -> int:
        """Instances that are in the snapshot."""
        return self.by_state[COMMITTED]

    def on(self, machine: int) -> Ints:
        """Instances whose output lies on a machine."""
        return np.flatnonzero((self.machine == machine) & (self.state >= ENDED))

    def finish(self, duration_ns: int) -> None:
        """An attempt has ended well after so long."""
        self.finished += 1
        self.finished_ns += duration_ns

    def check(self) -> None:
        """The counts are those of the rows."""
        counts = np.bincount(self.state, minlength=4).tolist()
        assert counts == self.by_state, f"instances by state: {self.by_state}, and the rows say {counts}"
