"""The graph of a job of Alibaba's 2018 trace, which stands in the names of its tasks. Pure.

``R5_3_4`` is task 5 and waits for tasks 3 and 4; only the numbers matter. Names of any other form are independent
tasks. The trace cuts names at 50 characters: a name of that length has lost parents, and its last number may be the
beginning of a longer one (``..._90_100_1``), so that taken literally some jobs go in circles. The last number of such a
name is therefore not used: an edge less is an edge that the trace does not vouch for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Characters at which the trace cuts names.
LONGEST_NAME = 50
_NAME = re.compile(r"^[A-Za-z]+(\d+)((?:_\d*)*)$")


@dataclass(frozen=True, slots=True)
class DagName:
    """What a task's name says; ``number`` is None when it says nothing."""

    number: int | None
    parents: tuple[int, ...] = ()
    #: Parents that the name has in full or in part, as the file has it.
    written: int = 0
    cut: bool = False


def read_name(name: str) -> DagName:
    """What a task's name says of the graph."""
    match = _NAME.match(name)
    if match is None:
        return DagName(None)
    number, rest = match.groups()
    parts = rest.split("_")[1:]
    written = sum(1 for part in parts if part)
    cut = len(name) >= LONGEST_NAME
    if cut:
        parts = parts[:-1]
    return DagName(int(number), tuple(dict.fromkeys(int(part) for part in parts if part)), written, cut)
