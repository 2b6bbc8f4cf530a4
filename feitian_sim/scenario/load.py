"""From a file to a scenario that is known to be right, or to everything that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from feitian_sim.scenario import own_parts, resolved
from feitian_sim.scenario.checks import CHECKS, WARNINGS, files_are_there
from feitian_sim.scenario.draft import Draft, draft_of
from feitian_sim.scenario.expectations import Expectation, parse_expectation
from feitian_sim.scenario.extends import read_extended
from feitian_sim.scenario.load_code import named_by_loads
from feitian_sim.scenario.metrics import library
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.nodes import Source
from feitian_sim.scenario.overrides import apply, put
from feitian_sim.scenario.own_parts import OwnPart
from feitian_sim.scenario.problems import Problem, ScenarioProblems, in_order
from feitian_sim.scenario.shapes import default_at
from feitian_sim.scenario.source import parse
from feitian_sim.scenario.sweep import axes_are_valid

#: Where published traces lie beside a checkout.
_SHARED_DATA = Path("..") / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario and what it was read with: all that is needed to build it."""

    scenario: Scenario
    #: The file it was read from; the name in messages if it was text.
    path: Path
    #: What file names in the scenario are relative to.
    base_dir: Path
    #: Where external traces are looked for, in this order.
    data_dirs: tuple[Path, ...] = ()
    warnings: tuple[Problem, ...] = ()
    #: The user's own classes that it names.
    policies: tuple[OwnPart, ...] = ()
    #: The plain data after ``extends`` and ``--set``, as written.
    data: Mapping[str, Any] = field(default_factory=dict)
    #: The ``key=value`` that were set over the file.
    overrides: tuple[str, ...] = ()

    @property
    def config_hash(self) -> str:
        """Eight digits that name the configuration (without seed and runs)."""
        return resolved.config_hash(self.scenario, [part.own for part in self.policies])

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """The parsed lines of ``expect``."""
        return tuple(parse_expectation(text, library()) for text in self.scenario.expect)

    def resolved_yaml(self) -> str:
        """The scenario with everything written out; loads to the same."""
        return resolved.resolved_yaml(self.scenario)


def load(
    path: str | Path,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    runs: int | None = None,
    data: Iterable[str | Path] = (),
) -> Loaded:
    """Read, merge and check a scenario file; ``overrides`` are ``key=value``, ``data`` more folders of traces.

    Raises ScenarioProblems (a ScenarioError) with everything that is wrong.
    """
    file = Path(path)
    source, problems = read_extended(file, str(path))
    overrides = tuple(overrides)
    problems = _with_options(source, problems, overrides, seed, runs)
    return replace(_checked(source, problems, file, file.parent, data), overrides=overrides)


def load_text(text: str, base_dir: Path = Path(), name: str = "scenario", **options: Any) -> Loaded:
    """A scenario from text, as :func:`load` reads it from a file; file names in it are relative to ``base_dir``."""
    source, problems = parse(text, name)
    if not isinstance(source.data, dict):
        raise ScenarioProblems([Problem(source.values[()], "a scenario is a mapping of keys to values")])
    problems = _with_options(
        source, problems, options.pop("overrides", ()), options.pop("seed", None), options.pop("runs", None)
    )
    return _checked(source, problems, Path(name), base_dir, options.pop("data", ()))


def data_dirs(given: Iterable[str | Path]) -> tuple[Path, ...]:
    """Where external traces are looked for: ``--data``, ``$FEITIAN_DATA``, ``../shared/data``."""
    named = [Path(folder) for folder in given]
    if variable := os.environ.get("FEITIAN_DATA"):
        named.append(Path(variable))
    checkout = Path(__file__).resolve().parents[2]
    return (*named, _SHARED_DATA, checkout / _SHARED_DATA)


def _with_options(
    source: Source, problems: list[Problem], overrides: Iterable[str], seed: int | None, runs: int | None
) -> list[Problem]:
    problems = problems + apply(source, overrides, partial(default_at, Scenario))
    for key, value in (("seed", seed), ("runs", runs)):
        if value is not None:
            put(source, (key,), value)
    return problems


def _checked(source: Source, problems: list[Problem], path: Path, base_dir: Path, data: Iterable[str | Path]) -> Loaded:
    folders = data_dirs(data)
    draft, found = draft_of(source)
    # A value that could not be read as YAML is not judged a second time.
    unread = {problem.position for problem in problems}
    problems = problems + [problem for problem in found if problem.position not in unread]
    own: tuple[OwnPart, ...] = ()
    if draft is not None:
        for check in CHECKS:
            problems += check(draft)
        named = [*own_parts.named_by_parts(draft), *named_by_loads(draft, base_dir, folders)]
        own, wrong = own_parts.find(draft, base_dir, named)
        problems += wrong
        if not problems:
            problems += axes_are_valid(draft)
    if problems or draft is None:
        raise ScenarioProblems(problems)
    return Loaded(
        scenario=draft.scenario,
        path=path,
        base_dir=base_dir,
        data_dirs=folders,
        warnings=_warnings(draft, base_dir, folders),
        policies=own,
        data=source.data,
    )


def _warnings(draft: Draft, base_dir: Path, folders: tuple[Path, ...]) -> tuple[Problem, ...]:
    found = [problem for check in WARNINGS for problem in check(draft)]
    return in_order([*found, *files_are_there(draft, base_dir, folders)])
