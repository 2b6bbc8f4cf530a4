"""Jobs that a class of the user's own describes (``jobs: [file.py:Class]``), one for each number of the load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.program import JobProgram, JobSight, is_reference, key_of, place_of
from feitian_sim.fuxi.job.reading import job_of
from feitian_sim.kernel import ScenarioError, Stream, StrictModel


class OwnJob(StrictModel):
    """Jobs described by a class of the user's own: file.py:Class, or {kind: file.py:Class, ...its fields}."""

    kind: Literal["own"]
    program: str = Field(description="The class as file.py:Class; it has describe(job), which gives a job as YAML would.")
    options: dict[str, Any] = Field(default_factory=dict, description="Its fields; default none. Source: the user.")

    @field_validator("program")
    @classmethod
    def _is_reference(cls, value: str) -> str:
        if not is_reference(value):
            raise ValueError(f"a job's class is file.py:Class; found {value!r}")
        return value

    @property
    def key(self) -> str:
        """By which its object is kept."""
        return key_of({"kind": self.program, **self.options} if self.options else self.program)

    def job(self, own: object, number: int, draws: Stream) -> JobDescription:
        """The job of a number; ``own``: an object of the class. Raises :class:`ScenarioError`."""
        if not isinstance(own, JobProgram):
            raise ScenarioError(f"{self.program} is not loaded, or has no describe(job)")
        said = own.describe(JobSight(number, draws))
        if isinstance(said, JobDescription):
            return said
        source = f"{place_of(own, 'describe')}: {type(own).__name__}.describe"
        if not isinstance(said, Mapping):
            raise ScenarioError(f"{source} gives {said!r}: a mapping is wanted, as of a job in YAML")
        return job_of({"name": type(own).__name__, **said}, source)


class ByKind:
    """Beside a union of jobs: its JSON Schema has ``{kind: file.py:Class, field: 1}`` too."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What editors accept."""
        found = handler(schema)
        kind = {"type": "string", "pattern": r"\.py:", "description": "A class of the user's own, as file.py:Class."}
        own = {"type": "object", "properties": {"kind": kind}, "required": ["kind"], "description": OwnJob.__doc__}
        return {"anyOf": [*found.get("anyOf", [found]), own]}


def spelt_out(value: Any) -> Any:
    """``file.py:Class`` and ``{kind: file.py:Class, field: 1}`` as the whole form of :class:`OwnJob`."""
    if isinstance(value, str) and is_reference(value):
        return {"kind": "own", "program": value}
    if isinstance(value, Mapping) and is_reference(value.get("kind")):
        options = {name: option for name, option in value.items() if name != "kind"}
        return {"kind": "own", "program": value["kind"], "options": options}
    return value
