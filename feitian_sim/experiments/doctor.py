"""Whether everything that is needed is here: versions, folders, disk, numba's cache, traces, fonts."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from feitian_sim.experiments.store import FREE_BYTES_LEAST, probe
from feitian_sim.kernel import EnvironmentRefusal

#: The oldest versions that the project's metadata allows.
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``required`` ones make the doctor refuse."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    required: bool = True


def examine(results: Path, data_dirs: Iterable[Path]) -> list[Check]:
    """All checks, in the order in which one would mend them."""
    return [
        _python(),
        *_packages(),
        _writable("results folder", results),
        _free_space(results),
        _writable("temporary folder", Path(tempfile.gettempdir())),
        _numba_cache(),
        _traces(data_dirs),
        _fonts(),
    ]


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= _OLDEST_PYTHON, found, "install Python 3.11 or newer")


def _packages() -> list[Check]:
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("feitian-sim") or []
    except metadata.PackageNotFoundError:
        return [Check("feitian-sim", False, "not installed", "install it: pip install .")]
    checks = []
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found = _version(requirement.name)
            ok = bool(found) and requirement.specifier.contains(found, prereleases=True)
            checks.append(Check(requirement.name, ok, found or "missing", f"pip install '{requirement}'"))
    return checks


def _version(name: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _writable(name: str, folder: Path) -> Check:
    trial = folder
    # A folder that is not there yet is made when it is needed: what counts is its nearest parent.
    while not trial.exists() and trial != trial.parent:
        trial = trial.parent
    try:
        probe(trial)
    except (EnvironmentRefusal, OSError) as error:
        return Check(name, False, str(error), "make it writable, or choose another with -o DIR")
    return Check(name, True, str(folder))


def _free_space(folder: Path) -> Check:
    trial = folder
    while not trial.exists():
        trial = trial.parent
    free = shutil.disk_usage(trial).free
    return Check("free disk", free >= FREE_BYTES_LEAST, f"{free / 1e9:,.1f} GB", "free some space")


def _numba_cache() -> Check:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(__file__).resolve().parents[1] / "hardware" / "__pycache__"
    there = folder if folder.exists() else folder.parent
    ok = os.access(there, os.W_OK)
    filled = any(folder.rglob("*.nbi")) if folder.exists() else False
    found = f"{folder} ({'filled' if filled else 'empty: the first run compiles for some seconds'})"
    return Check("numba cache", ok, found, "set NUMBA_CACHE_DIR to a writable folder", required=False)


def _traces(data_dirs: Iterable[Path]) -> Check:
    folders = [folder for folder in data_dirs if folder.is_dir()]
    found = ", ".join(map(str, folders)) if folders else "none"
    remedy = "scenarios that replay published traces need --data DIR or $FEITIAN_DATA"
    return Check("published traces", bool(folders), found, remedy, required=False)


def _fonts() -> Check:
    from matplotlib import font_manager

    try:
        path = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    except ValueError:
        return Check("fonts", False, "DejaVu Sans is missing", "reinstall matplotlib, which brings it")
    return Check("fonts", True, Path(path).name)
