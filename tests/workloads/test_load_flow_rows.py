"""Flow traces: exact times, and each bad row named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.workloads.flow_rows import FlowRow, read_flows, start_ns

HEADER = "id,start_s,src,dst,bytes\n"


def test_a_row_is_read_exactly(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(HEADER + "0,0.000011299,996,408,67108864\n")
    assert read_flows(tmp_path / "f.csv", 1000) == [FlowRow(0, 11_299, 996, 408, 67_108_864)]


@pytest.mark.parametrize("text", ["9007199.254740993", "1e-9", "0", "86400"])
def test_start_is_the_decimal_that_was_written(text: str) -> None:
    from fractions import Fraction

    assert start_ns(text) == Fraction(text) * 10**9


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,soon,0,1,5", "start_s is 'soon': seconds are needed"),
        ("1,-1,0,1,5", "a time from 0 on is needed"),
        ("1,nan,0,1,5", "a time from 0 on is needed"),
        ("1,0.0000000001,0,1,5", "at most nine decimals"),
        ("1,0,0,4,5", "dst is 4: the cluster has machines 0 to 3"),
        ("1,0,1,1,5", "src and dst are both 1"),
        ("1,0,0,1,0", "bytes is '0': a whole number from 1 on"),
        ("1,0,0,1", "bytes is None"),
        ("0,0,0,1,5", "id 0 was used in line 2 already"),
    ],
)
def test_a_bad_row_says_where_what_and_what_would_be_right(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{HEADER}0,0,0,1,5\n{row}\n")
    with pytest.raises(ScenarioError) as caught:
        read_flows(path, 4)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert says in str(caught.value)


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(HEADER + "x,0,0,1,5\n" * 15)
    with pytest.raises(ScenarioError) as caught:
        read_flows(path, 4)
    assert len(str(caught.value).splitlines()) == 11
    assert "and 5 more" in str(caught.value)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,start_s,src,dst\n")
    with pytest.raises(ScenarioError, match=r":1: the columns are .*; bytes missing"):
        read_flows(tmp_path / "f.csv", 4)
