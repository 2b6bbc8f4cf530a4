"""A shrunk trial as a scenario file that fails again with the same invariant, and what to say of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.experiments.check.judge import BOOKS, UNHANDLED, Finding, judge
from feitian_sim.experiments.check.shrink import Shrunk
from feitian_sim.experiments.check.trial import Arena, Trial
from feitian_sim.kernel import EnvironmentRefusal, InvariantError, Simulation
from feitian_sim.scenario import Loaded, load_text
from feitian_sim.scenario.wiring import Platform

#: Facts that are shown before a violation.
_CONTEXT = 25


@dataclass(frozen=True, slots=True)
class Kept:
    """A failing seed, made small and written."""

    finding: Finding
    shrunk: Shrunk
    path: Path
    #: Whether the file, read and run anew, violates the same invariant.
    replays: bool
    facts: tuple[str, ...]


def keep(arena: Arena, shrunk: Shrunk, first: Finding, folder: Path) -> Kept:
    """Write the scenario and run it from there. Raises EnvironmentRefusal for a folder that cannot be written."""
    trial, finding = shrunk.trial, shrunk.finding
    name = f"{arena.loaded.scenario.name}-{finding.invariant.lower()}-seed-{first.seed}"
    claim = f"Does {finding.invariant} hold: {finding.claim}?"
    text = scenario_text(arena.document(trial, name, claim))
    path = folder / f"{name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EnvironmentRefusal(f"{path} cannot be written: {error.strerror}") from None
    loaded = load_text(text, arena.loaded.base_dir, str(path))
    replays = all(replayed(loaded) == finding.invariant for _ in range(2))
    return Kept(first, shrunk, path, replays, facts_before(arena, trial))


def scenario_text(document: dict[str, Any]) -> str:
    """A scenario as a file."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 140
    out = io.StringIO()
    writer.dump(document, out)
    return out.getvalue()


def replayed(loaded: Loaded) -> str:
    """The invariant that a scenario violates when it is run; empty when all hold."""
    try:
        Platform(loaded, 0, tables=False).simulate()
    except InvariantViolated as error:
        return error.violation.invariant
    except InvariantError:
        return BOOKS
    except Exception:
        return UNHANDLED
    return ""


def facts_before(arena: Arena, trial: Trial) -> tuple[str, ...]:
    """The last facts before the violation: the run is repeated, since nobody had kept them."""
    lines: list[str] = []

    def note(now_ns: int, fact: Any) -> None:
        said = ", ".join(f"{name} {getattr(fact, field)}" for name, field in _fields(fact))
        lines.append(f"{now_ns / 1e9:12.6f} s  {fact.kind}: {said}")
        if len(lines) > 4 * _CONTEXT:
            del lines[: -2 * _CONTEXT]

    def listen(sim: Simulation) -> None:
        sim.facts.subscribe("*", note)

    judge(arena, trial, listen)
    return tuple(lines[-_CONTEXT:])


def _fields(fact: Any) -> list[tuple[str, str]]:
    return list(zip(fact.field_names, fact.__slots__, strict=True))
