"""The ``validation:`` section: published numbers, or closed forms, that a scenario must reproduce.

Each entry names a value of the run and the number it is held against, in the unit of the metric: from the
literature, from a closed form or from an exact solver, and ``source`` says which. What was fitted to reach the
number is marked ``calibrated``, since a fitted number proves less.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from feitian_sim.kernel.quantities import Ratio, StrictModel


class Tolerance(StrictModel):
    """How far the simulated value may lie from the published one; exactly one of the four."""

    relative: Ratio | None = Field(default=None, description="Share of the published value.", examples=["10%"])
    absolute: str | None = Field(
        default=None,
        coerce_numbers_to_str=True,
        description="Largest distance, with the unit of the metric.",
        examples=["1us", "0.5"],
    )
    confidence: Ratio | None = Field(
        default=None,
        description="The published value lies in the interval of the mean over runs at this level; needs runs > 1.",
        examples=["95%"],
    )
    bound: Literal["lower"] | None = Field(
        default=None,
        description="lower: what is simulated bounds what was measured from below, so it may be anything up to it.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Tolerance:
        if sum(given is not None for given in (self.relative, self.absolute, self.confidence, self.bound)) != 1:
            raise ValueError("write one of {relative: 10%}, {absolute: 1us}, {confidence: 95%} and {bound: lower}")
        return self


def _tolerance(value: object) -> object:
    """A bare ``10%`` is the relative tolerance."""
    return {"relative": value} if isinstance(value, (str, float, int)) else value


class TableOracle(StrictModel):
    """A whole column held against a published file: the simulated value is the largest difference between them."""

    fact: str = Field(min_length=1, description="Kind of fact whose table is compared.", examples=["hardware.flow"])
    key: str = Field(default="id", description="Column that pairs the rows, in both.")
    column: str = Field(min_length=1, description="Column that is compared, in both.", examples=["finish_s"])
    file: str = Field(
        min_length=1,
        description="CSV file (.csv or .csv.gz), looked for where external traces are.",
        examples=["flow-oracle/finish_light.csv.gz"],
    )


class Published(StrictModel):
    """One published number that the scenario reproduces."""

    quantity: str = Field(
        min_length=1, description="What was measured, in words.", examples=["time to restore all chunks"]
    )
    metric: str | None = Field(
        default=None,
        description="The metric that corresponds to it, with a statistic where it has many values.",
        examples=["pangu.restored_s"],
    )
    table: TableOracle | None = Field(default=None, description="A column held against a file, instead of a metric.")
    published: str = Field(
        default="0",
        coerce_numbers_to_str=True,
        description="The published value with the unit of the metric; 0 for a table's largest difference.",
        examples=["23.2m", "440MB/s", "0"],
    )
    given: dict[str, Any] = Field(
        default_factory=dict,
        description="What of the scenario is other for this number: {load[0].clients: 16}.",
        examples=[{"load[0].clients": 16}],
    )
    more_than: dict[str, Any] | None = Field(
        default=None,
        description="The number is by how much the metric is more than with this of the scenario other, run by run; {}: "
        "than in the scenario as it is. Then published is a difference in the unit of the metric, or a share: 15.7%.",
        examples=[{"faults": []}],
    )
    tolerance: Annotated[Tolerance, BeforeValidator(_tolerance)] = Field(
        default=Tolerance(confidence="95%"),
        description="10%, {relative: 10%}, {absolute: 1us}, {bound: lower}, or {confidence: 95%}, which is the default.",
        examples=["10%"],
    )
    source: str = Field(min_length=1, description="Where it is published: paper, section, table; or the formula.")
    calibrated: bool = Field(
        default=False, description="Whether a free parameter was fitted to this number, so that it proves less."
    )
    known_gap: str | None = Field(
        default=None,
        min_length=1,
        description="Why the simulated value is known to lie outside the tolerance: what of the published system is not "
        "modelled. It is shown as a gap; once the value lies within, this line fails until it is struck.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Published:
        if (self.metric is None) == (self.table is None):
            raise ValueError("give either metric (one value) or table (a column held against a file)")
        if self.more_than is not None and self.metric is None:
            raise ValueError("more_than compares values of a metric; a table is held against a file")
        return self

    @property
    def is_share(self) -> bool:
        """Whether the number is a share of the value that it is compared with."""
        return self.more_than is not None and self.published.rstrip().endswith("%")


class ValidationConfig(StrictModel):
    """What makes a scenario a validation: published numbers to stand beside the simulated ones."""

    source: str = Field(default="", description="The experiment that is reproduced: authors, title, year, section.")
    quantities: tuple[Published, ...] = Field(min_length=1, description="The published numbers.")
    quick: bool = Field(default=True, description="Whether `validate --quick` includes it: under 10 s of wall time.")
