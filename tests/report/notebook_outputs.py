"""Execute notebooks, and refresh their committed outputs: ``python tests/report/notebook_outputs.py``.

No wall-clock time is recorded, so that outputs change when the simulation does and not from day to day.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
_MOST_SECONDS = 600


def executed(path: Path) -> Any:
    """The notebook as it comes out when all of its cells run in order."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    surroundings = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=_MOST_SECONDS, record_timing=False, resources=surroundings).execute()
    return notebook


def refresh(path: Path) -> None:
    """Write the outputs of this version of the simulator into the notebook."""
    import nbformat

    notebook = executed(path)
    notebook.metadata.pop("language_info", None)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for each in PATHS:
        refresh(each)
