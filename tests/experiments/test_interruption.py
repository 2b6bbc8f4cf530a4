"""Ctrl-C and SIGTERM end a run at once, except while something is moved into place."""

from __future__ import annotations

import contextlib
import signal

import pytest

from feitian_sim.experiments.interruption import Terminated, deferred, interruptible, raise_if_requested


def test_sigterm_is_an_interruption_of_its_own() -> None:
    with pytest.raises(Terminated), interruptible():
        signal.raise_signal(signal.SIGTERM)


def test_ctrl_c_is_a_keyboard_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, interruptible():
        signal.raise_signal(signal.SIGINT)
    assert not isinstance(caught.value, Terminated)


def test_a_swallowed_interruption_is_remembered() -> None:
    with interruptible():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Terminated):
            raise_if_requested()
    raise_if_requested()


def test_a_deferred_interruption_comes_after_the_block() -> None:
    steps = []

    def work() -> None:
        with interruptible():
            with deferred():
                signal.raise_signal(signal.SIGTERM)
                steps.append("whole")
            steps.append("never")

    with pytest.raises(Terminated):
        work()
    assert steps == ["whole"]


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptible(), deferred():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
