"""Rows of text traces, plain or gzipped, each with its line number; what cannot be read is named by file and line."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.kernel.data_files import open_text
from feitian_sim.workloads.traces.account import BadRowError, TraceAccount

_LARGEST = 1 << 62


@dataclass(slots=True)
class _Lines:
    """Lines of a file, by number; remembers whether the last one came to its end."""

    path: Path
    account: TraceAccount
    number: int = 0
    whole: bool = True

    def __iter__(self) -> Iterator[str]:
        with closing(open_text(self.path)) as text:
            try:
                for line in text:
                    self.number += 1
                    self.whole = line.endswith("\n")
                    yield line
            except UnicodeDecodeError:
                raise ScenarioError(f"{self.path}:{self.number + 1}: not UTF-8: save the file as UTF-8") from None
            except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
                # What came before it is good; the line that it breaks is lost.
                what = f"the file is cut or damaged here and cannot be read to its end ({error})"
                self.account.bad(self.path, self.number + 1, what)


def table_rows(
    path: Path,
    account: TraceAccount,
    columns: tuple[str, ...],
    *,
    delimiter: str = ",",
    optional: tuple[str, ...] = (),
) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row, in the order of ``columns``.

    A first row that begins with the first column's name is a header: it may have the columns in any order; without it
    they are taken to be in this one. ``optional`` columns stand last and may be missing. Raises ScenarioError when
    there is nothing to read.
    """
    lines = _Lines(path, account)
    order: list[int] | None = None
    empty = True
    for cells in _cells(lines, delimiter):
        if not cells:
            continue
        if empty and columns[0] in (cell.strip() for cell in cells):
            order = _order(path, lines.number, cells, columns, optional)
            continue
        empty = False
        if order is not None and len(cells) >= len(order):
            cells = [cells[position] for position in order]
        if not len(columns) <= len(cells) <= len(columns) + len(optional):
            what = f"{len(cells)} cells found, {len(columns)} needed ({', '.join(columns)})"
            account.bad(path, lines.number, what if lines.whole else f"the file ends in the middle of this line: {what}")
            continue
        if not lines.whole:
            account.note("last line without an end")
        yield lines.number, cells
    account.close()
    if empty:
        raise ScenarioError(f"{path}:{max(1, lines.number)}: the trace is empty: rows are needed ({', '.join(columns)})")


def text_rows(path: Path, account: TraceAccount, fields: int, comment: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row of a file whose fields are separated by blanks, without comments."""
    lines = _Lines(path, account)
    empty = True
    for line in lines:
        if line.lstrip().startswith(comment) or not line.strip():
            continue
        empty = False
        cells = line.split()
        if len(cells) != fields:
            what = f"{len(cells)} fields found, {fields} needed"
            account.bad(path, lines.number, what if lines.whole else f"the file ends in the middle of this line: {what}")
            continue
        yield lines.number, cells
    account.close()
    if empty:
        raise ScenarioError(f"{path}:{max(1, lines.number)}: the trace is empty: rows of {fields} fields are needed")


def _cells(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.account.bad(lines.path, lines.number, f"not a row of a table: {error}")


def _order(path: Path, line: int, header: list[str], columns: tuple[str, ...], optional: Iterable[str]) -> list[int]:
    names = [cell.strip() for cell in header]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ScenarioError(f"{path}:{line}: there is no column {', '.join(missing)} (columns: {', '.join(names)})")
    return [names.index(name) for name in (*columns, *optional) if name in names]


# Numbers in cells


def whole(text: str, what: str, least: int | None = None) -> int:
    """An integer, also written as 1.0. Raises BadRowError."""
    try:
        value = int(text)
    except ValueError:
        number = real(text, what)
        value = int(number)
        if value != number:
            raise BadRowError(f"{what} is {text!r}: a whole number is needed") from None
    if least is not None and value < least:
        raise BadRowError(f"{what} is {value}: at least {least} is needed")
    if abs(value) > _LARGEST:
        raise BadRowError(f"{what} is {value}: more than can be meant")
    return value


def real(text: str, what: str) -> float:
    """A finite number. Raises BadRowError."""
    try:
        value = float(text)
    except ValueError:
        raise BadRowError(f"{what} is {text!r}: a number is needed") from None
    if not -_LARGEST < value < _LARGEST:
        raise BadRowError(f"{what} is {text!r}: a finite number is needed")
    return value


def seconds(text: str, what: str) -> int:
    """Seconds as nanoseconds. Raises BadRowError."""
    try:
        value = int(text)
    except ValueError:
        value_ns = round(real(text, what) * SECOND)
    else:
        value_ns = value * SECOND
    if abs(value_ns) > _LARGEST:
        raise BadRowError(f"{what} is {text}: longer than can be meant")
    return value_ns
