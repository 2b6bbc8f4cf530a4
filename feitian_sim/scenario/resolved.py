"""A scenario with everything written out: defaults, what it extends, what was set; and the hash of it.

The dump is a scenario again and loads to the same model. The hash names results: it leaves out seed and runs, so
that more runs of one experiment are the same experiment, and takes in the text of the user's own classes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.plugins import OwnClass

_NOT_HASHED = ("seed", "runs")
_HASH_DIGITS = 8


def resolved_data(scenario: Scenario) -> dict[str, Any]:
    """The scenario as plain data with units; keys that are absent by default are left out."""
    found = _pruned(scenario, scenario.model_dump(mode="json", by_alias=True))
    assert isinstance(found, dict)
    return found


def resolved_yaml(scenario: Scenario) -> str:
    """The scenario as YAML that loads to the same model."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 110
    yaml.allow_unicode = True
    text = io.StringIO()
    yaml.dump(resolved_data(scenario), text)
    return text.getvalue()


def config_hash(scenario: Scenario, own_classes: Iterable[OwnClass] = ()) -> str:
    """Eight hexadecimal digits that name this configuration."""
    data: dict[str, Any] = scenario.model_dump(mode="json", by_alias=True)
    for key in _NOT_HASHED:
        del data[key]
    sources = {own.reference: own.source_hash for own in own_classes}
    if sources:
        data["own classes"] = sources
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(canonical.encode()).hexdigest()[:_HASH_DIGITS]


def _pruned(value: Any, dumped: Any) -> Any:
    """``dumped`` without the keys whose value is absent (None) by default."""
    if isinstance(value, BaseModel) and isinstance(dumped, dict):
        result = {}
        for name, field in type(value).model_fields.items():
            key, inner = field.alias or name, getattr(value, name)
            if key not in dumped or (inner is None and field.default is None):
                continue
            result[key] = _pruned(inner, dumped[key])
        return result
    if isinstance(value, tuple) and isinstance(dumped, list):
        return [_pruned(inner, item) for inner, item in zip(value, dumped, strict=True)]
    return dumped
