"""`feitian estimate` and the progress bar against what shipped scenarios really take."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from feitian_sim.experiments.estimate import estimate
from feitian_sim.scenario import load
from tests.benchmarks.line import Line

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"

MEASURED = """
import json, sys
from pathlib import Path
from time import monotonic
began = monotonic()
import feitian_sim
from feitian_sim.experiments.run import Options, run
from feitian_sim.report import report
seen = []
run(sys.argv[1], Options(output=Path(sys.argv[2]), render=report), seen.append)
wall_s = monotonic() - began
last_s = seen[-1].elapsed_s
wrong = [
    abs(one.remaining_s - (last_s - one.elapsed_s)) / last_s
    for one in seen
    if one.remaining_s is not None and one.elapsed_s >= last_s / 2
]
# The peak that getrusage tells is inherited from who started this process.
peak_kib = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(json.dumps([wall_s, peak_kib * 1024, max(wrong, default=0.0), last_s]))
"""


def lines() -> Iterator[Line]:
    """For each shipped scenario the factor by which time and memory were missed, and the worst of the progress."""
    # What a trace holds is not known before it is read: those are told apart.
    progress: dict[bool, list[float]] = {False: [], True: []}
    for path in sorted(SCENARIOS.rglob("*.yaml")):
        name = path.relative_to(SCENARIOS).with_suffix("").as_posix()
        expected = estimate(load(path))
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", MEASURED, str(path), folder], capture_output=True, text=True, check=True
            )
        wall_s, memory_bytes, wrong, simulated_s = json.loads(done.stdout.splitlines()[-1])
        yield Line(
            f"estimate {name}: time ({wall_s:.0f} s)",
            _factor(expected.wall_seconds, wall_s),
            "x",
            "the run itself",
            at_most=2.0,
        )
        yield Line(
            f"estimate {name}: memory ({memory_bytes >> 20} MiB)",
            _factor(expected.memory_bytes, memory_bytes),
            "x",
            "the run itself",
            at_most=2.0,
        )
        if simulated_s > 5:
            progress[".csv" in path.read_text(encoding="utf-8")].append(wrong)
    yield Line("time left from half-way on, of the whole", max(progress[False]), "", "runs of 5 s or more", at_most=0.25)
    yield Line("the same where a trace is replayed", max(progress[True], default=0.0), "", "runs of 5 s or more")


def _factor(expected: float, found: float) -> float:
    return max(expected / found, found / expected)
