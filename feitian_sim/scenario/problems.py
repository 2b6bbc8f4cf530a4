"""Problems of a scenario: what is wrong, where, and what would be right; all of them at once.

A problem reads ``file:line:column: message``, which editors and CI systems understand. What was given on the
command line has no line: its problems read ``--set key: message``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feitian_sim.kernel import ScenarioError

#: Keys and list indices from the top of a scenario down to one value.
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; lines and columns count from 1, line 0 means the whole of ``file``."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: ``key`` is its dotted name in the scenario, empty for the whole file."""

    position: Position
    message: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.position}: {self.message}"


class ScenarioProblems(ScenarioError):
    """Everything that is wrong with one scenario, in order of position."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = in_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by position, each once."""
    return tuple(sorted(set(problems)))


def dotted(path: KeyPath) -> str:
    """``("faults", 0, "target")`` as ``faults[0].target``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif "." in part:
            text += f"['{part}']"
        else:
            text += f".{part}" if text else part
    return text


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``name``, if any is like it at all; case and separators count little."""
    plain = {_plain(candidate): candidate for candidate in sorted(candidates, reverse=True)}
    near = difflib.get_close_matches(_plain(name), sorted(plain), n=1, cutoff=0.6)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """``; did you mean 'x'? (allowed: ...)`` as far as there is something to say."""
    names = sorted(set(candidates))
    near = nearest(name, names)
    text = f"; did you mean {near!r}?" if near else ""
    return text + (f" (allowed: {shortened(names)})" if names else "")


def shortened(names: Sequence[str], at_most: int = 40) -> str:
    """Names joined by commas, the end of a long list left out but counted."""
    shown = ", ".join(names[:at_most])
    return shown if len(names) <= at_most else f"{shown}, ... {len(names) - at_most} more"
