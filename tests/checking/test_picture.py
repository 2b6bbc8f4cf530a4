"""The picture of a violation: read as a document, and with the words that must be legible in it."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from feitian_sim.checking.history import History
from feitian_sim.checking.linearizability import check, check_all
from feitian_sim.checking.models import Register
from feitian_sim.checking.picture import draw

SVG = "{http://www.w3.org/2000/svg}"
MILLISECOND = 1_000_000


def violation(long: int = 0) -> History:
    """A stale read, beside a write of unknown outcome and after many others."""
    history = History()
    for number in range(long):
        at = number * MILLISECOND
        history.ok(history.invoke("writer", "/k<1>", "put", f"old-{number}", at), number + 1, at + 1000)
    at = long * MILLISECOND
    first = history.invoke("writer", "/k<1>", "put", "new & true", at)
    history.invoke("lost", "/k<1>", "put", "never", at + 10)
    history.ok(first, long + 1, at + 500)
    history.ok(history.invoke("reader", "/k<1>", "get", None, at + MILLISECOND), "older", at + 2 * MILLISECOND)
    return history


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_shows_clients_labels_places_axis_and_legend() -> None:
    history = violation()
    (verdict,) = check_all(history, lambda key: Register())
    told = words(draw(verdict, history.operations))
    assert "/k<1>: NOT linearizable" in told
    assert {"writer", "lost", "reader"} <= {*told}
    assert {"put new & true → 1", "put never → ?", "get → older"} <= {*told}
    assert {"1", "0.000", "2.000", "not in that order"} <= {*told}
    assert any("ms since the first call" in text for text in told)


def test_the_failed_operation_is_red_and_only_that() -> None:
    history = violation()
    svg = ElementTree.fromstring(draw(check(history.operations, Register()), history.operations))
    red = [text.text for text in svg.iter(f"{SVG}text") if text.get("fill") == "#CC3311"]
    assert red == ["get → older"]


def test_labels_in_one_row_do_not_overlap() -> None:
    history = violation(long=30)
    svg = ElementTree.fromstring(draw(check(history.operations, Register()), history.operations))
    rows: dict[str, list[tuple[float, float]]] = {}
    for text in svg.iter(f"{SVG}text"):
        if "→" in (text.text or "") and text.get("y") != "43":
            x = float(text.get("x", ""))
            rows.setdefault(text.get("y", ""), []).append((x, x + 6.62 * len(text.text or "")))
    assert max(map(len, rows.values())) > 3
    for row in rows.values():
        row.sort()
        assert all(left[1] <= right[0] for left, right in pairwise(row)), row


def test_draws_the_end_of_a_long_history_and_says_so() -> None:
    history = violation(long=500)
    verdict = check(history.operations, Register())
    told = words(draw(verdict, history.operations, most=20))
    assert sum("→" in text for text in told) == 21  # and the headline
    assert "get → older" in told
    assert any(text.endswith("not drawn: 483") for text in told)


def test_same_verdict_same_picture_and_nothing_to_draw_is_no_mistake() -> None:
    assert len({draw(check(h.operations, Register()), h.operations) for h in (violation(), violation())}) == 1
    assert "linearizable" in draw(check([], Register()), [])
