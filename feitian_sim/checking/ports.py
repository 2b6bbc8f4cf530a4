"""The escape detector: what is simulated reads time and chance through its ports alone.

While it watches, the doors of the host stand guarded: each function that reads its clock, sleeps, or draws chance that
no seed decides raises where it is called. So a leak is found by the first seed that runs its line, with the line itself,
and not by the digests of two runs. What was bound to a name before (``from time import time``) is looked for in the
platform's modules when the guard is first set. ``datetime``, whose functions cannot be replaced, the linter bans.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant

_CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
#: Modules and what of them reads the host.
_DOORS: Mapping[str, tuple[str, ...]] = {
    "time": (*_CLOCKS, *(f"{name}_ns" for name in _CLOCKS), "sleep", "localtime", "gmtime", "strftime", "ctime"),
    "random": (
        "random", "randint", "randrange", "uniform", "choice", "choices", "sample", "shuffle", "seed", "getrandbits",
        "gauss", "expovariate", "betavariate", "normalvariate", "triangular", "paretovariate", "weibullvariate",
    ),
    "numpy.random": (
        "random", "rand", "randn", "randint", "random_sample", "choice", "shuffle", "permutation", "seed", "uniform",
        "normal", "exponential", "poisson", "default_rng",
    ),
    "os": ("urandom", "getrandom"),
    "uuid": ("uuid1", "uuid4"),
    "secrets": ("token_bytes", "token_hex", "randbelow", "randbits", "choice"),
}  # fmt: skip
#: What reads the host as it should: the command, experiments and reports, which are no part of a simulation.
_OUTSIDE = ("feitian_sim.cli", "feitian_sim.experiments", "feitian_sim.report", __name__)
_STANDARD_LIBRARY = os.path.dirname(os.__file__)


class PortsOnly(Invariant):
    """G7."""

    id = "G7"
    claim = "what is simulated reads time and chance through its ports alone"

    def hears(self) -> Mapping[str, Hears]:
        """Nothing: it stands at the doors."""
        return {}

    @contextmanager
    def watching(self, now: Callable[[], int]) -> Iterator[None]:
        """The doors are guarded while the block runs, and as they were afterwards; ``now()`` is the simulated time."""
        if not self.is_judging:
            yield
            return
        self.evaluated += 1
        places = _places()
        guards = {door: self._guard(door, itself, now) for _, _, door, itself in places}
        for holder, name, door, _ in places:
            setattr(holder, name, guards[door])
        try:
            yield
        finally:
            for holder, name, _, itself in places:
                setattr(holder, name, itself)

    def _guard(self, door: str, itself: Callable[..., Any], now: Callable[[], int]) -> Callable[..., Any]:
        watched = get_ident()

        def guarded(*args: Any, **named: Any) -> Any:
            if get_ident() != watched:
                # A thread of the host's, such as one that draws a progress bar.
                return itself(*args, **named)
            caller = sys._getframe(1)
            if _is_library(caller.f_globals.get("__name__", ""), caller.f_code.co_filename):
                return itself(*args, **named)
            where = f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno} in {caller.f_code.co_name}"
            return self.broken(now(), f"{door} was called at {where}")

        return guarded


def _is_library(module: str, file: str) -> bool:
    """Whether a caller is somebody else's code: a compiler that times itself, a module that is read late."""
    if module.startswith("feitian_sim"):
        return False
    return "site-packages" in file or file.startswith(_STANDARD_LIBRARY)


@lru_cache(maxsize=1)
def _places() -> tuple[tuple[Any, str, str, Any], ...]:
    """Where the doors can be reached: in their own modules, and under names of the platform's modules."""
    found: list[tuple[Any, str, str, Any]] = []
    # By what is there, not by its hash: two doors are never the same object.
    doors: list[tuple[str, Any]] = []
    for module_name, names in _DOORS.items():
        module = import_module(module_name)
        for name in names:
            door = getattr(module, name, None)
            if door is not None:
                found.append((module, name, f"{module_name}.{name}", door))
                doors.append((f"{module_name}.{name}", door))
    for module_name, module in sorted(sys.modules.items()):
        if not module_name.startswith("feitian_sim.") or module_name.startswith(_OUTSIDE):
            continue
        for name, value in vars(module).items():
            if callable(value):
                found.extend((module, name, door, value) for door, itself in doors if value is itself)
    return tuple(found)
