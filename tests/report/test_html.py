"""The page: self-contained, complete, escaped, and the same numbers as the tables."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from feitian_sim.kernel import EnvironmentRefusal
from feitian_sim.report import report
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.gallery import gallery
from feitian_sim.report.html import page

MOST_BYTES = 5_000_000
VOID = ("meta", "link", "br", "hr", "img", "input")


class Reader(HTMLParser):
    """Ids, open elements and where links go."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "xlink:href"):
                self.links.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(one_run: Path) -> str:
    evidence = Evidence(one_run)
    return page(evidence, gallery(evidence))


@pytest.fixture(scope="module")
def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_the_page_names_no_other_place(text: str, read: Reader) -> None:
    assert "http" not in text
    assert "url(" not in re.sub(r"url\(#[^)]+\)", "", text)
    assert all(link.startswith("#") for link in read.links)
    assert len(text.encode()) < MOST_BYTES


def test_ids_are_unique_and_links_lead_somewhere(read: Reader) -> None:
    assert [name for name, count in Counter(read.ids).items() if count > 1] == []
    assert {link[1:] for link in read.links} <= set(read.ids)


def test_elements_are_closed(read: Reader) -> None:
    assert read.open == []


def test_every_number_of_the_summary_is_there_with_its_definition(text: str, one_run: Path) -> None:
    for quantity in Evidence(one_run).quantities:
        assert quantity.metric in text
        assert quantity.definition.replace("'", "&#39;") in text
    assert "1,100 … 1,320.5" in text
    assert "441,000,000" in text


def test_the_verdict_says_how_many_expectations_held(text: str) -> None:
    assert "1 of 2 expectations held" in text
    assert "pangu.recovery_s.p95 &lt; 15m" in text


def test_what_users_wrote_is_escaped(text: str) -> None:
    assert "a rack &lt;loses&gt; power" in text
    assert "<loses>" not in text


def test_how_to_repeat_it(text: str) -> None:
    assert "feitian run scenario.resolved.yaml --seed 42" in text
    assert "ab" * 32 in text
    assert "simpy 4.1" in text


def test_conditions_and_phases_are_told(text: str) -> None:
    assert "the first 1 min of each run are left out" in text
    assert "no chunk misses a replica any more" in text


def test_figures_that_are_missing_are_named_with_the_reason(quiet_run: Path) -> None:
    evidence = Evidence(quiet_run)
    assert "repair (nothing was repaired)" in page(evidence, gallery(evidence))


def test_the_page_twice_is_the_same_bytes(one_run: Path, text: str) -> None:
    evidence = Evidence(one_run)
    assert page(evidence, gallery(evidence)) == text


def test_report_writes_figures_and_page(quiet_run: Path) -> None:
    assert [path.name for path in report(quiet_run)] == ["report.html"]
    assert not list(quiet_run.glob(".*"))


def test_a_folder_that_is_no_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="not a whole results folder"):
        report(tmp_path)
