"""PG3: a chunk short of replicas is a violation, unless nobody within reach has any of it to copy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.files import ReplicasComeBack
from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.pangu.facts import ChunkTold

_CORE = ["r0/m0", "r1/m0", "r2/m0"]


@pytest.fixture
def tell() -> Callable[[str], None]:
    config = CheckConfig.model_validate({"converge": "4s", "liveness": {"after": "2s", "core": _CORE}})
    hear = ReplicasComeBack(config).hears()["pangu.chunk_told"]
    return lambda holders: hear(9_000_000_000, ChunkTold(7, 1, holders, holders, 4))


def test_all_that_there_should_be(tell: Callable[[str], None]):
    tell("r0/m0 r1/m0 r2/m0")
    tell("r0/m0 r1/m0 r3/m0")


@pytest.mark.parametrize("holders", ["r0/m0 r3/m0", "r1/m0", ""])
def test_too_few_though_somebody_in_the_core_could_be_copied_or_nobody_has_it(holders: str, tell: Callable[[str], None]):
    with pytest.raises(InvariantViolated, match="chunk 7 is held by"):
        tell(holders)


def test_what_is_outside_the_core_alone_cannot_be_copied(tell: Callable[[str], None]):
    tell("r3/m0")
