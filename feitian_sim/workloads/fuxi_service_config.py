"""``fuxi-service``: a service that is submitted to Fuxi, and clients that read and write keys of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.kernel import Duration, Ratio, Size, written
from feitian_sim.workloads.paced_config import PacedLoad
from feitian_sim.workloads.popularity_config import Popularity


class FuxiServiceLoad(PacedLoad):
    """Requests to the partitions of a service, which comes up at the beginning; each is asked until it is answered."""

    kind: Literal["fuxi-service"]
    service: ServiceDescription = Field(description="The service: roles, partitions, hot spots.")
    warm: Duration = Field(
        default=written("20s"),
        description="From start until the first request: the service comes up, in time units; default 20s. Source: own "
        "assumption, above fuxi.services.gather and the start of a worker.",
    )
    popularity: Popularity = Field(
        default=written("uniform"),
        description="Which of the partitions of the beginning a request is for: uniform, or {kind: zipf, exponent: 1}; "
        "within it, which key is uniform. Default: uniform.",
    )
    writes: Ratio = Field(default=0.2, description="Share of the requests that write; default 20 %.")
    request_size: Size = Field(default=written("256B"), gt=0, description="Size of a request; default 256B.")
    deadline: Duration = Field(
        default=written("30s"), gt=0, description="A request that is not answered by then has failed; default 30s."
    )
    processes: int = Field(
        default=8,
        ge=1,
        description="Client processes that share the requests, each with a table of its own, over the clients' machines "
        "(count); default 8. Source: chosen.",
    )

    @model_validator(mode="after")
    def _has_partitions(self) -> FuxiServiceLoad:
        if self.service.partitions is None:
            raise ValueError("requests go to partitions: the service has none")
        return self
