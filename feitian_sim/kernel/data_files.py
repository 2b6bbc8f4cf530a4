"""Data files: where they are looked for, and how they are opened.

Beside the scenario first, then in the folders that the command was given (``--data DIR``, ``$FEITIAN_DATA``,
``../shared/data``, in this order: the caller's list).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

from feitian_sim.kernel.errors import ScenarioError


def find_data_file(name: str, base_dir: Path | None, data_dirs: Sequence[Path], what_it_is: str = "") -> Path:
    """The path of a data file. Raises ScenarioError that says where it was looked for and what the file is."""
    folders = [*([base_dir] if base_dir is not None else []), *data_dirs]
    for folder in folders:
        path = folder / name
        if path.is_file():
            return path
    looked = ", ".join(str(folder) for folder in folders) or "nowhere: no folder was given"
    about = f". {what_it_is}" if what_it_is else ""
    raise ScenarioError(
        f"data file {name} was not found (looked in {looked}){about}. "
        "Say where it is with --data DIR or the environment variable FEITIAN_DATA"
    )


def open_text(path: Path) -> io.TextIOWrapper:
    """A text file, plain or compressed with gzip, as UTF-8. Raises ScenarioError when it cannot be opened."""
    try:
        if path.suffix == ".gz":
            return io.TextIOWrapper(gzip.GzipFile(path), encoding="utf-8", newline="")
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror or error}") from None
