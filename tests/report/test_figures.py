"""Figures: the same bytes twice, each with exactly its data, and none without data."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.report import Drawing, Plots, render
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures import FIGURES
from feitian_sim.report.gallery import gallery
from feitian_sim.report.sheet import CSV_HEADER
from feitian_sim.report.style import COLUMN_IN, CYCLE, FORMATS, PAGE_IN


@pytest.fixture(scope="module")
def drawings(one_run: Path) -> dict[str, Drawing]:
    return {drawing.name: drawing for drawing in gallery(Evidence(one_run)).drawings}


def rows(drawing: Drawing) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(drawing.csv())))


#: Those about the loads of the base services, and about jobs, have scenarios of their own.
OF_OTHERS = (
    "coordination", "attempts", "resources", "job-queue", "completion", "job-gantt", "job-dag", "quota", "decisions",
    "service",
)  # fmt: skip
OF_PANGU = [name for name in FIGURES if name not in OF_OTHERS]


def test_a_full_run_shows_every_figure(drawings: dict[str, Drawing]) -> None:
    assert list(drawings) == OF_PANGU


@pytest.mark.parametrize("image_format", FORMATS)
def test_the_same_results_give_the_same_bytes(one_run: Path, image_format: str) -> None:
    first, second = (Plots(one_run).throughput().image(image_format) for _ in range(2))
    assert first == second


def test_no_file_names_a_day(drawings: dict[str, Drawing]) -> None:
    svg, pdf = (drawings["recovery"].image(image_format) for image_format in ("svg", "pdf"))
    assert b"dc:date" not in svg
    assert b"CreationDate" not in pdf


def test_fonts_are_embedded_as_truetype(drawings: dict[str, Drawing]) -> None:
    pdf = drawings["redundancy"].image("pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"<text" not in drawings["redundancy"].image("svg")


def test_every_figure_is_written_with_its_data(one_run: Path) -> None:
    paths = render(one_run, formats=("svg",))
    assert sorted(path.name for path in paths) == sorted(f"{name}.{end}" for name in OF_PANGU for end in ("svg", "csv"))
    assert all(path.read_text().startswith(",".join(CSV_HEADER)) for path in paths if path.suffix == ".csv")


def test_the_csv_holds_what_the_figure_shows(drawings: dict[str, Drawing]) -> None:
    drawing = drawings["repair"]
    shown = [(row["x"], row["y"]) for row in rows(drawing) if row["series"] == "repair"]
    line = drawing.figure.axes[0].lines[0]
    assert [float(x) / 60 for x, _ in shown] == pytest.approx(list(line.get_xdata()))
    assert [float(y) / 1e6 for _, y in shown] == pytest.approx(list(line.get_ydata()))


def test_the_csv_is_in_base_units(drawings: dict[str, Drawing]) -> None:
    units = {(row["x_unit"], row["y_unit"]) for row in rows(drawings["throughput"]) if row["panel"] == "throughput"}
    assert units == {("s", "B/s")}


def test_fault_windows_and_phases_are_shown_and_noted(drawings: dict[str, Drawing]) -> None:
    for name in ("recovery", "throughput", "latency", "redundancy", "repair", "traffic"):
        marks = [row["series"] for row in rows(drawings[name]) if row["panel"] == "marks"]
        assert marks == ["warm-up (not measured)", "rack-power-loss r3", "fault", "detected", "repairing", "restored"]


def test_axes_have_units(drawings: dict[str, Drawing]) -> None:
    for drawing in drawings.values():
        assert drawing.figure.axes[-1].get_xlabel()
        assert all(axes.get_ylabel() for axes in drawing.figure.axes)
    assert drawings["throughput"].figure.axes[0].get_ylabel().endswith("(MB/s)")
    assert drawings["throughput"].figure.axes[-1].get_xlabel() == "simulated time (min)"


def test_nothing_sticks_out_of_a_printed_column(drawings: dict[str, Drawing]) -> None:
    for drawing in drawings.values():
        drawing.image("png")
        box = drawing.figure.get_tightbbox()
        width_in, height_in = drawing.figure.get_size_inches()
        assert width_in == COLUMN_IN
        assert min(box.x0, box.y0) >= -0.01, drawing.name
        assert box.x1 <= width_in + 0.01, drawing.name
        assert box.y1 <= height_in + 0.01, drawing.name


def test_legends_do_not_cover_data(drawings: dict[str, Drawing]) -> None:
    for drawing in drawings.values():
        drawing.image("png")
        legends = [axes.get_legend() for axes in drawing.figure.axes] + list(drawing.figure.legends)
        for box in (legend.get_window_extent() for legend in legends if legend is not None):
            for axes in drawing.figure.axes:
                assert not box.padded(-1).overlaps(axes.get_window_extent()), drawing.name


def test_series_differ_without_colour() -> None:
    assert len({str(look.dash) + str(look.width) for look in CYCLE}) == len(CYCLE)


def test_a_page_wide_figure(one_run: Path) -> None:
    assert Plots(one_run).recovery(width_in=PAGE_IN).figure.get_size_inches()[0] == PAGE_IN


def test_the_twin_can_be_left_out(one_run: Path) -> None:
    with_twin, without = (Plots(one_run).draw("throughput", twin=twin).csv() for twin in (True, False))
    assert "read, no fault" in with_twin
    assert "no fault" not in without


def test_runs_become_bands(five_runs: Path) -> None:
    drawing = Plots(five_runs).throughput()
    banded = [row for row in rows(drawing) if row["series"] == "write"]
    assert all(float(row["low"]) <= float(row["y"]) <= float(row["high"]) for row in banded)
    assert "median of 5 runs" in drawing.caption


def test_a_figure_without_data_says_why(quiet_run: Path) -> None:
    shown = gallery(Evidence(quiet_run))
    assert shown.drawings == ()
    assert set(shown.omitted) == set(FIGURES)
    with pytest.raises(ScenarioError, match="nothing was repaired"):
        Plots(quiet_run).repair()


def test_an_unknown_figure_is_refused_with_the_names(one_run: Path) -> None:
    with pytest.raises(ScenarioError, match="there are recovery, throughput"):
        Plots(one_run).draw("pie")
