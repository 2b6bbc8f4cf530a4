"""Quantities in scenario models: pydantic types that read ``"64MiB"`` and hold an ``int``.

A bare number where a unit is needed is an error with a suggestion, since ``timeout: 30`` means seconds to one
reader and milliseconds to the next. Dumping a model writes text that loads to the same value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from feitian_sim.kernel import units


class StrictModel(BaseModel):
    """A part of a scenario: immutable, unknown keys refused, documented fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=False)


def written(quantity: str) -> Any:
    """A default as scenarios write it; pydantic reads it like any other value."""
    return quantity


def _reader(parse: Callable[[str], Any], what: str, example: str, kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, bool) or value is None:
            raise ValueError(f"a {what} is needed, for example {example}; found {value!r}")
        if isinstance(value, (int, float)):
            # A bare number as large as this was counted in the smallest unit.
            unit = "B" if what == "size" and value >= 10**6 else example.lstrip("0123456789.")
            raise ValueError(f"a {what} needs a unit: write {value}{unit}")
        raise ValueError(f"a {what} is needed, for example {example}; found a {type(value).__name__}")

    return read


def _schema(what: str, examples: list[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": what, "examples": examples})


#: Nanoseconds, written ``5ms``, ``1h30m``, ``1year``.
Duration = Annotated[
    int,
    BeforeValidator(_reader(units.parse_duration, "time", "10s", int)),
    PlainSerializer(units.format_duration, return_type=str),
    _schema("a time with a unit (ns, us, ms, s, m, h, d, week, year)", ["10s", "1h30m"]),
]
#: Bytes, written ``64MiB``, ``1TB``.
Size = Annotated[
    int,
    BeforeValidator(_reader(units.parse_size, "size", "64MiB", int)),
    PlainSerializer(units.format_size, return_type=str),
    _schema("a size with a unit (B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB)", ["64MiB", "1TB"]),
]
#: Bits per second, written ``10Gbit/s``, ``100MB/s``.
Bandwidth = Annotated[
    int,
    BeforeValidator(_reader(units.parse_bandwidth, "bandwidth", "100MB/s", int)),
    PlainSerializer(units.format_bandwidth, return_type=str),
    _schema("a bandwidth with a unit (bit/s, Mbit/s, Gbit/s, MB/s, MiB/s)", ["10Gbit/s", "100MB/s"]),
]
#: Events per second, written ``2/s``, ``4%/year``.
Frequency = Annotated[
    float,
    BeforeValidator(_reader(units.parse_frequency, "rate", "2/s", float)),
    PlainSerializer(units.format_frequency, return_type=str),
    _schema("how often, per time", ["2/s", "4%/year"]),
]


def _read_ratio(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"a ratio is needed, for example 40% or 0.4; found {value!r}")
    ratio = units.parse_ratio(value) if isinstance(value, str) else float(value)
    if not 0 <= ratio <= 1:
        raise ValueError(f"a ratio lies between 0 and 1 (0% and 100%): found {value!r}")
    return ratio


#: A share between 0 and 1, written ``40%`` or ``0.4``.
Ratio = Annotated[
    float,
    BeforeValidator(_read_ratio),
    WithJsonSchema(
        {
            "description": "a share: 40% or 0.4",
            "examples": ["40%", 0.4],
            "anyOf": [{"type": "string"}, {"type": "number", "minimum": 0, "maximum": 1}],
        }
    ),
]
