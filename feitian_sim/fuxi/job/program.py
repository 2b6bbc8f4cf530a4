"""The programming framework: tasks and jobs of the user's own, named as ``file.py:Class``.

A task's program says of each instance what it computes and leaves and, if it likes, how much of its files it reads and
whether an attempt fails; it sees what the instance is offered to read. A job's program describes whole jobs, one for each
number, as a YAML file would. Both are pure: asked twice they answer the same, for a failed instance is run again, a
straggler has a backup, and a restarted JobMaster asks anew.

What a program answers is used as it is or refused with the place of the method that gave it: nothing is rounded or
cut off in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import index
from typing import Any, Protocol, runtime_checkable

from feitian_sim.fuxi.job.split import Split
from feitian_sim.kernel import ScenarioError, Stream

_REFERENCE = re.compile(r"^[^:\n]+\.py:[A-Za-z_]\w*$")
#: What fits into the arrays of instances, with room for sums.
_LARGEST = 1 << 60

#: How a description names a program: ``file.py:Class``, or ``{kind: file.py:Class, ...}`` with the class's fields.
Reference = str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class InstanceSight:
    """What a program is told of the instance that it is asked about."""

    job: str
    task: str
    number: int
    #: Of the task.
    instances: int
    #: All that it is offered: of files, and of tasks before it.
    input_bytes: int
    #: Its parts of files in Pangu.
    files: tuple[Split, ...] = ()
    #: Bytes that it takes of each task before it, by the name of that.
    taken: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class TaskProgram(Protocol):
    """Says what an instance computes and what it leaves. See :class:`ReadsPart` and :class:`MayFail` for what else it
    may say."""

    def compute_ns(self, instance: InstanceSight) -> int:
        """Time on a healthy core."""
        ...

    def output_bytes(self, instance: InstanceSight) -> int:
        """Bytes that it leaves."""
        ...


@runtime_checkable
class ReadsPart(Protocol):
    """A program that does not read all of its files."""

    def read_bytes(self, instance: InstanceSight) -> int:
        """Bytes that an instance reads of its parts of files, from the first on."""
        ...


@runtime_checkable
class MayFail(Protocol):
    """A program whose instances may fail."""

    def failure(self, instance: InstanceSight, attempt: int) -> str:
        """Why an attempt fails once it has computed; empty when it does not. Later attempts have larger numbers."""
        ...


@dataclass(frozen=True, slots=True)
class JobSight:
    """What a program is told of the job that it is to describe: its number in the load, from 0 on, and its own draws."""

    number: int
    draws: Stream


@runtime_checkable
class JobProgram(Protocol):
    """Describes the jobs of a load."""

    def describe(self, job: JobSight) -> Mapping[str, Any]:
        """A job as a YAML file would have it: ``{"tasks": ...}``, or of another kind with its own keys."""
        ...


def is_reference(value: Any) -> bool:
    """Whether a program is named, with or without options."""
    kind = value.get("kind") if isinstance(value, Mapping) else value
    return isinstance(kind, str) and _REFERENCE.match(kind) is not None


def key_of(value: Reference) -> str:
    """A text for a program and its options; programs are kept by it."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def place_of(program: object, method: str) -> str:
    """``file:line`` of a method, for messages."""
    code = getattr(getattr(type(program), method, None), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else type(program).__qualname__


def amount(program: TaskProgram | ReadsPart, method: str, instance: InstanceSight) -> int:
    """What a program says of an instance, as a whole number that is not negative. Raises :class:`ScenarioError`."""
    said = getattr(program, method)(instance)
    try:
        whole = index(said)
    except TypeError:
        whole = -1
    if 0 <= whole <= _LARGEST:
        return whole
    unit = "nanoseconds" if method.endswith("_ns") else "bytes"
    raise ScenarioError(
        f"{place_of(program, method)}: {type(program).__name__}.{method} gives {said!r} for instance {instance.number} "
        f"of task {instance.task}: whole {unit} are wanted, from 0 to {_LARGEST:,}"
    )


def failure(program: MayFail, instance: InstanceSight, attempt: int) -> str:
    """How an attempt fails; empty when it does not. Raises :class:`ScenarioError`."""
    said = program.failure(instance, attempt)
    if not isinstance(said, str):
        raise ScenarioError(
            f"{place_of(program, 'failure')}: {type(program).__name__}.failure gives {said!r} for instance "
            f"{instance.number} of task {instance.task}: a text is wanted, empty when the attempt does not fail"
        )
    return said
