"""A job from a YAML or JSON file: as a graph of tasks, or in one of the usual shapes; errors with file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.mapreduce import MapReduceConfig, MapReduceMergeConfig
from feitian_sim.kernel import ScenarioError

_SHAPES: Mapping[str, type[BaseModel]] = {
    "dag": JobDescription,
    "mapreduce": MapReduceConfig,
    "map-reduce-merge": MapReduceMergeConfig,
}


def read_job(file: Path) -> JobDescription:
    """The job of a file. Raises :class:`ScenarioError` with every mistake in it."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        # JSON is YAML too, and this way keeps the lines.
        data = YAML(typ="rt").load(StringIO(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ScenarioError(f"{file}{line}: {getattr(error, 'problem', None) or error}") from None
    return job_of(data, str(file))


def job_of(data: Any, source: str = "job") -> JobDescription:
    """The job that is written as ``data``, read from ``source``. Raises :class:`ScenarioError`."""
    if not isinstance(data, Mapping):
        raise ScenarioError(f"{source}: a job is a mapping with name and tasks, not a {type(data).__name__}")
    kind = data.get("kind", "dag")
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise ScenarioError(f"{source}: a job is of kind {', '.join(_SHAPES)}, not {kind!r}")
    try:
        made: Any = shape.model_validate(data)
        job: JobDescription = made if isinstance(made, JobDescription) else made.job()
    except ValidationError as error:
        lines = [_line(data, found["loc"], found["msg"], source) for found in error.errors()]
        raise ScenarioError("\n".join(lines)) from None
    return job


def _line(data: Any, place: Sequence[int | str], message: str, source: str) -> str:
    """``file:line: key: message``, as far down as the file goes."""
    line, at = None, data
    for key in place:
        where = getattr(at, "lc", None)
        if where is None or where.data is None or not hasattr(at, "__getitem__"):
            break
        if isinstance(at, Mapping) and key not in at:
            continue
        line = where.data[key][0] + 1 if key in where.data or isinstance(key, int) else line
        at = at[key]
    key = ".".join(str(part) for part in place)
    text = message.removeprefix("Value error, ")
    return f"{source}{f':{line}' if line else ''}: {f'{key}: ' if key else ''}{text}"
