"""Traces of jobs: real batch workloads in their published forms, read into one common form.

Each file reads one format and knows its traps; ``reading`` chooses among them, cuts the time window and draws the sample.
Whatever is in a file is accounted for: ``rows read = rows kept + the sum of what was dropped by reason``, and what was
kept but mended is noted with a count. Reading streams: only what is kept stays in memory. The same file gives the same
jobs whatever the seed, the hash seed or the order in which anything else is read.

============== ======================================================================== ===================
format         what it is                                                               a duration is of
============== ======================================================================== ===================
alibaba-2018   cluster-trace-v2018 ``batch_task.csv``, with or without a header         a whole task
alibaba-hour   the same with an arrival time for each job                               a whole task
alibaba-2017   cluster-trace-v2017 ``batch_task.csv``: tasks without edges              a whole task
wfformat       WfFormat 1.5 (WfCommons): one workflow a file                            an instance
swim           SWIM: MapReduce jobs as bytes read, shuffled and written                 nothing: from bytes
tpch           TPC-H queries as stage graphs of Spark (Decima)                          an instance
swf            Standard Workload Format: parallel jobs of batch systems                 an instance
============== ======================================================================== ===================
"""

from feitian_sim.workloads.traces.account import TraceAccount
from feitian_sim.workloads.traces.job import TraceJob, TraceTask
from feitian_sim.workloads.traces.reading import FORMATS, Selection, TraceFormat, TraceReading, read_jobs

__all__ = [
    "FORMATS",
    "Selection",
    "TraceAccount",
    "TraceFormat",
    "TraceJob",
    "TraceReading",
    "TraceTask",
    "read_jobs",
]
