"""The JSON Schema: draft 7, it accepts what the loader accepts, and every field is described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.scenario import ScenarioProblems, explain, keys, load_text, scenario_schema
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.shapes import annotation_of, branches, field_names
from feitian_sim.scenario.source import parse

jsonschema = pytest.importorskip("jsonschema")

GOOD = Path(__file__).with_name("good.yaml").read_text(encoding="utf-8")
FULL = Path(__file__).with_name("full.yaml").read_text(encoding="utf-8")


def test_the_schema_is_draft_7_and_accepts_good_scenarios() -> None:
    schema = scenario_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for text in (GOOD, FULL, load_text(FULL).resolved_yaml()):
        assert [error.json_path for error in validator.iter_errors(parse(text, "s")[0].data)] == []
    assert "prefixItems" not in str(schema)
    assert "discriminator" not in str(schema)


@pytest.mark.parametrize("piece", [("seed: 1", "sede: 1"), ("racks: 4", "racks: x"), ("kind: tree", "kind: tre")])
def test_the_schema_rejects_broken_scenarios(piece: tuple[str, str]) -> None:
    validator = jsonschema.Draft7Validator(scenario_schema())
    assert list(validator.iter_errors(parse(GOOD.replace(*piece), "s")[0].data))


SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").rglob("*.yaml"))


def test_the_schema_accepts_every_shipped_scenario() -> None:
    """Also short forms, which no field of a model says."""
    validator = jsonschema.Draft7Validator(scenario_schema())
    for path in SHIPPED:
        found = parse(path.read_text(encoding="utf-8"), path.name)[0].data
        if "extends" in found:
            # It may leave out what the other file says, at any depth.
            continue
        assert [f"{path}: {error.json_path}" for error in validator.iter_errors(found)] == []


@pytest.mark.parametrize(
    ("job", "accepted"),
    [
        ("own.py:Mine", True),
        ("{kind: own.py:Mine, wide: 3}", True),
        ("{weight: 2, job: own.py:Mine}", True),
        ("{weight: 2, job: {kind: own.py:Mine, wide: 3}}", True),
        ("{name: a, tasks: {map: {instances: 2, program: own.py:Mine}}}", True),
        ("{name: a, tasks: {map: {instances: 2, program: {kind: own.py:Mine, wide: 3}}}}", True),
        ("{kind: worcdount, maps: 1, reduces: 1}", False),
        ("{name: a, tasks: {map: {instancess: 2}}}", False),
    ],
)
def test_the_schema_knows_jobs_and_programs_of_the_users_own(job: str, accepted: bool) -> None:
    load = f"load: [{{kind: fuxi-jobs, clients: 1, jobs: [{job}]}}]"
    errors = list(jsonschema.Draft7Validator(scenario_schema()).iter_errors(parse(load, "s")[0].data))
    assert (not errors) == accepted


def fields(model: Any, seen: set[Any]) -> Iterator[tuple[str, Any]]:
    if model in seen:
        return
    seen.add(model)
    for name, field in field_names(model).items():
        yield f"{model.__name__}.{name}", field
        for branch in branches(annotation_of(field)):
            inner = [
                branch,
                *(part for item in getattr(branch.annotation, "__args__", ()) for part in branches(item)),
            ]
            for part in inner:
                if part.model is not None:
                    yield from fields(part.model, seen)


def test_every_field_is_described() -> None:
    bare = [name for name, field in fields(Scenario, set()) if not field.description and not name.endswith(".kind")]
    assert bare == []


def test_explain_tells_type_default_allowed_and_meaning() -> None:
    text = str(explain("cluster.machine.nic"))
    assert "type:    a bandwidth with a unit" in text
    assert "default: 10Gbit/s" in text
    assert "allowed: > 0" in text
    assert "Network card" in text


def test_explain_walks_kinds_lists_and_metrics() -> None:
    assert "A disk fails for good" in str(explain("faults.disk-fail"))
    assert dict(explain("faults").inside).keys() >= {"disk-fail", "rack-power-loss"}
    assert "all, fixed" in str(explain("faults[0].disk-fail.target.mode"))
    assert explain("pangu.recovery_s.p95").unit == "s"
    assert "racks" in keys("cluster")


def test_explain_suggests_the_nearest() -> None:
    from feitian_sim.kernel import ScenarioError

    with pytest.raises(ScenarioError, match=r"did you mean 'pangu\.placement'"):
        explain("pangu.placment")
    with pytest.raises(ScenarioError, match=r"did you mean 'pangu\.chunks_lost'"):
        explain("pangu.chunk_lost")


def test_explain_and_load_agree_on_keys() -> None:
    with pytest.raises(ScenarioProblems, match=", ".join(sorted(keys()))):
        load_text(GOOD.replace("seed: 1", "nothing_like_it_at_all: 1"))
