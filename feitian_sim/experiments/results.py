"""Results: a results folder opened for reading, as Python users have it.

Tables come back as pandas DataFrames, over all runs with a ``run`` column first. What draws figures is given from
above, since reports stand above experiments.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feitian_sim.experiments.store import locate
from feitian_sim.kernel import EnvironmentRefusal
from feitian_sim.kernel.metric import Tables
from feitian_sim.kernel.tables import read_columns
from feitian_sim.scenario.problems import suggestion

if TYPE_CHECKING:
    import pandas as pd

BASE = "base"


class Results:
    """What a run left: metrics, tables, expectations and the digest."""

    def __init__(self, directory: str | Path, plots: Callable[[Path], Any] | None = None) -> None:
        self.directory = locate(Path(directory))
        self._plots = plots

    def __repr__(self) -> str:
        return f"<Results {self.name} seed={self.seed} runs={self.runs} digest={self.digest[:12]} in {self.directory}>"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Who made these results, from what and with which versions."""
        return _json(self.directory / "manifest.json")

    @cached_property
    def document(self) -> dict[str, Any]:
        """The summary over all runs, as in summary.json."""
        return _json(self.directory / "summary.json")

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.manifest.get("name", self.directory.name))

    @property
    def seed(self) -> int:
        """Seed of all chance."""
        return int(self.manifest["seed"])

    @property
    def runs(self) -> int:
        """Number of finished runs."""
        return len(self.run_folders)

    @property
    def digest(self) -> str:
        """Digest of the canonical facts, of all runs in order."""
        return str(self.manifest.get("digest", ""))

    @property
    def digests(self) -> tuple[str, ...]:
        """Digest of each run."""
        return tuple(self.manifest.get("digests", ()))

    @property
    def interrupted(self) -> bool:
        """Whether the experiment was stopped before all runs were done."""
        return bool(self.manifest.get("status") != "finished")

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by name: its mean over the runs."""
        return {row["name"]: row["value"] for row in self.document.get("metrics", ())}

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % confidence interval of the mean of each metric; empty for a single run."""
        rows = self.document.get("metrics", ())
        return {row["name"]: (row["interval"][0], row["interval"][1]) for row in rows if row.get("interval")}

    @cached_property
    def expectations(self) -> list[dict[str, Any]]:
        """Each expectation with what was found and whether it held."""
        return list(self.document.get("expectations", ()))

    @property
    def ok(self) -> bool:
        """Whether every expectation held."""
        return all(row["ok"] for row in self.expectations)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The tidy table: run, metric, value, unit."""
        import pandas as pd

        return pd.read_csv(self.directory / "summary.csv")

    @cached_property
    def run_folders(self) -> tuple[Path, ...]:
        """Folders of the finished runs, in order."""
        return tuple(sorted(path.parent for path in self.directory.glob(f"runs/{BASE}/run=*/DONE")))

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of facts that happened in any run."""
        return tuple(sorted({path.stem for folder in self.run_folders for path in folder.glob("facts/*.parquet")}))

    def table(self, kind: str) -> pd.DataFrame:
        """All facts of one kind, every run below the other. Raises KeyError for a kind that never happened."""
        import pandas as pd

        if kind not in self.kinds:
            raise KeyError(f"no fact of kind {kind!r} happened{suggestion(kind, self.kinds)}")
        frames = []
        for folder in self.run_folders:
            path = folder / "facts" / f"{kind}.parquet"
            if path.is_file():
                frame = pd.DataFrame(read_columns(path))
                frame.insert(0, "run", int(folder.name.removeprefix("run=")))
                frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def tables(self, run: int = 0) -> Tables:
        """The facts of one run as metrics read them."""
        folder = self.run_folders[run]
        about = _json(folder / "summary.json")

        def read(kind: str) -> dict[str, Any]:
            path = folder / "facts" / f"{kind}.parquet"
            return read_columns(path) if path.is_file() else {}

        return Tables(read, duration_s=about["duration_s"], warmup_s=about["warmup_s"])

    @cached_property
    def plot(self) -> Any:
        """The figures, drawn from these results: ``.plot.recovery()`` and the like."""
        if self._plots is None:
            raise EnvironmentRefusal("figures are drawn through feitian_sim.load(directory).plot")
        return self._plots(self.directory)


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EnvironmentRefusal(f"{path.parent} lacks {path.name}: it is not a whole result, run it again") from None
    except (OSError, ValueError) as error:
        raise EnvironmentRefusal(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise EnvironmentRefusal(f"{path} is not a JSON object: it was not written by feitian")
    return document
