"""JSON Schema of a scenario, for editors: completion, hover text and red underlines while typing.

Draft 7, which every editor understands. Editors do not know pydantic's discriminators; each variant is told apart
by the constant of its ``kind``.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from feitian_sim.scenario.model import Scenario

DIALECT = "http://json-schema.org/draft-07/schema#"


class _Generator(GenerateJsonSchema):
    schema_dialect = DIALECT

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        found = super().str_schema(schema)
        return found | {"type": ["string", "number"]} if schema.get("coerce_numbers_to_str") else found

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        # What such a model wraps may stand there by itself.
        short = getattr(schema["cls"], "short_for", None)
        return {"anyOf": [found, found["properties"][short]]} if short is not None else found

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        # What is read before its model is tried has a short form in text (64MiB for a distribution, one name for
        # a list of names); the models' own checks are not shorthand.
        inner = super().function_before_schema(schema)
        if schema["schema"]["type"] in {"model", "definitions"} and "oneOf" not in inner:
            return inner if inner.get("type") == "string" else {"anyOf": [inner, {"type": "string"}]}
        return inner if inner.get("type") == "string" else {"anyOf": [inner, {"type": ["string", "number"]}]}


def scenario_schema() -> dict[str, Any]:
    """The schema as a JSON document."""
    schema = Scenario.model_json_schema(schema_generator=_Generator, by_alias=True)
    schema["$schema"] = DIALECT
    schema["title"] = "Feitian scenario"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "Another scenario file, relative to this one, from which this one differs.",
        "examples": ["shared/cluster.yaml"],
    }
    schema["patternProperties"] = {"^x-": {"description": "A place for anchors; ignored otherwise."}}
    # A file that extends another may leave out what that one says.
    schema.pop("required", None)
    _tidy(schema)
    return schema


def _tidy(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    node.pop("discriminator", None)
    # "title" repeats the key in every hover text.
    if "properties" in node:
        for name, inner in node["properties"].items():
            if isinstance(inner, dict):
                inner.pop("title", None)
                if name == "kind" and "const" in inner:
                    inner.setdefault("description", node.get("description", "Which variant this is."))
    for inner in node.values():
        _tidy(inner)
