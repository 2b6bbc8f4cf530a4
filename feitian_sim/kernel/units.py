"""Units: integer nanoseconds, bytes and bits per second, and the text in which scenarios write them.

A quantity in a scenario is text with a unit (``5ms``, ``64MiB``, ``10Gbit/s``); in code it is an ``int``
whose name ends with the unit. Parsing is exact (``decimal``), formatting chooses the largest unit that
gives the same value back.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
#: A Julian year, 365.25 days: the year in which failure rates are published.
YEAR = 31_557_600 * SECOND

KIB, MIB, GIB, TIB, PIB = (1 << shift for shift in (10, 20, 30, 40, 50))
KB, MB, GB, TB, PB = (10**power for power in (3, 6, 9, 12, 15))

DURATION_UNITS: dict[str, int] = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
    "day": DAY,
    "days": DAY,
    "week": WEEK,
    "weeks": WEEK,
    "year": YEAR,
    "years": YEAR,
}
SIZE_UNITS: dict[str, int] = {
    "B": 1,
    "kB": KB,
    "MB": MB,
    "GB": GB,
    "TB": TB,
    "PB": PB,
    "KiB": KIB,
    "MiB": MIB,
    "GiB": GIB,
    "TiB": TIB,
    "PiB": PIB,
}
BANDWIDTH_UNITS: dict[str, int] = {
    "bit/s": 1,
    "kbit/s": 10**3,
    "Mbit/s": 10**6,
    "Gbit/s": 10**9,
    "Tbit/s": 10**12,
} | {f"{name}/s": 8 * factor for name, factor in SIZE_UNITS.items()}

_NUMBER = r"(?P<number>[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_QUANTITY = re.compile(rf"^\s*{_NUMBER}\s*(?P<unit>[A-Za-zµ/]*)\s*$")
_DURATION_PART = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-zµ]+)\s*")
_FREQUENCY = re.compile(rf"^\s*{_NUMBER}\s*(?P<percent>%?)\s*/\s*(?P<unit>[A-Za-zµ]+)\s*$")


def parse_duration(text: str) -> int:
    """``"1h30m"`` as integer nanoseconds. Raises ValueError with a remedy."""
    stripped = text.strip().replace("µs", "us")
    total = Decimal(0)
    position = 0
    if stripped.startswith("-"):
        raise ValueError(f"a time cannot be negative: {text!r}")
    while position < len(stripped):
        part = _DURATION_PART.match(stripped, position)
        if part is None or part["unit"] not in DURATION_UNITS:
            raise ValueError(_unit_remedy(text, "time", stripped, DURATION_UNITS, "s"))
        total += Decimal(part["number"]) * DURATION_UNITS[part["unit"]]
        position = part.end()
    if not stripped:
        raise ValueError("a time cannot be empty: write, for example, 30s or 1h30m")
    return _whole(total, text, "nanoseconds")


def parse_size(text: str) -> int:
    """``"64MiB"`` as bytes. Raises ValueError with a remedy."""
    return _whole(_quantity(text, "size", SIZE_UNITS, "MiB"), text, "bytes")


def parse_bandwidth(text: str) -> int:
    """``"10Gbit/s"`` or ``"6.25MiB/s"`` as bits per second. Raises ValueError with a remedy."""
    return _whole(_quantity(text, "bandwidth", BANDWIDTH_UNITS, "MB/s"), text, "bits per second")


def parse_frequency(text: str) -> float:
    """``"2/s"`` or ``"4%/year"`` as events per second. Raises ValueError with a remedy."""
    match = _FREQUENCY.match(text)
    if match is None or match["unit"] not in DURATION_UNITS:
        raise ValueError(f"{text!r} is not a rate: write, for example, 2/s, 0.5/day or 4%/year")
    number = float(match["number"])
    if number < 0:
        raise ValueError(f"a rate cannot be negative: {text!r}")
    if match["percent"]:
        number = number / 100
    return number * SECOND / DURATION_UNITS[match["unit"]]


def parse_ratio(text: str) -> float:
    """``"40%"`` as 0.4. Raises ValueError with a remedy."""
    stripped = text.strip()
    try:
        return float(stripped[:-1]) / 100 if stripped.endswith("%") else float(stripped)
    except ValueError:
        raise ValueError(f"{text!r} is not a ratio: write, for example, 40% or 0.4") from None


def format_duration(value_ns: int) -> str:
    """The shortest text that parses back to ``value_ns``."""
    for unit in ("year", "d", "h", "m", "s", "ms", "us"):
        if value_ns and value_ns % DURATION_UNITS[unit] == 0:
            return f"{value_ns // DURATION_UNITS[unit]}{unit}"
    return f"{value_ns}ns" if value_ns else "0s"


def format_size(value_bytes: int) -> str:
    """The shortest text that parses back to ``value_bytes``."""
    for unit in ("PiB", "PB", "TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "kB"):
        if value_bytes and value_bytes % SIZE_UNITS[unit] == 0:
            return f"{value_bytes // SIZE_UNITS[unit]}{unit}"
    return f"{value_bytes}B"


def format_bandwidth(value_bps: int) -> str:
    """The shortest text that parses back to ``value_bps``."""
    for unit in ("Tbit/s", "Gbit/s", "Mbit/s", "kbit/s"):
        if value_bps and value_bps % BANDWIDTH_UNITS[unit] == 0:
            return f"{value_bps // BANDWIDTH_UNITS[unit]}{unit}"
    return f"{value_bps}bit/s"


def format_frequency(value_per_s: float) -> str:
    """A rate as text; ``repr`` of the float, so that it parses back to the same bits."""
    return f"{value_per_s!r}/s"


def bytes_per_s(rate_bps: int) -> float:
    """Bits per second as bytes per second."""
    return rate_bps / 8


def _quantity(text: str, what: str, units: dict[str, int], example: str) -> Decimal:
    match = _QUANTITY.match(text)
    if match is None or match["unit"] not in units:
        raise ValueError(_unit_remedy(text, what, text.strip(), units, example))
    try:
        number = Decimal(match["number"].replace("_", ""))
    except InvalidOperation:
        raise ValueError(_unit_remedy(text, what, text.strip(), units, example)) from None
    if number < 0:
        raise ValueError(f"a {what} cannot be negative: {text!r}")
    return number * units[match["unit"]]


def _whole(value: Decimal, text: str, unit: str) -> int:
    whole = int(value.to_integral_value())
    if value != whole and abs(value - whole) / max(abs(value), Decimal(1)) > Decimal("1e-6"):
        raise ValueError(f"{text!r} is not a whole number of {unit}")
    return whole


def _unit_remedy(text: str, what: str, stripped: str, units: dict[str, int], example: str) -> str:
    match = _QUANTITY.match(stripped)
    if match is not None and not match["unit"]:
        return f"a {what} needs a unit: write {stripped}{example} (units: {', '.join(units)})"
    if match is not None:
        near = [name for name in units if name.lower() == match["unit"].lower()]
        near += [name for name in units if name.lower().startswith(match["unit"].lower()[:1]) and name not in near]
        hint = f"; did you mean {match['number']}{near[0]}?" if near else ""
        return f"{match['unit']!r} is not a unit of {what}{hint} (units: {', '.join(units)})"
    return f"{text!r} is not a {what}: write a number and a unit, for example 10{example}"
