"""The closed list of distributions that simulated things are drawn from, by inverse CDF from one uniform.

Each is ``quantile(u)`` for a u in (0, 1), made of the steady operations of :mod:`feitian_sim.kernel.steady`, so
that a draw has the same bits everywhere and a decision spends exactly one uniform (common random numbers).
The quantiles are the textbook ones (Law, Simulation Modeling and Analysis, ch. 8).
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, model_validator

from feitian_sim.kernel import steady
from feitian_sim.kernel.chance import Stream
from feitian_sim.kernel.quantities import Duration, Size, StrictModel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Q = TypeVar("Q", bound=int)


class Distribution(StrictModel):
    """A distribution over a non-negative quantity (nanoseconds, bytes)."""

    def quantile(self, uniform: float) -> float:
        """The value below which a share ``uniform`` of draws lies."""
        return float(self.quantiles(np.array([uniform]))[0])

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """Element by element :meth:`quantile`, bit for bit."""
        raise TypeError(f"{type(self).__name__} has no quantiles")

    def expected(self) -> float:
        """The expected value; ``inf`` where there is none."""
        raise TypeError(f"{type(self).__name__} has no expected value")

    def sample(self, stream: Stream) -> int:
        """One draw, rounded down to a whole unit; spends one uniform."""
        return int(self.quantile(stream.uniform()))

    def samples(self, stream: Stream, count: int) -> IntArray:
        """``count`` draws as int64; spends one uniform each."""
        return self.quantiles(stream.uniforms(count)).astype(np.int64)


class Constant(Distribution, Generic[Q]):
    """Always the same value."""

    kind: Literal["constant"] = "constant"
    value: Q = Field(description="The value.")

    def quantile(self, uniform: float) -> float:
        """See :meth:`Distribution.quantile`."""
        return float(self.value)

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        return np.full(uniforms.shape, float(self.value))

    def expected(self) -> float:
        """See :meth:`Distribution.expected`."""
        return float(self.value)


class Uniform(Distribution, Generic[Q]):
    """Any value between two bounds, each equally likely."""

    kind: Literal["uniform"]
    low: Q = Field(description="Smallest value.")
    high: Q = Field(description="Largest value.")

    @model_validator(mode="after")
    def _ordered(self) -> Uniform[Q]:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self

    def quantile(self, uniform: float) -> float:
        """See :meth:`Distribution.quantile`."""
        low = float(self.low)
        return low + uniform * (float(self.high) - low)

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        low = float(self.low)
        return low + uniforms * (float(self.high) - low)

    def expected(self) -> float:
        """See :meth:`Distribution.expected`."""
        return (float(self.low) + float(self.high)) / 2


class Exponential(Distribution, Generic[Q]):
    """Memoryless with a given mean: -mean ln(1 - u)."""

    kind: Literal["exponential"]
    mean: Q = Field(description="Mean.")

    def quantile(self, uniform: float) -> float:
        """See :meth:`Distribution.quantile`."""
        return -float(self.mean) * steady.log(1.0 - uniform)

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        return -float(self.mean) * steady.logs(1.0 - uniforms)

    def expected(self) -> float:
        """See :meth:`Distribution.expected`."""
        return float(self.mean)


class Weibull(Distribution, Generic[Q]):
    """Wearing in (shape < 1) or out (shape > 1): scale (-ln(1 - u))^(1/shape)."""

    kind: Literal["weibull"]
    shape: float = Field(gt=0, description="Shape; below 1 failures come early, above 1 late.")
    scale: Q = Field(description="Scale: the value that 63.2 % of draws stay below.")

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        return float(self.scale) * steady.powers(-steady.logs(1.0 - uniforms), 1.0 / self.shape)

    def expected(self) -> float:
        """See :meth:`Distribution.expected`."""
        from math import gamma

        return float(self.scale) * gamma(1.0 + 1.0 / self.shape)


class LogNormal(Distribution, Generic[Q]):
    """The exponential of a normal: median e^(sigma z)."""

    kind: Literal["lognormal"]
    median: Q = Field(description="Median.")
    sigma: float = Field(gt=0, description="Standard deviation of the natural logarithm.")

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        return float(self.median) * steady.exps(self.sigma * steady.normal_quantiles(uniforms))

    def expected(self) -> float:
        """See :meth:`Distribution.expected`."""
        return float(self.median) * steady.exp(self.sigma * self.sigma / 2)


class Pareto(Distribution, Generic[Q]):
    """A heavy tail: minimum (1 - u)^(-1/shape), cut at ``maximum`` when given."""

    kind: Literal["pareto"]
    shape: float = Field(gt=0, description="Tail index; the mean is infinite at or below 1.")
    minimum: Q = Field(description="Smallest value.")
    maximum: Q | None = Field(default=None, description="Largest value; draws above it become it.")

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        values: FloatArray = float(self.minimum) * steady.powers(1.0 - uniforms, -1.0 / self.shape)
        return values if self.maximum is None else np.minimum(values, float(self.maximum))

    def expected(self) -> float:
        """See :meth:`Distribution.expected`; of the cut distribution when there is a maximum."""
        low, shape = float(self.minimum), self.shape
        if self.maximum is None:
            return low * shape / (shape - 1) if shape > 1 else float("inf")
        high = float(self.maximum)
        if shape == 1:
            return low * (1.0 + steady.log(high / low))
        tail = low * steady.power(low / high, shape - 1)
        return (low * shape - tail) / (shape - 1)


class Empirical(Distribution, Generic[Q]):
    """A list of values, each with its weight: what was measured."""

    kind: Literal["empirical"]
    values: tuple[Q, ...] = Field(min_length=1, description="The values, ascending.")
    weights: tuple[float, ...] = Field(default=(), description="Weight of each value; equal when left out.")

    @model_validator(mode="after")
    def _matched(self) -> Empirical[Q]:
        if self.weights and len(self.weights) != len(self.values):
            raise ValueError(f"{len(self.values)} values need as many weights, not {len(self.weights)}")
        if any(weight < 0 for weight in self.weights) or (self.weights and not any(self.weights)):
            raise ValueError("weights must not be negative, and one at least must be above 0")
        return self

    def quantiles(self, uniforms: FloatArray) -> FloatArray:
        """See :meth:`Distribution.quantiles`."""
        weights = np.array(self.weights or (1.0,) * len(self.values))
        edges = np.cumsum(weights)
        index = np.searchsorted(edges, uniforms * edges[-1], side="right")
        values: FloatArray = np.array([float(value) for value in self.values])
        chosen: FloatArray = values[np.minimum(index, len(weights) - 1)]
        return chosen

    def expected(self) -> float:
        """See :meth:`Distribution.expected`."""
        weights = self.weights or (1.0,) * len(self.values)
        total = sum(float(v) * w for v, w in zip(self.values, weights, strict=True))
        return total / sum(weights)


def _as_constant(value: Any) -> Any:
    return value if isinstance(value, (dict, Distribution)) else {"kind": "constant", "value": value}


def _shortest(value: Distribution) -> Any:
    dumped = value.model_dump(mode="json", exclude_none=True)
    return dumped["value"] if isinstance(value, Constant) else dumped


def _tag(value: Any) -> str:
    return str(value.get("kind") if isinstance(value, dict) else getattr(value, "kind", "constant"))


_SHORTHAND = BeforeValidator(_as_constant)
_PLAIN = PlainSerializer(_shortest)

#: Bytes: ``64MiB`` for always that, or ``{kind: lognormal, median: 64MiB, sigma: 1}``.
SizeDistribution = Annotated[
    Annotated[Constant[Size], Tag("constant")]
    | Annotated[Uniform[Size], Tag("uniform")]
    | Annotated[Exponential[Size], Tag("exponential")]
    | Annotated[Weibull[Size], Tag("weibull")]
    | Annotated[LogNormal[Size], Tag("lognormal")]
    | Annotated[Pareto[Size], Tag("pareto")]
    | Annotated[Empirical[Size], Tag("empirical")],
    Discriminator(_tag),
    _SHORTHAND,
    _PLAIN,
]
#: Nanoseconds: ``10s`` for always that, or ``{kind: exponential, mean: 10s}``.
DurationDistribution = Annotated[
    Annotated[Constant[Duration], Tag("constant")]
    | Annotated[Uniform[Duration], Tag("uniform")]
    | Annotated[Exponential[Duration], Tag("exponential")]
    | Annotated[Weibull[Duration], Tag("weibull")]
    | Annotated[LogNormal[Duration], Tag("lognormal")]
    | Annotated[Pareto[Duration], Tag("pareto")]
    | Annotated[Empirical[Duration], Tag("empirical")],
    Discriminator(_tag),
    _SHORTHAND,
    _PLAIN,
]
