"""The page: one HTML file with everything about a result, which opens offline and prints.

Figures are the same SVG as in ``figures/``, put inline with ids of their own; the page names no address of any
other place. What stands in it comes from the results folder alone, so that the page and the tables cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from feitian_sim.report.evidence import Evidence, Quantity
from feitian_sim.report.gallery import Gallery
from feitian_sim.report.numbers import found_text, interval_text, value_text
from feitian_sim.report.phases import phases
from feitian_sim.report.scale import clock
from feitian_sim.report.sheet import Drawing

#: Manifest entries that tell on what the results were made.
_MADE_ON = (
    "python",
    "implementation",
    "platform",
    "processor",
    "git_sha",
    "git_dirty",
    "command",
    "events",
    "cpu_seconds",
    "wall_start",
    "wall_end",
)


def page(evidence: Evidence, shown: Gallery) -> str:
    """The text of report.html."""
    return filled(
        "report.html.j2",
        evidence=evidence,
        quantities=_quantity_rows(evidence.quantities),
        expectations=[(row.held, row.text, found_text(row)) for row in evidence.expectations],
        held=sum(expectation.held for expectation in evidence.expectations),
        phases=_phase_rows(evidence),
        figures=[shown_figure(drawing) for drawing in shown.drawings],
        omitted=shown.omitted,
        duration=clock(evidence.duration_s),
        warmup=clock(evidence.warmup_s) if evidence.warmup_s else "",
        traces=_trace_rows(evidence),
        versions=evidence.manifest.get("versions", {}),
        made_on={name: evidence.manifest[name] for name in _MADE_ON if evidence.manifest.get(name) not in (None, "")},
        warnings=_warnings(evidence),
    )


def filled(template: str, **values: Any) -> str:
    """A template of this package with everything put in."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("feitian_sim.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def inline_svg(drawing: Drawing) -> str:
    """The figure's SVG as an element of a page: no prolog, no namespaces, ids that only this figure uses."""
    text = drawing.image("svg").decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    prefix = f"{drawing.name}-"
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{drawing.title}"', 1)


def shown_figure(drawing: Drawing) -> dict[str, Any]:
    """A figure as the templates show it."""
    from markupsafe import Markup

    # The SVG is drawn by matplotlib, which escapes every text in it: it may stand in the page as it is.
    svg = Markup(inline_svg(drawing))
    return {"name": drawing.name, "title": drawing.title, "caption": drawing.caption, "svg": svg}


def _quantity_rows(quantities: Iterable[Quantity]) -> list[dict[str, Any]]:
    """A row for each value; the definition that statistics of one metric share stands once, beside the first."""
    rows = []
    for definition, group in groupby(quantities, key=lambda quantity: quantity.definition):
        members = list(group)
        for number, quantity in enumerate(members):
            rows.append(
                {
                    "metric": quantity.metric,
                    "value": value_text(quantity.value),
                    "unit": quantity.unit,
                    "interval": interval_text(quantity),
                    "definition": definition,
                    "span": 0 if number else len(members),
                }
            )
    return rows


def _phase_rows(evidence: Evidence) -> list[dict[str, str]]:
    rows, fault_s = [], 0.0
    for phase in phases(evidence.runs[0], evidence.duration_s) if evidence.runs else ():
        if phase.name == "fault":
            fault_s = phase.time_s
        since = "" if phase.name == "fault" else clock(phase.time_s - fault_s)
        rows.append({"name": phase.name, "time": clock(phase.time_s), "after": since, "meaning": phase.meaning})
    return rows


def _trace_rows(evidence: Evidence) -> list[dict[str, Any]]:
    columns = evidence.runs[0].columns("faults.trace_read") if evidence.runs else {}
    names = [name for name in ("fault", "file", "rows", "kept", "dropped", "why") if name in columns]
    lists = [columns[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)] if names else []


def _warnings(evidence: Evidence) -> list[str]:
    given = [str(warning) for warning in evidence.manifest.get("warnings", ())]
    if evidence.interrupted:
        given.append("The experiment was interrupted: only the runs that were finished are here.")
    if 2 * evidence.warmup_s > evidence.duration_s:
        given.append("More than half of each run is warm-up.")
    return given
