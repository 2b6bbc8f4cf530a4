"""Overlap: counts and stacks."""

from __future__ import annotations

from feitian_sim.faults.overlap import Holds, Stack


def test_the_first_takes_and_the_last_releases() -> None:
    holds = Holds()
    assert holds.take("machine", "r0/m0")
    assert not holds.take("machine", "r0/m0")
    assert holds.take("switch", "r0/m0")
    assert not holds.release("machine", "r0/m0")
    assert holds.count("machine", "r0/m0") == 1
    assert holds.release("machine", "r0/m0")
    assert holds.take("machine", "r0/m0")


def test_a_value_ends_alone_whatever_the_order() -> None:
    stack: Stack[float] = Stack()
    end_first = stack.add("d", 2.0)
    end_second = stack.add("d", 2.0)
    assert stack.of("d") == (2.0, 2.0)
    end_first()
    assert stack.of("d") == (2.0,)
    end_second()
    assert stack.of("d") == ()
