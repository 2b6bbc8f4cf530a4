"""The escape detector: guarded while it watches, as before afterwards, for its own thread alone."""

from __future__ import annotations

import os
import random
import threading
import time

import numpy as np
import pytest

from feitian_sim.checking.invariant import InvariantViolated
from feitian_sim.checking.ports import PortsOnly


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (time, "time"),
        (time, "perf_counter_ns"),
        (random, "random"),
        (np.random, "rand"),
        (os, "urandom"),
    ],
)
def test_an_escape_raises_where_it_is_called(module, name):
    arguments = (4,) if name == "urandom" else ()
    with PortsOnly().watching(lambda: 7), pytest.raises(InvariantViolated) as raised:
        getattr(module, name)(*arguments)
    assert raised.value.violation.time_ns == 7
    assert "test_ports.py" in str(raised.value)


def _doors():
    return tuple(getattr(*door) for door in ((time, "time"), (random, "random"), (np.random, "rand"), (os, "urandom")))


def test_afterwards_all_is_as_before():
    before = _doors()
    with pytest.raises(RuntimeError), PortsOnly().watching(lambda: 0):
        raise RuntimeError
    assert _doors() == before


def test_another_thread_goes_through():
    told: list[float] = []
    with PortsOnly().watching(lambda: 0):
        thread = threading.Thread(target=lambda: told.append(time.time()))
        thread.start()
        thread.join()
    assert told
    assert told[0] > 0


def test_one_that_nobody_asked_for_guards_nothing():
    detector = PortsOnly()
    detector.is_judging = False
    with detector.watching(lambda: 0):
        assert time.time() > 0
    assert not detector.evaluated
