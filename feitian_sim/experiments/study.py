"""A study: one scenario at all points of its axes, each with all its runs; what is to be done, before any of it is.

A study is written down in ``plan.json`` before its first run, so that what was killed can be taken up again by
somebody who knows nothing but the folder. All points meet the same chance: the seed is one, and ``runs`` are its
substreams (common random numbers).
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from feitian_sim.experiments.manifest import SCHEMA_VERSION
from feitian_sim.experiments.summary import write_json
from feitian_sim.experiments.task import Task
from feitian_sim.kernel import EnvironmentRefusal, ScenarioError
from feitian_sim.scenario import Loaded, load

Axes = dict[str, tuple[str, ...]]
Kind = Literal["sweep", "compare"]
PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class Point:
    """One combination: a value for each axis, as ``--set`` would say it."""

    values: tuple[tuple[str, str], ...]

    @property
    def overrides(self) -> tuple[str, ...]:
        """As ``key=value``."""
        return tuple(f"{key}={value}" for key, value in self.values)

    @property
    def folder(self) -> str:
        """Path under ``runs/``, one level an axis."""
        return "/".join(f"{key}={_safe(value)}" for key, value in self.values)

    @property
    def label(self) -> str:
        """How people call it: its values."""
        return ", ".join(value for _, value in self.values)


@dataclass(frozen=True, slots=True)
class Study:
    """A scenario, its axes, and what it was read with. ``seed`` and ``runs`` are None where the file's own hold."""

    kind: Kind
    path: Path
    overrides: tuple[str, ...]
    axes: Axes
    seed: int | None
    runs: int | None
    data: tuple[Path, ...]
    base: Loaded
    points: tuple[Point, ...]
    #: Of the scenario at each point.
    hashes: tuple[str, ...]
    #: The point to which a comparison's others are held.
    baseline: int = 0

    @property
    def run_count(self) -> int:
        """Runs of each point."""
        return self.base.scenario.runs

    @property
    def todo(self) -> list[tuple[Point, int]]:
        """Every run, by point, then by number."""
        return [(point, run) for point in self.points for run in range(self.run_count)]

    @property
    def folder_name(self) -> str:
        """The same scenario over other axes is another result."""
        over = blake2b(repr((self.base.config_hash, list(self.axes.items()))).encode(), digest_size=4).hexdigest()
        return f"{self.base.scenario.name}-{over}-{self.kind}"

    def tasks(self, folder: Path) -> dict[int, Task]:
        """The tasks under a results folder, numbered in order."""
        hashes = dict(zip(self.points, self.hashes, strict=True))
        return {
            number: Task(
                self.path,
                (*self.overrides, *point.overrides),
                self.seed,
                self.runs,
                self.data,
                hashes[point],
                run,
                folder / "runs" / point.folder,
            )
            for number, (point, run) in enumerate(self.todo)
        }

    def with_runs(self, runs: int) -> Study:
        """The same with another number of runs; those that are there stay what they are."""
        scenario = self.base.scenario.model_copy(update={"runs": runs})
        return replace(self, runs=runs, base=replace(self.base, scenario=scenario))

    def write_plan(self, folder: Path) -> None:
        """Write down what is to be done."""
        write_json(
            folder / PLAN,
            {
                "schema_version": SCHEMA_VERSION,
                "kind": self.kind,
                "name": self.base.scenario.name,
                "scenario_file": str(self.path),
                "overrides": list(self.overrides),
                "axes": {key: list(values) for key, values in self.axes.items()},
                "seed": self.seed,
                "runs": self.runs,
                "runs_of_each": self.run_count,
                "data": [str(path) for path in self.data],
                "baseline": self.baseline,
                "points": [
                    {"axes": dict(point.values), "config_hash": known}
                    for point, known in zip(self.points, self.hashes, strict=True)
                ],
            },
        )


def study_of(
    kind: Kind,
    path: str | Path,
    overrides: Sequence[str],
    axes: Axes,
    seed: int | None,
    runs: int | None,
    data: Sequence[Path],
    baseline: str | None = None,
) -> Study:
    """The study of a scenario over ``axes``, or over its own where none is given.

    Raises ScenarioError for what is wrong with the scenario at any point, before anything is run.
    """
    path = Path(path).absolute()
    folders = tuple(Path(folder).absolute() for folder in data)
    base = load(path, overrides, seed, runs, folders)
    over = axes_of(base, axes)
    points = points_of(over)
    hashes = [load(path, (*overrides, *point.overrides), seed, runs, folders).config_hash for point in points]
    at = _position(points, baseline)
    return Study(kind, path, tuple(overrides), over, seed, runs, folders, base, tuple(points), tuple(hashes), at)


def planned(folder: Path) -> Study:
    """The study whose plan lies in a folder. Raises EnvironmentRefusal when its scenario is another one by now."""
    plan = read_plan(folder)
    axes = {key: tuple(values) for key, values in plan["axes"].items()}
    path = Path(plan["scenario_file"])
    if not path.is_file():
        raise EnvironmentRefusal(f"{folder}: its scenario is gone from {path}: put it back, or begin anew")
    study = study_of(
        plan["kind"], path, plan["overrides"], axes, plan["seed"], plan["runs"], [Path(one) for one in plan["data"]]
    )
    if [one["config_hash"] for one in plan["points"]] != list(study.hashes):
        raise EnvironmentRefusal(
            f"{folder} was begun with another content of {path}: bring that back, or begin anew with feitian "
            f"{plan['kind']}"
        )
    return replace(study, baseline=plan["baseline"])


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan in a folder. Raises EnvironmentRefusal."""
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EnvironmentRefusal(f"{folder} is not the folder of a sweep or a comparison: it has no {PLAN}") from None
    except (OSError, ValueError) as error:
        raise EnvironmentRefusal(f"{folder / PLAN} cannot be read: {error}") from None
    assert isinstance(plan, dict)
    return plan


def axes_of(loaded: Loaded, given: Axes) -> Axes:
    """The axes in effect: those given, or the scenario's own. Raises ScenarioError when there are none."""
    own = {key: tuple(_said(value) for value in values) for key, values in loaded.scenario.sweep.items()}
    axes = given or own
    if not axes:
        raise ScenarioError(
            f"{loaded.path}: nothing to vary: give an axis, as in --set pangu.placement=random,copyset, or write one "
            "under sweep:"
        )
    return axes


def points_of(axes: Mapping[str, Sequence[str]]) -> list[Point]:
    """All combinations, the last axis fastest."""
    named = [[(key, value) for value in values] for key, values in axes.items()]
    return [Point(combination) for combination in itertools.product(*named)]


def _position(points: Sequence[Point], label: str | None) -> int:
    if label is None:
        return 0
    labels = [point.label for point in points]
    if label not in labels:
        raise ScenarioError(f"no variant is called {label!r}: the baseline is one of {'; '.join(labels)}")
    return labels.index(label)


def _said(value: Any) -> str:
    """A value of an axis as ``--set`` would say it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_said(inner)}" for key, inner in value.items()) + "}"
    return str(value)


def _safe(value: str) -> str:
    """A value as part of a path."""
    kept = "".join(letter if letter.isalnum() or letter in "-_.:=, " else "_" for letter in value)
    return kept.replace(os.sep, "_")[:80]
