"""Plots: the figures of a run by name, for notebooks: ``run.plot.recovery()``."""

from __future__ import annotations

from pathlib import Path

from feitian_sim.kernel import ScenarioError
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures import FIGURES
from feitian_sim.report.sheet import Drawing, Omitted
from feitian_sim.report.style import COLUMN_IN


class Plots:
    """One method per figure; each returns a Drawing, which shows itself in a notebook and can be saved."""

    def __init__(self, folder: str | Path) -> None:
        self._evidence = Evidence(folder)

    def draw(self, name: str, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """The figure of that name; raises ScenarioError with the reason when the run has nothing to show."""
        if name not in FIGURES:
            raise ScenarioError(f"there is no figure {name!r}: there are {', '.join(FIGURES)}")
        drawn = FIGURES[name](self._evidence, width_in, twin)
        if isinstance(drawn, Omitted):
            raise ScenarioError(f"no figure {name!r}: {drawn.reason}")
        return drawn

    def recovery(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Redundancy, repair and foreground throughput on one time axis."""
        return self.draw("recovery", width_in, twin)

    def throughput(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Foreground throughput by operation."""
        return self.draw("throughput", width_in, twin)

    def latency(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Latency percentiles over time."""
        return self.draw("latency", width_in, twin)

    def redundancy(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Chunks by missing replicas over time."""
        return self.draw("redundancy", width_in, twin)

    def repair(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Repair throughput and queue over time."""
        return self.draw("repair", width_in, twin)

    def traffic(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Traffic by class of link over time."""
        return self.draw("traffic", width_in, twin)

    def disk_use(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Disk use of each machine before and after."""
        return self.draw("disk-use", width_in, twin)

    def flows(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Distribution of flow completion times."""
        return self.draw("flows", width_in, twin)

    def resources(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Resources requested, granted and used over time."""
        return self.draw("resources", width_in, twin)

    def job_queue(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Jobs and instances that wait and run over time."""
        return self.draw("job-queue", width_in, twin)

    def completion(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Distribution of completion times of jobs and of their slowdown."""
        return self.draw("completion", width_in, twin)

    def job_gantt(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """What ran where, of the most eventful job."""
        return self.draw("job-gantt", width_in, twin)

    def job_dag(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """The tasks of the most eventful job with the critical path."""
        return self.draw("job-dag", width_in, twin)

    def quota(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Shares of quota groups over time."""
        return self.draw("quota", width_in, twin)

    def decisions(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Latency and rate of the FuxiMaster's decisions."""
        return self.draw("decisions", width_in, twin)

    def service(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """What users of services got, how long it took, and the partitions over time."""
        return self.draw("service", width_in, twin)

    def waiting(self, width_in: float = COLUMN_IN, twin: bool = True) -> Drawing:
        """Share of requests that wait longer than a time."""
        return self.draw("waiting", width_in, twin)
