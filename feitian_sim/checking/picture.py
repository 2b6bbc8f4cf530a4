"""A violation as a picture: who asked what when, how far an order explains it, and where it ends.

An SVG of one lane for each client. A bar reaches from an operation's call to its return, its label stands above; one of
unknown outcome has no right end. The longest order found runs as a line through the bars, each with its place in
the order; red is the operation whose return no order passes. Only the operations around it are drawn: those that
overlap it, and before them the latest.

The axis is in milliseconds, and stretched: an instant stands as far to the right as the labels before it need, as in
the pictures of Porcupine, since operations of a microsecond and of a second have to be legible side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from feitian_sim.checking.history import UNKNOWN, Operation
from feitian_sim.checking.linearizability import Verdict
from feitian_sim.checking.models import Refusal

#: Colour-blind safe (Tol's "bright"); the failed bar differs from the others in its frame too.
_ORDERED, _LEFT_OUT, _FAILED, _INK, _RULE = "#4477AA", "#BBBBBB", "#CC3311", "#222222", "#DDDDDD"
_FONT = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_TEXT_PX, _LETTER_PX = 11, 6.7
_ROW_PX, _BAR_PX, _MARGIN_PX, _TOP_PX = 38, 13, 16, 62
#: Between two instants at least and at most, where no label asks for more; between two ticks of the axis at least.
_GAP_PX, _WIDE_GAP_PX, _TICK_PX = 16, 60, 62
_LONGEST_LABEL = 44
_LEGEND = (
    (_ORDERED, "", "in the longest order found, with its place in it"),
    (_LEFT_OUT, "", "not in that order"),
    (_FAILED, "", "no order passes its return"),
    (_LEFT_OUT, "5 3", "outcome unknown: at any time from its call on, or never"),
)


def draw(verdict: Verdict, operations: Sequence[Operation], most: int = 40) -> str:
    """The SVG of a verdict on these operations, of which up to ``most`` are drawn. The same text for the same input."""
    assert most >= 1, most
    shown = _around(verdict, [operation for operation in operations if operation.outcome != "fail"], most)
    plan = _plan(shown, min(operation.called_ns for operation in operations) if operations else 0)
    legend_px = plan.bottom_px + 62
    width, height = plan.right_px + 2 * _MARGIN_PX, legend_px + 18 * len(_LEGEND) + 8
    width = max(width, 720.0)
    svg = Element("svg", xmlns="http://www.w3.org/2000/svg", width=_n(width), height=_n(height))
    svg.set("viewBox", f"0 0 {_n(width)} {_n(height)}")
    svg.set("font-family", _FONT)
    SubElement(svg, "rect", width="100%", height="100%", fill="white")
    _head(svg, verdict, len(operations) - len(shown))
    _axis(svg, plan)
    for client, (top, rows) in plan.lanes.items():
        _text(svg, _MARGIN_PX, top + rows * _ROW_PX / 2 + 4, client, weight="bold")
        _line(svg, _MARGIN_PX, top + rows * _ROW_PX, plan.right_px + _MARGIN_PX, _RULE)
    ordered = {operation: place for place, operation in enumerate(verdict.order, 1)}
    for operation in shown:
        _bar(svg, plan, operation, _colour(verdict, operation, ordered))
    _way(svg, plan, [(place, operation) for operation, place in ordered.items() if operation in plan.row_px])
    for operation in shown:
        failed = operation is verdict.failed
        words, y = _label(operation), plan.row_px[operation] + 15
        _text(
            svg,
            plan.start(operation),
            y,
            words,
            colour=_FAILED if failed else _INK,
            weight="bold" if failed else "normal",
        )
    for number, (colour, dashes, words) in enumerate(_LEGEND):
        y = legend_px + 18 * number
        _box(svg, (_MARGIN_PX, y - 10, 26, _BAR_PX), colour, dashes)
        _text(svg, _MARGIN_PX + 36, y, words)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


@dataclass(slots=True)
class _Plan:
    """Where everything stands, in pixels."""

    began_ns: int
    #: From left to right.
    instants: dict[int, float] = field(default_factory=dict)
    row_px: dict[Operation, float] = field(default_factory=dict)
    #: By client: the top and the number of rows.
    lanes: dict[str, tuple[float, int]] = field(default_factory=dict)
    right_px: float = 0.0
    bottom_px: float = 0.0

    def start(self, operation: Operation) -> float:
        return self.instants[operation.called_ns]

    def end(self, operation: Operation) -> float:
        return self.right_px if operation.returned_ns is None else self.instants[operation.returned_ns]


def _around(verdict: Verdict, operations: list[Operation], most: int) -> list[Operation]:
    """The operations to draw, in order of call: those called last, but none after the failed one's return."""
    failed = verdict.failed
    if failed is not None and failed.returned_ns is not None:
        until = failed.returned_ns
        operations = [operation for operation in operations if operation.called_ns <= until]
    # What runs on into the picture is of more use than what ended long before; an unknown one only if it is in the order.
    placed = dict.fromkeys(verdict.order)
    end = max((operation.returned_ns or operation.called_ns for operation in operations), default=0)

    def lateness(operation: Operation) -> tuple[bool, int]:
        if operation.returned_ns is not None:
            return operation is failed, operation.returned_ns
        return False, end if operation in placed else operation.called_ns

    latest = sorted(operations, key=lateness, reverse=True)[:most]
    return sorted(latest, key=lambda operation: (operation.called_ns, operation.client, operation.number))


