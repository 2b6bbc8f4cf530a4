"""The notebook runs as it is committed, and its outputs are committed."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_committed(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in cells if not cell.source.startswith("from "))
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_says_the_same(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    committed = nbformat.read(path, as_version=4)
    executed = nbformat.from_dict(committed)
    client.NotebookClient(executed, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    assert printed(executed) == printed(committed)


def printed(notebook: object) -> list[str]:
    """What was printed, the digest among it; tables and pictures depend on the versions of pandas and matplotlib."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]  # type: ignore[attr-defined]
    return [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]
