"""The page of a comparison: figures, the table with differences and intervals, every definition one hover away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from feitian_sim.experiments.goals import GOALS
from feitian_sim.report.comparison import Compared
from feitian_sim.report.html import filled, shown_figure
from feitian_sim.report.numbers import value_text
from feitian_sim.report.sheet import Drawing


def comparison_page(folder: Path, drawings: Sequence[Drawing]) -> str:
    """The text of report.html."""
    document = Compared(folder).document
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    scenario = (folder / "scenario.resolved.yaml").read_text(encoding="utf-8")
    rank = {goal.metric: number for number, goal in enumerate(GOALS)}
    ordered = sorted(document["metrics"], key=lambda row: rank.get(row["name"], len(rank)))
    rows = [_row(row, document) for row in ordered]
    return filled(
        "comparison.html.j2",
        name=summary["scenario"],
        question=_question(scenario),
        seed=summary["seed"],
        digest=summary["digest"],
        runs=summary["runs"],
        axes=summary["axes"],
        failed=summary["failed"],
        variants=document["variants"],
        baseline=document["baseline"],
        goals=[row for row in rows if row["better"]],
        others=[row for row in rows if not row["better"]],
        lost=[_lost(label, document["runs_with_loss"][label]) for label in document["variants"]],
        figures=[shown_figure(drawing) for drawing in drawings],
        scenario=scenario,
    )


def _question(scenario: str) -> str:
    from ruamel.yaml import YAML

    loaded = YAML(typ="safe", pure=True).load(scenario)
    return str(loaded.get("question") or "")


def _row(row: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    baseline = row["variants"].get(document["baseline"], {}).get("value")
    return {
        "metric": row["name"],
        "unit": row["unit"],
        "definition": row["definition"],
        "better": row["better"],
        "cells": [_cell(row, label, baseline) for label in document["variants"]],
    }


def _cell(row: Mapping[str, Any], label: str, baseline: float | None) -> dict[str, Any]:
    cell = row["variants"].get(label)
    if cell is None:
        return {
            "value": "–",
            "interval": "",
            "difference": "",
            "bounds": "",
            "certain": False,
            "best": False,
            "method": "",
        }
    low_high = cell["interval"]
    found = cell.get("difference")
    bounds = found and found["interval"]
    return {
        "value": value_text(cell["value"]),
        "interval": f"{value_text(low_high[0])} … {value_text(low_high[1])}" if low_high else "one run",
        "difference": _difference(found, baseline) if found else "",
        "bounds": _bounds(found, baseline),
        "certain": bool(bounds and (bounds[0] > 0 or bounds[1] < 0)),
        "best": label in row["best"],
        "method": found["method"] if found else "",
    }


def _difference(found: Mapping[str, Any], baseline: float | None) -> str:
    if not found["value"]:
        return "equal" if found["method"] == "equal" else "±0"
    share = 100 / abs(baseline) if baseline else None
    if share is None:
        return f"{found['value']:+.3g}"
    return f"{_percent(share * found['value'])} %"


def _bounds(found: Mapping[str, Any] | None, baseline: float | None) -> str:
    if not found or not baseline or not found["interval"] or found["method"] == "equal":
        return ""
    low, high = (100 / abs(baseline) * bound for bound in found["interval"])
    return f"{_percent(low)} … {_percent(high)}"


def _percent(share: float) -> str:
    """Two decimals up to a hundred, none above."""
    return f"{share:+.2f}" if abs(share) < 100 else f"{share:+,.0f}"


def _lost(label: str, found: Mapping[str, Any] | None) -> dict[str, str]:
    if found is None:
        return {"label": label, "runs": "–", "interval": ""}
    low, high = found["interval"]
    interval = f"{100 * low:.3g} % … {100 * high:.3g} %"
    return {"label": label, "runs": f"{found['hits']} of {found['runs']}", "interval": interval}
