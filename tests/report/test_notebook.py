"""The notebooks run as they are committed, and their outputs are committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from notebook_outputs import PATHS, executed

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_outputs_are_committed(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in cells)
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_says_the_same(path: Path) -> None:
    assert printed(executed(path)) == printed(nbformat.read(path, as_version=4))


def printed(notebook: Any) -> list[str]:
    """What was printed, the digest among it; tables and pictures depend on the versions of pandas and matplotlib."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]
