"""The result store: a results folder is whole or it is not there.

A run writes into a hidden sibling, ``.<folder>.partial``, which is moved into place by a rename when everything is
in it; an older result of the same name is replaced in that instant. What was interrupted goes to
``<folder>.interrupted``, with the finished runs and a manifest that says so. A process that was killed leaves its
hidden sibling, which the next run into the same folder removes and ``feitian resume`` takes up.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feitian_sim.experiments.interruption import deferred
from feitian_sim.experiments.lock import FolderLock
from feitian_sim.kernel import EnvironmentRefusal

#: Free space below which no run is begun: a small run with its figures.
FREE_BYTES_LEAST = 16 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Building:
    """A results folder that is being written: ``path`` is where, ``final`` is where it will stand."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.partial")
        self._replaced = final.with_name(f".{final.name}.replaced")
        self.interrupted = final.with_name(f"{final.name}.interrupted")
        #: Where it went; None until it is put in place.
        self.placed: Path | None = None

    def begin(self, *, take_up: bool = False) -> None:
        """Make the hidden sibling: anew, or from what is there of the same result."""
        if self._replaced.exists():
            # Killed between the two renames: the older result is still the valid one unless a newer stands.
            if self.final.exists():
                shutil.rmtree(self._replaced)
            else:
                self._replaced.rename(self.final)
        if self.final.exists() and not is_results_folder(self.final):
            raise EnvironmentRefusal(
                f"{self.final} is there and is not a results folder: move it away, or choose another with -o DIR"
            )
        if take_up:
            if not self.path.exists():
                (self.interrupted if self.interrupted.exists() else self.final).rename(self.path)
            return
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()

    def commit(self) -> Path:
        """Move the folder into place whole, replacing an older result of the same name."""
        with refusing(self.final), deferred():
            _move_whole(self.path, self.final, self._replaced)
            self.placed = self.final
            shutil.rmtree(self.interrupted, ignore_errors=True)
        return self.final

    def keep_interrupted(self) -> Path:
        """Move what was finished to where nobody takes it for a whole result."""
        with refusing(self.interrupted), deferred():
            shutil.rmtree(self.interrupted, ignore_errors=True)
            self.path.rename(self.interrupted)
            self.placed = self.interrupted
        return self.interrupted

    def abandon(self, *, keeping: bool = False) -> None:
        """Leave nothing behind, or with ``keeping`` whatever has a finished run in it."""
        if not (keeping and any(self.path.rglob("DONE"))):
            shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def building(root: Path, folder_name: str, *, take_up: bool = False, keeping: bool = False) -> Iterator[Building]:
    """A results folder under ``root``, locked for its one writer; ``take_up`` goes on with what is there of it.

    What is not committed (or kept as interrupted) when the block ends is removed, unless ``keeping`` finished
    runs for whoever takes them up. Raises EnvironmentRefusal when the folder is in use, cannot be written, or when the
    disk is full.
    """
    root = root.absolute()
    final = root / folder_name
    with refusing(final):
        probe(root)
        lock = FolderLock(root / f".{folder_name}.lock")
        lock.acquire(final)
    try:
        made = Building(final)
        with refusing(final):
            made.begin(take_up=take_up)
        yield made
    finally:
        if made.placed is None:
            made.abandon(keeping=keeping)
        lock.release()


def probe(root: Path) -> None:
    """Make ``root`` and see whether it can be written and has room. Raises EnvironmentRefusal or OSError."""
    if root.exists() and not root.is_dir():
        raise EnvironmentRefusal(f"{root} is a file: results need a folder, choose one with -o DIR")
    root.mkdir(parents=True, exist_ok=True)
    trial = root / f".writable-{os.getpid()}"
    trial.mkdir()
    trial.rmdir()
    free_bytes = shutil.disk_usage(root).free
    if free_bytes < FREE_BYTES_LEAST:
        raise EnvironmentRefusal(
            f"the disk of {root} is full: {free_bytes >> 20} MiB free, {FREE_BYTES_LEAST >> 20} MiB needed at least; "
            "free some space, or choose another folder with -o DIR"
        )


@contextmanager
def refusing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses while ``folder`` is written into words."""
    try:
        yield
    except OSError as error:
        if not _from_files(error):
            raise
        raise EnvironmentRefusal(_words(error, folder)) from error


def _from_files(error: OSError) -> bool:
    return error.errno is not None or "No space left" in str(error)


def _words(error: OSError, folder: Path) -> str:
    if error.errno in _FULL or "No space left" in str(error):
        return (
            f"the disk is full: {folder} could not be written, and nothing of it was left; "
            "free some space, or choose another folder with -o DIR"
        )
    reason = error.strerror or str(error)
    where = error.filename if error.filename is not None else folder
    return f"{folder} cannot be written: {reason} ({where}); choose another folder with -o DIR"


def _move_whole(source: Path, target: Path, aside: Path) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    try:
        source.rename(target)
    except OSError:
        with suppress(OSError):
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def is_results_folder(path: Path) -> bool:
    """Whether a whole result stands at ``path``."""
    return (path / "manifest.json").is_file()


def locate(path: Path) -> Path:
    """The results folder at ``path``, or the only one under it. Raises EnvironmentRefusal."""
    if is_results_folder(path):
        return path
    if not path.is_dir():
        raise EnvironmentRefusal(f"{path}: there is no such results folder")
    inside = sorted(child for child in path.iterdir() if child.is_dir() and is_results_folder(child))
    if len(inside) == 1:
        return inside[0]
    if not inside:
        raise EnvironmentRefusal(f"{path} is not a results folder: it has no manifest.json")
    names = ", ".join(child.name for child in inside[:8])
    raise EnvironmentRefusal(f"{path} holds {len(inside)} results folders, name one of them: {names}")
