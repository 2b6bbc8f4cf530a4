"""Scenario: from a YAML file to a typed, checked experiment, and from that to a wired platform.

The only place that knows every part. A file goes through these steps, each a module:

1. :mod:`.source` reads YAML within bounds; :mod:`.nodes` keeps the position of every key and value.
2. :mod:`.extends` merges the file that this one extends, :mod:`.overrides` what ``--set`` says.
3. :mod:`.model` is the whole scenario as a pydantic model; :mod:`.messages` turns its errors into problems with
   file, line, column, what was found, what is allowed and the nearest name.
4. :mod:`.draft` keeps what can be understood although other parts are wrong, so that :mod:`.checks` (between parts),
   :mod:`.own_parts` (``file.py:Class``) and the rest report in one go. All problems are shown at once.
5. :mod:`.wiring` builds a :class:`Platform` from what :func:`load` returns.

Beside the way: :mod:`.resolved` writes everything out and names it by a hash, :mod:`.schema` serves editors,
:mod:`.explain` people, :mod:`.expectations` the exit code, :mod:`.metrics` is the library of all metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feitian_sim.scenario.expectations import Expectation, Outcome, parse_expectation
from feitian_sim.scenario.explain import explain, keys
from feitian_sim.scenario.load import Loaded, load, load_text
from feitian_sim.scenario.metrics import MetricTable, library
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.problems import Position, Problem, ScenarioProblems
from feitian_sim.scenario.schema import scenario_schema

if TYPE_CHECKING:
    from feitian_sim.scenario.wiring import Platform, Ran, build

__all__ = [
    "Expectation",
    "Loaded",
    "MetricTable",
    "Outcome",
    "Platform",
    "Position",
    "Problem",
    "Ran",
    "Scenario",
    "ScenarioProblems",
    "build",
    "explain",
    "keys",
    "library",
    "load",
    "load_text",
    "parse_expectation",
    "scenario_schema",
]


def __getattr__(name: str) -> Any:
    # Reading and explaining scenarios must be quick; only who builds one needs the machinery of every part.
    if name in {"Platform", "Ran", "build"}:
        from feitian_sim.scenario import wiring

        return getattr(wiring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
