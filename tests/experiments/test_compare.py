"""Comparisons: paired differences, their intervals, and what the command makes of them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import dunnett

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments.compare import Precision, compare, compare_results
from feitian_sim.experiments.comparison import comparison_of
from feitian_sim.experiments.engines import LocalEngine
from feitian_sim.experiments.manifest import RunRecord
from feitian_sim.experiments.paired import bootstrapped, critical_value, difference, runs_needed
from feitian_sim.experiments.run import Options, run
from feitian_sim.experiments.sweep import SweepOptions
from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario.warmup import mser5

CORES = {"cluster.machine.cores": ("1", "2", "4")}
WAIT = "workloads.request_wait_s.mean"

CELL = """
name: cell
duration: 2m
cluster: {racks: 8, machines_per_rack: 3, machine: {disks: 6, disk: hdd-2tb, nic: 10Gbit/s}}
pangu: {heartbeat: {timeout: 5s}, dataset: {bytes: 20GiB, file_size: 256MiB}, survey: {bursts: [3, 4, 6]}}
load:
  - kind: write
    name: ingest
    file_size: {kind: lognormal, median: 16MiB, sigma: 1}
    arrival: {kind: poisson, rate: 0.3/s}
faults:
  - {kind: machine-crash, at: 5s, duration: 1h, target: {role: pangu.chunkserver, mode: fixed, value: 1}}
"""

EMPTIEST = '''
import numpy as np
from feitian_sim.pangu.placement import PlacementPolicy
from feitian_sim.pangu.placement.policy import free_servers, on_other_domains


class Emptiest(PlacementPolicy):
    """The emptiest server on another rack."""

    def next_server(self, view, chosen, stream, writer, exclude, size_bytes, relaxed):
        free = free_servers(view, chosen, exclude, size_bytes)
        free = on_other_domains(view, free, chosen, view.rack, "racks", relaxed)
        return int(free[np.argmin(view.used_ratio()[free])])
'''


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    path = tmp_path / "cell.yaml"
    path.write_text(CELL, encoding="utf-8")
    return path


@pytest.mark.parametrize(("variants", "freedom"), [(2, 9), (4, 9), (4, 30), (10, 19)])
def test_the_critical_value_is_dunnetts(variants: int, freedom: int):
    """Against scipy's procedure for unpaired samples, which has (k+1)(n-1) degrees of freedom."""
    size = freedom // (variants + 1) + 1 if freedom % (variants + 1) == 0 else None
    if size is None:
        size, freedom = 6, 5 * (variants + 1)
    draws = np.random.default_rng(variants)
    samples = [draws.normal(size=size) for _ in range(variants + 1)]
    found = dunnett(*samples[1:], control=samples[0], rng=np.random.default_rng(1)).confidence_interval(0.95)
    spread = math.sqrt(sum(float(np.var(one, ddof=1)) for one in samples) / (variants + 1))
    half = float(found.high[0] - found.low[0]) / 2
    assert critical_value(variants, freedom) == pytest.approx(half / (spread * math.sqrt(2 / size)), rel=0.01)


def test_intervals_hold_as_often_as_they_say():
    """Of all five true differences, at once, in 95 % of experiments; the draws are fixed."""
    draws, held = np.random.default_rng(7), 0
    for _ in range(400):
        common = draws.normal(scale=10, size=10)
        baseline = common + draws.normal(size=10)
        found = [difference("a", (common + k + draws.normal(size=10)).tolist(), baseline.tolist(), 5) for k in range(5)]
        held += all(one.low <= k <= one.high for k, one in enumerate(found))
    assert held / 400 == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 400))


def test_bca_intervals_hold_about_as_often_as_they_say():
    draws, held = np.random.default_rng(8), 0
    for number in range(150):
        low, high = bootstrapped(str(number), draws.lognormal(size=40).tolist(), 0.9)
        held += low <= math.exp(0.5) <= high
    assert 0.78 <= held / 150 <= 0.95
    assert bootstrapped("x", [1.0, 2.0, 4.0] * 4, 0.95) == bootstrapped("x", [1.0, 2.0, 4.0] * 4, 0.95)


def test_differences_of_equals_and_of_too_few():
    assert difference("a", [1.0, 2.0], [1.0, 2.0], 3).method == "equal"
    assert difference("a", [1.0], [2.0], 3).low is None
    assert not difference("a", [1.0, 2.0], [1.5, 1.0], 1).is_certain


