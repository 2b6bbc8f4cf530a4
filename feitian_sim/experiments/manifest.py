"""The manifest: what a results folder is, where it comes from and how to get it again."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from importlib import metadata
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
#: Distributions whose version may change a result, or the bytes of a figure.
PACKAGES = (
    "simpy", "numpy", "networkx", "pandas", "matplotlib", "pydantic", "ruamel.yaml", "scipy", "pyarrow",
    "google-crc32c", "numba", "click", "rich", "jinja2",
)  # fmt: skip
_HASHED_AT_ONCE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One finished run: its number and digest, what it cost and what was measured."""

    run: int
    digest: str
    events: int
    facts: int
    cpu_seconds: float
    wall_seconds: float
    metrics: dict[str, float] = field(default_factory=dict)
    #: What its metrics leave out at the start, as given or as found.
    warmup_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Began:
    """When an experiment began, by the wall clock."""

    at: str

    @staticmethod
    def now() -> Began:
        """The present."""
        return Began(wall_clock())


def wall_clock() -> str:
    """The present in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def total_digest(digests: Sequence[str]) -> str:
    """The digest of an experiment: of its run, or over the digests of all runs in order."""
    if len(digests) == 1:
        return digests[0]
    return blake2b("\n".join(digests).encode(), digest_size=16).hexdigest()


def versions() -> dict[str, str]:
    """Versions of this package and of those it stands on, where installed."""
    found = {}
    for name in ("feitian-sim", *PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def source_revision() -> dict[str, Any]:
    """Commit of the checkout that this code runs from, and whether it was changed; empty outside one."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return {}
    commit = _git(here, "rev-parse", "HEAD")
    if not commit:
        return {}
    return {"git_sha": commit, "git_dirty": bool(_git(here, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def machine() -> dict[str, Any]:
    """The machine and interpreter of this process."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.processor())


def file_hashes(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of every file of a results folder but the manifest, by relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_hash(path)} for path in paths
    }


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    summed = sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASHED_AT_ONCE_BYTES):
            summed.update(piece)
    return summed.hexdigest()


def command_line(arguments: Iterable[str] | None = None) -> str:
    """The command of this process, as one would type it."""
    given = list(sys.argv if arguments is None else arguments)
    name = Path(given[0]).name if given else "feitian"
    program = "feitian" if name in ("feitian", "__main__.py") else name
    return shlex.join([program, *given[1:]])


def document(*, status: str, began: Began, records: Sequence[RunRecord], **about: Any) -> dict[str, Any]:
    """The manifest of an experiment; ``about`` says which (name, config hash, seed, ...)."""
    return {
        "schema_version": SCHEMA_VERSION,
        "status": status,
        **about,
        "digest": total_digest([record.digest for record in records]) if records else "",
        "digests": [record.digest for record in records],
        "events": sum(record.events for record in records),
        "runs_finished": [_without_metrics(record) for record in records],
        "wall_start": began.at,
        "wall_end": wall_clock(),
        "cpu_seconds": round(sum(record.cpu_seconds for record in records), 3),
        "command": command_line(),
        "environment": {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "")},
        **machine(),
        "versions": versions(),
        **source_revision(),
    }


def _without_metrics(record: RunRecord) -> dict[str, Any]:
    fields = asdict(record)
    del fields["metrics"]
    return fields
