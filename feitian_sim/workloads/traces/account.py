"""The account of a trace: every row is kept or dropped for a named reason; bad rows are refused or dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from feitian_sim.kernel import ScenarioError

#: So many bad rows are shown; reading ends with them.
_SHOWN = 10
DOES_NOT_PARSE = "does not parse"


class BadRowError(Exception):
    """A row that does not parse: what is wrong with it, without file and line."""


@dataclass(slots=True)
class TraceAccount:
    """Counts of one or several files, and what is wrong with them.

    ``keep_going``: rows that do not parse are dropped and counted; otherwise they are refused, the first ten by name.
    """

    keep_going: bool = False
    rows: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    #: What was mended or filled in, in rows that were kept.
    noted: dict[str, int] = field(default_factory=dict)
    #: As the files have them, before anything is dropped.
    jobs_read: int = 0
    edges_read: int = 0
    #: Of what is kept.
    jobs: int = 0
    tasks: int = 0
    instances: int = 0
    edges: int = 0
    _bad: list[str] = field(default_factory=list)

    def drop(self, why: str, rows: int = 1) -> None:
        """So many rows are left out."""
        if rows:
            self.dropped[why] = self.dropped.get(why, 0) + rows

    def unkeep(self, rows: int, tasks: int, instances: int, edges: int, why: str) -> None:
        """A job that was kept cannot be used after all."""
        self.kept -= rows
        self.jobs -= 1
        self.tasks -= tasks
        self.instances -= instances
        self.edges -= edges
        self.drop(why, rows)

    def note(self, what: str, rows: int = 1) -> None:
        """So many rows were mended."""
        if rows:
            self.noted[what] = self.noted.get(what, 0) + rows

    def bad(self, path: Path, line: int, what: str, *, rows: int = 1) -> None:
        """A row does not parse. Raises ScenarioError at the tenth, unless going on."""
        self.rows += rows
        if self.keep_going:
            self.drop(DOES_NOT_PARSE, rows)
            return
        self._bad.append(f"{path}:{line}: {what}")
        if len(self._bad) >= _SHOWN:
            self._refuse("and perhaps more rows like these")

    def close(self) -> None:
        """The end of a file. Raises ScenarioError when rows of it did not parse, unless going on."""
        if self._bad:
            self._refuse("")

    def balanced(self) -> bool:
        """Whether every row is accounted for."""
        return self.rows == self.kept + sum(self.dropped.values())

    def _refuse(self, more: str) -> None:
        remedy = "mend the file, or leave such rows out with on_bad_row: drop (or --keep-going)"
        raise ScenarioError("\n".join([*self._bad, *([more] if more else []), remedy]))