def test_runs_for_a_precision():
    values = np.random.default_rng(1).normal(100, 10, size=200).tolist()
    # 1.96 * 10 / sqrt(n) = 1 at n = 384.
    assert runs_needed(values, 0.01) == pytest.approx(384, rel=0.25)
    assert runs_needed(values, 0.5) == 200
    with pytest.raises(ValueError, match="two runs"):
        runs_needed([1.0], 0.1)


def test_mser_finds_where_a_transient_ends():
    draws = np.random.default_rng(2)
    series = draws.normal(size=1000) + 20 * np.exp(-np.arange(1000) / 30)
    assert 60 <= mser5(series.tolist()) <= 200
    assert mser5([1.0] * 10) == 0


def test_variants_meet_the_same_chance_whatever_carries_them_out(queue: Path, tmp_path: Path):
    found = [
        compare(queue, SweepOptions(axes=CORES, runs=3, output=tmp_path / name, **engine))
        for name, engine in (("here", {}), ("two", {"engine": LocalEngine(2)}))
    ]
    here, two = found
    assert here.swept.digest == two.swept.digest
    tables = [(one.swept.directory / "comparison.csv").read_bytes() for one in found]
    assert tables[0] == tables[1]
    served = [here.comparison.cell("workloads.request_wait_s.count", label) for label in ("1", "2", "4")]
    counts = [one.estimate.value for one in served if one is not None]
    # All but those that the end found at a core.
    assert max(counts) - min(counts) < 3
    cell = here.comparison.cell(WAIT, "4")
    assert cell is not None
    assert cell.difference is not None
    assert cell.difference.method == "Dunnett"
    document = json.loads((here.swept.directory / "comparison.json").read_text())
    assert document["baseline"] == "1"
    row = next(row for row in document["metrics"] if row["name"] == WAIT)
    assert row["best"] == ["4"]
    assert "definition" in row


def test_c6_the_pairing_pays(cell: Path, tmp_path: Path):
    """A difference under common random numbers has an interval at least three times narrower than without."""
    axes = {"pangu.placement": ("rack-spread", "random")}
    name = "pangu.write_latency_s.mean"
    paired = compare(cell, SweepOptions(axes=axes, runs=8, output=tmp_path / "a")).comparison
    others = compare(cell, SweepOptions(axes=axes, runs=8, seed=4242, output=tmp_path / "b")).comparison
    cell_ = paired.cell(name, "random")
    assert cell_ is not None
    ours = cell_.difference
    theirs = difference(
        name,
        [others.runs["random"][number][name] for number in range(8)],
        [paired.runs["rack-spread"][number][name] for number in range(8)],
        1,
    )
    assert ours is not None
    assert None not in (ours.low, ours.high, theirs.low, theirs.high)
    assert theirs.high - theirs.low > 3 * (ours.high - ours.low)