def _plan(shown: list[Operation], began_ns: int) -> _Plan:
    plan = _Plan(began_ns)
    names = sorted(dict.fromkeys(operation.client for operation in shown))
    left = _MARGIN_PX + _LETTER_PX * max((len(name) for name in names), default=0) + 24
    _place_instants(plan, shown, left)
    top = float(_TOP_PX)
    for name in names:
        ends: list[float] = []
        for operation in shown:
            if operation.client == name:
                # A row is free again when its last bar and the bar's label have ended.
                start = plan.start(operation)
                row = next((row for row, end in enumerate(ends) if end <= start), len(ends))
                ends[row : row + 1] = [max(plan.end(operation), start + _label_px(operation))]
                plan.row_px[operation] = top + row * _ROW_PX
        plan.lanes[name] = (top, len(ends))
        top += len(ends) * _ROW_PX
    plan.bottom_px = top
    return plan


def _place_instants(plan: _Plan, shown: list[Operation], left: float) -> None:
    """From left to right, each as far right as its own gap and the labels of the bars that end there need."""
    ending: dict[int, list[Operation]] = {}
    times: dict[int, None] = {}
    for operation in shown:
        times[operation.called_ns] = None
        if operation.returned_ns is not None:
            times[operation.returned_ns] = None
            ending.setdefault(operation.returned_ns, []).append(operation)
    order = sorted(times)
    scale = 24 * len(order) / max(1, order[-1] - order[0]) if order else 0.0
    x, before = left - _GAP_PX, order[0] if order else 0
    for at in order:
        x += min(max(_GAP_PX, (at - before) * scale), _WIDE_GAP_PX)
        for operation in ending.get(at, ()):
            if operation.called_ns < at:
                x = max(x, plan.instants[operation.called_ns] + _label_px(operation))
        plan.instants[at], before = x, at
    open_ended = (plan.start(operation) + _label_px(operation) for operation in shown if operation.returned_ns is None)
    plan.right_px = max([x + 3 * _GAP_PX, *open_ended])


def _label(operation: Operation) -> str:
    argument = "" if operation.argument is None else _short(operation.argument)
    result = "?" if operation.result is UNKNOWN else _short(operation.result)
    told = "ok" if operation.result is None and operation.op not in ("get", "read") else result
    text = f"{operation.op} {argument}".rstrip() + f" \N{RIGHTWARDS ARROW} {told}"
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _short(value: object) -> str:
    if isinstance(value, Refusal):
        return value.value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 24 else text[:11] + "\N{HORIZONTAL ELLIPSIS}" + text[-11:]


def _label_px(operation: Operation) -> float:
    return _LETTER_PX * len(_label(operation)) + 10


def _colour(verdict: Verdict, operation: Operation, ordered: dict[Operation, int]) -> str:
    if operation is verdict.failed:
        return _FAILED
    return _ORDERED if operation in ordered else _LEFT_OUT


def _head(svg: Element, verdict: Verdict, hidden: int) -> None:
    where = f"{verdict.name}: " if verdict.name else ""
    verdicts = {
        "legal": "linearizable",
        "illegal": "NOT linearizable",
        "unknown": "not decided within the budget of steps",
    }
    _text(svg, _MARGIN_PX, 24, where + verdicts[verdict.verdict], size=15, weight="bold")
    words = f"the longest order found has {len(verdict.order)} operations"
    if verdict.failed is not None:
        words += f" and does not pass the return of {verdict.failed.client}'s {_label(verdict.failed)}"
    _text(svg, _MARGIN_PX, 43, words + (f"; not drawn: {hidden}" if hidden else ""))


