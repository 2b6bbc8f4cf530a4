"""A task: one run of a study, carried out in whatever process has it, with all it leaves in files.

Whoever carries it out needs nothing but the task and the files that it names, so that a worker in another process or
on another machine does the same as the parent would. What a run left is read back from its folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from feitian_sim.experiments.manifest import RunRecord
from feitian_sim.experiments.one_run import run_once
from feitian_sim.experiments.progress import Teller
from feitian_sim.experiments.run_folder import run_folder, write_run
from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.scenario import Loaded, load

#: What became of a run: its record, or why there is none.
Outcome = RunRecord | str


@dataclass(frozen=True, slots=True)
class Task:
    """Run number ``run`` of a scenario at one point of a study; ``folder`` is that point's.

    ``config_hash`` is that of the scenario as the parent read it: a file that changed since is not run as if it had not.
    """

    path: Path
    overrides: tuple[str, ...]
    seed: int | None
    runs: int | None
    data: tuple[Path, ...]
    config_hash: str
    run: int
    folder: Path

    @property
    def run_folder(self) -> Path:
        """Where what it leaves is put."""
        return run_folder(self.folder, self.run)


def tried(task: Task) -> Outcome:
    """Carry out one run and write what it leaves; the reason when it fails."""
    try:
        loaded = _loaded(task.path, task.overrides, task.seed, task.runs, task.data, task.config_hash)
        done = run_once(loaded, task.run, Teller(None, 1, loaded.scenario.duration / SECOND))
        write_run(task.folder, task.run, done)
    except ScenarioError as error:
        # Says where it is from by itself, down to the line of a class of the user's own.
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return done.record


@lru_cache(maxsize=8)
def _loaded(
    path: Path, overrides: tuple[str, ...], seed: int | None, runs: int | None, data: tuple[Path, ...], config_hash: str
) -> Loaded:
    """Read once for all the runs of a point in one process; the hash names the contents that are meant."""
    loaded = load(path, overrides, seed, runs, data)
    if loaded.config_hash != config_hash:
        raise ValueError(f"{path} has changed since the study began")
    return loaded
