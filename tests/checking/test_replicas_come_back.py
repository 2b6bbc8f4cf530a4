"""PG3: a chunk short of replicas is a violation, unless nobody within reach has any of it and nobody was promised any."""

from __future__ import annotations

import pytest

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.files import ReplicasComeBack
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.pangu.facts import ChunkTold

_CORE = ["r0/m0", "r1/m0", "r2/m0"]


class _Judge:
    """PG3 at the end of a run whose core was healed, told of one chunk."""

    def __init__(self) -> None:
        config = CheckConfig.model_validate({"converge": "4s", "liveness": {"after": "2s", "core": _CORE}})
        self.invariant = ReplicasComeBack(config)

    def tell(self, holders: str, *, promised: bool = True) -> None:
        fact = ChunkTold(7, 1, holders, holders, 4, promised)
        self.invariant.hears()["pangu.chunk_told"](9_000_000_000, fact)


@pytest.fixture
def judge() -> _Judge:
    return _Judge()


@pytest.mark.parametrize("promised", [True, False])
def test_all_that_there_should_be(judge: _Judge, promised: bool):
    judge.tell("r0/m0 r1/m0 r2/m0", promised=promised)
    judge.tell("r0/m0 r1/m0 r3/m0", promised=promised)
    assert judge.invariant.evaluated == 2


@pytest.mark.parametrize("promised", [True, False])
@pytest.mark.parametrize("holders", ["r0/m0 r3/m0", "r1/m0", ""])
def test_too_few_though_somebody_in_the_core_could_be_copied_or_nobody_has_it(
    judge: _Judge, holders: str, promised: bool
):
    with pytest.raises(InvariantViolated, match="chunk 7 is held by"):
        judge.tell(holders, promised=promised)


def test_what_is_outside_the_core_alone_was_not_to_be_lost_if_it_was_promised(judge: _Judge):
    judge.tell("r3/m0", promised=False)
    with pytest.raises(InvariantViolated, match="chunk 7 is held by r3/m0 alone"):
        judge.tell("r3/m0")