def _axis(svg: Element, plan: _Plan) -> None:
    y = plan.bottom_px + 10
    _line(svg, _MARGIN_PX, y, plan.right_px + _MARGIN_PX, _INK)
    last = -_TICK_PX * 1.0
    for at, x in plan.instants.items():
        SubElement(
            svg, "path", d=f"M{_n(x)} {_TOP_PX}V{_n(y)}", stroke=_RULE, fill="none", attrib={"stroke-width": "0.5"}
        )
        if x - last >= _TICK_PX:
            SubElement(svg, "path", d=f"M{_n(x)} {_n(y)}v4", stroke=_INK, fill="none")
            _text(svg, x, y + 15, f"{(at - plan.began_ns) / 1e6:.3f}", anchor="middle")
            last = x
    words = "ms since the first call; stretched where labels need room"
    _text(svg, plan.right_px + _MARGIN_PX, y + 29, words, anchor="end")


def _bar(svg: Element, plan: _Plan, operation: Operation, colour: str) -> None:
    x, end, y = plan.start(operation), plan.end(operation), plan.row_px[operation] + 19
    unknown = operation.returned_ns is None
    _box(svg, (x, y, max(end - x, 4.0), _BAR_PX), colour, "5 3" if unknown else "")
    if unknown:  # a white end takes the frame away: the bar is open to the right
        SubElement(svg, "path", d=f"M{_n(end)} {_n(y - 2)}v{_BAR_PX + 4}", stroke="white", attrib={"stroke-width": "5"})
        _text(svg, end + 1, y + 11, "\N{HORIZONTAL ELLIPSIS}")


def _way(svg: Element, plan: _Plan, ordered: list[tuple[int, Operation]]) -> None:
    """The order as a line: each operation as early as those before it allow, and not after its return."""
    points: list[tuple[float, float, int]] = []
    x = 0.0
    for place, operation in ordered:
        start, end = plan.start(operation), plan.end(operation)
        # A little further than the one before, that the places can be told apart, where there is room.
        x = max(start + min(9.0, (end - start) / 2), min(x + 16, max(x, end - 9)))
        points.append((x, plan.row_px[operation] + 19 + _BAR_PX / 2, place))
    way = " ".join(f"{_n(x)},{_n(y)}" for x, y, _ in points)
    SubElement(svg, "polyline", points=way, fill="none", stroke=_ORDERED, opacity="0.6")
    for x, y, place in points:
        wide = 6.0 * len(str(place)) + 8
        place_box = {"x": _n(x - wide / 2), "y": _n(y - 7.5), "width": _n(wide), "height": "15", "rx": "7.5"}
        SubElement(svg, "rect", place_box, fill="white", stroke=_ORDERED)
        _text(svg, x, y + 3.5, str(place), size=10, anchor="middle", colour=_ORDERED, weight="bold")


def _box(svg: Element, place: tuple[float, float, float, float], colour: str, dashes: str) -> None:
    x, y, width, height = (_n(value) for value in place)
    box = SubElement(svg, "rect", x=x, y=y, width=width, height=height, fill=colour, stroke=colour)
    box.set("fill-opacity", "0.15" if dashes else "0.45")
    box.set("stroke-width", "2" if colour == _FAILED else "1")
    if dashes:
        box.set("stroke-dasharray", dashes)


def _line(svg: Element, x: float, y: float, end: float, colour: str) -> None:
    SubElement(svg, "path", d=f"M{_n(x)} {_n(y)}H{_n(end)}", stroke=colour, fill="none")


def _text(
    svg: Element,
    x: float,
    y: float,
    words: str,
    size: int = _TEXT_PX,
    anchor: str = "start",
    colour: str = _INK,
    weight: str = "normal",
) -> None:
    text = SubElement(svg, "text", x=_n(x), y=_n(y), fill=colour)
    text.set("font-size", str(size))
    if anchor != "start":
        text.set("text-anchor", anchor)
    if weight != "normal":
        text.set("font-weight", weight)
    # A white rim, where a line runs behind the letters.
    text.attrib.update({"stroke": "white", "stroke-width": "3", "paint-order": "stroke"})
    text.text = words


def _n(value: float) -> str:
    """A number as short as it can be, always the same."""
    return f"{value:.1f}".removesuffix(".0")