def test_a_policy_of_ones_own_takes_part(cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (cell.parent / "emptiest.py").write_text(EMPTIEST, encoding="utf-8")
    vary = "--vary=pangu.placement=rack-spread,emptiest.py:Emptiest,copyset"
    arguments = ["compare", str(cell), vary, "--runs", "2", "-o", str(tmp_path / "out"), "-q"]
    assert invoke(arguments) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "emptiest.py:Emptiest" in said
    assert "rack-spread (baseline)" in said
    (page,) = tmp_path.glob("out/cell-*-compare/report.html")
    text = page.read_text(encoding="utf-8")
    assert "emptiest.py:Emptiest" in text
    assert "Pangu" not in text or "http://" not in text.replace("http://www.w3.org", "")
    figures = sorted(path.name for path in (page.parent / "figures").glob("*.svg"))
    assert figures == ["burst-curves.svg", "pareto.svg", "recovery-curves.svg"]
    assert invoke(["place", str(cell), vary]) == ExitCode.DONE
    assert "emptiest.py:Emptiest" in capsys.readouterr().out
    assert invoke(["resume", str(page.parent), "-q", "--json", "--no-figures"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["baseline"] == "rack-spread"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("raise ValueError('no idea')", "no idea"),
        ("return tuple([0] * replicas)", "twice"),
        ("return tuple(range(100, 100 + replicas))", "is no server"),
        ("return (0,)", "1 servers where 3"),
    ],
)
def test_a_policy_that_is_wrong_is_named(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, wrong: str
):
    (cell.parent / "bad.py").write_text(
        "from feitian_sim.pangu.placement import PlacementPolicy\n\n\nclass Bad(PlacementPolicy):\n"
        f"    def place(self, view, replicas, stream, **more):\n        {body}\n",
        encoding="utf-8",
    )
    vary = "--vary=pangu.placement=rack-spread,bad.py:Bad"
    code = invoke(["compare", str(cell), vary, "--runs", "1", "-o", str(tmp_path / "out"), "-q"])
    said = capsys.readouterr().err
    assert code == ExitCode.SOME_FAILED, said
    assert "bad.py" in said
    assert wrong in said
    (summary,) = tmp_path.glob("out/*/summary.json")
    assert len(json.loads(summary.read_text())["points"]) == 1


def test_bad_questions_are_refused(queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = ["-o", str(tmp_path / "out"), "-q"]
    for arguments, words in (
        (["--vary", "cluster.machine.kores=1,2"], "did you mean"),
        (["--vary", "cluster.machine.cores=1,2", "--baseline", "3"], "no variant is called '3'"),
        (["--set", "cluster.machine.cores=1"], "nothing to vary"),
        (["--vary", "cluster.machine.cores=1,2", "--precision", "x"], "is no share"),
        (["--vary", "cluster.machine.cores=1,2", "--metric", "pangu.recovery"], "did you mean"),
    ):
        assert invoke(["compare", str(queue), *arguments, *output]) == ExitCode.REFUSED
        assert words in capsys.readouterr().err
    with pytest.raises(ScenarioError, match="one variant alone"):
        compare(queue, SweepOptions(axes={"cluster.machine.cores": ("1",)}, output=tmp_path))
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_no_spare_rack_is_said_before_anything_is_run(cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    vary = "--vary=pangu.placement=rack-spread,hdfs"
    arguments = [str(cell), vary, "--set=cluster.racks=3", "--runs=1", "-o", str(tmp_path / "out"), "-q", "--no-figures"]
    assert invoke(["compare", *arguments]) == ExitCode.DONE
    assert capsys.readouterr().err.count("no spare failure domain") == 1
    assert invoke(["place", str(cell), vary, "--set=cluster.racks=3"]) == ExitCode.DONE
    assert "no spare failure domain" in capsys.readouterr().out


def test_runs_are_added_until_the_precision_is_reached(queue: Path, tmp_path: Path):
    axes = {"cluster.machine.cores": ("1", "2")}
    found = compare(
        queue, SweepOptions(axes=axes, runs=2, output=tmp_path), precision=Precision(0.1, WAIT, 60)
    ).comparison
    cell = found.cell(WAIT, "1")
    assert cell is not None
    assert 2 < cell.estimate.runs <= 60
    low, high = cell.estimate.interval
    assert (high - low) / 2 <= 0.11 * cell.estimate.value or cell.estimate.runs == 60


def test_two_results_side_by_side(queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one = run(queue, Options(output=tmp_path / "a", runs=3)).directory
    other = run(queue, Options(output=tmp_path / "b", runs=3, overrides=("cluster.machine.cores=2",))).directory
    found = compare_results([one, other])
    assert found.cell(WAIT, found.labels[1]).difference.pairs == 3
    unlike = run(queue, Options(output=tmp_path / "c", runs=3, seed=99)).directory
    assert (
        compare_results([one, unlike]).cell(WAIT, unlike.name if unlike.name != one.name else str(unlike)).difference
        is None
    )
    assert invoke(["compare", str(one), str(other)]) == ExitCode.DONE
    assert "wait, mean" in capsys.readouterr().out


def test_the_best_and_how_often_something_was_lost(tmp_path: Path):
    def record(number: int, lost: float, used: float) -> RunRecord:
        return RunRecord(number, "", 0, 0, 0.0, 0.0, {"pangu.chunks_lost": lost, "pangu.usable_ratio": used})

    records = [("a", record(n, float(n == 0), 0.9)) for n in range(10)] + [("b", record(n, 0.0, 0.8)) for n in range(10)]
    found = comparison_of(records, ["a", "b"], "b", {})
    goals = {goal.metric: found.best(goal) for goal in found.goals}
    assert goals == {"pangu.chunks_lost": ("b",), "pangu.usable_ratio": ("a",)}
    assert found.lost("a")[:2] == (1, 10)
    assert found.lost("b")[3] == pytest.approx(-math.log(0.05) / 10)
    found.write_csv(tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["method"] for row in rows] == ["Dunnett", "", "equal", ""] or rows[0]["method"] == "t"
