"""What the scenario says of a failure trace: which file, columns and window, and how it meets the cluster."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from feitian_sim.kernel import Duration, StrictModel, written


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


#: One column, or several that only together name a thing.
Columns = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
TimeFormat = Literal["iso", "us", "seconds"]


class TraceColumns(StrictModel):
    """Which columns of the CSV say when and where."""

    time: str = Field(description="When it failed.")
    rack: Columns = Field(default=(), description="What tells racks apart. Default: all is one rack.")
    machine: Columns = Field(default=(), description="What tells machines of a rack apart. Default: one machine.")
    disk: Columns = Field(default=(), description="What tells disks of a machine apart. Default: one disk.")
    down_minutes: str | None = Field(default=None, description="How long it was down, in minutes.")


class TraceConfig(StrictModel):
    """A trace of failures (CSV, plain or .gz, with a header line)."""

    format: Literal["hpc-alpine", "hpc-campaign", "alibaba-ssd", "lanl"] | None = Field(
        default=None, description="A published trace: sets file, columns, time_format and where."
    )
    file: str | None = Field(
        default=None,
        description="Looked for beside the scenario, then in --data DIR, $FEITIAN_DATA, ../shared/data. "
        "Default: the format's.",
    )
    columns: TraceColumns | None = Field(default=None, description="Default: the format's.")
    time_format: TimeFormat | None = Field(
        default=None, description="iso (2019-01-04T14:41:12-0500), us (6/21/2005 10:54) or seconds. Default iso."
    )
    where: dict[str, tuple[str, ...]] | None = Field(
        default=None, description="Keep rows whose column has one of these values. Default: the format's, else all."
    )
    start: str | None = Field(
        default=None,
        description="Time in the trace at which the simulation begins. Default: midnight before the first row.",
    )
    length: Duration = Field(
        default=written("1year"),
        description="How much of the trace is used; default 1year. Source: rates are published per year.",
    )
    time_scale: float = Field(
        default=1.0, gt=0, description="Simulated time per time of the trace: 0.5 runs the trace at double speed."
    )
    fit: Literal["fold", "cut"] = Field(
        default="fold",
        description="A trace larger than the cluster: fold all of it onto the cluster (every failure strikes, "
        "rates per disk rise), or cut (keep the racks, machines and slots with the lowest numbers; rates stay). "
        "Default fold.",
    )
    on_bad_row: Literal["error", "drop"] = Field(
        default="error", description="A row that does not parse: refuse the file, or leave the row out and count it."
    )

    @model_validator(mode="after")
    def _enough_said(self) -> TraceConfig:
        if self.format is None and (self.file is None or self.columns is None):
            raise ValueError("a trace needs a format, or both file and columns")
        return self
