"""Run every shipped scenario and refresh ``results/reference/``: ``make golden``, or ``python -m tests.golden NAME...``.

Kept of each: the digest, the summary and the figures as SVG (what changes shows in a diff). The notebooks are executed
anew after that. A change of a digest belongs into the message of the commit that makes it, with the reason.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import feitian_sim
from feitian_sim.experiments.compare import compare
from feitian_sim.experiments.sweep import SweepOptions, sweep
from feitian_sim.report import render_study
from feitian_sim.scenario import load

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCE = REPOSITORY / "results" / "reference"
SCENARIOS = REPOSITORY / "scenarios"


def shipped() -> list[Path]:
    """All scenario files, in the order of their paths; what checks once found is run by tests of its own."""
    return sorted(path for path in SCENARIOS.rglob("*.yaml") if path.parent.name != "regressions")


def reference_of(scenario: Path) -> Path:
    """Where the reference of a scenario file is kept: the same path under ``results/reference/``."""
    return REFERENCE / scenario.relative_to(SCENARIOS).with_suffix("")


def refresh(scenario: Path) -> str:
    """Run one scenario and replace its reference; returns a line that says what became of it."""
    kept = reference_of(scenario)
    before = (kept / "digest").read_text().strip() if (kept / "digest").exists() else "none"
    with tempfile.TemporaryDirectory() as folder:
        digest, directory = _results(scenario, Path(folder))
        shutil.rmtree(kept, ignore_errors=True)
        (kept / "figures").mkdir(parents=True)
        (kept / "digest").write_text(f"{digest}\n")
        for name in ("summary.csv", "scenario.resolved.yaml"):
            shutil.copy(directory / name, kept / name)
        for figure in sorted(directory.glob("figures/*.svg")):
            shutil.copy(figure, kept / "figures" / figure.name)
    change = "as before" if before == digest else f"was {before}"
    return f"{scenario.relative_to(SCENARIOS)}  {digest}  {change}"


def _results(scenario: Path, output: Path) -> tuple[str, Path]:
    """Run a scenario, sweep it when it has axes, or compare its points when it has runs too; digest and folder."""
    loaded = load(scenario).scenario
    if loaded.sweep and loaded.runs > 1:
        compared = compare(scenario, SweepOptions(output=output, render=render_study)).swept
        return compared.digest, compared.directory
    if loaded.sweep:
        swept = sweep(scenario, SweepOptions(output=output, render=render_study))
        return swept.digest, swept.directory
    done = feitian_sim.run(scenario, output=output, figures=True)
    return done.digest, Path(done.directory)


def main(names: list[str]) -> None:
    """Refresh the references of the scenarios named (all when none is), then the notebooks."""
    wanted = [path for path in shipped() if not names or path.stem in names]
    with ProcessPoolExecutor() as pool:
        for line in pool.map(refresh, wanted):
            print(line, flush=True)
    if not names:
        from tests.report import notebook_outputs

        for notebook in notebook_outputs.PATHS:
            notebook_outputs.refresh(notebook)


if __name__ == "__main__":
    main(sys.argv[1:])
