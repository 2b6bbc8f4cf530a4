"""SWIM: MapReduce jobs of Facebook's clusters as bytes read, shuffled and written (github.com/SWIMProjectUCB/SWIM).

The trace has no tasks and no times: a map instance reads a split of 64 MiB, and a reduce instance takes a gigabyte of
the shuffle (MapReduce, OSDI 2004, sec. 3.5 and 5.3: 16 to 64 MB a split; 1 TB over 4,000 reduces is 250 MB; Hadoop's
users take about a gigabyte). A job that shuffles nothing has maps alone, which write the output. What an instance
takes follows from its bytes, in the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from feitian_sim.workloads.traces.account import BadRowError, TraceAccount
from feitian_sim.workloads.traces.job import TraceJob, TraceTask
from feitian_sim.workloads.traces.rows import seconds, table_rows, whole

_COLUMNS = ("job_id", "submit_s", "gap_s", "map_input_bytes", "shuffle_bytes", "reduce_output_bytes")
SPLIT_BYTES = 64 << 20
REDUCE_BYTES = 1 << 30


def read_swim(path: Path, account: TraceAccount) -> Iterator[TraceJob]:
    """Jobs in the order of the file."""
    for line, cells in table_rows(path, account, _COLUMNS, delimiter="\t", optional=("input_path",)):
        try:
            job = _job(cells)
        except BadRowError as error:
            account.bad(path, line, str(error))
            continue
        account.rows += 1
        account.jobs_read += 1
        account.edges_read += job.edges
        yield job


def _job(cells: list[str]) -> TraceJob:
    name, submit, _gap, read, shuffled, written = (cell.strip() for cell in cells[:6])
    input_bytes = whole(read, "map_input_bytes", least=0)
    shuffle_bytes = whole(shuffled, "shuffle_bytes", least=0)
    output_bytes = whole(written, "reduce_output_bytes", least=0)
    path = cells[6].strip() if len(cells) > 6 else ""
    maps = TraceTask(
        "map",
        max(1, -(-input_bytes // SPLIT_BYTES)),
        input_bytes=input_bytes,
        output_bytes=shuffle_bytes or output_bytes,
        input_path=path,
    )
    reduces = TraceTask(
        "reduce",
        max(1, -(-shuffle_bytes // REDUCE_BYTES)),
        parents=(0,),
        shuffle_bytes=shuffle_bytes,
        output_bytes=output_bytes,
    )
    return TraceJob(seconds(submit, "submit_s"), name, (maps, reduces) if shuffle_bytes else (maps,))
