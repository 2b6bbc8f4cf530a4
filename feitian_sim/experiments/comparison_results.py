"""A comparison's folder opened for reading, as Python users have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feitian_sim.experiments.store import locate
from feitian_sim.kernel import EnvironmentRefusal

if TYPE_CHECKING:
    import pandas as pd


class ComparisonResults:
    """What a comparison left: every metric of every variant, with its difference to the baseline."""

    def __init__(self, directory: str | Path, plots: Callable[[Path], Any]) -> None:
        self.directory = locate(Path(directory))
        self._plots = plots

    def __repr__(self) -> str:
        variants = ", ".join(self.document["variants"])
        return f"<Comparison of {variants} digest={self.digest[:12]} in {self.directory}>"

    @cached_property
    def document(self) -> dict[str, Any]:
        """comparison.json: values, intervals, differences, definitions."""
        return _json(self.directory / "comparison.json")

    @cached_property
    def digest(self) -> str:
        """Digest over all runs in order."""
        return str(_json(self.directory / "summary.json")["digest"])

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per metric and variant: value, interval, difference to the baseline and its interval."""
        import pandas as pd

        return pd.read_csv(self.directory / "comparison.csv")

    def values(self, metric: str) -> dict[str, float]:
        """A metric by variant: its mean over runs. Raises KeyError for one that no run has."""
        row = next((row for row in self.document["metrics"] if row["name"] == metric), None)
        if row is None:
            raise KeyError(f"no run of {self.directory.name} has {metric!r}")
        return {label: cell["value"] for label, cell in row["variants"].items()}

    @cached_property
    def plot(self) -> Any:
        """The figures by name: ``.plot("pareto")``, ``"recovery-curves"``, ``"burst-curves"``."""
        return self._plots(self.directory)


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EnvironmentRefusal(f"{path.parent} is not the folder of a whole comparison: {error}") from None
    assert isinstance(document, dict)
    return document
