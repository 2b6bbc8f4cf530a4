"""Which of many a request is about, as loads say it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from feitian_sim.kernel import StrictModel


class UniformPopularity(StrictModel):
    """Every file is as likely as any other."""

    kind: Literal["uniform"]


class ZipfPopularity(StrictModel):
    """The n-th file is asked for in proportion to 1 / n^exponent."""

    kind: Literal["zipf"]
    exponent: float = Field(
        default=0.99, gt=0, description="Exponent (no unit); default 0.99. Source: YCSB's zipfian constant."
    )


def _named(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Popularity = Annotated[
    Annotated[UniformPopularity | ZipfPopularity, Field(discriminator="kind")], BeforeValidator(_named)
]
