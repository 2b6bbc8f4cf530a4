"""One process of the determinism table: run a scenario in it, and tell what this process is made of.

``python -m feitian_sim.experiments.determinism_probe SCENARIO SEED TIMES [KEY=VALUE]...`` prints one JSON document:
the digests, and observations by which a variation (hash seed, processor features, libm, BLAS) shows that it took
effect: the hash of a text, numpy's features in use, sums over many values of functions that are known to vary.
"""

from __future__ import annotations

import ctypes
import json
import math
import platform
import sys
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

_SAMPLES = 60_000
_BLAS_NAMES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")


def observations() -> dict[str, Any]:
    """What this process is made of, as far as results could depend on it."""
    core, threads = _blas()
    return {
        "python": platform.python_version(),
        "text_hash": hash("feitian"),
        "numpy_features": _numpy_features(),
        "numpy_exp": _numpy_exp(),
        "libm": _libm(),
        "blas_core": core,
        "blas_threads": threads,
        "jit_cpu": _jit_cpu(),
    }


def _numpy_features() -> list[str]:
    # numpy tells nobody else which of its variants are in use.
    features: dict[str, bool] = import_module("numpy._core._multiarray_umath").__cpu_features__
    return sorted(name for name, enabled in features.items() if enabled)


def _numpy_exp() -> str:
    import numpy as np

    return blake2b(np.exp(np.arange(_SAMPLES) * 1e-3 - 30.0).tobytes(), digest_size=6).hexdigest()


def _libm() -> str:
    """A hash over many values of the functions whose variants differ in the last bit."""
    summed = blake2b(digest_size=6)
    for function in (math.exp, math.log, math.sin, math.atan, math.tanh):
        values = (function((index + 0.5) * 1.37e-3) for index in range(_SAMPLES))
        summed.update("".join(value.hex() for value in values).encode())
    return summed.hexdigest()


def _blas() -> tuple[str, int]:
    """The kernel that OpenBLAS chose and its number of threads; empty when numpy has another BLAS."""
    import numpy as np

    np.dot(np.ones((2, 2)), np.ones((2, 2)))
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines() if sys.platform == "linux" else []
    paths = sorted({line.split(maxsplit=5)[5] for line in lines if "openblas" in line})
    for path in paths:
        library = ctypes.CDLL(path)
        for pattern in _BLAS_NAMES:
            if hasattr(library, pattern.format("get_corename")):
                core = getattr(library, pattern.format("get_corename"))
                core.restype = ctypes.c_char_p
                return core().decode(), int(getattr(library, pattern.format("get_num_threads"))())
    return "", 0


def _jit_cpu() -> str:
    import numba

    return str(getattr(numba.config, "CPU_NAME", None) or "host")


def digests(scenario: str, seed: int, times: int, overrides: list[str]) -> list[str]:
    """The digest of run 0, ``times`` times in this process."""
    from feitian_sim.experiments.one_run import run_once
    from feitian_sim.experiments.progress import Teller
    from feitian_sim.scenario import load

    loaded = load(scenario, overrides, seed=seed)
    return [run_once(loaded, 0, Teller(None, 1, 1.0)).record.digest for _ in range(times)]


if __name__ == "__main__":
    _scenario, _seed, _times, *_overrides = sys.argv[1:]
    _found = {"digests": digests(_scenario, int(_seed), int(_times), _overrides), "observed": observations()}
    sys.stdout.write(json.dumps(_found) + "\n")
