"""Traces: every row is accounted for, and strikes where the documented mapping says."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.faults.trace_config import TraceConfig
from feitian_sim.faults.trace_rows import instant_ns
from feitian_sim.faults.traces import TraceReading, check_trace, read_trace
from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import HOUR, MINUTE, SECOND, ScenarioError

CLUSTER = ClusterConfig(racks=10, machines_per_rack=10)
COLUMNS = {"time": "when", "rack": "rack", "machine": "box", "disk": "slot"}


def reading(folder: Path, text: str, unit: Any = "disk", cluster: ClusterConfig = CLUSTER, **fields: Any) -> TraceReading:
    (folder / "t.csv").write_text(text)
    config = TraceConfig.model_validate({"file": "t.csv", "columns": COLUMNS, "time_format": "seconds", **fields})
    return read_trace(config, unit, cluster, folder)


#: Alibaba's 2982 rack ids name 3039 racks: 57 ids occur in a second room.
PUBLISHED = pytest.mark.parametrize(
    ("trace_format", "row_count", "rack_count"),
    [("hpc-alpine", 2222, 39), ("hpc-campaign", 1389, 16), ("alibaba-ssd", 6244, 3039), ("lanl", 14950, 7)],
)


def published(data_dir: Path, cluster: ClusterConfig = CLUSTER, **fields: Any) -> TraceReading:
    unit: Any = "machine" if fields["format"] == "lanl" else "disk"
    return read_trace(TraceConfig.model_validate(fields), unit, cluster, None, [data_dir])


@pytest.mark.data
@PUBLISHED
def test_kept_and_dropped_add_up_to_the_published_count(
    data_dir: Path, trace_format: str, row_count: int, rack_count: int
) -> None:
    read = published(data_dir, format=trace_format)
    assert read.rows == row_count
    assert len(read.strikes) + sum(read.dropped.values()) == row_count
    assert read.strikes
    assert [strike.time_ns for strike in read.strikes] == sorted(strike.time_ns for strike in read.strikes)


@pytest.mark.data
@PUBLISHED
def test_a_cluster_with_room_gives_each_published_rack_its_own(
    data_dir: Path, trace_format: str, row_count: int, rack_count: int
) -> None:
    wide = ClusterConfig(racks=4000, machines_per_rack=1)
    read = published(data_dir, wide, format=trace_format, start=None, length="20years", where={})
    assert len(read.strikes) == row_count
    assert len({strike.target.split("/")[0] for strike in read.strikes}) == rack_count


@pytest.mark.data
def test_two_windows_share_the_whole_of_alpine(data_dir: Path) -> None:
    first = published(data_dir, format="hpc-alpine", start="2019-01-01T00:00:00-0500", length="365d")
    second = published(data_dir, format="hpc-alpine", start="2020-01-01T00:00:00-0500", length="366d")
    assert len(first.strikes) + len(second.strikes) == 2222
    assert first.dropped == {"after the window": len(second.strikes)}


@pytest.mark.data
def test_cut_keeps_the_rate_of_a_disk(data_dir: Path) -> None:
    whole = published(data_dir, format="hpc-alpine", length="2years")
    cut = published(data_dir, format="hpc-alpine", length="2years", fit="cut")
    # 10 of 39 racks, 8 of 8 enclosures, 12 of 106 slots.
    expected = len(whole.strikes) * 10 / 39 * 12 / 106
    assert abs(len(cut.strikes) - expected) < 3.3 * expected**0.5


@pytest.mark.data
def test_cut_of_serial_numbers_is_refused(data_dir: Path) -> None:
    with pytest.raises(ScenarioError, match="write fit: fold"):
        published(data_dir, format="alibaba-ssd", fit="cut")


def test_fold_numbers_by_first_appearance_and_moves_on_each_time_round(tmp_path: Path) -> None:
    cluster = ClusterConfig.model_validate({"racks": 2, "machines_per_rack": 2, "machine": {"disks": 2}})
    text = "when,rack,box,slot\n1,z,9,5\n2,a,9,5\n3,q,9,5\n4,z,8,7\n5,z,8,6\n6,z,8,5\n"
    targets = [strike.target for strike in reading(tmp_path, text, cluster=cluster).strikes]
    assert targets == ["r0/m0/d0", "r1/m0/d0", "r0/m1/d0", "r0/m1/d0", "r0/m1/d1", "r0/m1/d0"]


def test_the_window_moves_no_failure(tmp_path: Path) -> None:
    text = "when,rack,box,slot\n1,z,9,5\n2,a,9,5\n"
    late = reading(tmp_path, text, start="2")
    assert [(strike.time_ns, strike.target) for strike in late.strikes] == [(0, "r1/m0/d0")]
    assert late.dropped == {"before the window": 1}


def test_cut_keeps_the_lowest_numbers(tmp_path: Path) -> None:
    cluster = ClusterConfig.model_validate({"racks": 1, "machines_per_rack": 9, "machine": {"disks": 2}})
    text = "when,rack,box,slot\n1,2,1,3\n2,10,1,3\n3,2,1,20\n4,2,1,100\n"
    read = reading(tmp_path, text, cluster=cluster, fit="cut")
    assert [strike.target for strike in read.strikes] == ["r0/m0/d0", "r0/m0/d1"]
    assert read.dropped == {"beyond the cluster": 2}


def test_what_strikes_after_the_run_is_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("when,rack,box,slot\n1,a,1,1\n5,a,1,1\n")
    config = TraceConfig.model_validate({"file": "t.csv", "columns": COLUMNS, "time_format": "seconds"})
    read = read_trace(config, "disk", CLUSTER, tmp_path, end_ns=5 * SECOND)
    assert read.dropped == {"after the end of the run": 1}


def test_time_scale_stretches_instants_and_down_times(tmp_path: Path) -> None:
    text = "when,rack,box,slot,down\n10,a,1,1,2\n"
    read = reading(tmp_path, text, unit="machine", time_scale=0.5, columns={**COLUMNS, "down_minutes": "down"})
    assert read.strikes[0].time_ns == 5 * SECOND
    assert read.strikes[0].duration_ns == MINUTE


def test_where_drops_with_the_reason(tmp_path: Path) -> None:
    text = "when,rack,box,slot,act\n1,a,1,1,cycle\n2,a,1,2,replacement\n"
    read = reading(tmp_path, text, where={"act": ["replacement"]})
    assert read.dropped == {"act is cycle": 1}
    assert [strike.target for strike in read.strikes] == ["r0/m0/d1"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("yesterday,a,1,1", "t.csv:3: 'yesterday' is not a time: 86400.5 would be"),
        ("1,a,1", "t.csv:3: 3 cells found, 4 needed"),
        ("1,a,,1", "t.csv:3: column 'box' is blank"),
        ("nan,a,1,1", "t.csv:3: 'nan' is not a time"),
    ],
)
def test_a_row_that_does_not_parse_is_named_by_line(tmp_path: Path, row: str, says: str) -> None:
    text = f"when,rack,box,slot\n1,a,1,1\n{row}\n"
    with pytest.raises(ScenarioError) as caught:
        reading(tmp_path, text)
    assert says in str(caught.value)
    assert "on_bad_row: drop" in str(caught.value)
    dropped = reading(tmp_path, text, on_bad_row="drop")
    assert dropped.dropped == {"does not parse": 1}
    assert len(dropped.strikes) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"when,rack\n", "there is no column 'box', 'slot'"),
        (b"when,rack,box,slot\n1,\xff,1,1\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    config = TraceConfig.model_validate({"file": "t.csv", "columns": COLUMNS, "time_format": "seconds"})
    with pytest.raises(ScenarioError, match=says):
        read_trace(config, "disk", CLUSTER, tmp_path)


def test_a_cut_off_gz_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"when,rack,box,slot\n" + b"1,a,1,1\n" * 5000)
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    config = TraceConfig.model_validate({"file": "t.csv.gz", "columns": COLUMNS, "time_format": "seconds"})
    with pytest.raises(ScenarioError, match="cannot be read to its end"):
        read_trace(config, "disk", CLUSTER, tmp_path)


def test_a_missing_trace_says_what_it_is_and_where_it_is_published(tmp_path: Path) -> None:
    message = check_trace(TraceConfig(format="hpc-alpine"), tmp_path, [tmp_path])[0]
    for part in ("hpc_disk_failures/alpine_2019-2020.csv.gz", "10.13139/OLCF/2441482", "--data", "FEITIAN_DATA"):
        assert part in message


def test_times_are_exact() -> None:
    winter, summer = instant_ns("2019-03-10T01:30:00-0500", "iso"), instant_ns("2019-03-10T03:30:00-0400", "iso")
    assert summer - winter == HOUR
    assert instant_ns("6/21/2005 11:00", "us") - instant_ns("6/21/2005 10:54", "us") == 6 * MINUTE
    assert instant_ns("0.000000001", "seconds") == 1
