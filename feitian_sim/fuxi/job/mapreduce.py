"""MapReduce and Map-Reduce-Merge as jobs (F7): the usual shapes, so that nobody writes their edges by hand.

MapReduce (Dean and Ghemawat, OSDI 2004): maps read splits and leave partitions on local disks; reduces pull theirs from
every map. Map-Reduce-Merge (Yang et al., SIGMOD 2007) adds a task that joins the outputs of two MapReduces.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from feitian_sim.fuxi.job.description import JobDescription, TaskConfig
from feitian_sim.kernel import StrictModel


class MapReduceConfig(StrictModel):
    """A map task and a reduce task."""

    kind: Literal["mapreduce"] = Field(default="mapreduce", description="MapReduce.")
    name: str = Field(description="The job's name.")
    user: str = Field(default="user", description="Whose it is; default user. Source: none.")
    group: str = Field(default="", description="Quota group; default: the user's. Source: F2.")
    priority: int = Field(default=0, description="Larger is more urgent; default 0. Source: none.")
    map: TaskConfig = Field(description="The map task.")
    reduce: TaskConfig = Field(description="The reduce task; it comes after the map task.")
    streaming: bool = Field(
        default=False,
        description="Whether reduces start before all maps are done and pull what there is; default false. Source: "
        "MapReduce, OSDI 2004, fig. 3, shuffles while maps run.",
    )

    @field_validator("map", "reduce")
    @classmethod
    def _free(cls, value: TaskConfig) -> TaskConfig:
        return _without_edges(value)

    def job(self) -> JobDescription:
        """As a graph of tasks."""
        edges = {"map": {"mode": "stream" if self.streaming else "barrier"}}
        tasks = {"map": self.map, "reduce": self.reduce.model_copy(update={"after": _parsed(edges)})}
        return _job(self, tasks)


class MapReduceMergeConfig(StrictModel):
    """Two MapReduces whose outputs are merged."""

    kind: Literal["map-reduce-merge"] = Field(default="map-reduce-merge", description="Map-Reduce-Merge.")
    name: str = Field(description="The job's name.")
    user: str = Field(default="user", description="Whose it is; default user. Source: none.")
    group: str = Field(default="", description="Quota group; default: the user's. Source: F2.")
    priority: int = Field(default=0, description="Larger is more urgent; default 0. Source: none.")
    left_map: TaskConfig = Field(description="Map task of the first lineage.")
    left_reduce: TaskConfig = Field(description="Reduce task of the first lineage.")
    right_map: TaskConfig = Field(description="Map task of the second lineage.")
    right_reduce: TaskConfig = Field(description="Reduce task of the second lineage.")
    merge: TaskConfig = Field(description="Joins what both reduce tasks leave.")

    @field_validator("left_map", "left_reduce", "right_map", "right_reduce", "merge")
    @classmethod
    def _free(cls, value: TaskConfig) -> TaskConfig:
        return _without_edges(value)

    def job(self) -> JobDescription:
        """As a graph of tasks."""
        tasks: dict[str, TaskConfig] = {}
        for side, maps, reduces in (
            ("left", self.left_map, self.left_reduce),
            ("right", self.right_map, self.right_reduce),
        ):
            tasks[f"{side}-map"] = maps
            tasks[f"{side}-reduce"] = reduces.model_copy(update={"after": _parsed({f"{side}-map": {}})})
        tasks["merge"] = self.merge.model_copy(update={"after": _parsed({"left-reduce": {}, "right-reduce": {}})})
        return _job(self, tasks)


def _without_edges(task: TaskConfig) -> TaskConfig:
    if task.after:
        raise ValueError("the shape says what it comes after: take 'after' out, or write the whole graph")
    return task


def _parsed(edges: dict[str, Any]) -> Any:
    return TaskConfig(instances=1, after=edges).after


def _job(config: MapReduceConfig | MapReduceMergeConfig, tasks: dict[str, TaskConfig]) -> JobDescription:
    return JobDescription(name=config.name, user=config.user, group=config.group, priority=config.priority, tasks=tasks)
