"""Histories of real systems with verdicts of others: Jepsen's runs of etcd and key-value stores, as Porcupine has them.

They are the folders ``jepsen`` and ``kv`` of Porcupine's ``test_data`` (github.com/anishathalye/porcupine), looked
for in the folder ``porcupine`` of the published data; the verdicts are those that its tests expect.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.checking.history import History, Operation
from feitian_sim.checking.linearizability import check, check_all
from feitian_sim.checking.models import Deterministic, Refusal

#: Number 95 is of a cluster that did not start.
ETCD = tuple(number for number in range(103) if number != 95)
LEGAL = (2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102)

JEPSEN = re.compile(r"INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(\w+)\s+:(\w+)\s+(.*)")
KEY_VALUE = re.compile(r'\{:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (nil|"(.*)")\}')


class ComparedByValue(Deterministic):
    """A register whose conditional write names the value that it expects."""

    reads = frozenset({"read"})

    def initial(self) -> str:
        return "nil"

    def apply(self, state: Any, op: str, argument: Any) -> tuple[object, str]:
        if op == "read":
            return state, state
        if op == "write":
            return None, argument
        expected, new = argument
        return (None, new) if state == expected else (Refusal.BAD_VERSION, state)


class Text(Deterministic):
    """A string that can be put, appended to and read."""

    reads = frozenset({"get"})

    def initial(self) -> str:
        return ""

    def apply(self, state: Any, op: str, argument: Any) -> tuple[object, str]:
        if op == "get":
            return state, state
        return None, argument if op == "put" else state + argument


@pytest.fixture(scope="module")
def published(data_dir: Path) -> Path:
    folder = data_dir / "porcupine"
    if not folder.is_dir():
        pytest.skip("Porcupine's histories are not here")
    return folder / "test_data"


def etcd_history(log: Path) -> History:
    """A line is a nanosecond."""
    history = History()
    running: dict[str, Operation] = {}
    for now, line in enumerate(log.read_text().splitlines()):
        if (found := JEPSEN.fullmatch(line)) is None:
            continue
        process, kind, op, words = found.groups()
        if kind == "invoke":
            argument = tuple(words.strip("[]").split()) if op == "cas" else words if op == "write" else None
            running[process] = history.invoke(process, "r", op, argument, now)
        elif kind == "ok":
            history.ok(running.pop(process), words if op == "read" else None, now)
        elif kind == "fail" and op == "cas":
            history.ok(running.pop(process), Refusal.BAD_VERSION, now)
    return history


def key_value_history(log: Path) -> History:
    history = History()
    running: dict[str, Operation] = {}
    for now, line in enumerate(log.read_text().splitlines()):
        if (found := KEY_VALUE.fullmatch(line)) is None:
            continue
        process, kind, op, key, _, value = found.groups()
        if kind == "invoke":
            running[process] = history.invoke(process, key, op, value, now)
        elif kind == "ok":
            history.ok(running.pop(process), value if op == "get" else None, now)
    return history


@pytest.mark.data
@pytest.mark.parametrize("number", ETCD)
def test_agrees_with_porcupine_on_etcd(published: Path, number: int) -> None:
    history = etcd_history(published / f"jepsen/etcd_{number:03d}.log")
    assert len(history.operations) > 40
    assert check(history.operations, ComparedByValue()).verdict == ("legal" if number in LEGAL else "illegal")


@pytest.mark.data
@pytest.mark.parametrize("name", ["c01-ok", "c01-bad", "c10-ok", "c10-bad", "c50-ok", "c50-bad"])
def test_agrees_with_porcupine_on_key_value_stores(published: Path, name: str) -> None:
    history = key_value_history(published / f"kv/{name}.txt")
    # Fifty clients on a key are more than the checker is made for: three of the ten bad keys stay unknown.
    verdicts = [verdict.verdict for verdict in check_all(history, lambda key: Text(), budget_steps=500_000)]
    if name.endswith("ok"):
        assert {*verdicts} == {"legal"}
    else:
        assert "illegal" in verdicts
