"""What each invariant is for: the bugs that it finds first every time, and those that nobody else finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from feitian_sim.checking.catalogue import known_ids
from feitian_sim.experiments.check.judge import UNHANDLED
from tests.mutants.row import Row


def finder_words(rows: Sequence[Row]) -> Iterator[str]:
    """For each invariant the bugs that it is the first to find from every beginning, and those that nobody else finds."""
    yield "invariant    first to find, from every beginning (* nobody else does, measured without it)"
    for oracle in (*known_ids(), UNHANDLED):
        found = [_word(row, oracle) for row in rows if row.caught and row.by == {oracle: row.restarts}]
        if found:
            yield f"{oracle:13}{', '.join(found)}"


def idle_words(rows: Sequence[Row], justified: Mapping[str, str]) -> Iterator[str]:
    """Those that are the first to find nothing from every beginning, and what they are for."""
    for oracle in idle(rows):
        helped = [row.id for row in rows if oracle in row.by]
        sometimes = f" (found from some beginnings: {', '.join(helped)})" if helped else ""
        yield f"idle: {oracle}: {justified.get(oracle, 'NOT JUSTIFIED')}{sometimes}"


def idle(rows: Sequence[Row]) -> tuple[str, ...]:
    """Invariants that were the first finder of no bug from every beginning."""
    busy = {oracle: None for row in rows if row.caught for oracle in row.by if row.by == {oracle: row.restarts}}
    return tuple(oracle for oracle in known_ids() if oracle not in busy)


def unjustified(rows: Sequence[Row], justified: Mapping[str, str]) -> tuple[str, ...]:
    """Those of them whose place nobody has argued for."""
    return tuple(oracle for oracle in idle(rows) if oracle not in justified)


def _word(row: Row, oracle: str) -> str:
    alone = row.alone.get(oracle)
    if alone is None:
        return row.id
    return f"{row.id}*" if not alone.by else f"{row.id} (else {alone.by} in {alone.seeds})"
