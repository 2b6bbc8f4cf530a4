"""Print the table of all benchmarks, or of those named."""

from __future__ import annotations

import sys
from importlib import import_module

from tests.benchmarks.line import Line

PARTS = (
    "kernel", "messages", "calls", "flows", "datasets", "studies", "pangu", "estimates", "histories", "scheduling",
    "tasks", "checks",
)  # fmt: skip


def main(names: list[str]) -> None:
    """Measure one part after the other; a line is printed as soon as it is known, the table in the end."""
    lines: list[Line] = []
    for part in names or PARTS:
        for line in import_module(f"tests.benchmarks.{part}").lines():
            print(f"{part}: {line.what}: {line.value:.3g} {line.unit} {line.verdict}", file=sys.stderr, flush=True)
            lines.append(line)
    width = max(len(line.what) for line in lines)
    print(f"{'what':<{width}}  {'measured':>14}  {'aim':>9}  {'':<8} yardstick")
    for line in lines:
        measured = f"{line.value:.3g} {line.unit}"
        print(f"{line.what:<{width}}  {measured:>14}  {line.aim:>9}  {line.verdict:<8} {line.yardstick}")
    met = sum(line.verdict == "met" for line in lines)
    print(f"{met} aims met, {sum(line.verdict == 'NOT MET' for line in lines)} not")


if __name__ == "__main__":
    main(sys.argv[1:])
