"""The contract suites of users' programs accept what keeps its contract and name what does not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.fuxi.service.hotspot import HOTSPOT, Move, Split
from feitian_sim.testing import check_hotspot_policy, check_job_program, check_role_program, check_task_program

SHIPPED = Path(__file__).parents[3] / "scenarios" / "fuxi"


def test_the_shipped_programs_keep_their_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SHIPPED))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import own_program  # type: ignore[import-not-found]

    check_task_program(own_program.Scan())
    check_task_program(own_program.SkewedJoin(skew=0.5))
    check_job_program(own_program.Join())


@pytest.mark.parametrize("kind", list(HOTSPOT))
def test_the_shipped_hotspot_policies_keep_their_contract(kind: str) -> None:
    check_hotspot_policy(HOTSPOT[kind]())


class Good:
    def compute_ns(self, instance: Any) -> Any:
        return 1

    def output_bytes(self, instance: Any) -> Any:
        return instance.input_bytes


class Fraction(Good):
    def compute_ns(self, instance: Any) -> Any:
        return 0.5


class Negative(Good):
    def output_bytes(self, instance: Any) -> Any:
        return -1


class Counting(Good):
    def __init__(self) -> None:
        self.asked = 0

    def compute_ns(self, instance: Any) -> Any:
        self.asked += 1
        return self.asked


class Greedy(Good):
    def read_bytes(self, instance: Any) -> Any:
        return instance.input_bytes


class Unclear(Good):
    def failure(self, instance: Any, attempt: int) -> Any:
        return attempt == 1


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (object(), "lacks compute_ns"),
        (Fraction(), r"test_program_contracts\.py:\d+: Fraction\.compute_ns gives 0\.5"),
        (Negative(), "gives -1"),
        (Counting(), "when it is asked again"),
        (Greedy(), "of files that have"),
        (Unclear(), "a text is wanted"),
    ],
)
def test_a_broken_task_program_is_found(program: Any, words: str) -> None:
    check_task_program(Good())
    with pytest.raises(AssertionError, match=words):
        check_task_program(program)


class Drawn:
    """Draws as many as it likes: they are the job's own."""

    def describe(self, job: Any) -> Any:
        return {"tasks": {"map": {"instances": 1 + int(job.draws.uniform() * 10), "time": "1s"}}}


class Other(Drawn):
    last = 0

    def describe(self, job: Any) -> Any:
        self.last += 1
        return {"tasks": {"map": {"instances": self.last}}}


class Wordy(Drawn):
    def describe(self, job: Any) -> Any:
        return {"tasks": {"map": {"instances": 1, "tiem": "1s"}}}


@pytest.mark.parametrize(
    ("program", "words"), [(Other(), "in two ways"), (Wordy(), "tiem"), (object(), "lacks describe")]
)
def test_a_broken_job_program_is_found(program: Any, words: str) -> None:
    check_job_program(Drawn())
    with pytest.raises(AssertionError, match=words):
        check_job_program(program)


class Costly:
    def compute_ns(self, request: Any) -> Any:
        return 1000 + request.size_bytes


class Unsteady(Costly):
    last = 0

    def compute_ns(self, request: Any) -> Any:
        self.last += 1
        return self.last


def test_a_broken_role_program_is_found() -> None:
    check_role_program(Costly())
    with pytest.raises(AssertionError, match="asked again"):
        check_role_program(Unsteady())


class Twice:
    def relieve(self, partitions: Any, workers: Any, limits: Any) -> Any:
        return [Split(one.number) for one in partitions[:1]] * 2


class Nowhere:
    def relieve(self, partitions: Any, workers: Any, limits: Any) -> Any:
        return [Move(one.number, 99) for one in partitions[:1]]


class Endless:
    def relieve(self, partitions: Any, workers: Any, limits: Any) -> Any:
        return [Split(one.number) for one in partitions if one.width > 1]


@pytest.mark.parametrize(
    ("policy", "words"), [(Twice(), "touched twice"), (Nowhere(), "no worker 99"), (Endless(), "more than 12")]
)
def test_a_broken_hotspot_policy_is_found(policy: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_hotspot_policy(policy)
