"""Feitian, simulated: a deterministic discrete-event simulator of the Feitian (Apsara) cloud platform.

From Python::

    import feitian_sim

    run = feitian_sim.run("scenarios/quickstart.yaml", seed=1)
    run.summary                      # tidy table: run, metric, value, unit
    run.table("pangu.repair")        # facts of one kind, a DataFrame over all runs
    run.plot.recovery()              # a figure
    feitian_sim.load("results/...")  # the same, from a folder

    found = feitian_sim.compare("scenarios/pangu/placement.yaml", runs=3, jobs=2)
    found.table                      # every metric of every variant, with its difference to the baseline
    found.plot("pareto")             # a figure

Importing this package imports nothing heavy; the command is ``feitian`` (:mod:`feitian_sim.cli`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from feitian_sim.experiments.comparison_results import ComparisonResults
    from feitian_sim.experiments.results import Results

__all__ = ["compare", "load", "run"]


def run(
    path: str | Path,
    seed: int | None = None,
    runs: int | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    output: str | Path | None = None,
    *,
    data: str | Path | None = None,
    twin: bool | None = None,
    figures: bool = False,
) -> Results:
    """Run a scenario file and open what it left under ``output`` (``results`` by default).

    ``overrides`` sets keys of the scenario: ``{"pangu.replicas": 2}`` or ``["pangu.replicas=2"]``; ``data`` is a
    folder of published traces; ``figures`` also writes the figures and report.html. Raises
    ``feitian_sim.kernel.ScenarioError`` for what is wrong with the scenario.
    """
    from pathlib import Path

    from feitian_sim.experiments import run as experiment
    from feitian_sim.report import report

    options = experiment.Options(
        overrides=_texts(overrides),
        seed=seed,
        runs=runs,
        output=Path(output) if output is not None else Path("results"),
        data=Path(data) if data is not None else None,
        twin=twin,
        render=report if figures else None,
    )
    return load(experiment.run(path, options).directory)


def compare(
    path: str | Path,
    vary: Mapping[str, Iterable[Any]] | None = None,
    seed: int | None = None,
    runs: int | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    output: str | Path | None = None,
    *,
    baseline: str | None = None,
    jobs: int = 1,
    data: str | Path | None = None,
    figures: bool = False,
) -> ComparisonResults:
    """Run the variants of a scenario under the same chance and open what that left under ``output``.

    ``vary``: values by key, ``{"pangu.placement": ["random", "copyset"]}``; the scenario's own sweep by default. The
    first variant, or ``baseline``, is what the others are held to. Raises ``feitian_sim.kernel.ScenarioError`` for what
    is wrong with the scenario.
    """
    from pathlib import Path

    from feitian_sim.experiments import compare as comparing
    from feitian_sim.experiments.comparison_results import ComparisonResults
    from feitian_sim.experiments.engines import engine_of
    from feitian_sim.experiments.sweep import SweepOptions
    from feitian_sim.report import ComparisonPlots, render_study

    options = SweepOptions(
        overrides=_texts(overrides),
        axes={key: tuple(_text(value) for value in values) for key, values in (vary or {}).items()},
        seed=seed,
        runs=runs,
        engine=engine_of("local", jobs),
        output=Path(output) if output is not None else Path("results"),
        data=Path(data) if data is not None else None,
        render=render_study if figures else None,
    )
    done = comparing.compare(path, options, baseline)
    return ComparisonResults(done.swept.directory, ComparisonPlots)


def load(directory: str | Path) -> Results:
    """Open a results folder."""
    from feitian_sim.experiments.results import Results
    from feitian_sim.report import Plots

    return Results(directory, plots=Plots)


def _texts(overrides: Mapping[str, Any] | Iterable[str]) -> tuple[str, ...]:
    if isinstance(overrides, str):
        return (overrides,)
    if isinstance(overrides, Mapping):
        return tuple(f"{key}={_text(value)}" for key, value in overrides.items())
    return tuple(overrides)


def _text(value: Any) -> str:
    """A value as ``--set`` would say it."""
    import json

    # JSON is YAML, so that lists and mappings arrive as such.
    return value if isinstance(value, str) else json.dumps(value)
