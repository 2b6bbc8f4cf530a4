"""One writer per results folder: an advisory lock in a file beside it, held while a run writes.

The kernel frees the lock when its process ends, however it ends, so that a killed run never blocks the next.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from feitian_sim.kernel import EnvironmentRefusal


class FolderLock:
    """Held from :meth:`acquire` to :meth:`release`; the file is gone afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self, folder: Path) -> None:
        """Take the lock that guards ``folder``. Raises EnvironmentRefusal when another process holds it."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(descriptor, 64).decode(errors="replace").strip()
                os.close(descriptor)
                raise EnvironmentRefusal(_in_use(folder, holder)) from None
            except OSError:
                os.close(descriptor)
                raise
            if self._is_current(descriptor):
                break
            # The holder removed the file between our open and our lock: what we hold guards nothing.
            os.close(descriptor)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def _is_current(self, descriptor: int) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(descriptor), there)

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._descriptor < 0:
            return
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


def _in_use(folder: Path, holder: str) -> str:
    who = f" (process {holder})" if holder else ""
    return f"another run{who} is writing {folder}: wait for it, or choose another folder with -o DIR"


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at ``path``, without disturbing him."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
