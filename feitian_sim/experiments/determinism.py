"""``make determinism``: the digest of a scenario under everything that must not matter.

Each variation is a process of its own: eight hash seeds, each CPython at hand whose environment has the packages,
processor features switched off for numpy, other variants of libm, other kernels and thread counts of BLAS, another
processor for compiled loops. A variation that did not take effect proves nothing, so each shows by an observation
of its process that it did; one that cannot take effect on this machine says so. Another seed must give another
digest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SEED = 1
_HASH_SEEDS = range(8)
_PYTHONS = ("3.11", "3.12", "3.13")
#: Names that numpy gave these features over time; a name that a version does not know is ignored by it.
_FEATURES = "X86_V4 X86_V3 AVX512F AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR AVX2 FMA3"
_LIBM = "glibc.cpu.hwcaps=-AVX512F,-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable,-AVX512F_Usable"
_BLAS_CORES = ("Prescott", "Nehalem", "Haswell")
_PROBE = "feitian_sim.experiments.determinism_probe"

Observed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variation:
    """Something that must not matter, and which observation shows that it was varied."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Key of the observation that must differ from the plain process; empty when there is nothing to show.
    shown_by: str = ""
    python: str = sys.executable
    seed: int = SEED
    times: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    digest: str
    effect: str
    took_effect: bool
    ok: bool


def variations() -> Iterator[Variation]:
    """All of them; the first is the plain process that the others are compared with."""
    yield Variation("plain")
    yield Variation("twice in one process", times=2)
    for seed in _HASH_SEEDS:
        yield Variation(f"PYTHONHASHSEED={seed}", {"PYTHONHASHSEED": str(seed)}, "text_hash")
    for version, python in _other_pythons():
        yield Variation(f"CPython {version}", {}, "python", python)
    yield Variation("NPY_DISABLE_CPU_FEATURES", {"NPY_DISABLE_CPU_FEATURES": _FEATURES}, "numpy_features")
    yield Variation("GLIBC_TUNABLES", {"GLIBC_TUNABLES": _LIBM}, "libm")
    for core in _BLAS_CORES:
        yield Variation(f"OPENBLAS_CORETYPE={core}", {"OPENBLAS_CORETYPE": core}, "blas_core")
    yield Variation("OPENBLAS_NUM_THREADS=1", {"OPENBLAS_NUM_THREADS": "1"}, "blas_threads")
    yield Variation("NUMBA_CPU_NAME=generic", {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}, "jit_cpu")
    yield Variation("seed 2 (must differ)", seed=2)


def _other_pythons() -> Iterator[tuple[str, str]]:
    """CPythons other than this one that can import the simulator: environments beside the checkout, then the path."""
    checkout = Path(__file__).resolve().parents[2]
    for version in _PYTHONS:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue
        beside = checkout / f".venv-{version}" / "bin" / "python"
        for candidate in (str(beside), shutil.which(f"python{version}")):
            if candidate and _can_run(candidate, checkout):
                yield version, candidate
                break


def _can_run(python: str, checkout: Path) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", f"import {_PROBE}, feitian_sim.scenario"],
            cwd=checkout,
            capture_output=True,
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def observe(variation: Variation, scenario: str, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run the probe in a process of that variation."""
    environment = {**os.environ, **variation.environment}
    if "PYTHONHASHSEED" not in variation.environment:
        environment.pop("PYTHONHASHSEED", None)
    done = subprocess.run(
        [variation.python, "-m", _PROBE, scenario, str(variation.seed), str(variation.times), *overrides],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"digests": [], "observed": {}, "error": last}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(variation: Variation, found: Mapping[str, Any], plain: Mapping[str, Any]) -> Row:
    """A variation held against the plain process."""
    digests, expected = found["digests"], plain["digests"][0]
    if not digests:
        return Row(variation.name, "", f"failed: {found.get('error', '')}", False, False)
    effect, took = _effect(variation, found["observed"], plain["observed"])
    same = all(digest == expected for digest in digests)
    ok = not same if variation.seed != SEED else same
    return Row(variation.name, digests[0], effect, took, ok)


def _effect(variation: Variation, observed: Observed, plain: Observed) -> tuple[str, bool]:
    key = variation.shown_by
    if not key:
        return "", True
    now, before = observed.get(key), plain.get(key)
    if key == "numpy_features":
        lost = sorted(set(before or ()) - set(now or ()))
        exp = "np.exp differs" if observed["numpy_exp"] != plain["numpy_exp"] else "np.exp is the same"
        return (f"off: {' '.join(lost)}; {exp}" if lost else "no feature could be switched off"), bool(lost)
    if now == before:
        return f"no effect here: {key} is {now}", False
    return f"{key}: {before} -> {now}", True


def table(
    scenario: str, overrides: tuple[str, ...] = (), jobs: int = 2, tell: Callable[[Row], None] | None = None
) -> list[Row]:
    """The whole table; ``tell`` hears of each row as it comes."""
    plain_variation, *others = variations()
    plain = observe(plain_variation, scenario, overrides)
    rows = [_told(compared(plain_variation, plain, plain if plain["digests"] else {"digests": [""]}), tell)]
    if not plain["digests"]:
        return rows
    with ThreadPoolExecutor(jobs) as pool:
        for variation, found in zip(
            others, pool.map(lambda each: observe(each, scenario, overrides), others), strict=True
        ):
            rows.append(_told(compared(variation, found, plain), tell))
    return rows


def _told(row: Row, tell: Callable[[Row], None] | None) -> Row:
    if tell is not None:
        tell(row)
    return row


def _main(arguments: list[str]) -> int:
    scenario = arguments[0] if arguments else "scenarios/quickstart.yaml"
    sys.stdout.write(f"{scenario}, seed {SEED}\n")

    def tell(row: Row) -> None:
        verdict = "same" if row.ok else "DIFFERENT"
        if "must differ" in row.name:
            verdict = "differs" if row.ok else "THE SAME"
        shown = row.effect if row.took_effect or not row.effect else f"({row.effect})"
        sys.stdout.write(f"{row.name:<28} {row.digest[:16]:<17} {verdict:<10} {shown}\n")
        sys.stdout.flush()

    rows = table(scenario, tuple(arguments[1:]), jobs=os.cpu_count() or 1, tell=tell)
    idle = [row.name for row in rows if row.ok and not row.took_effect]
    if idle:
        sys.stdout.write(f"could not be varied on this machine: {', '.join(idle)}\n")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
